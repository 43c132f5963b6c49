//! Whole sign-ins at a server: from the POST of a response, which this program has signed, to the session.

use std::io::Read;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use curfew::base::clock::{Clock, SystemClock};
use flate2::read::DeflateDecoder;

use super::http::Connection;
use super::place::Kind;
use super::saml_provider::{Asked, Provider};
use super::scim_create::per_second;
use super::settings::Settings;
use super::stand::Stand;
use super::statistics::{Rounds, rate};
use super::table::{Goal, Table};

/// The workspace.
pub const SLUG: &str = "saml";
/// People who sign in, again and again.
const PEOPLE: u64 = 200;
/// Sign-ins that are begun before any of them ends.
const EACH: u64 = 25;
/// Browsers at once, in the line about that.
const ABREAST: usize = 8;

/// A server, and the provider that its workspace trusts.
pub struct Trial<'a> {
    pub stand: Stand,
    pub kind: Kind,
    pub settings: &'a Settings,
    provider: &'a Provider,
    begun: u64,
}

/// A sign-in under way: what the provider is asked, and the browser's cookie.
pub struct Flow {
    pub asked: Asked,
    cookie: String,
    address: String,
}

impl<'a> Trial<'a> {
    pub fn new(stand: Stand, kind: Kind, provider: &'a Provider, settings: &'a Settings) -> Self {
        Self { stand, kind, settings, provider, begun: 0 }
    }

    pub async fn connection(&self) -> Connection {
        Connection::open(self.stand.port).await.expect("the server listens")
    }

    /// Begins a sign-in of the next person, from an address of its own: each has a limit.
    pub async fn begin(&mut self, connection: &mut Connection) -> Flow {
        let number = self.begun;
        self.begun += 1;
        let address = format!("10.{}.{}.{}", 100 + number / 62_500 % 100, number / 250 % 250, number % 250 + 1);
        let head = format!("Host: app.example.com\r\nX-Forwarded-For: {address}\r\n");
        let question = format!("GET /saml/{SLUG}/login HTTP/1.1\r\n{head}\r\n");
        let status = connection.ask(question.as_bytes()).await.expect("the server keeps the connection");
        assert_eq!(status, 303, "{}", String::from_utf8_lossy(connection.body()));
        let location = connection.header("location:").pop().expect("a redirect leads somewhere");
        let cookies = connection.header("set-cookie:");
        let cookie = cookies.first().and_then(|cookie| cookie.split(';').next()).expect("it keeps a secret");
        let (request_id, acs_url, audience) = read(&location);
        let (email, now) = (format!("person.{}@saml.test", number % PEOPLE), SystemClock::new().now());
        let asked = Asked { acs_url, audience, request_id, email, now, number };
        Flow { asked, cookie: cookie.to_owned(), address }
    }

    /// A genuine response to it.
    pub fn response(&self, flow: &Flow) -> String {
        self.provider.response(&flow.asked)
    }

    /// So many sign-ins, begun and answered by the provider: what their browsers post.
    pub async fn deliveries(&mut self, connection: &mut Connection, count: u64) -> Vec<Vec<u8>> {
        let mut deliveries = Vec::new();
        for _ in 0..count {
            let flow = self.begin(connection).await;
            deliveries.push(flow.delivery(self.response(&flow).as_bytes()));
        }
        deliveries
    }
}

impl Flow {
    /// The request by which the browser brings octets as the provider's answer.
    pub fn delivery(&self, octets: &[u8]) -> Vec<u8> {
        let value = STANDARD.encode(octets).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let head = format!(
            "POST /saml/{SLUG}/acs HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-For: {}\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.cookie,
            "SAMLResponse=".len() + value.len(),
        );
        [head.as_str(), "SAMLResponse=", &value].concat().into_bytes()
    }
}

/// Of the redirect binding (SAML Bindings 3.4.4.1): the request's ID, where the answer is wanted, and who asks.
fn read(location: &str) -> (String, String, String) {
    let location = url::Url::parse(location).expect("an address");
    let request = location.query_pairs().find(|(name, _)| name == "SAMLRequest").expect("it carries a request").1;
    let deflated = STANDARD.decode(request.as_bytes()).expect("base64");
    let mut xml = String::new();
    DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut xml).expect("deflated text");
    let between = |start: &str, end: &str| {
        let rest = xml.split_once(start).unwrap_or_else(|| panic!("no {start} in {xml}")).1;
        rest.split_once(end).expect("it ends").0.to_owned()
    };
    let issuer = between("<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">", "<");
    (between(" ID=\"", "\""), between(" AssertionConsumerServiceURL=\"", "\""), issuer)
}

