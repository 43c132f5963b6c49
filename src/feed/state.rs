//! What a running process knows of its own lease and of what others have acknowledged.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, watch};

use super::beside::Beside;
use super::event::Event;
use super::lease;
use super::promise::Remembered;
use crate::base::clock::Clock;
use crate::db::Db;
use crate::error::Result;
use crate::mutant;

/// How many applied changes a slow reader may lag behind before it has to ask the database.
const BACKLOG: usize = 1_024;

/// A replica's row, as this process made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub incarnation: i64,
    pub timeline: String,
    /// Newest change of which the row says that it is applied.
    pub acknowledged: i64,
}

/// The lease of this process, and the threads that lead to others.
pub struct Feed {
    /// For what this process's own lease rests on, and nothing else: however many barriers wait, it is renewed.
    pub leases: Beside,
    /// For barriers, hints and words of others.
    pub changes: Beside,
    /// What a failover would lose, as the database said last.
    pub promised: Remembered,
    /// Monotonic nanoseconds; 0: none.
    until: AtomicU64,
    asked: AtomicU64,
    /// Newest change that is applied, as others may know it.
    acknowledged: AtomicI64,
    /// Taken by the task that renews, and for good when this process leaves.
    pub turn: tokio::sync::Mutex<Option<Registration>>,
    incarnation: AtomicI64,
    acks: Mutex<HashMap<(String, i64), i64>>,
    heard: Notify,
    nudge: Notify,
    doubts: Notify,
    outcomes: watch::Sender<Option<String>>,
    applied: broadcast::Sender<Arc<Event>>,
}

impl Feed {
    pub fn new(db: &Db, database_url: &str) -> Result<Self> {
        Ok(Self {
            leases: Beside::new(db, database_url, "curfew leases", 2)?,
            changes: Beside::new(db, database_url, "curfew changes", 5)?,
            promised: Remembered::default(),
            until: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            acknowledged: AtomicI64::new(0),
            turn: tokio::sync::Mutex::new(None),
            incarnation: AtomicI64::new(0),
            acks: Mutex::default(),
            heard: Notify::new(),
            nudge: Notify::new(),
            doubts: Notify::new(),
            outcomes: watch::Sender::new(None),
            applied: broadcast::Sender::new(BACKLOG),
        })
    }

    /// Whether this process may say "valid" at this moment. Judge it before the state is read: a renewal between the two
    /// would bless what was read before it.
    pub fn holds_lease(&self, clock: &dyn Clock) -> bool {
        reading(clock) < self.until.load(Ordering::Acquire)
    }

    /// How much of the lease is left.
    pub fn lease_left(&self, clock: &dyn Clock) -> Duration {
        Duration::from_nanos(self.until.load(Ordering::Acquire).saturating_sub(reading(clock)))
    }

    /// How old what this process knows may be: the time since it last asked.
    pub fn staleness(&self, clock: &dyn Clock) -> Duration {
        Duration::from_nanos(reading(clock).saturating_sub(self.asked.load(Ordering::Acquire)))
    }

    /// Whether a renewal succeeded that was asked for at that time, or later.
    pub fn asked_since(&self, began: Duration) -> bool {
        self.asked.load(Ordering::Acquire) >= nanos(began)
    }

    /// Extends the lease that was asked for at `asked`. Only when everything up to the granted head is applied.
    pub fn extend(&self, asked: Duration) {
        self.asked.fetch_max(nanos(asked), Ordering::AcqRel);
        self.until.fetch_max(nanos(lease::ends(asked)), Ordering::AcqRel);
    }

    /// Gives the lease up at once.
    pub fn drop_lease(&self) {
        self.until.store(0, Ordering::Release);
    }

    /// Of the row that this process registered; `None` while it has none.
    pub fn incarnation(&self) -> Option<i64> {
        Some(self.incarnation.load(Ordering::Acquire)).filter(|incarnation| *incarnation != 0)
    }

    /// Sets it; 0 for none.
    pub fn set_incarnation(&self, incarnation: i64) {
        self.incarnation.store(incarnation, Ordering::Release);
    }

    /// Newest change that others may be told is applied here.
    pub fn acknowledged(&self) -> i64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Raises it.
    pub fn set_acknowledged(&self, sequence: i64) {
        self.acknowledged.fetch_max(sequence, Ordering::AcqRel);
    }

    /// Sets it to what a new registration begins with.
    pub fn begin_acknowledged(&self, sequence: i64) {
        self.acknowledged.store(sequence, Ordering::Release);
    }

    /// Changes as they are applied here, from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.applied.subscribe()
    }

    /// Tells those who subscribed.
    pub fn publish(&self, event: Event) {
        // Nobody listening is no error.
        let _nobody = self.applied.send(Arc::new(event));
    }

    /// Remembers that another process says it applied everything up to `sequence`.
    pub fn hear(&self, replica: &str, incarnation: i64, sequence: i64) {
        let mut acks = self.acks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if acks.len() > 1_000 {
            acks.clear();
        }
        let newest = acks.entry((replica.to_owned(), incarnation)).or_insert(sequence);
        *newest = (*newest).max(sequence);
        drop(acks);
        self.heard.notify_waiters();
    }

    /// Whether that process said so.
    pub fn has_heard(&self, replica: &str, incarnation: i64, sequence: i64) -> bool {
        let acks = self.acks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        acks.get(&(replica.to_owned(), incarnation)).is_some_and(|newest| *newest >= sequence)
    }

    /// Wakes whoever waits for a word of others.
    pub fn heard(&self) -> &Notify {
        &self.heard
    }

    /// Wakes the follower before its time.
    pub fn nudge(&self) -> &Notify {
        &self.nudge
    }

    /// Wakes the follower before its time, though not at once after the time before: what strangers may cause as often as they like.
    pub fn doubts(&self) -> &Notify {
        &self.doubts
    }

    /// How attempts to renew end, from now on: `None`, or why one failed.
    pub fn outcomes(&self) -> watch::Receiver<Option<String>> {
        self.outcomes.subscribe()
    }

    /// Tells those who wait how an attempt ended.
    pub fn tell(&self, outcome: Option<String>) {
        self.outcomes.send_replace(outcome);
    }
}

/// The clock that leases and barriers go by.
pub fn lease_clock(clock: &dyn Clock) -> Duration {
    if mutant::on("wall-clock") {
        return Duration::from_millis(u64::try_from(clock.now()).unwrap_or_default());
    }
    clock.monotonic()
}

fn reading(clock: &dyn Clock) -> u64 {
    nanos(lease_clock(clock))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
