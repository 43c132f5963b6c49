//! Configuration: defaults < TOML file < environment `CURFEW_…` (`__` between levels) < flags. An unknown key is an error
//! that names its nearest neighbour. Secrets are accepted from a file next to each (`database_url_file`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The settings of a process. `docs/operations.md` lists each.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen for HTTP.
    pub listen: SocketAddr,
    /// What browsers and identity providers call us: scheme, host and port. Empty: `http://` and `listen`.
    pub public_url: String,
    /// `sqlite:///path/to/curfew.db` or `postgres://…`. Empty: `curfew.db` in `data_dir`.
    pub database_url: String,
    /// A file that holds `database_url`.
    pub database_url_file: Option<PathBuf>,
    /// Where an embedded database and generated keys live.
    pub data_dir: PathBuf,
    /// A file that holds the key under which private keys in the database are sealed: 32 octets in base64. Absent:
    /// `secrets.key` in `data_dir`, made when it is first needed.
    pub key_file: Option<PathBuf>,
    /// Networks of reverse proxies whose forwarding headers are believed. None by default.
    pub trusted_proxies: Vec<IpNet>,
    /// Health and metrics; absent: not served.
    pub admin_listen: Option<SocketAddr>,
    /// What this process is called in receipts. Empty: the name of the machine and the port.
    pub replica_name: String,
    /// Sessions kept in memory at the most; about 150 bytes each.
    pub cached_sessions: usize,
    /// Allows plain HTTP on an address that is not loopback.
    pub insecure_http: bool,
    pub log: Log,
    pub sign_in: SignIn,
    pub http: Http,
    pub scim: Scim,
    pub saml: Saml,
}

/// How to log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `json`, `pretty`, or `auto`: pretty on a terminal.
    pub format: String,
    /// A `tracing` filter such as `info,curfew=debug`.
    pub filter: String,
}

/// Costs and limits of signing in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignIn {
    /// argon2id memory in KiB.
    pub argon2_memory_kib: u32,
    /// argon2id passes.
    pub argon2_iterations: u32,
    /// Password hashes at once.
    pub hashing_threads: usize,
    /// How long a sign-in may wait for a hashing thread before it is told to come back.
    pub queue_ms: u64,
    /// Wrong passwords for one account in a row before it waits.
    pub failures_per_account: i64,
    /// Attempts from one address in a minute.
    pub attempts_per_address: u32,
}

/// Deadlines and limits of the HTTP listener.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// For a request's head to arrive.
    pub header_timeout_ms: u64,
    /// For a request's body to arrive.
    pub body_timeout_ms: u64,
    /// For a whole request, answer included.
    pub request_timeout_ms: u64,
    /// Connections at once.
    pub max_connections: usize,
}

/// Limits of provisioning, for each token, client or address. Each replica counts for itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scim {
    /// Requests of one token in a second, in the long run.
    pub requests_per_second: u32,
    /// Requests of one token at once.
    pub burst: u32,
    /// Wrong tokens from one address in a minute.
    pub failures_per_minute: u32,
    /// Requests of each token that administrators can see afterwards; 0: none.
    pub logged_requests: u32,
}

/// How metadata of identity providers is fetched.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Saml {
    /// Hosts that may have a private address, each with its port: `idp.corp.internal:443`.
    pub metadata_hosts_allowed: Vec<String>,
    /// Certificate authorities, PEM, that are trusted for it besides the system's.
    pub metadata_ca_file: Option<PathBuf>,
    /// For the whole answer to arrive, name look-up included.
    pub metadata_timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            public_url: String::new(),
            database_url: String::new(),
            database_url_file: None,
            data_dir: PathBuf::from("data"),
            key_file: None,
            trusted_proxies: Vec::new(),
            admin_listen: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464)),
            replica_name: String::new(),
            cached_sessions: 2_000_000,
            insecure_http: false,
            log: Log::default(),
            sign_in: SignIn::default(),
            http: Http::default(),
            scim: Scim::default(),
            saml: Saml::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: "auto".into(), filter: "info".into() }
    }
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            argon2_memory_kib: 19_456,
            argon2_iterations: 2,
            hashing_threads: 2,
            queue_ms: 4_000,
            failures_per_account: 10,
            attempts_per_address: 300,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { header_timeout_ms: 10_000, body_timeout_ms: 15_000, request_timeout_ms: 30_000, max_connections: 10_000 }
    }
}

impl Default for Scim {
    fn default() -> Self {
        Self { requests_per_second: 100, burst: 1_000, failures_per_minute: 300, logged_requests: 1_000 }
    }
}

impl Default for Saml {
    fn default() -> Self {
        Self { metadata_hosts_allowed: Vec::new(), metadata_ca_file: None, metadata_timeout_ms: 5_000 }
    }
}

