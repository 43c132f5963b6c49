//! Applications that follow the stream: one that only reads, and one that answers from memory as docs/revocation-stream.md says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{Reply, TestApp, http, send};

pub const PATH: &str = "/api/v1/revocations/stream";
const PATIENCE: Duration = Duration::from_secs(15);

/// What a stream says; comments are passed over.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: i64,
    pub event: String,
    pub data: Value,
}

/// A key for streams and checks of `acme`, or of the workspace of that token.
pub async fn key(app: &TestApp, token: &str) -> String {
    let body = json!({"name": "application", "scopes": ["sessions:check", "revocations:read"]});
    let created = app.post(token, "/api/v1/api-keys", body).await.expect(201).json();
    created["token"].as_str().expect("a key is shown once").to_owned()
}

/// A stream that is read by hand.
pub struct Stream {
    pub id: String,
    /// From `hello`.
    pub sequence: i64,
    base: String,
    key: String,
    client: Client,
    began: Instant,
    pieces: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

impl Stream {
    /// Opens one, without `since` if that is `None`.
    pub async fn open(base: &str, key: &str, since: Option<i64>) -> Self {
        let client = Client::builder().no_proxy().build().expect("a client without TLS needs nothing");
        let query = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let began = Instant::now();
        let response = client.get(format!("{base}{PATH}{query}")).bearer_auth(key).send().await.expect("an answer");
        Self::read(base, key, client, began, response).await
    }

    async fn read(base: &str, key: &str, client: Client, began: Instant, response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let (base, key, pieces) = (base.to_owned(), key.to_owned(), response.bytes_stream().boxed());
        let mut stream = Self { id: String::new(), sequence: 0, base, key, client, began, pieces, text: String::new() };
        let hello = stream.next().await;
        assert_eq!(hello.event, "hello", "{hello:?}");
        stream.id = hello.data["stream"].as_str().expect("an id").to_owned();
        stream.sequence = hello.data["sequence"].as_i64().expect("a number");
        stream
    }

    /// This client's own clock.
    pub fn clock_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).expect("a short test")
    }

    /// The instant at which that clock began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// The next lease that lasts for most of its time from now on; asked for as an application does, by word of its clock.
    pub async fn long_lease(&mut self) -> i64 {
        loop {
            let told = self.next().await;
            let until_ms = told.data["until_ms"].as_i64().unwrap_or_default();
            if told.event == "lease" && until_ms >= self.clock_ms() + 800 {
                return until_ms;
            }
            self.acknowledge(told.id).await.expect(204);
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> Told {
        let next = tokio::time::timeout(PATIENCE, self.next_or_end()).await.expect("something is said in time");
        next.expect("the stream goes on")
    }

    /// The next event that is no lease.
    pub async fn next_change(&mut self) -> Told {
        loop {
            let told = self.next().await;
            if told.event != "lease" {
                return told;
            }
        }
    }

    /// The next lease; nothing else may come before it.
    pub async fn next_lease(&mut self) -> Told {
        let told = self.next().await;
        assert_eq!(told.event, "lease", "{told:?}");
        told
    }

    /// `None` at its end.
    pub async fn next_or_end(&mut self) -> Option<Told> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let frame: String = self.text.drain(..end + 2).collect();
                match parse(&frame) {
                    Some(told) => return Some(told),
                    None => continue,
                }
            }
            match self.pieces.next().await {
                Some(Ok(piece)) => self.text.push_str(std::str::from_utf8(&piece).expect("UTF-8")),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Says that everything up to there was taken in.
    pub async fn acknowledge(&mut self, sequence: i64) -> Reply {
        let base = self.base.clone();
        self.acknowledge_at(&base, sequence).await
    }

    /// The same, to another server.
    pub async fn acknowledge_at(&mut self, base: &str, sequence: i64) -> Reply {
        let body = json!({"stream": self.id, "sequence": sequence, "clock_ms": self.clock_ms()});
        send(
            self.client
                .request(Method::POST, format!("{base}/api/v1/revocations/ack"))
                .bearer_auth(&self.key)
                .json(&body),
        )
        .await
    }
}

fn parse(frame: &str) -> Option<Told> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let event = field("event")?.to_owned();
    let data = serde_json::from_str(field("data").expect("data")).expect("JSON");
    Some(Told { id: field("id").expect("an id").parse().expect("a number"), event, data })
}

