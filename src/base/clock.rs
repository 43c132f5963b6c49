//! The current time, injected. Wall time is for people and expiry; the monotonic reading is for durations.
//! Nothing else in the product may ask the operating system what time it is.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};

use crate::mutant;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMillis = i64;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Wall time. May jump; never compare revocations by it.
    fn now(&self) -> UnixMillis;
    /// Time since an arbitrary start. Never goes back.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clocks.
pub struct SystemClock;

impl SystemClock {
    #[expect(clippy::new_without_default, reason = "starting a clock is an act, not a default")]
    pub fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for time")]
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX).saturating_add(mutant::clock_offset_ms())
    }

    /// Counts while the machine sleeps, too: a lease must not outlive a suspended laptop or a paused virtual machine.
    fn monotonic(&self) -> Duration {
        let reading = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let (seconds, nanos) = (u64::try_from(reading.tv_sec), u32::try_from(reading.tv_nsec));
        Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
    }
}

/// A clock for tests: its wall time stands still until it is moved. Its monotonic reading runs on, and is moved as well:
/// leases and barriers wait for real.
#[derive(Clone)]
pub struct ManualClock {
    state: Arc<Mutex<(UnixMillis, Duration)>>,
    started: Instant,
}

impl ManualClock {
    /// Stands at `unix_ms`.
    #[expect(clippy::disallowed_methods, reason = "its monotonic reading is a real one")]
    pub fn at(unix_ms: UnixMillis) -> Self {
        Self { state: Arc::new(Mutex::new((unix_ms, Duration::ZERO))), started: Instant::now() }
    }

    /// Moves both readings forward.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock().expect("no holder of this lock can panic");
        state.0 += i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        state.1 += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        self.state.lock().expect("no holder of this lock can panic").0
    }

    fn monotonic(&self) -> Duration {
        self.state.lock().expect("no holder of this lock can panic").1 + self.started.elapsed()
    }
}

/// `2026-11-24T02:33:58.000Z` (RFC 3339, UTC, milliseconds).
pub fn rfc3339(at: UnixMillis) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads an RFC 3339 instant with any offset. `None` if it is not one.
pub fn parse_rfc3339(text: &str) -> Option<UnixMillis> {
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp_millis())
}

/// `2 minutes ago`, for people. Past instants only; the future reads `just now`.
pub fn ago(at: UnixMillis, now: UnixMillis) -> String {
    let seconds = (now - at).max(0) / 1000;
    let (amount, unit) = match seconds {
        0..=9 => return "just now".into(),
        10..=59 => (seconds, "second"),
        60..=3_599 => (seconds / 60, "minute"),
        3_600..=86_399 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{amount} {unit}{} ago", if amount == 1 { "" } else { "s" })
}
