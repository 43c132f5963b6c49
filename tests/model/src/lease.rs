//! Register ‖ renew ‖ revoke ‖ barrier ‖ check ‖ crash: replicas, two revocations whose barriers may overlap, one check.
//!
//! What a replica believes is the number of the newest revocation in it: `applied`. How memory is filled is `memory.rs`.
//! Time is relative and has no end: what is left of a lease, how old a question or a barrier is.

use super::explore::{Protocol, Step};
use super::mutants::Mutant;

/// Which rules are in force, and how much is explored.
#[derive(Clone, Copy)]
pub struct Lease {
    pub mutant: Mutant,
    /// D, in ticks: of a lease, and of the wait of a barrier. That is taken to begin with the commit, which is the shortest.
    pub duration: u8,
    /// Replicas that may register: at most two.
    pub replicas: u8,
    /// Renewals that only read, and barriers that fence nobody.
    pub embedded: bool,
    /// Of so many replicas statements may outlive the client that gave them up.
    pub late: u8,
    /// There is a check.
    pub checks: bool,
    /// Judge more than is promised: nobody accepts what anybody has refused.
    pub unpromised: bool,
}

impl Lease {
    /// Two replicas on one PostgreSQL.
    pub fn of(mutant: Mutant) -> Self {
        Self { mutant, duration: 2, replicas: 2, embedded: false, late: 0, checks: true, unpromised: false }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revocation {
    Idle,
    /// Holds the head's lock.
    Writing,
    /// Committed; how long its barrier has waited.
    Waiting(u8),
    Acknowledged,
    /// Acknowledged, but not yet committed.
    Early,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    Idle,
    /// t0 is noted, the question under way. The first one is of who has just registered.
    AsksRenewal { first: bool },
    /// The statement has read the head, and has still to commit.
    Renews { first: bool },
    /// Committed; the answer is under way.
    Renewed { first: bool },
    AsksRegistration,
    /// The row has still to be committed.
    Registers,
    /// It is; t0 has still to be noted.
    Enrolled,
    /// The lease is extended, nothing applied yet.
    Hasty,
}

/// A statement whose client has given it up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Late {
    None,
    Renewal { first: bool },
    /// A renewal that has read this head, and has still to write its row.
    Grant { seq: u8, first: bool },
    Registration,
    /// A registration that has written its row, and has still to commit.
    Commit,
}

/// A process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Replica {
    pub work: Work,
    /// Since t0.
    pub age: u8,
    /// The head that the statement under way has read.
    pub saw: u8,
    /// It has an incarnation, and memory as of `applied`.
    pub registered: bool,
    pub applied: u8,
    /// What is left of it.
    pub lease: u8,
    pub late: Late,
}

/// One that has just started.
pub const NEW: Replica =
    Replica { work: Work::Idle, age: 0, saw: 0, registered: false, applied: 0, lease: 0, late: Late::None };

/// What the database holds of a replica.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// The process whose incarnation it is.
    pub owner: u8,
    pub granted_seq: u8,
    pub acked_seq: u8,
    pub fenced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    None,
    /// Invoked when `need` was acknowledged; the lease was live.
    Judged { at: u8, need: u8 },
    /// The known fault: the state is read, the lease not yet judged.
    Read { at: u8, need: u8, belief: u8 },
    /// It said "valid" from a state without an acknowledged revocation.
    Wrong,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub head: u8,
    pub revocations: [Revocation; 2],
    pub replicas: [Replica; 2],
    pub rows: [Option<Row>; 2],
    pub check: Check,
}

/// Nothing has happened yet.
pub const START: State = State {
    head: 0,
    revocations: [Revocation::Idle; 2],
    replicas: [NEW; 2],
    rows: [None; 2],
    check: Check::None,
};

impl State {
    /// The newest revocation that somebody was told of.
    pub fn acknowledged(&self) -> u8 {
        match self.revocations {
            [_, Revocation::Acknowledged | Revocation::Early] => 2,
            [Revocation::Acknowledged | Revocation::Early, _] => 1,
            _ => 0,
        }
    }

    /// What a check on that replica would read: its memory, or, if that is empty, the database.
    pub fn belief(&self, at: u8) -> u8 {
        let replica = &self.replicas[usize::from(at)];
        if replica.registered { replica.applied } else { self.head }
    }

    pub fn is_written(&self) -> bool {
        self.revocations.iter().any(|one| matches!(one, Revocation::Writing | Revocation::Early))
    }
}

impl Protocol for Lease {
    type State = State;

    fn starts(&self) -> Vec<State> {
        vec![START]
    }

    fn steps(&self, state: &State, next: &mut Vec<(Step, State)>) {
        self.tick(state, next);
        for number in 0..2 {
            self.revoke(state, number, next);
        }
        for id in 0..self.replicas {
            self.renew(state, id, next);
            self.follow(state, id, next);
            self.outlive(state, id, next);
            if self.checks {
                self.check(state, id, next);
            }
        }
    }

    fn fault(&self, state: &State) -> Option<&'static str> {
        (state.check == Check::Wrong).then_some("a check accepts what a revocation had ended")
    }

    fn done(&self, state: &State) -> bool {
        state.revocations == [Revocation::Acknowledged; 2]
    }
}
