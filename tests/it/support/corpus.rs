//! The recorded SAML responses of fixtures/saml: what each is, what a workspace that gets it trusts and expects, and what must
//! come of it. It knows nothing of the other tests: `tests/fuzz` reads the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use curfew::saml::assertion::{Asked, CLOCK_SKEW_MS, Expected, Identity};
use curfew::saml::decrypt::DecryptionKey;
use curfew::saml::identity_provider::{IdentityProvider, parse_metadata};
use curfew::saml::judge::{Trust, judge};
use curfew::saml::refusal::Refusal;
use curfew::saml::sealed::EncryptedAssertions;
use curfew::saml::settings::AttributeMapping;
use curfew::saml::{gate, time};
use serde_json::Value;

/// The checks of the verification. A case that another check refuses, or none, gets through it.
const VERIFICATION: [&str; 5] = ["gate.", "encryption.", "signature.", "assertion.", "check."];
/// Where a recipe puts what is too much: before this, where no signature of the assertion covers it.
const BEFORE: &str = "<samlp:Status>";

/// A response of the manifest.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub family: String,
    /// `accept`, `reject` or `safe`.
    pub expect: String,
    /// The check that refuses it; `None` if none does.
    pub refused_by: Option<String>,
    pub why: String,
    /// Which provider's metadata is trusted; `None`: the made-up one.
    pub provider: Option<String>,
    /// The rest of what the manifest says.
    pub entry: Value,
}

impl Case {
    pub fn is_good(&self) -> bool {
        self.expect == "accept"
    }

    /// What the verification itself must say: `None` if it accepts, and something around it judges.
    pub fn verdict(&self) -> Option<&str> {
        self.refused_by.as_deref().filter(|check| VERIFICATION.iter().any(|family| check.starts_with(family)))
    }
}

/// The corpus of one folder.
pub struct Corpus {
    folder: PathBuf,
    pub manifest: Value,
    /// When it was made: everything in it is valid around then.
    pub now: i64,
    pub cases: Vec<Case>,
    own: IdentityProvider,
    providers: BTreeMap<String, IdentityProvider>,
    decryption_key: DecryptionKey,
}

impl Corpus {
    /// That of the project.
    pub fn recorded() -> Self {
        Self::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/saml"))
    }

