//! What a replica remembers: loads ‖ pushes ‖ registration ‖ two checks of one session, over the leases of `lease.rs`.
//!
//! One replica, for memory is a process's own matter; two revocations of every kind; the session is one that ends, the
//! caller's, which is spared, or one that is born between the two.

use super::explore::{Protocol, Step};
use super::lease::{self, Lease};
use super::mutants::Mutant;

/// Whom a revocation ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Everybody of the workspace but the caller.
    AllButCaller,
    /// Everybody of the workspace.
    All,
    /// All sessions of the user whose session is looked at.
    User,
    /// Somebody of another workspace.
    Elsewhere,
}

/// Whose session is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Session {
    Other,
    Caller,
    /// Signed in between the two revocations.
    Newborn,
}

pub struct Memory {
    pub mutant: Mutant,
    pub scopes: [Scope; 2],
    pub session: Session,
    /// The promises that are judged.
    pub promises: &'static [Fault],
}

/// A workspace in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Site {
    pub epoch: u8,
    /// The caller is spared.
    pub spared: bool,
    pub as_of: u8,
}

/// The session in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    pub loaded_seq: u8,
    /// Of its user.
    pub void_since: u8,
}

/// A check: what had been acknowledged, refused, born and applied when it was invoked, and what it has read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    None,
    /// The lease was live.
    Judged(Before),
    /// Read from the database: head and whether the session is there.
    Loaded(Before, u8, bool),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Before {
    pub need: u8,
    pub refused: bool,
    pub born: bool,
    /// What the replica had applied.
    pub floor: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    Revived,
    Relapsed,
    Betrayed,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub lease: lease::State,
    pub site: Option<Site>,
    pub entry: Option<Entry>,
    /// The token is remembered as unknown: the known fault.
    pub unknown: bool,
    pub born: bool,
    /// The head with which another session of the workspace was read.
    pub beside: Option<u8>,
    pub checks: [Check; 2],
    /// A check of this process has refused the session because of a revocation.
    pub refused: bool,
    pub fault: Option<Fault>,
}

impl Memory {
    pub fn leases(&self) -> Lease {
        Lease { duration: 1, replicas: 1, checks: false, ..Lease::of(self.mutant) }
    }

    /// Whether the session has ended once everything up to `seq` has happened.
    pub fn ended(&self, seq: u8) -> bool {
        let ends = |scope| match scope {
            Scope::AllButCaller => self.session != Session::Caller,
            Scope::All | Scope::User => true,
            Scope::Elsewhere => false,
        };
        let first = if self.session == Session::Newborn { 1 } else { 0 };
        (first..seq).any(|before| ends(self.scopes[usize::from(before)]))
    }

    /// The workspace as a snapshot with that head shows it.
    pub fn site(&self, seq: u8) -> Site {
        let all = |scope: &&Scope| matches!(scope, Scope::AllButCaller | Scope::All);
        let raises = self.scopes[..usize::from(seq)].iter().filter(all);
        let spared = raises.clone().next_back() == Some(&Scope::AllButCaller);
        Site { epoch: u8::try_from(raises.count()).unwrap_or_default(), spared, as_of: seq }
    }

    /// The workspace's epoch when the sign-in began.
    pub fn stamp(&self) -> u8 {
        if self.session == Session::Newborn { self.site(1).epoch } else { 0 }
    }
}

impl Protocol for Memory {
    type State = State;

    fn starts(&self) -> Vec<State> {
        vec![State {
            lease: lease::START,
            site: None,
            entry: None,
            unknown: false,
            born: self.session != Session::Newborn,
            beside: None,
            checks: [Check::None; 2],
            refused: false,
            fault: None,
        }]
    }

    fn steps(&self, state: &State, next: &mut Vec<(Step, State)>) {
        self.follow(state, next);
        if !state.born && state.lease.head == 1 {
            next.push((Step { who: "a person", does: "signs in" }, State { born: true, ..*state }));
        }
        self.read_beside(state, next);
        for number in 0..2 {
            self.check(state, number, next);
        }
    }

    fn fault(&self, state: &State) -> Option<&'static str> {
        state.fault.filter(|fault| self.promises.contains(fault)).map(|fault| match fault {
            Fault::Revived => "a check accepts what an acknowledged revocation had ended",
            Fault::Relapsed => "a check accepts what this replica had refused",
            Fault::Betrayed => "a check refuses a session that nobody ended",
        })
    }

    fn done(&self, state: &State) -> bool {
        self.leases().done(&state.lease)
    }
}
