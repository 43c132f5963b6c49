//! A replica of a history: the real program, its way to the database, and its wall clock.

use std::path::PathBuf;

use super::proxy::Proxy;
use crate::support::child::Owned;
use crate::support::process::Serve;
use crate::support::{Home, programs};

/// Whole requests have a deadline that a history can wait for; nobody is slowed down for coming from one address; what is
/// refused while a replica is cut off is no news.
const SETTINGS: [(&str, &str); 4] = [
    ("CURFEW_HTTP__REQUEST_TIMEOUT_MS", "8000"),
    ("CURFEW_SIGN_IN__ATTEMPTS_PER_ADDRESS", "10000000"),
    ("CURFEW_SIGN_IN__FAILURES_PER_ACCOUNT", "1000000"),
    ("CURFEW_LOG__FILTER", "info,curfew::sessions::follow=debug,curfew::forward_auth=off,curfew::web=off"),
];

pub struct Node {
    pub number: usize,
    pub proxy: Proxy,
    serve: Serve,
    process: Option<Owned>,
    clock: PathBuf,
}

impl Node {
    /// A replica on the database of `home`, which listens on `database_port`; not yet started. `public_url`: what all of them
    /// are called.
    pub async fn new(home: &Home, database_port: u16, number: usize, port: u16, public_url: &str) -> Self {
        let proxy = Proxy::start(database_port).await;
        let mut address = url::Url::parse(&home.url).expect("the support code made it");
        address.set_port(Some(proxy.port())).expect("it has a host");
        let clock = home.data_dir().join(format!("clock-{number}"));
        let mut serve = Serve::on_ports(home, port, programs::quiet_port())
            .with("CURFEW_PUBLIC_URL", public_url)
            .with("CURFEW_DATABASE_URL", address.as_str())
            .with("CURFEW_REPLICA_NAME", &name(number));
        for (setting, value) in SETTINGS {
            serve = serve.with(setting, value);
        }
        // `make soak` names an optimised one: more happens in the same time.
        if let Some(program) = std::env::var_os("CURFEW_HISTORY_PROGRAM") {
            serve = serve.with_program(&PathBuf::from(program));
        }
        if cfg!(feature = "mutants") {
            serve = serve.with("CURFEW_CLOCK_OFFSET_FILE", &clock.display().to_string());
        }
        Self { number, proxy, serve, process: None, clock }
    }

    /// With one more setting, from its next start on.
    #[cfg(feature = "mutants")]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.serve = self.serve.with(name, value);
        self
    }

    pub fn port(&self) -> u16 {
        self.serve.port
    }

    /// Starts it, and waits until it says that it is ready.
    pub async fn start(&mut self) {
        assert!(self.process.is_none(), "replica {} runs already", self.number);
        self.process = Some(self.serve.start().await);
    }

    /// As `start`, but that it waits at some points of the code: `point:milliseconds,…`. Next time it doesn't any more.
    pub async fn start_with_pauses(&mut self, pauses: &str) {
        assert!(self.process.is_none(), "replica {} runs already", self.number);
        self.process = Some(self.serve.clone().with("CURFEW_PAUSE_AT", pauses).start().await);
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    pub fn freeze(&self) {
        self.process.as_ref().expect("it runs").freeze();
    }

    pub fn thaw(&self) {
        self.process.as_ref().expect("it runs").thaw();
    }

    /// Makes its wall clock wrong by so much, from this moment on.
    pub fn set_clock(&self, offset_ms: i64) {
        // Never half a number: the file appears under its name when it is whole.
        let fresh = self.clock.with_extension("new");
        std::fs::write(&fresh, offset_ms.to_string()).expect("our own folder");
        std::fs::rename(&fresh, &self.clock).expect("our own folder");
    }

    /// The end of what it logged since its last start.
    pub fn said(&self) -> String {
        let said = self.serve.said();
        let lines: Vec<&str> = said.lines().collect();
        let end = lines[lines.len().saturating_sub(30)..].join("\n");
        format!("replica {}:\n{end}", self.number)
    }
}

/// What a replica is called.
pub fn name(number: usize) -> String {
    format!("replica-{number}")
}
