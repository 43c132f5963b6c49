//! Pure: the invented people of the demo, their devices and their networks. No name is that of a person we know of; addresses
//! are of the ranges that RFC 5737 and RFC 3849 keep for documentation, `.test` is kept by RFC 6761.

use serde_json::{Map, Value, json};

/// The domain of everybody.
pub const DOMAIN: &str = "acme.test";
/// The owner, who signs in with a password.
pub const OWNER: &str = "owner@acme.test";

/// Somebody in the directory.
pub struct Person {
    pub name: &'static str,
    pub email: &'static str,
    pub department: &'static str,
}

/// Whom the directory has and nobody has provisioned yet: their first sign-in creates them.
pub static NEWCOMER: Person = person("Noor Vandersloot", "noor.vandersloot@acme.test", "Support");

/// How many there are.
pub const COUNT: usize = 43;

/// Two administrators, forty members, and last the one who left.
pub static PEOPLE: [Person; COUNT] = [
    person("Imke Castellan", "imke.castellan@acme.test", "IT"),
    person("Raul Thistlewood", "raul.thistlewood@acme.test", "IT"),
    person("Ada Brenninger", "ada.brenninger@acme.test", "Engineering"),
    person("Bilal Hartsock", "bilal.hartsock@acme.test", "Engineering"),
    person("Carmen Ostrava", "carmen.ostrava@acme.test", "Engineering"),
    person("Dmitri Fallowell", "dmitri.fallowell@acme.test", "Engineering"),
    person("Esi Lindqvarn", "esi.lindqvarn@acme.test", "Engineering"),
    person("Farid Moreaux", "farid.moreaux@acme.test", "Engineering"),
    person("Greta Odunlami", "greta.odunlami@acme.test", "Engineering"),
    person("Hiro Pellworm", "hiro.pellworm@acme.test", "Engineering"),
    person("Ines Quarrington", "ines.quarrington@acme.test", "Engineering"),
    person("Jonas Abergavine", "jonas.abergavine@acme.test", "Engineering"),
    person("Keira Tsukamori", "keira.tsukamori@acme.test", "Engineering"),
    person("Lamine Vosskuhl", "lamine.vosskuhl@acme.test", "Engineering"),
    person("Zoë Marchbanks", "zoe.marchbanks@acme.test", "Design"),
    person("Mateus Wrenfield", "mateus.wrenfield@acme.test", "Design"),
    person("Nadia Yarborne", "nadia.yarborne@acme.test", "Design"),
    person("Oisín Zambrotta", "oisin.zambrotta@acme.test", "Design"),
    person("Paloma Eckersund", "paloma.eckersund@acme.test", "Product"),
    person("Quentin Bassaramba", "quentin.bassaramba@acme.test", "Product"),
    person("Rivka Colqueza", "rivka.colqueza@acme.test", "Product"),
    person("Sanjay Dunmorrow", "sanjay.dunmorrow@acme.test", "Product"),
    person("Tove Ferreyrans", "tove.ferreyrans@acme.test", "Sales"),
    person("Uche Grauwald", "uche.grauwald@acme.test", "Sales"),
    person("Vesna Hollisterby", "vesna.hollisterby@acme.test", "Sales"),
    person("Wiktor Ibsenroy", "wiktor.ibsenroy@acme.test", "Sales"),
    person("Ximena Jollyfant", "ximena.jollyfant@acme.test", "Sales"),
    person("Yusuf Krantzberg", "yusuf.krantzberg@acme.test", "Sales"),
    person("Anouk Lavendish", "anouk.lavendish@acme.test", "Sales"),
    person("Bruno Mpenzawe", "bruno.mpenzawe@acme.test", "Marketing"),
    person("Chiara Nordhavn", "chiara.nordhavn@acme.test", "Marketing"),
    person("Declan Okoroye", "declan.okoroye@acme.test", "Marketing"),
    person("Elif Prestonway", "elif.prestonway@acme.test", "Support"),
    person("Fintan Rosenquill", "fintan.rosenquill@acme.test", "Support"),
    person("Gül Sandemoser", "gul.sandemoser@acme.test", "Support"),
    person("Hanneke Tarrowby", "hanneke.tarrowby@acme.test", "Support"),
    person("Ibrahim Uddevalt", "ibrahim.uddevalt@acme.test", "Support"),
    person("Jolanta Vickermoor", "jolanta.vickermoor@acme.test", "Finance"),
    person("Kofi Westerlund-Amoa", "kofi.westerlund-amoa@acme.test", "Finance"),
    person("Leilani Xanthakis", "leilani.xanthakis@acme.test", "Finance"),
    person("Marek Yellowby", "marek.yellowby@acme.test", "People"),
    person("Nerea Zwanenveld", "nerea.zwanenveld@acme.test", "People"),
    person("Otto Ravensgate", "otto.ravensgate@acme.test", "Sales"),
];

const fn person(name: &'static str, email: &'static str, department: &'static str) -> Person {
    Person { name, email, department }
}

/// Somebody by their address, the newcomer included.
pub fn find(email: &str) -> Option<&'static Person> {
    PEOPLE.iter().chain([&NEWCOMER]).find(|person| person.email == email)
}

/// A person as a directory sends them over SCIM, without what has a column of its own here.
pub fn resource(person: &Person) -> Map<String, Value> {
    let (given, family) = person.name.split_once(' ').unwrap_or((person.name, ""));
    let resource = json!({
        "displayName": person.name,
        "name": {"givenName": given, "familyName": family, "formatted": person.name},
        "emails": [{"value": person.email, "type": "work", "primary": true}],
        "locale": "en-GB",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": person.department},
    });
    match resource {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Browsers on desks.
pub const DESKTOPS: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
];

/// Browsers in pockets.
pub const PHONES: [&str; 3] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
];

/// What guesses passwords.
pub const SCRIPT: &str = "python-requests/2.32.5";
/// What provisions.
pub const DIRECTORY_CLIENT: &str = "Acme directory SCIM client/3.1";
