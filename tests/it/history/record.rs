//! What happened: every operation with when it was invoked and when it returned, over one clock, the test's own. What any
//! replica believes the time to be plays no part.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Microseconds since the history began.
pub type At = u64;

/// Seconds as an instant of a history.
pub const SECOND: At = 1_000_000;

/// How a change ended, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged: 200 or 204.
    Done,
    /// Refused: nothing was changed.
    Refused,
    /// 202, 5xx, no answer: it happened, or didn't, or will.
    Unknown,
}

/// What a replica said of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 200.
    Accepted,
    /// 401.
    Denied,
    /// 403: not for this address. It says nothing of the session.
    Forbidden,
    /// 5xx: it can't know.
    Unavailable,
    /// No answer in time, or no connection.
    Silent,
}

/// One question about a session.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    pub replica: usize,
    pub session: usize,
    pub invoked: At,
    pub returned: At,
    pub verdict: Verdict,
}

/// A sign-in that gave a session; its place in the list is the session's number.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub replica: usize,
    pub user: usize,
    /// Which of the user's passwords it was, counted from 0.
    pub credential: u32,
    /// The assertion that it was earned with.
    pub assertion: Option<usize>,
    pub invoked: At,
    pub returned: At,
}

/// Whose sessions a revocation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Session(usize),
    User(usize),
    Workspace,
    /// What a failover does.
    Everything,
}

/// A change that ends sessions.
#[derive(Clone, Debug)]
pub struct Revocation {
    pub kind: &'static str,
    pub replica: usize,
    pub scope: Scope,
    /// The session that it must not end.
    pub spared: Option<usize>,
    /// Sign-ins with an older password of the user are ended, too, even if they were under way.
    pub ends_credentials_before: u32,
    pub invoked: At,
    pub returned: At,
    pub outcome: Outcome,
    /// What the answer called the request, and the entry that the audit log has to have of it.
    pub request: Option<String>,
    pub entry: Option<&'static str>,
}

/// While a replica could not reach the database that counts.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub replica: usize,
    pub from: At,
    pub until: At,
}

/// A fault as it was made.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub kind: &'static str,
    pub replica: Option<usize>,
    pub from: At,
    pub until: At,
}

/// What the replicas still said of a session when they should have agreed.
#[derive(Clone, Debug)]
pub struct Discord {
    pub session: usize,
    pub verdicts: Vec<Verdict>,
    pub at: At,
}

/// One SAML response that was delivered twice at once, and how many sessions the database has of it.
#[derive(Clone, Debug)]
pub struct Assertion {
    pub email: String,
    pub sessions: usize,
}

/// All that happened.
#[derive(Debug, Default)]
pub struct History {
    pub sign_ins: Vec<SignIn>,
    pub refused_sign_ins: usize,
    pub checks: Vec<Check>,
    pub revocations: Vec<Revocation>,
    pub cuts: Vec<Cut>,
    pub troubles: Vec<Trouble>,
    pub discords: Vec<Discord>,
    pub assertions: Vec<Assertion>,
    /// Entries of the audit log, by request and action; `None`: it was not read.
    pub entries: Option<HashMap<(String, String), usize>>,
    /// What `curfew audit verify` complained of.
    pub broken_log: Option<String>,
}

/// Writes down what happens, as it happens.
pub struct Recorder {
    began: Instant,
    history: Mutex<History>,
}

impl Recorder {
    pub fn new() -> Self {
        Self { began: Instant::now(), history: Mutex::default() }
    }

    /// The time of the history.
    pub fn now(&self) -> At {
        u64::try_from(self.began.elapsed().as_micros()).expect("a history is shorter than an age")
    }

    /// What was written down so far.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sign-in that gave a session; gives its number.
    pub fn signed_in(&self, sign_in: SignIn) -> usize {
        let mut history = self.history();
        history.sign_ins.push(sign_in);
        history.sign_ins.len() - 1
    }

    pub fn checked(&self, check: Check) {
        self.history().checks.push(check);
    }

    pub fn revoked(&self, revocation: Revocation) {
        self.history().revocations.push(revocation);
    }
}
