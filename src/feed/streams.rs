//! Applications that follow the changes of their workspace, and what each of them may still believe.
//!
//! A replica that gives an application a lease answers for it: it may say that it has applied a change only when every such
//! application has taken it in, or holds no lease any more. Decisions are made in `stream_rules.rs`; this file keeps them under
//! one lock, so that a lease and a change have one order, and waits. Who holds the lock never waits for anything.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::event::Event;
use super::lease_clock;
use super::stream_rules::{Anchor, Grant, LEASE, Slot, Taken};
use crate::base::clock::Clock;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::error::{BUSY, Error, Result, TOO_MANY_ATTEMPTS, UNAVAILABLE};

/// Streams of a workspace at once.
const PER_WORKSPACE: usize = 100;
/// Streams of this process at once.
const ALTOGETHER: usize = 1_000;
/// Clocks may be moved by hand in tests: whoever waits for one looks again this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The streams of this process.
#[derive(Default)]
pub struct Streams {
    registry: Mutex<Registry>,
    /// Somebody acknowledged.
    changed: Notify,
}

#[derive(Default)]
struct Registry {
    streams: HashMap<u64, Entry>,
    opened: u64,
    /// The newest change that is applied here; `None` while this process is no replica: then nobody gets a lease.
    head: Option<i64>,
    /// Until when applications may hold leases that nobody remembers.
    presumed_until: Duration,
}

struct Entry {
    slot: Slot,
    wake: Arc<Notify>,
}

/// Whose stream, from where, by which clock.
#[derive(Clone, Debug)]
pub struct Opening {
    pub workspace: WorkspaceId,
    pub key: CredentialId,
    /// The last change that the client has taken in; `None`: it believes nothing.
    pub since: Option<i64>,
    pub anchor: Anchor,
}

/// A stream that was opened.
pub struct Opened {
    pub number: u64,
    /// It is told every change after this one.
    pub sequence: i64,
    /// What the client repeats if its connection breaks now: `sequence`, but before a reset.
    pub since: i64,
    /// What the client has taken in is unknown here: it has to drop what it believes.
    pub anew: bool,
    pub wake: Arc<Notify>,
}

/// What a client says of its stream.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acknowledgement {
    pub number: u64,
    pub workspace: WorkspaceId,
    pub key: CredentialId,
    /// It has taken in everything up to here.
    pub sequence: i64,
    /// What its clock said before.
    pub client_ms: Option<i64>,
}

impl Streams {
    /// Learns of a change when it is applied here. Call it in their order, before a lease is extended that rests on it.
    pub fn announce(&self, event: &Event) {
        let mut registry = self.held();
        registry.head = registry.head.map(|head| head.max(event.sequence));
        if registry.streams.is_empty() {
            return;
        }
        let event = Arc::new(event.clone());
        for entry in registry.streams.values_mut().filter(|entry| entry.slot.concerns(&event.workspace)) {
            if entry.slot.hear(&event) {
                entry.wake.notify_one();
            }
        }
    }

    /// Goes on from `head` although changes before it were not announced: streams read them themselves. Call it before memory
    /// does the same.
    pub fn skip_to(&self, head: i64) {
        let mut registry = self.held();
        registry.head = registry.head.map(|known| known.max(head));
        registry.catch_up_to(head);
    }

    /// This process has become a replica at `head`. Call it before its lease begins.
    pub fn restart(&self, head: i64) {
        let mut registry = self.held();
        registry.head = Some(head);
        registry.catch_up_to(head);
    }

    /// Gives no lease any more, until `restart`, and waits until those that were given have run out. Call it before this process
    /// registers anew or leaves: from then on nobody waits for what it gave before.
    pub async fn run_out(&self, clock: &dyn Clock) {
        self.held().head = None;
        loop {
            let now = lease_clock(clock);
            let until = self.held().last_lease();
            if until <= now {
                return;
            }
            tokio::time::sleep((until - now).min(LOOK_EVERY)).await;
        }
    }

    /// A process before this one ended without taking leave: what it gave applications may last so long.
    pub fn presume_leases(&self, clock: &dyn Clock) {
        let mut registry = self.held();
        registry.presumed_until = lease_clock(clock) + LEASE + LEASE / 50;
    }

    /// Resolves when every application has taken in all changes up to `sequence`, or can't answer from before them any more. At
    /// most a lease later.
    pub async fn settled(&self, clock: &dyn Clock, sequence: i64) {
        let held_up = || self.held().held_up(sequence, lease_clock(clock));
        while held_up().is_some() {
            let mut word = pin!(self.changed.notified());
            word.as_mut().enable();
            // What was said before we listened counts.
            let Some(until) = held_up() else { return };
            let left = until.saturating_sub(lease_clock(clock));
            let _either = timeout(left.min(LOOK_EVERY), word).await;
        }
    }

    /// Whether an application may still answer from before `sequence`.
    pub fn is_held_up(&self, sequence: i64, clock: &dyn Clock) -> bool {
        self.held().held_up(sequence, lease_clock(clock)).is_some()
    }