/// What an application believes. `None` for the clock's instant: it has no lease.
#[derive(Default)]
struct Beliefs {
    /// By token: the session and its user.
    valid: HashMap<String, (String, String)>,
    /// Newest change that was taken in; `None` before the first word.
    seen: Option<i64>,
    /// Raised whenever something was taken in.
    version: u64,
    until_ms: i64,
}

/// An application that answers from memory as long as it may.
pub struct Application {
    base: String,
    key: String,
    client: Client,
    began: Instant,
    beliefs: Mutex<Beliefs>,
    /// How long it takes over each event.
    pub slowness_ms: std::sync::atomic::AtomicU64,
}

impl Application {
    /// Starts it; it follows until the handle is aborted.
    pub fn start(base: &str, key: &str) -> (Arc<Self>, JoinHandle<()>) {
        let application = Arc::new(Self {
            base: base.to_owned(),
            key: key.to_owned(),
            client: http::client(),
            began: Instant::now(),
            beliefs: Mutex::default(),
            slowness_ms: 0.into(),
        });
        (application.clone(), tokio::spawn(application.follow()))
    }

    async fn follow(self: Arc<Self>) {
        loop {
            let since = self.held().seen.map(|seen| format!("&since={seen}")).unwrap_or_default();
            let address = format!("{}{PATH}?clock_ms={}{since}", self.base, self.clock_ms());
            let client = Client::builder().no_proxy().build().expect("a client without TLS needs nothing");
            let (began, key) = (self.began, self.key.as_str());
            if let Ok(response) = client.get(address).bearer_auth(key).send().await
                && response.status() == 200
            {
                let mut stream = Stream::read(&self.base, key, client, began, response).await;
                if since.is_empty() {
                    self.held().seen = Some(stream.sequence);
                }
                while let Some(told) = stream.next_or_end().await {
                    self.take_in(&told).await;
                    if told.event != "lease"
                        || told.data["until_ms"].as_i64().unwrap_or_default() < self.clock_ms() + 500
                    {
                        stream.acknowledge(told.id).await;
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn take_in(&self, told: &Told) {
        let slowness = self.slowness_ms.load(std::sync::atomic::Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(slowness)).await;
        let mut beliefs = self.held();
        if told.event == "lease" {
            beliefs.until_ms = told.data["until_ms"].as_i64().expect("an instant");
            return;
        }
        let (user, session) = (told.data["user"].as_str(), told.data["session"].as_str());
        let spared = told.data["spared_session"].as_str();
        match told.data["scope"].as_str() {
            Some("session") => beliefs.valid.retain(|_, (id, _)| Some(id.as_str()) != session),
            Some("user") => {
                beliefs.valid.retain(|_, (id, owner)| Some(owner.as_str()) != user || Some(id.as_str()) == spared);
            }
            Some("workspace") => beliefs.valid.retain(|_, (id, _)| Some(id.as_str()) == spared),
            _ => beliefs.valid.clear(),
        }
        beliefs.seen = Some(told.id);
        beliefs.version += 1;
    }

    /// Whether memory says "valid". The clock is looked at first.
    pub fn believes(&self, token: &str) -> bool {
        let now = self.clock_ms();
        let beliefs = self.held();
        now < beliefs.until_ms && beliefs.valid.contains_key(token)
    }

    /// Asks Curfew, and remembers a yes if nothing speaks against it.
    pub async fn ask(&self, token: &str) -> bool {
        let version = self.held().version;
        let request = self.client.post(format!("{}/api/v1/sessions/check", self.base)).bearer_auth(&self.key);
        let answer = send(request.json(&json!({"token": token}))).await.expect(200).json();
        if answer["active"] != true {
            return false;
        }
        let mut beliefs = self.held();
        let known = answer["sequence"].as_i64().expect("a number");
        if beliefs.version == version && beliefs.seen.is_some_and(|seen| known >= seen) {
            let text = |value: &Value| value.as_str().expect("an id").to_owned();
            beliefs.valid.insert(token.to_owned(), (text(&answer["session"]["id"]), text(&answer["user"]["id"])));
        }
        true
    }

    /// Asks until memory says "valid", too.
    pub async fn learn(&self, token: &str) {
        for _ in 0..200 {
            assert!(self.ask(token).await, "the session is valid");
            if self.believes(token) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the application never gets a lease");
    }

    fn clock_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).expect("a short test")
    }

    fn held(&self) -> MutexGuard<'_, Beliefs> {
        self.beliefs.lock().expect("no holder of this lock can panic")
    }
}
