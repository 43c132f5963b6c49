//! Pure: one application's stream as this replica keeps it: what it was told, what it has taken in, and how long it may
//! answer from its own memory.
//!
//! The rule behind all of it: an application holds a lease only over what it has taken in. From the moment a change is known
//! here it gets no further lease until it acknowledges, so that nobody waits for it longer than for the last one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
use crate::base::ids::{CredentialId, WorkspaceId};

/// The longest lease of an application. Shorter than a replica's: a revocation may have to wait for it.
pub const LEASE: Duration = Duration::from_millis(1_000);
/// How often a lease is renewed.
pub const HEARTBEAT: Duration = Duration::from_millis(300);
/// How long an application may leave a change unacknowledged, or not read, before its stream ends.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Changes that wait for an application to read them; with one more its stream ends.
pub const BUFFER: usize = 64;

/// Share of a span, in hundredths, that a client may count by its clock: each of the two clocks may be wrong by 1 %.
const TRUSTED_HUNDREDTHS: u128 = 98;

/// What the client's clock said before it asked, and when we heard of it by ours: later, whatever the way took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    pub client_ms: i64,
    pub heard: Duration,
}

impl Anchor {
    /// An instant of the client's clock that comes before our `deadline`.
    fn translate(self, deadline: Duration) -> i64 {
        let span = deadline.saturating_sub(self.heard).as_millis() * TRUSTED_HUNDREDTHS / 100;
        self.client_ms.saturating_add(i64::try_from(span).unwrap_or(i64::MAX))
    }

    /// What is left to a client whose clock is right. An old anchor leaves nothing: the doubt about the clocks grows with it.
    fn leaves(self, now: Duration, deadline: Duration) -> bool {
        let span = deadline.saturating_sub(self.heard).as_millis() * TRUSTED_HUNDREDTHS / 100;
        span > now.saturating_sub(self.heard).as_millis()
    }
}

/// A lease as the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Everything up to here was told before.
    pub sequence: i64,
    /// On the client's own clock.
    pub until_ms: i64,
}

/// How a stream gets its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// From the database, at least up to this number.
    Catching(i64),
    /// As they are applied here.
    Live,
    /// It didn't read.
    Cut,
    /// Its connection is gone; its lease may not have run out.
    Closed,
}

/// What there is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Read the changes after this number from the database.
    CatchUpFrom(i64),
    Events(Vec<Arc<Event>>),
    Nothing,
    Ended,
}

/// Whether the changes after `since` can all still be told, of which `oldest` is the oldest that is kept.
pub fn reaches_back(since: i64, oldest: Option<i64>, head: i64) -> bool {
    since >= head || oldest.is_some_and(|oldest| oldest <= since + 1)
}

/// One stream.
#[derive(Clone, Debug)]
pub struct Slot {
    pub workspace: WorkspaceId,
    pub key: CredentialId,
    anchor: Anchor,
    state: State,
    waiting: VecDeque<Arc<Event>>,
    /// Everything up to here was handed over.
    position: i64,
    /// Newest change of the workspace that it was told or has to be told.
    latest: i64,
    acked: i64,
    granted_until: Duration,
    behind_since: Option<Duration>,
}

impl Slot {
    /// A stream that is told every change after `position`, as they come.
    pub fn live(workspace: WorkspaceId, key: CredentialId, anchor: Anchor, position: i64) -> Self {
        Self {
            workspace,
            key,
            anchor,
            state: State::Live,
            waiting: VecDeque::new(),
            position,
            latest: position,
            acked: position,
            granted_until: Duration::ZERO,
            behind_since: None,
        }
    }

    /// A stream that goes on after `since`, with what it has missed up to `head` at least.
    pub fn resumed(workspace: WorkspaceId, key: CredentialId, anchor: Anchor, since: i64, head: i64) -> Self {
        Self { state: State::Catching(since.max(head)), ..Self::live(workspace, key, anchor, since) }
    }

    /// Learns of a change that is applied here. Whether there is something new to send.
    pub fn hear(&mut self, event: &Arc<Event>) -> bool {
        if event.sequence <= self.position {
            return false;
        }
        self.latest = self.latest.max(event.sequence);
        if self.state != State::Live {
            return false;
        }
        if self.waiting.len() < BUFFER {
            self.waiting.push_back(event.clone());
        } else {
            self.state = State::Cut;
            self.waiting.clear();
        }
        true
    }