    pub fn open(folder: &Path) -> Self {
        let manifest: Value = serde_json::from_str(&read(&folder.join("manifest.json"))).expect("the manifest is JSON");
        let now = time::parse_instant(text(&manifest, "made")).expect("the manifest says when it was made");
        let provider = |file: &str| {
            parse_metadata(&read(&folder.join(file)), now).unwrap_or_else(|error| panic!("{file}: {error}"))
        };
        let cases: Vec<Case> =
            manifest["cases"].as_array().expect("the manifest lists cases").iter().map(case).collect();
        let mut providers = BTreeMap::new();
        for name in cases.iter().filter_map(|case| case.provider.clone()) {
            providers.entry(name.clone()).or_insert_with(|| provider(&format!("providers/{name}.xml")));
        }
        let key = DecryptionKey::from_pem(read(&folder.join("decryption-key.pem")).as_bytes());
        Self {
            own: provider("idp-metadata.xml"),
            providers,
            decryption_key: key.expect("a private RSA key"),
            cases,
            now,
            manifest,
            folder: folder.to_owned(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn setting(&self, key: &str) -> &str {
        text(&self.manifest, key)
    }

    #[track_caller]
    pub fn case(&self, name: &str) -> &Case {
        self.cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("there is no case {name}"))
    }

    /// The metadata of the provider that a case trusts.
    pub fn metadata(&self, provider: Option<&str>) -> String {
        let file = provider.map_or_else(|| "idp-metadata.xml".to_owned(), |name| format!("providers/{name}.xml"));
        read(&self.folder.join(file))
    }

    fn provider(&self, name: Option<&str>) -> &IdentityProvider {
        name.map_or(&self.own, |name| &self.providers[name])
    }

    /// What the browser posts.
    pub fn form_value(&self, case: &Case) -> String {
        match case.entry["file"].as_str() {
            Some(file) => read(&self.folder.join(file)),
            None => STANDARD.encode(self.cooked(&case.entry["recipe"])),
        }
    }

    pub fn trust(&self, provider: Option<&str>) -> Trust {
        Trust {
            attributes: AttributeMapping::default(),
            certificates: self.provider(provider).certificates.clone(),
            decryption_keys: vec![self.decryption_key.clone()],
            encrypted_assertions: EncryptedAssertions::Optional,
            filler: [7; 32],
        }
    }

    pub fn expected(&self, provider: Option<&str>) -> Expected {
        Expected {
            now: self.now,
            clock_skew_ms: CLOCK_SKEW_MS,
            acs_url: self.setting("acs").to_owned(),
            service_provider_entity_id: self.setting("sp_entity_id").to_owned(),
            identity_provider_entity_id: self.provider(provider).entity_id.clone(),
            request_id: self.setting("in_response_to").to_owned(),
            asked: Asked::default(),
        }
    }

    /// The way of a response from the form value to the identity, or to the refusal.
    pub fn judge(&self, case: &Case) -> Result<Identity, Refusal> {
        let provider = case.provider.as_deref();
        let xml = gate::decode(&self.form_value(case))?;
        judge(&xml, &self.trust(provider), &self.expected(provider))
    }

    /// What a recipe makes of a good response (tests/conformance/saml/corpus/sizes.py makes the same).
    fn cooked(&self, recipe: &Value) -> Vec<u8> {
        let count = usize::try_from(recipe["count"].as_u64().expect("a recipe has a count")).expect("a count fits");
        let good = gate::decode(&self.form_value(self.case("valid-sign-assertion"))).expect("base64");
        let good = String::from_utf8(good).expect("UTF-8");
        let many = |write: &dyn Fn(usize) -> String| (0..count).map(write).collect::<String>();
        match text(recipe, "kind") {
            "deflate-bomb" => return deflated(count),
            "text" => extended(&good, "", &"a".repeat(count)),
            "deep" => extended(&good, "", &["<a>".repeat(count), "</a>".repeat(count)].concat()),
            "attributes" => extended(&good, &many(&|n| format!(" a{n}=\"1\"")), ""),
            "declarations" => extended(&good, &many(&|n| format!(" xmlns:n{n}=\"urn:x\"")), ""),
            "elements" => extended(&good, "", &"<a/>".repeat(count)),
            "comments" => extended(&good, "", &"<!-- -->".repeat(count)),
            "references" => extended(&good, "", &"&#x41;".repeat(count)),
            "ids" => extended(&good, "", &many(&|n| format!("<a ID=\"_{n}\"/>"))),
            "signatures" => {
                let empty = "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>";
                extended(&good, "", &empty.repeat(count))
            }
            "certificates" => certified(&good, count),
            "canonicalisation" => canonicalised(&good, count),
            other => panic!("no recipe for {other}"),
        }
        .into_bytes()
    }
}

fn case(entry: &Value) -> Case {
    let own = |key: &str| text(entry, key).to_owned();
    Case {
        name: own("name"),
        family: own("family"),
        expect: own("expect"),
        why: own("why"),
        refused_by: entry["refused_by"].as_str().map(str::to_owned),
        provider: entry["provider"].as_str().map(str::to_owned),
        entry: entry.clone(),
    }
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("there is no {key} in {value}"))
}

/// The response with Extensions.
fn extended(good: &str, attributes: &str, inside: &str) -> String {
    replaced(good, BEFORE, &format!("<samlp:Extensions{attributes}>{inside}</samlp:Extensions>{BEFORE}"))
}

/// The response with its certificate so many times more.
fn certified(good: &str, count: usize) -> String {
    let (start, end) = ("<ds:X509Certificate>", "</ds:X509Certificate>");
    let from = good.find(start).expect("the response shows its certificate");
    let until = good.find(end).expect("the certificate ends") + end.len();
    let certificate = &good[from..until];
    replaced(good, certificate, &certificate.repeat(count + 1))
}

/// The response with much in it that is dear to canonicalise.
fn canonicalised(good: &str, count: usize) -> String {
    let prefixes: Vec<String> = (0..24).map(|n| format!("n{n}")).collect();
    let declared: String = prefixes.iter().map(|prefix| format!(" xmlns:{prefix}=\"urn:x\"")).collect();
    let uri = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let plain = format!("<ds:Transform Algorithm=\"{uri}\"/></ds:Transforms>");
    let list = format!("<ec:InclusiveNamespaces xmlns:ec=\"{uri}\" PrefixList=\"{}\"/>", prefixes.join(" "));
    let listed = format!("<ds:Transform Algorithm=\"{uri}\">{list}</ds:Transform></ds:Transforms>");
    let statement = format!("<saml:AttributeStatement{declared}>{}", "<a/>".repeat(count));
    replaced(&replaced(good, &plain, &listed), "<saml:AttributeStatement>", &statement)
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old} is not in the response");
    text.replacen(old, new, 1)
}

/// White space that takes hardly any room.
fn deflated(octets: usize) -> Vec<u8> {
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&vec![b' '; octets]).expect("memory takes what is written");
    packer.finish().expect("memory takes what is written")
}
