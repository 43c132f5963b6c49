//! Failover ‖ register ‖ renew ‖ revoke ‖ barrier ‖ check: a synchronous standby takes the primary's place.
//!
//! The old primary may go on answering reads, and every read may go to either: pools keep connections. No commit returns on
//! the old one. What it shows beyond the standby (one change, of somebody else) is lost. The session that is checked was
//! there before; a revocation covers it or somebody else. A newborn session, which nothing ends, is there on the new primary
//! only.

use super::explore::{Protocol, Step};
use super::mutants::Mutant;

pub const D: u8 = 1;
/// How far the head leaps on a new timeline: beyond every number that can be lost.
pub const LEAP: u8 = 4;

pub struct Failover {
    pub mutant: Mutant,
    /// Whether somebody signs in on the new primary.
    pub newborn: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// Of the incarnation that the process has, or asks for.
    pub mine: bool,
    pub granted_seq: u8,
    pub acked_seq: u8,
    pub fenced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Database {
    pub head: u8,
    /// The number that the head leapt to; 0: none.
    pub leapt: u8,
    /// A bit for each number that ended the session.
    pub ended: u16,
    pub row: Option<Row>,
}

impl Database {
    pub fn has(&self, seq: u8) -> bool {
        (1..=self.head).contains(&seq) && (seq + LEAP <= self.leapt || seq >= self.leapt)
    }

    pub fn ends(&self, seq: u8) -> bool {
        self.ended & (1 << seq) != 0
    }

    /// Raises the head by a change, which concerns the session or not.
    pub fn raise(&mut self, by: u8, ends: bool) {
        self.head += by;
        self.ended |= u16::from(ends) << self.head;
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revocation {
    Idle,
    Waiting { seq: u8, ends: bool, age: u8 },
    /// Acknowledged; whether it ended the session.
    Told(bool),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    Idle,
    /// Its row has still to be committed.
    Registers,
    /// It is; t0 has still to be noted.
    Enrolled,
    /// For a renewal: the first of who has just registered, or another.
    Asks { first: bool },
    /// Committed on that database, with its head; whether that is known to be raised on that database.
    Answered { first: bool, head: u8, on: usize, trusted: bool },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Replica {
    pub work: Work,
    pub age: u8,
    /// Whether its newest question for a lease was asked after the check began.
    pub since: bool,
    /// The database that it registered with.
    pub registered: Option<usize>,
    pub applied: u8,
    pub lease: u8,
}

pub const NEW: Replica = Replica { work: Work::Idle, age: 0, since: false, registered: None, applied: 0, lease: 0 };

/// The session in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    pub loaded_seq: u8,
    pub void_since: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    None,
    /// Whether its end had been acknowledged, whether there was a lease, and what was applied.
    Judged { told: bool, leased: bool, floor: u8 },
    /// The head of the snapshot in which the session lives.
    Loaded { told: bool, leased: bool, floor: u8, head: u8 },
    /// For the newborn session: what was applied, and whether a renewal that was asked for since has succeeded; and whether it
    /// has read before, in vain.
    Seeks { floor: u8, renewed: bool, again: bool },
    /// The head of the snapshot in which it isn't.
    Missed { head: u8, renewed: bool },
    Wrong,
    /// The newborn session was denied.
    Denied,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    /// The old primary, and the new one once there is one.
    pub databases: [Option<Database>; 2],
    /// The old primary shows a change that the new one hasn't.
    pub lost: bool,
    pub revocations: [Revocation; 2],
    pub replica: Replica,
    /// Somebody signed in on the new primary.
    pub born: bool,
    /// What whoever waits has heard it acknowledge.
    pub heard: u8,
    pub entry: Option<Entry>,
    pub check: Check,
}

impl State {
    /// Where commits return.
    pub fn primary(&self) -> usize {
        usize::from(self.databases[1].is_some())
    }

    pub fn told(&self) -> bool {
        self.revocations.contains(&Revocation::Told(true))
    }
}

impl Protocol for Failover {
    type State = State;

    fn starts(&self) -> Vec<State> {
        let database = Database { head: 0, leapt: 0, ended: 0, row: None };
        vec![State {
            databases: [Some(database), None],
            lost: false,
            born: false,
            revocations: [Revocation::Idle; 2],
            replica: NEW,
            heard: 0,
            entry: None,
            check: Check::None,
        }]
    }

    fn steps(&self, state: &State, next: &mut Vec<(Step, State)>) {
        self.tick(state, next);
        self.fail(state, next);
        for number in 0..2 {
            self.revoke(state, number, next);
        }
        self.renew(state, next);
        for (on, database) in state.databases.iter().enumerate() {
            if let Some(database) = database {
                self.follow(state, on, database, next);
            }
        }
        self.check(state, next);
        self.seek(state, next);
    }

    fn fault(&self, state: &State) -> Option<&'static str> {
        match state.check {
            Check::Wrong => Some("a check accepts what an acknowledged revocation had ended"),
            Check::Denied => Some("a check denies a session that nothing has ended"),
            _ => None,
        }
    }

    fn done(&self, state: &State) -> bool {
        state.revocations.iter().all(|one| matches!(one, Revocation::Told(_)))
    }
}
