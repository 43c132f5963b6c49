//! Thousands of generated requests, right, wrong and mean, at every SCIM endpoint of the real program. Each answer is below
//! 500 and either a success or a SCIM error; none costs more processor time than `plan.rs` allows; and afterwards the server
//! is well and holds what it said it holds.
//!
//! The server is a process of its own, so that its processor time is nobody else's. A failure names the seed: with
//! CURFEW_SCIM_SEED the same requests are made again, with CURFEW_SCIM_INPUTS more or fewer of them.

mod bodies;
mod filters;
pub mod plan;
mod requests;
mod words;

use std::collections::HashMap;
use std::time::Duration;

use curfew::base::canonical;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::history::dice::Dice;
use crate::support::child::Owned;
use crate::support::people::{okta_user, patch_op};
use crate::support::process::Serve;
use crate::support::scim::{GROUP, id_of};
use crate::support::{Database, Home};
use requests::{Input, Targets, next};

/// What the server may grow by while it is asked, caches and the allocator's reserves included.
const GROWTH: u64 = 256 * 1024 * 1024;

/// A running server and what it has done so far.
struct Station {
    home: Home,
    serve: Serve,
    server: Owned,
    client: Client,
    /// Users that were created, by what the answers say.
    created: u64,
    statuses: HashMap<u16, u64>,
}

struct Answer {
    status: u16,
    kind: String,
    text: String,
    cost: Duration,
}

impl Station {
    async fn start(database: Database) -> Self {
        let home = Home::new(database);
        let serve =
            Serve::new(&home).with("CURFEW_SCIM__REQUESTS_PER_SECOND", "100000").with("CURFEW_SCIM__BURST", "1000000");
        let server = serve.start().await;
        let client = crate::support::http::client();
        Self { home, serve, server, client, created: 0, statuses: HashMap::new() }
    }

    async fn put(&self, input: &Input) -> Answer {
        let address = format!("{}/scim/v2{}", self.serve.base(), input.path);
        let mut request = self.client.request(input.method.clone(), address).bearer_auth(&self.home.scim_token);
        if let Some((name, value)) = input.header {
            request = request.header(name, value);
        }
        if let Some(body) = &input.body {
            request = request.header("content-type", input.kind).body(body.clone());
        }
        let before = self.server.processor_time();
        let response = request.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", told(input)));
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_owned();
        let text = response.text().await.unwrap_or_else(|error| panic!("{} broke off: {error:?}", told(input)));
        Answer { status, kind, text, cost: self.server.processor_time().saturating_sub(before) }
    }

    /// A request that has to succeed.
    async fn done(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let body = body.map(|body| body.to_string().into_bytes());
        let input = Input { method, path: path.to_owned(), kind: "application/scim+json", header: None, body };
        let answer = self.put(&input).await;
        assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
        serde_json::from_str(&answer.text).expect("JSON")
    }

    /// Sends an input and judges the answer.
    async fn judge(&mut self, input: &Input, which: &str) {
        let answer = self.put(input).await;
        let Answer { status, text, cost, .. } = &answer;
        let shown: String = text.chars().take(400).collect();
        let what = format!("{which}, {}: {status} {shown}", told(input));
        assert!(*status < 500, "a fault of ours: {what}");
        assert_ne!(*status, 429, "the limit of requests hides what is tested: raise it here: {what}");
        assert!(*cost <= plan::limit(), "cost {cost:?}: {what}");
        if *status >= 400 {
            answer.judge_error(&what);
        }
        *self.statuses.entry(*status).or_default() += 1;
        self.created += answer.created(input);
    }

    /// The server is well, and holds what it said.
    async fn finish(mut self, which: &str) {
        assert!(self.server.ended().is_none(), "{which}: the server ended: {}", self.serve.said());
        assert!(self.serve.is_ready().await, "{which}: the server is not ready any more");
        assert!(!self.serve.said().contains("panicked"), "{which}: {}", self.serve.said());
        let mut names: HashMap<String, String> = HashMap::new();
        let mut shown = 0;
        loop {
            let path = format!("/Users?startIndex={}&count=200&attributes=userName", shown + 1);
            let page = self.done(Method::GET, &path, None).await;
            assert_eq!(page["totalResults"], self.created, "{which}: the answers promised another number of users");
            let users = page["Resources"].as_array().expect("a list").clone();
            for user in &users {
                let name = user["userName"].as_str().expect("a name").to_owned();
                let key = canonical::key(&name).unwrap_or_else(|error| panic!("{which}: {name:?} {error}"));
                if let Some(twin) = names.insert(key, name.clone()) {
                    panic!("{which}: {twin:?} and {name:?} are one name");
                }
            }
            shown += users.len();
            if users.is_empty() {
                break;
            }
        }
        assert_eq!(u64::try_from(shown).expect("a count"), self.created, "{which}: the pages show another number");
        self.server.kill();
        self.home.cli().run(&["audit", "verify", "--workspace", "acme"]).succeeded();
    }
}

