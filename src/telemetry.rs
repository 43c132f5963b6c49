//! Logs and counters. Logs are JSON lines for machines, readable ones on a terminal. What is logged is chosen where it happens; no token,
//! cookie, password or assertion is ever handed to a log macro.

use std::io::IsTerminal;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

use crate::config::Log;
use crate::error::{Error, Result};

/// Starts logging to standard error.
///
/// # Errors
/// 400 naming `log.filter` if it can't be read.
pub fn start(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| Error::invalid("log.filter", error.to_string()))?;
    let json = match log.format.as_str() {
        "json" => true,
        "pretty" => false,
        _ => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json { builder.json().try_init() } else { builder.compact().with_target(false).try_init() };
    // A second start, as in a test, keeps the first.
    drop(started);
    Ok(())
}

/// A name and a value that cost nothing to make: checks are counted by the ten thousand a second.
type Label = (&'static str, &'static str);

const VALID: &str = "valid";

/// What the process has counted. docs/operations.md lists the names.
pub struct Metrics {
    registry: Registry,
    requests: Family<[(&'static str, u64); 1], Counter>,
    checks: Family<[Label; 1], Counter>,
    /// What nearly every request counts, without a look-up.
    ok: Counter,
    valid: Counter,
    revocations: Family<[Label; 2], Counter>,
    barrier: Histogram,
    fenced: Counter,
    deprovisionings_held: Counter,
    lease_held: Gauge,
    worst_staleness: Gauge<f64, AtomicU64>,
    scim_requests_lost: Counter,
    metadata_fetches: Family<[Label; 1], Counter>,
    certificates_ending: Family<[(&'static str, u64); 1], Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("curfew");
        let requests = Family::<[(&'static str, u64); 1], Counter>::default();
        let (checks, revocations) = (Family::<[Label; 1], Counter>::default(), Family::default());
        let ok = requests.get_or_create(&[("status", 200)]).clone();
        let valid = checks.get_or_create(&[("outcome", VALID)]).clone();
        registry.register("http_requests", "Requests answered, by status", Family::clone(&requests));
        registry.register("session_checks", "Sessions judged, by outcome", Family::clone(&checks));
        registry.register("revocations", "Revocations acknowledged, by scope and trigger", Family::clone(&revocations));
        let barrier = Histogram::new(exponential_buckets(0.000_25, 2.0, 14));
        let (fenced, lease_held, worst_staleness) = (Counter::default(), Gauge::default(), Gauge::default());
        registry.register("barrier_seconds", "From a revocation's commit until every replica knew", barrier.clone());
        registry.register("replicas_fenced", "Replicas that were shut out because they were silent", fenced.clone());
        registry.register("lease_held", "Whether this replica may answer: 1 or 0", lease_held.clone());
        registry.register(
            "staleness_worst_seconds",
            "The oldest that this replica's knowledge was while it held a lease",
            worst_staleness.clone(),
        );
        let deprovisionings_held = Counter::default();
        registry.register(
            "deprovisionings_held",
            "Provisioning requests that wait for approval because too many would lose access",
            deprovisionings_held.clone(),
        );
        let scim_requests_lost = Counter::default();
        registry.register(
            "scim_requests_lost",
            "SCIM requests that were answered and are not in the request log",
            scim_requests_lost.clone(),
        );
        let metadata_fetches = Family::<[Label; 1], Counter>::default();
        let text = "Fetches of identity providers' metadata, by outcome";
        registry.register("saml_metadata_fetches", text, Family::clone(&metadata_fetches));
        let certificates_ending = Family::<[(&'static str, u64); 1], Gauge>::default();
        let text = "Identity providers whose last certificate ends within so many days";
        registry.register("saml_certificates_ending", text, Family::clone(&certificates_ending));
        Self {
            registry,
            requests,
            checks,
            ok,
            valid,
            revocations,
            barrier,
            fenced,
            deprovisionings_held,
            lease_held,
            worst_staleness,
            scim_requests_lost,
            metadata_fetches,
            certificates_ending,
        }
    }
}

impl Metrics {
    pub fn request(&self, status: u16) {
        match status {
            200 => self.ok.inc(),
            other => self.requests.get_or_create(&[("status", u64::from(other))]).inc(),
        };
    }

    pub fn check(&self, outcome: &'static str) {
        match outcome {
            VALID => self.valid.inc(),
            other => self.checks.get_or_create(&[("outcome", other)]).inc(),
        };
    }

    pub fn revocation(&self, scope: &'static str, trigger: &'static str) {
        self.revocations.get_or_create(&[("scope", scope), ("trigger", trigger)]).inc();
    }

    /// A barrier that was passed, and how many replicas it shut out.
    pub fn barrier(&self, waited: Duration, fenced: usize) {
        self.barrier.observe(waited.as_secs_f64());
        self.fenced.inc_by(u64::try_from(fenced).unwrap_or_default());
    }

    /// A provisioning request that waits for an administrator's approval.
    pub fn deprovisioning_held(&self) {
        self.deprovisionings_held.inc();
    }

    /// How old what this replica knows is, and whether it may answer.
    pub fn lease(&self, staleness: Duration, held: bool) {
        self.lease_held.set(i64::from(held));
        if held && staleness.as_secs_f64() > self.worst_staleness.get() {
            self.worst_staleness.set(staleness.as_secs_f64());
        }
    }

    /// Requests that are missing from the log of what was asked over SCIM.
    pub fn scim_requests_lost(&self, number: u64) {
        self.scim_requests_lost.inc_by(number);
    }

    /// A fetch of an identity provider's metadata.
    pub fn metadata_fetched(&self, outcome: &'static str) {
        self.metadata_fetches.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// How many identity providers' last certificates end within 30 days, and within 7.
    pub fn certificates_ending(&self, month: i64, week: i64) {
        self.certificates_ending.get_or_create(&[("days", 30)]).set(month);
        self.certificates_ending.get_or_create(&[("days", 7)]).set(week);
    }

    /// OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _infallible = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