impl Config {
    /// Reads the file, if one is named, and the environment.
    ///
    /// # Errors
    /// Which key is unknown (and which was meant), or which value is not valid.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            if !file.is_file() {
                return Err(Error::invalid("config", format!("there is no file {}", file.display())));
            }
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        let environment = config::Environment::with_prefix("CURFEW")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("trusted_proxies")
            .with_list_parse_key("saml.metadata_hosts_allowed")
            .ignore_empty(true);
        #[cfg(feature = "mutants")]
        let environment = environment.source(Some(crate::mutant::environment()));
        let loaded = builder.add_source(environment).build().and_then(config::Config::try_deserialize::<Self>);
        loaded.map_err(|error| explain(&error.to_string()))?.completed()
    }

    /// Fills in what depends on other settings, and judges the whole.
    ///
    /// # Errors
    /// The first setting that can't be right.
    pub fn completed(mut self) -> Result<Self> {
        if let Some(file) = &self.database_url_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Error::invalid("database_url_file", format!("{}: {error}", file.display())))?;
            self.database_url = text.trim().to_owned();
        }
        if self.public_url.is_empty() {
            self.public_url = format!("http://{}", self.listen);
        }
        self.public_url = origin(&self.public_url)?;
        if self.replica_name.is_empty() {
            let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
            self.replica_name = format!("{machine}:{}", self.listen.port());
        }
        if self.database_url.is_empty() {
            self.database_url = format!("sqlite://{}", self.data_dir.join("curfew.db").display());
        }
        let stays_here = self.listen.ip().is_loopback() && is_loopback(&self.public_url);
        if !(self.secure_cookies() || stays_here || self.insecure_http) {
            return Err(Error::invalid(
                "listen",
                format!(
                    "{} or public_url is not a loopback address, and public_url is not https: set an https public_url behind a \
                         TLS proxy, or insecure_http = true to accept that sessions can be read on the way",
                    self.listen
                ),
            ));
        }
        self.within_bounds()?;
        Ok(self)
    }

    fn within_bounds(&self) -> Result<()> {
        let bad = |field: &'static str, detail: &'static str| Err(Error::invalid(field, detail));
        if !(8..=4_194_304).contains(&self.sign_in.argon2_memory_kib) {
            return bad("sign_in.argon2_memory_kib", "must be between 8 and 4194304");
        }
        if !(1..=100).contains(&self.sign_in.argon2_iterations) {
            return bad("sign_in.argon2_iterations", "must be between 1 and 100");
        }
        if self.sign_in.hashing_threads == 0
            || self.sign_in.attempts_per_address == 0
            || self.sign_in.failures_per_account < 1
        {
            return bad("sign_in", "hashing_threads, attempts_per_address and failures_per_account must be at least 1");
        }
        if !["auto", "json", "pretty"].contains(&self.log.format.as_str()) {
            return bad("log.format", "must be auto, json or pretty");
        }
        if self.replica_name.len() > 200 || self.replica_name.chars().any(char::is_control) {
            return bad("replica_name", "must have at most 200 characters");
        }
        if self.http.max_connections == 0 {
            return bad("http.max_connections", "must be at least 1");
        }
        if [self.scim.requests_per_second, self.scim.burst, self.scim.failures_per_minute].contains(&0) {
            return bad("scim", "requests_per_second, burst and failures_per_minute must be at least 1");
        }
        if !self.saml.metadata_hosts_allowed.iter().all(|host| is_host_and_port(host)) {
            return bad("saml.metadata_hosts_allowed", "must be hosts with their ports, such as idp.corp.internal:443");
        }
        if !(1..=60_000).contains(&self.saml.metadata_timeout_ms) {
            return bad("saml.metadata_timeout_ms", "must be between 1 and 60000");
        }
        Ok(())
    }

    /// Whether browsers reach us by TLS: then cookies are `Secure` and have the `__Host-` prefix.
    pub fn secure_cookies(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The settings as TOML, secrets masked.
    pub fn masked(&self) -> String {
        let mut shown = self.clone();
        if let Ok(mut url) = url::Url::parse(&shown.database_url)
            && url.scheme() != "sqlite"
        {
            // A password can stand in two places; of an address that has a query only the rest is shown.
            url.set_query(url.query().map(|_| "***"));
            if url.password().is_none() || url.set_password(Some("***")).is_ok() {
                shown.database_url = url.to_string();
            }
        }
        toml::to_string_pretty(&shown).unwrap_or_default()
    }
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// Whether browsers on this machine only can mean that address.
fn is_loopback(origin: &str) -> bool {
    match url::Url::parse(origin).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `https://id.example.com` from what an operator wrote.
fn origin(text: &str) -> Result<String> {
    let bad = || {
        Error::invalid("public_url", "must be an http or https address without path, such as https://id.example.com")
    };
    let url = url::Url::parse(text).map_err(|_| bad())?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain || url.password().is_some() {
        return Err(bad());
    }
    Ok(url.origin().ascii_serialization())
}

/// Adds the nearest known key to serde's "unknown field" message.
fn explain(message: &str) -> Error {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.contains("unknown field")
        && let Some(unknown) = quoted.next()
    {
        let nearest = quoted
            .max_by(|left, right| strsim::jaro_winkler(left, unknown).total_cmp(&strsim::jaro_winkler(right, unknown)));
        let hint = nearest.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        return Error::invalid(unknown.to_owned(), format!("is not a setting{hint}"));
    }
    Error::invalid("config", message.to_owned())
}
