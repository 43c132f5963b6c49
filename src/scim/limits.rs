//! How often may somebody ask? Each token and client so many requests a second, and each address so many wrong tokens a minute.
//! Kept in this process: several replicas allow several times as much. What the time is, the caller says.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::base::ids::CredentialId;
use crate::config::Scim;
use crate::error::{Error, Result, TOO_MANY_ATTEMPTS};

/// The latest reading that a caller brought, in nanoseconds: a limiter must not ask the system.
#[derive(Clone, Default)]
struct Reading(Arc<AtomicU64>);

impl Clock for Reading {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Acquire))
    }
}

struct Limiter<K: Hash + Eq + Clone> {
    reading: Reading,
    cells: RateLimiter<K, DashMapStateStore<K>, Reading, NoOpMiddleware<Duration>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(quota: Quota) -> Self {
        let reading = Reading::default();
        Self { cells: RateLimiter::dashmap_with_clock(quota, reading.clone()), reading }
    }

    /// `Err` with the time to wait.
    fn admit(&self, key: &K, now: Duration) -> Result<(), Duration> {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.reading.0.fetch_max(nanos, Ordering::AcqRel);
        self.cells.check_key(key).map_err(|until| until.wait_time_from(self.reading.now()))
    }
}

/// Requests that were not let in and are noted all the same: so many at once, and then one a second.
const NOTED: u32 = 10;

/// The limits of this process.
pub struct Limits {
    requests: Limiter<CredentialId>,
    failures: Limiter<IpAddr>,
    notes: Limiter<CredentialId>,
}

impl Limits {
    pub fn new(settings: &Scim) -> Self {
        let some = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let requests = Quota::per_second(some(settings.requests_per_second)).allow_burst(some(settings.burst));
        let failures = Quota::per_minute(some(settings.failures_per_minute));
        let notes = Quota::per_second(NonZeroU32::MIN).allow_burst(some(NOTED));
        Self { requests: Limiter::new(requests), failures: Limiter::new(failures), notes: Limiter::new(notes) }
    }

    /// Counts a request with a good token. `now` is a monotonic reading.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn admit(&self, credential: &CredentialId, now: Duration) -> Result<()> {
        let slower = |wait| too_many("too many requests with this token; ask more slowly", wait);
        self.requests.admit(credential, now).map_err(slower)
    }

    /// Counts a wrong token or a client that proved nothing; an unknown address isn't held up. An IPv6 client is its /64: single
    /// addresses are free for it to change. A good token from the same address is not affected.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn admit_failure(&self, address: Option<IpAddr>, now: Duration) -> Result<()> {
        let Some(address) = address else { return Ok(()) };
        let network = match address.to_canonical() {
            IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> 64 << 64)),
            four => four,
        };
        let later = |wait| too_many("too many attempts; wait before the next one", wait);
        self.failures.admit(&network, now).map_err(later)
    }

    /// Whether one more request of it that was not let in is worth an entry in the log: who asks too fast must not fill it.
    pub fn admit_note(&self, credential: &CredentialId, now: Duration) -> bool {
        self.notes.admit(credential, now).is_ok()
    }

    /// Forgets who has been quiet.
    pub fn tidy(&self) {
        self.requests.cells.retain_recent();
        self.failures.cells.retain_recent();
        self.notes.cells.retain_recent();
    }
}

/// Whole seconds, rounded up: that is what `Retry-After` can say.
fn too_many(detail: &'static str, wait: Duration) -> Error {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Error::new(TOO_MANY_ATTEMPTS, detail).with_retry_after(Duration::from_secs(seconds.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(requests_per_second: u32, burst: u32, failures_per_minute: u32) -> Limits {
        Limits::new(&Scim { requests_per_second, burst, failures_per_minute, ..Scim::default() })
    }

    #[test]
    fn a_burst_is_let_through_and_then_so_many_a_second() {
        let limits = limits(2, 5, 1);
        let (one, other) = (CredentialId::from_text("one"), CredentialId::from_text("other"));
        let at = |milliseconds: u64| Duration::from_millis(10_000 + milliseconds);
        assert_eq!((0..9).filter(|_| limits.admit(&one, at(0)).is_ok()).count(), 5);
        let refused = limits.admit(&one, at(0)).expect_err("too many");
        assert_eq!((refused.problem(), refused.retry_after()), (TOO_MANY_ATTEMPTS, Some(Duration::from_secs(1))));
        assert!(limits.admit(&other, at(0)).is_ok(), "another token waits, too");
        assert!(limits.admit(&one, at(500)).is_ok() && limits.admit(&one, at(500)).is_err());
        assert_eq!((0..9).filter(|_| limits.admit(&one, at(60_000)).is_ok()).count(), 5);
    }

    #[test]
    fn a_network_of_an_address_is_one_guesser() {
        let limits = limits(1, 1, 2);
        let now = Duration::from_secs(9);
        let from = |text: &str| limits.admit_failure(text.parse().ok(), now).is_ok();
        assert_eq!((from("2001:db8::1"), from("2001:db8::2"), from("2001:db8::3")), (true, true, false));
        assert_eq!((from("192.0.2.1"), from("::ffff:192.0.2.1"), from("192.0.2.1")), (true, true, false));
        assert!(from("2001:db8:0:1::1") && from("nowhere"));
        limits.tidy();
    }
}