    /// Whether changes of a workspace are its own; those without one are everybody's.
    pub fn concerns(&self, workspace: &WorkspaceId) -> bool {
        self.workspace == *workspace || workspace.as_str().is_empty()
    }

    /// Changes up to `head` may be missing: they are read from the database.
    pub fn catch_up_to(&mut self, head: i64) {
        match self.state {
            State::Live => {
                self.waiting.clear();
                self.state = State::Catching(head);
            }
            State::Catching(through) => self.state = State::Catching(through.max(head)),
            State::Cut | State::Closed => self.latest = self.latest.max(head),
        }
    }

    /// What there is to be sent; it counts as handed over.
    pub fn take(&mut self) -> Taken {
        match self.state {
            State::Catching(_) => Taken::CatchUpFrom(self.position),
            State::Cut | State::Closed => Taken::Ended,
            State::Live if self.waiting.is_empty() => Taken::Nothing,
            State::Live => {
                let events: Vec<_> = self.waiting.drain(..).collect();
                self.position = events.last().map_or(self.position, |event| event.sequence);
                Taken::Events(events)
            }
        }
    }

    /// Notes what was read from the database: everything up to `position`, the newest change of it `newest`.
    pub fn caught_up(&mut self, position: i64, newest: Option<i64>) {
        self.position = self.position.max(position);
        self.latest = self.latest.max(newest.unwrap_or(self.latest));
        if let State::Catching(through) = self.state
            && self.position >= through.max(self.latest)
        {
            self.state = State::Live;
        }
    }

    /// The client is told to drop all that it believes: what it missed can't be told any more. It goes on from `sequence`.
    pub fn begin_anew(&mut self, sequence: i64) {
        self.position = sequence;
        self.latest = self.latest.max(sequence);
        self.acked = self.acked.min(sequence - 1);
        self.caught_up(sequence, None);
    }

    /// Whether it was told everything up to there.
    pub fn was_told(&self, sequence: i64) -> bool {
        sequence <= self.position
    }

    /// The client says that it has taken in everything up to `sequence`, which it was told, and what its clock said before.
    pub fn acknowledge(&mut self, sequence: i64, anchor: Option<Anchor>) {
        self.acked = self.acked.max(sequence);
        // Of two that overtook each other the later reading is the nearer one.
        if let Some(anchor) = anchor.filter(|anchor| anchor.client_ms > self.anchor.client_ms) {
            self.anchor = anchor;
        }
    }

    /// A lease from `now` on, within that of this replica, over everything up to `head`, which is applied here. `None` while the
    /// client has not taken in what it was told, or has it still to be told.
    pub fn grant(&mut self, now: Duration, replica_until: Duration, head: i64) -> Option<Grant> {
        if self.state != State::Live || !self.waiting.is_empty() {
            return None;
        }
        self.position = self.position.max(head);
        let deadline = (now + LEASE).min(replica_until);
        if self.acked < self.latest || deadline <= now || !self.anchor.leaves(now, deadline) {
            return None;
        }
        self.granted_until = self.granted_until.max(deadline);
        Some(Grant { sequence: self.position, until_ms: self.anchor.translate(deadline) })
    }

    /// Until when changes up to `sequence` must wait for this client; `None` if it has taken them in or holds no lease.
    pub fn holds_up(&self, sequence: i64, now: Duration) -> Option<Duration> {
        let missed = matches!(self.state, State::Catching(through) if through > self.acked);
        let behind = self.acked < sequence && (self.acked < self.latest || missed);
        (behind && now < self.granted_until).then_some(self.granted_until)
    }

    /// Until when it may hold a lease.
    pub fn granted_until(&self) -> Duration {
        self.granted_until
    }

    /// Its connection is gone.
    pub fn close(&mut self) {
        self.waiting.clear();
        if let State::Catching(through) = self.state {
            // It missed something: who waits for it waits until its lease is over.
            self.latest = self.latest.max(through);
        }
        self.state = State::Closed;
    }

    pub fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether nothing of it matters any more.
    pub fn is_over(&self, now: Duration) -> bool {
        !self.is_open() && now >= self.granted_until
    }

    /// Whether it has left something unacknowledged for too long, as far as one can tell who asks now and then.
    pub fn is_silent(&mut self, now: Duration) -> bool {
        if self.acked >= self.latest {
            self.behind_since = None;
            return false;
        }
        now.saturating_sub(*self.behind_since.get_or_insert(now)) >= PATIENCE
    }
}

#[cfg(test)]
mod tests;
