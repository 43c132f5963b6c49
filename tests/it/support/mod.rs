//! What the tests share: a real server in this process on either database, and the real programs around it.
//!
//! A server in this process has a clock that stands still until a test moves it. It starts at the true time, because the
//! SAML responses that a script signs carry the true time. Password hashing is made cheap; everything else is as shipped.

pub mod application;
pub mod browser;
pub mod caddy;
pub mod canary;
pub mod child;
pub mod cli;
pub mod consumer;
pub mod corpus;
pub mod database;
pub mod demo_provider;
pub mod deprovisioning;
pub mod forms;
pub mod groups;
pub mod haproxy;
pub mod http;
pub mod identity_provider;
pub mod jose;
pub mod lemonldap;
pub mod metadata_server;
pub mod nginx;
pub mod pages;
pub mod people;
pub mod postgres;
pub mod postgres_pair;
pub mod process;
pub mod programs;
pub mod provider_key;
pub mod provider_scenarios;
pub mod proxy;
pub mod pysaml2;
pub mod run;
pub mod saml;
pub mod saml_logout;
pub mod scim;
pub mod simplesamlphp;
pub mod traveller;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use curfew::app::App;
use curfew::base::clock::ManualClock;
use curfew::base::random::SystemRandom;
use curfew::base::resolver::TableResolver;
use curfew::config::Config;
use curfew::saml::metadata_fetch::{self, Fetched, Validators};
use curfew::saml::{certificate_watch, metadata_refresh};
use curfew::scim::requests;
use curfew::security::oauth;
use curfew::sessions::assertion;
use curfew::sessions::check::{Verdict, check};
use curfew::web::server::Server;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tokio::net::TcpListener;

pub use self::database::{Database, Home, OTHER_OWNER, OWNER, PASSWORD};
pub use self::http::{Reply, send};
pub use self::people::Person;

