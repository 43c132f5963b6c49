//! Logs and counters. Logs are JSON lines for machines, readable ones on a terminal. What is logged is chosen where it happens; no token,
//! cookie, password or assertion is ever handed to a log macro.

use std::io::IsTerminal;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
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

/// What the process has counted. docs/operations.md lists the names.
pub struct Metrics {
    registry: Registry,
    requests: Family<Vec<(String, String)>, Counter>,
    checks: Family<Vec<(String, String)>, Counter>,
    revocations: Family<Vec<(String, String)>, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("curfew");
        let (requests, checks, revocations) = (Family::default(), Family::default(), Family::default());
        registry.register("http_requests", "Requests answered, by status", Family::clone(&requests));
        registry.register("session_checks", "Sessions judged, by outcome", Family::clone(&checks));
        registry.register("revocations", "Revocations acknowledged, by scope and trigger", Family::clone(&revocations));
        Self { registry, requests, checks, revocations }
    }
}

impl Metrics {
    pub fn request(&self, status: u16) {
        self.requests.get_or_create(&vec![("status".into(), status.to_string())]).inc();
    }

    pub fn check(&self, outcome: &str) {
        self.checks.get_or_create(&vec![("outcome".into(), outcome.into())]).inc();
    }

    pub fn revocation(&self, scope: &str, trigger: &str) {
        let labels = vec![("scope".into(), scope.into()), ("trigger".into(), trigger.into())];
        self.revocations.get_or_create(&labels).inc();
    }

    /// OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _infallible = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
