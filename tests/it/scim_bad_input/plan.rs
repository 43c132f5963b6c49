//! How many inputs, and the seed that decides which: CURFEW_SCIM_INPUTS, CURFEW_SCIM_SEED.

use std::io::Write;
use std::time::Duration;

/// As many as `make test` has time for; a proof has 10,000.
const INPUTS: u64 = 1_500;
/// Processor time that the server may spend on one input, background work of its own included.
const LIMIT: Duration = Duration::from_millis(200);
/// A build for debugging may take so many times as long: its JSON, Unicode and HTTP code is not optimised.
const UNOPTIMISED: u32 = 6;

pub fn inputs() -> u64 {
    number("CURFEW_SCIM_INPUTS").unwrap_or(INPUTS)
}

/// The seed of this run: one for all its tests.
pub fn seed() -> u64 {
    static FRESH: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let fresh = || u64::try_from(crate::support::true_now()).unwrap_or_default() % 1_000_000_000;
    *FRESH.get_or_init(|| number("CURFEW_SCIM_SEED").unwrap_or_else(fresh))
}

/// Processor time that one input may take in this build.
pub fn limit() -> Duration {
    if cfg!(debug_assertions) { LIMIT * UNOPTIMISED } else { LIMIT }
}

/// Past the test harness, which keeps what tests print to itself.
pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}