/// Makes of `async fn name(app: TestApp) { … }` the tests `name::sqlite` and `name::postgres`. A scenario that starts
/// its servers itself takes a `Database` instead.
macro_rules! on_both_databases {
    () => {};
    ($(#[$about:meta])* async fn $name:ident($database:ident: Database) $body:block $($rest:tt)*) => {
        mod $name {
            #[allow(unused_imports, reason = "a scenario may need nothing of its file")]
            use super::*;

            $(#[$about])*
            async fn scenario($database: Database) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                scenario($crate::support::Database::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                scenario($crate::support::Database::Postgres).await;
            }
        }
        on_both_databases! { $($rest)* }
    };
    ($(#[$about:meta])* async fn $name:ident($app:ident: TestApp) $body:block $($rest:tt)*) => {
        mod $name {
            #[allow(unused_imports, reason = "a scenario may need nothing of its file")]
            use super::*;

            $(#[$about])*
            async fn scenario($app: TestApp) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                scenario(TestApp::on($crate::support::Database::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                scenario(TestApp::on($crate::support::Database::Postgres).await).await;
            }
        }
        on_both_databases! { $($rest)* }
    };
}

/// A server in this process, with its database, its clock and a client.
pub struct TestApp {
    /// Stands still; moves the server's wall clock and its monotonic reading.
    pub clock: ManualClock,
    /// What DNS says to this server.
    pub dns: Arc<TableResolver>,
    pub home: Home,
    /// `http://127.0.0.1:port`.
    pub base: String,
    pub client: Client,
    app: Arc<App>,
    server: Server,
}

impl TestApp {
    /// A server as shipped.
    pub async fn on(database: Database) -> Self {
        Self::with(database, |_| {}).await
    }

    /// A server with other settings.
    pub async fn with(database: Database, adjust: impl FnOnce(&mut Config)) -> Self {
        Self::start(Home::new(database), ManualClock::at(true_now()), adjust).await
    }

    /// A server as shipped on a database that was used before.
    pub async fn reopen(home: Home) -> Self {
        Self::start(home, ManualClock::at(true_now()), |_| {}).await
    }

    /// A server on a database that may have been used before.
    pub async fn start(home: Home, clock: ManualClock, adjust: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let base = format!("http://{address}");
        let mut config = Config {
            listen: address,
            public_url: base.clone(),
            database_url: home.url.clone(),
            data_dir: home.data_dir().to_owned(),
            admin_listen: None,
            ..Config::default()
        };
        config.sign_in.argon2_memory_kib = 64;
        config.sign_in.argon2_iterations = 1;
        // What a test asks in a moment, a provider asks in an hour.
        (config.scim.requests_per_second, config.scim.burst) = (100_000, 1_000_000);
        adjust(&mut config);
        let dns = Arc::new(TableResolver::default());
        let app = App::open_with(config, Arc::new(clock.clone()), Arc::new(SystemRandom), dns.clone()).await;
        let app = app.unwrap_or_else(|error| panic!("the app does not open: {error}"));
        let server = Server::start(app.clone(), listener);
        Self { clock, dns, home, base, client: http::client(), app, server }
    }

    /// Ends the server; the database stays.
    pub async fn stop(self) -> Home {
        let Self { home, app, server, .. } = self;
        server.stop().await;
        app.db.close().await;
        home
    }

    /// Ends the server and starts another on the same database, at the same time of day.
    pub async fn restart(self) -> Self {
        let clock = self.clock.clone();
        Self::start(self.stop().await, clock, |_| {}).await
    }

    /// Another server on the same database, with the same clock.
    pub async fn beside(&self) -> Replica {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut config = Config { public_url: self.base.clone(), ..self.app.config.clone() };
        config.listen = address;
        config.replica_name = format!("beside-{}", address.port());
        let (clock, random) = (Arc::new(self.clock.clone()), Arc::new(SystemRandom));
        let app = App::open_with(config, clock, random, self.dns.clone()).await.expect("it opens");
        let server = Server::start(app.clone(), listener);
        Replica { base: format!("http://{address}"), client: http::client(), app, server }
    }

    /// Changes the database behind the server's back.
    pub async fn sql(&self, sql: &'static str) {
        self.app.db.write_one(sql, Vec::new()).await.expect("a statement that can be carried out");
    }

    /// What this server answers a proxy that asks about a session.
    pub async fn verdict(&self, token: &str) -> Reply {
        verdict(&self.client, &self.base, token).await
    }

    /// The assertion that comes with a verdict, as a proxy gets it.
    pub async fn assertion_with_verdict(&self, token: &str, audience: &str) -> String {
        let Ok(Verdict::Valid(principal)) = check(&self.app, token, None).await else { panic!("a dead session") };
        let made = assertion::for_principal(&self.app, &principal, audience).await;
        made.unwrap_or_else(|error| panic!("no assertion: {error}"))
    }

    /// Writes what was asked over SCIM into its log, as a running server does every moment.
    pub async fn write_scim_log(&self) {
        requests::flush(&self.app).await;
    }

    /// Removes what the log of SCIM requests and the token endpoint need no longer, as a running server does every minute.
    pub async fn tidy_scim(&self) -> u64 {
        let removed = requests::tidy(&self.app).await.expect("the database answers");
        removed + oauth::tidy(&self.app).await.expect("the database answers")
    }

    /// Fetches metadata as for a provider that is being set; gives its text, or why it was refused.
    pub async fn fetch_metadata(&self, url: &str) -> Result<String, String> {
        match metadata_fetch::fetch(&self.app, url, None::<&Validators>).await {
            Ok(Fetched::Document(document)) => Ok(document.xml),
            Ok(Fetched::Unchanged(_)) => Err("unchanged".to_owned()),
            Err(error) => {
                assert_eq!(error.field(), Some("metadata_url"), "{error}");
                Err(error.detail().to_owned())
            }
        }
    }

    /// Fetches the metadata that is due, as a running server does every minute; says of how many providers.
    pub async fn refresh_metadata(&self) -> usize {
        metadata_refresh::refresh_due(&self.app).await.expect("the database answers")
    }

    /// Announces certificates that end soon, as a running server does every hour; says how many.
    pub async fn announce_certificates(&self) -> u64 {
        certificate_watch::announce(&self.app).await.expect("the database answers")
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Moves the clock by the least there is: what happens from now on is later than what happened before.
    pub fn tick(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    /// Its database, for what no client could bring about.
    pub fn db(&self) -> &curfew::db::Db {
        &self.app.db
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request without credentials, to be completed.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Reply {
        send(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Reply {
        send(self.request(Method::POST, path).bearer_auth(token).json(&body)).await
    }

    pub async fn put(&self, token: &str, path: &str, body: Value) -> Reply {
        send(self.request(Method::PUT, path).bearer_auth(token).json(&body)).await
    }

    pub async fn patch(&self, token: &str, path: &str, body: Value) -> Reply {
        send(self.request(Method::PATCH, path).bearer_auth(token).json(&body)).await
    }

    /// A SCIM request of `acme`'s identity provider, as the large ones send it.
    pub async fn scim(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.scim_as(&self.home.scim_token, method, path, body).await
    }

    /// A SCIM request with another token.
    pub async fn scim_as(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        let mut request = self.request(method, &format!("/scim/v2{path}")).bearer_auth(token);
        request = request.header("accept", "application/scim+json");
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        send(request).await
    }
}

/// One more server on the database of a `TestApp`.
pub struct Replica {
    pub base: String,
    client: Client,
    app: Arc<App>,
    server: Server,
}

impl Replica {
    /// What it answers a proxy that asks about this session.
    pub async fn verdict(&self, token: &str) -> Reply {
        verdict(&self.client, &self.base, token).await
    }

    /// Sessions that it remembers.
    pub fn remembered(&self) -> usize {
        self.app.cache.len()
    }

    pub async fn stop(self) {
        self.server.stop().await;
        self.app.db.close().await;
    }
}

async fn verdict(client: &Client, base: &str, token: &str) -> Reply {
    send(client.get(format!("{base}/forward-auth/nginx")).bearer_auth(token)).await
}

/// Milliseconds since 1970, of the machine's clock.
pub fn true_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the machine's clock is past 1970");
    i64::try_from(since.as_millis()).expect("this century")
}

/// An instant of the API as milliseconds since 1970.
#[track_caller]
pub fn instant(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("not an instant: {value}"));
    let parsed = chrono::DateTime::parse_from_rfc3339(text);
    parsed.unwrap_or_else(|error| panic!("not RFC 3339: {text}: {error}")).timestamp_millis()
}