    /// Begins a stream.
    ///
    /// # Errors
    /// 429 with too many of the workspace, 503 with too many in all, or while this process is no replica.
    pub fn open(&self, opening: Opening) -> Result<Opened> {
        let mut registry = self.held();
        let Some(head) = registry.head else {
            return Err(Error::new(UNAVAILABLE, "this replica is registering").with_retry_after(LEASE));
        };
        registry.streams.retain(|_, entry| !entry.slot.is_over(opening.anchor.heard));
        registry.admit(&opening.workspace)?;
        let Opening { workspace, key, since, anchor } = opening;
        let anew = since.is_some_and(|since| since > head);
        let slot = match since {
            Some(since) if !anew => Slot::resumed(workspace, key, anchor, since, head),
            _ => Slot::live(workspace, key, anchor, head),
        };
        let sequence = since.filter(|_| !anew).unwrap_or(head);
        registry.opened += 1;
        let (number, wake) = (registry.opened, Arc::new(Notify::new()));
        registry.streams.insert(number, Entry { slot, wake: wake.clone() });
        if anew {
            registry.with(number, |slot| slot.begin_anew(head));
        }
        Ok(Opened { number, sequence, since: since.unwrap_or(sequence), anew, wake })
    }

    /// Ends a stream. Its lease goes on to count until it has run out.
    pub fn close(&self, number: u64) {
        self.held().with(number, Slot::close);
    }

    /// What there is to be sent.
    pub fn take(&self, number: u64) -> Taken {
        self.held().with(number, Slot::take).unwrap_or(Taken::Ended)
    }

    /// Notes what a stream was told from the database: everything up to `position`, the newest change of it `newest`.
    pub fn caught_up(&self, number: u64, position: i64, newest: Option<i64>) {
        self.held().with(number, |slot| slot.caught_up(position, newest));
    }

    /// A stream can't be told what it missed: it begins anew at `sequence`.
    pub fn begin_anew(&self, number: u64, sequence: i64) {
        self.held().with(number, |slot| slot.begin_anew(sequence));
    }

    /// A lease for a stream, within `replica_left` of this replica's own. Judge that before: what is applied at this moment
    /// covers it.
    pub fn grant(&self, number: u64, now: Duration, replica_left: Duration) -> Option<Grant> {
        let mut registry = self.held();
        let head = registry.head?;
        registry.with(number, |slot| slot.grant(now, now + replica_left, head)).flatten()
    }

    /// A client has taken in what it was told.
    ///
    /// # Errors
    /// 404 if it has no such stream here; 400 naming `sequence` if it was not told so much.
    pub fn acknowledge(&self, said: &Acknowledgement, now: Duration) -> Result<()> {
        let mut registry = self.held();
        let entry = registry.streams.get_mut(&said.number);
        let own = entry.filter(|entry| entry.slot.workspace == said.workspace && entry.slot.key == said.key);
        let entry = own.ok_or_else(|| Error::not_found("stream"))?;
        if said.sequence < 0 || !entry.slot.was_told(said.sequence) {
            return Err(Error::invalid("sequence", "must be one that this stream was told"));
        }
        let anchor = said.client_ms.map(|client_ms| Anchor { client_ms, heard: now });
        entry.slot.acknowledge(said.sequence, anchor);
        entry.wake.notify_one();
        drop(registry);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Whether a client leaves unacknowledged for too long what it was told.
    pub fn is_silent(&self, number: u64, now: Duration) -> bool {
        self.held().with(number, |slot| slot.is_silent(now)).unwrap_or(true)
    }

    /// The newest change that streams may be told; `None` while this process is no replica.
    pub fn head(&self) -> Option<i64> {
        self.held().head
    }

    fn held(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn with<T>(&mut self, number: u64, change: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        self.streams.get_mut(&number).map(|entry| change(&mut entry.slot))
    }

    fn catch_up_to(&mut self, head: i64) {
        for entry in self.streams.values_mut() {
            entry.slot.catch_up_to(head);
            entry.wake.notify_one();
        }
    }

    fn admit(&self, workspace: &WorkspaceId) -> Result<()> {
        let open = || self.streams.values().filter(|entry| entry.slot.is_open());
        let own = |entry: &&Entry| entry.slot.workspace == *workspace;
        if open().filter(own).count() >= PER_WORKSPACE || self.streams.values().filter(own).count() >= 2 * PER_WORKSPACE
        {
            let text = format!("this workspace has {PER_WORKSPACE} streams open: end one first");
            return Err(Error::new(TOO_MANY_ATTEMPTS, text).with_retry_after(Duration::from_secs(5)));
        }
        // Those that ended a moment ago may still hold a lease, so they are remembered; not without bounds.
        if open().count() >= ALTOGETHER || self.streams.len() >= 2 * ALTOGETHER {
            return Err(
                Error::new(BUSY, "too many streams are open; try again").with_retry_after(Duration::from_secs(5))
            );
        }
        Ok(())
    }

    fn last_lease(&self) -> Duration {
        let leases = self.streams.values().map(|entry| entry.slot.granted_until());
        leases.fold(self.presumed_until, Duration::max)
    }

    fn held_up(&self, sequence: i64, now: Duration) -> Option<Duration> {
        let presumed = (now < self.presumed_until).then_some(self.presumed_until);
        let streams = self.streams.values().filter_map(|entry| entry.slot.holds_up(sequence, now));
        streams.chain(presumed).max()
    }
}

#[cfg(test)]
mod tests;