/// Posts one, and says how long the answer took and whether it was a session.
pub async fn deliver(connection: &mut Connection, delivery: &[u8]) -> (Duration, bool) {
    let begun = Instant::now();
    let status = connection.ask(delivery).await.expect("the server keeps the connection");
    let took = begun.elapsed();
    let cookies = connection.header("set-cookie:");
    (took, status == 303 && cookies.iter().any(|cookie| cookie.starts_with("curfew=")))
}

pub async fn measure(trial: &mut Trial<'_>, table: &mut Table) {
    let length = trial.settings.turn;
    // The first sign-in creates a person: that is done before.
    let mut connection = trial.connection().await;
    for _ in 0..PEOPLE.div_ceil(EACH) {
        one_batch(trial, &mut connection, table).await;
    }
    let (mut single, mut several) = (Rounds::default(), Rounds::default());
    for _ in 0..trial.settings.rounds {
        let commits = per_second(&trial.stand.order(&format!("commits {}", length.as_millis())));
        single.push(commits, one_by_one(trial, length, table).await);
        several.push(commits, abreast(trial, length, table).await);
        trial.stand.rest();
    }
    let goal = if trial.kind == Kind::Sqlite { Goal::AtLeast(0.5) } else { Goal::None };
    let at_once = format!("SAML, sign-ins of {ABREAST} browsers at once");
    for (what, rounds, goal) in [
        ("SAML, sign-ins one after the other, from the response to the session", single, goal),
        (at_once.as_str(), several, Goal::None),
    ] {
        let (reference, measured, spread) = rounds.medians();
        let text = format!("empty durable commits: {}", rate(reference));
        table.ratio(what, text, rate(measured), measured / reference, &spread, goal);
    }
}

/// Sign-ins a second; only from a response to its session counts.
async fn one_by_one(trial: &mut Trial<'_>, length: Duration, table: &mut Table) -> f64 {
    let (mut connection, mut spent, mut count) = (trial.connection().await, Duration::ZERO, 0_u64);
    while spent < length {
        spent += one_batch(trial, &mut connection, table).await;
        count += EACH;
    }
    count as f64 / spent.as_secs_f64()
}

async fn one_batch(trial: &mut Trial<'_>, connection: &mut Connection, table: &mut Table) -> Duration {
    let (mut spent, mut refused) = (Duration::ZERO, 0);
    let deliveries = trial.deliveries(connection, EACH).await;
    for delivery in &deliveries {
        let (took, signed_in) = deliver(connection, delivery).await;
        spent += took;
        refused += u64::from(!signed_in);
    }
    complain(refused, table);
    spent
}

async fn abreast(trial: &mut Trial<'_>, length: Duration, table: &mut Table) -> f64 {
    let (mut spent, mut count, mut refused) = (Duration::ZERO, 0_u64, 0_u64);
    while spent < length {
        let mut browsers = Vec::new();
        for _ in 0..ABREAST {
            let mut connection = trial.connection().await;
            let deliveries = trial.deliveries(&mut connection, EACH).await;
            browsers.push((connection, deliveries));
        }
        let begun = Instant::now();
        let ended = browsers.into_iter().map(|(connection, deliveries)| deliver_all(connection, deliveries));
        refused += futures_util::future::join_all(ended).await.iter().sum::<u64>();
        spent += begun.elapsed();
        count += ABREAST as u64 * EACH;
    }
    complain(refused, table);
    count as f64 / spent.as_secs_f64()
}

/// How many gave no session.
async fn deliver_all(mut connection: Connection, deliveries: Vec<Vec<u8>>) -> u64 {
    let mut refused = 0;
    for delivery in &deliveries {
        refused += u64::from(!deliver(&mut connection, delivery).await.1);
    }
    refused
}

fn complain(refused: u64, table: &mut Table) {
    if refused > 0 {
        table.wrong(format!("{refused} genuine SAML responses gave no session"));
    }
}