impl Answer {
    fn judge_error(&self, what: &str) {
        assert!(self.kind.starts_with("application/scim+json"), "{:?}: {what}", self.kind);
        let error: Value = serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {what}"));
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{what}");
        assert_eq!(error["status"], self.status.to_string(), "{what}");
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.trim().is_empty()), "no detail: {what}");
        assert!(self.text.len() < 16_384, "a refusal repeats what was sent: {what}");
    }

    /// Users that this answer says were created, also by one of several operations.
    fn created(&self, input: &Input) -> u64 {
        if input.path == "/Users" && input.method == Method::POST && self.status == 201 {
            return 1;
        }
        let Ok(body) = serde_json::from_str::<Value>(&self.text) else { return 0 };
        let operations = body["Operations"].as_array().cloned().unwrap_or_default();
        let is_creation = |operation: &&Value| {
            let location = operation["location"].as_str().unwrap_or_default();
            operation["status"] == "201" && location.contains("/Users/")
        };
        u64::try_from(operations.iter().filter(is_creation).count()).expect("a count")
    }
}

/// A request in a line.
fn told(input: &Input) -> String {
    let body = input.body.as_deref().unwrap_or_default();
    let shown = String::from_utf8_lossy(&body[..body.len().min(600)]).into_owned();
    let path: String = input.path.chars().take(300).collect();
    format!("{} {path} {:?} {:?} {} bytes {shown}", input.method, input.kind, input.header, body.len())
}

async fn targets(station: &mut Station) -> Targets {
    let user = station.done(Method::POST, "/Users", Some(okta_user("target@corp.test"))).await;
    station.created += 1;
    let body = json!({"schemas": [GROUP], "displayName": "Target", "members": [{"value": user["id"]}]});
    let group = station.done(Method::POST, "/Groups", Some(body)).await;
    Targets { user: id_of(&user), group: id_of(&group) }
}

/// A PATCH as an input.
fn patching(path: String, operations: Vec<Value>) -> Input {
    let body = Some(patch_op(json!(operations)).to_string().into_bytes());
    Input { method: Method::PATCH, path, kind: "application/scim+json", header: None, body }
}

on_both_databases! {
    async fn generated_requests_do_no_harm(database: Database) {
        let (seed, inputs) = (plan::seed(), plan::inputs());
        let mut dice = Dice::new(seed, 61);
        let mut station = Station::start(database).await;
        let targets = targets(&mut station).await;
        plan::say(&format!("scim bad input: {inputs} on {database:?}; again with CURFEW_SCIM_SEED={seed}"));
        let before = station.server.resident();
        for serial in 0..inputs {
            let input = next(&mut dice, &targets, serial);
            station.judge(&input, &format!("seed {seed}, input {serial}")).await;
        }
        let after = station.server.resident();
        assert!(after < before + GROWTH, "seed {seed}: the server grew from {before} to {after} bytes");
        let mut statuses: Vec<(u16, u64)> = station.statuses.clone().into_iter().collect();
        statuses.sort_unstable();
        plan::say(&format!("scim bad input: {database:?}: {statuses:?}"));
        let share = |status: u16| station.statuses.get(&status).copied().unwrap_or_default() * 100 / inputs.max(1);
        if inputs >= 1_000 {
            let shares = (share(400), share(200), share(201));
            assert!(shares.0 > 20 && shares.1 > 2 && shares.2 > 0, "the generator is out of balance: {statuses:?}");
        }
        station.finish(&format!("seed {seed}")).await;
    }

    /// Operations that each make the next one dearer.
    async fn a_patch_that_grows_is_cheap(database: Database) {
        let mut station = Station::start(database).await;
        let targets = targets(&mut station).await;
        let address =
            |step: usize, number: usize| json!({"value": format!("{step}-{number}@corp.test"), "type": "other"});
        let grow = |step: usize| {
            let addresses: Vec<Value> = (0..40).map(|number| address(step, number)).collect();
            json!({"op": "add", "path": "emails", "value": addresses})
        };
        let promote =
            |step: usize| json!({"op": "add", "path": format!("phoneNumbers[type eq \"{step}\"].value"), "value": "1"});
        for operations in [(0..300).map(grow).collect::<Vec<_>>(), (0..1_000).map(promote).collect()] {
            station.judge(&patching(format!("/Users/{}", targets.user), operations), "growing").await;
        }
        station.finish("growing").await;
    }

    /// Members that nobody knows, as many as one operation may name.
    async fn a_removal_of_thousands_is_cheap(database: Database) {
        let mut station = Station::start(database).await;
        let targets = targets(&mut station).await;
        let members: Vec<Value> = (0..10_000).map(|number| json!({"value": format!("nobody-{number}")})).collect();
        let path = format!("/Groups/{}", targets.group);
        for kind in ["remove", "replace", "add"] {
            let operations = vec![json!({"op": kind, "path": "members", "value": members})];
            station.judge(&patching(path.clone(), operations), kind).await;
        }
        station.finish("thousands").await;
    }
}
