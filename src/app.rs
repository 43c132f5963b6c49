//! The hub: what every operation needs, and nothing that only one of them does.

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::ids::ReplicaId;
use crate::base::random::Random;
use crate::base::resolver::{Resolver, SystemResolver};
use crate::config::Config;
use crate::db::{Db, migrate};
use crate::error::{Error, Result, UNPROCESSABLE};
use crate::feed::Feed;
use crate::feed::streams::Streams;
use crate::login::password::Passwords;
use crate::login::throttle::AddressThrottle;
use crate::saml::key_ring::KeyRing;
use crate::saml::metadata_turns::Turns;
use crate::saml::pool::Verifiers;
use crate::scim::limits::Limits;
use crate::scim::own_schemas::cache::KnownSchemas;
use crate::scim::requests::Recorder;
use crate::sessions::assertion::Assertions;
use crate::sessions::cache::Cache;
use crate::sessions::revoke;
use crate::sessions::seen::Uses;
use crate::signing::Signer;
use crate::telemetry::Metrics;

/// A running process: its settings, its database, its clocks and its bounded pools.
pub struct App {
    pub config: Config,
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// Whom to ask for names of the internet.
    pub resolver: Arc<dyn Resolver>,
    /// This process, among those that share the database.
    pub replica: ReplicaId,
    pub passwords: Passwords,
    pub addresses: AddressThrottle,
    pub verifiers: Verifiers,
    /// For messages of single logout, which anybody may send: they keep nobody from signing in.
    pub log_out_verifiers: Verifiers,
    /// What opens the private keys of workspaces, with which SAML messages are decrypted and signed.
    pub saml_keys: KeyRing,
    /// Who may fetch metadata now.
    pub metadata_turns: Turns,
    /// SCIM schemas that workspaces declared, in memory.
    pub schemas: KnownSchemas,
    /// How often identity providers may ask.
    pub scim_limits: Limits,
    /// What they asked and is not written yet.
    pub scim_requests: Recorder,
    pub metrics: Metrics,
    /// The lease of this process, and the way to the others.
    pub feed: Feed,
    /// Applications that follow the changes.
    pub streams: Streams,
    /// Sessions in memory.
    pub cache: Cache,
    /// Uses of sessions that are not written yet.
    pub uses: Uses,
    /// What this process signs with.
    pub signer: Signer,
    /// Assertions that may be given out again for a moment.
    pub assertions: Assertions,
    /// Throw-away data: pages say so.
    pub demo: bool,
}

impl App {
    /// Opens the database and brings it to this program's schema.
    ///
    /// # Errors
    /// A sentence for the operator: what can't be opened, or that the database is newer than the program.
    pub async fn open(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Arc<Self>> {
        Self::open_with(config, clock, random, Arc::new(SystemResolver)).await
    }

    /// Like `open`, with another source of DNS records than the system's.
    pub async fn open_with(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Arc<Self>> {
        let app = Self { resolver, ..Self::prepare(config, clock, random).await? };
        // Another database than the one the head was raised on: a restored backup, or a standby.
        revoke::distrust(&app, 0).await?;
        Ok(Arc::new(app))
    }

    /// Like `open`, for a caller that changes the result before it shares it.
    pub async fn prepare(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self> {
        let config = config.completed()?;
        if config.database_url.starts_with("sqlite:") {
            create_data_dir(&config)?;
        }
        let db = Db::open(&config.database_url).await?;
        migrate::migrate(&db).await?;
        let feed = Feed::new(&db, &config.database_url)?;
        let cache = Cache::new(config.cached_sessions);
        let replica = ReplicaId::generate(clock.now(), random.as_ref());
        let passwords = Passwords::new(&config.sign_in, random.clone())?;
        let addresses = AddressThrottle::new(config.sign_in.attempts_per_address);
        let scim_limits = Limits::new(&config.scim);
        Ok(Self {
            config,
            db,
            clock,
            random,
            resolver: Arc::new(SystemResolver),
            replica,
            passwords,
            addresses,
            verifiers: Verifiers::default(),
            log_out_verifiers: Verifiers::with_threads(1),
            saml_keys: KeyRing::default(),
            metadata_turns: Turns::default(),
            schemas: KnownSchemas::default(),
            scim_limits,
            scim_requests: Recorder::default(),
            metrics: Metrics::default(),
            feed,
            streams: Streams::default(),
            cache,
            uses: Uses::default(),
            signer: Signer::default(),
            assertions: Assertions::default(),
            demo: false,
        })
    }
}

fn create_data_dir(config: &Config) -> Result<()> {
    let path = &config.data_dir;
    std::fs::create_dir_all(path).map_err(|error| {
        Error::new(UNPROCESSABLE, format!("the data folder {} can't be created: {error}", path.display()))
            .with_field("data_dir")
    })
}
