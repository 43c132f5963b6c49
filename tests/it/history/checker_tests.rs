//! The judge is judged: each broken promise is found in a history made by hand, and what is allowed passes.

use std::collections::HashMap;

use super::checker::{LEASE, LINGER, judge};
use super::record::{Assertion, At, Check, Cut, Discord, History, Outcome, Revocation, Scope, SignIn, Verdict};

/// Sessions 0 and 1 of user 0, session 2 of user 1, all there from 100 on.
fn three_sessions() -> History {
    let sign_in = |user| SignIn { replica: 0, user, credential: 0, assertion: None, invoked: 0, returned: 100 };
    History { sign_ins: vec![sign_in(0), sign_in(0), sign_in(1)], ..History::default() }
}

impl History {
    fn check(mut self, replica: usize, session: usize, invoked: At, verdict: Verdict) -> Self {
        self.checks.push(Check { replica, session, invoked, returned: invoked + 10, verdict });
        self
    }

    fn accepts(self, replica: usize, session: usize, invoked: At) -> Self {
        self.check(replica, session, invoked, Verdict::Accepted)
    }

    fn denies(self, replica: usize, session: usize, invoked: At) -> Self {
        self.check(replica, session, invoked, Verdict::Denied)
    }

    fn revokes(mut self, scope: Scope, invoked: At, returned: At, outcome: Outcome) -> Self {
        self.revocations.push(Revocation {
            kind: "a revocation",
            replica: 0,
            scope,
            spared: None,
            ends_credentials_before: 0,
            invoked,
            returned,
            outcome,
            request: None,
            entry: None,
        });
        self
    }

    fn spares(mut self, session: usize) -> Self {
        self.revocations.last_mut().expect("there is one").spared = Some(session);
        self
    }

    fn entered(mut self, request: &str, counts: &[(&str, usize)]) -> Self {
        let last = self.revocations.last_mut().expect("there is one");
        (last.request, last.entry) = (Some(request.to_owned()), Some("ended"));
        let counted = counts.iter().map(|(request, count)| (((*request).to_owned(), "ended".to_owned()), *count));
        self.entries = Some(counted.collect::<HashMap<_, _>>());
        self
    }

    #[track_caller]
    fn breaks(&self, expected: &[&str]) {
        let found = judge(self);
        let invariants: Vec<&str> = found.iter().map(|violation| violation.invariant).collect();
        assert_eq!(invariants, expected, "{found:?}");
    }
}

use Outcome::{Done, Refused, Unknown};

#[test]
fn a_session_that_was_ended_is_not_accepted() {
    for scope in [Scope::Session(0), Scope::User(0), Scope::Workspace, Scope::Everything] {
        let ended = || three_sessions().revokes(scope, 200, 300, Done);
        ended().accepts(1, 0, 301).breaks(&["I1"]);
        // Concurrent with the revocation: either order is one.
        ended().accepts(1, 0, 300).accepts(1, 0, 199).breaks(&[]);
        ended().denies(1, 0, 301).breaks(&[]);
    }
    three_sessions().revokes(Scope::Session(0), 200, 300, Done).accepts(1, 1, 301).accepts(1, 2, 301).breaks(&[]);
    three_sessions().revokes(Scope::User(0), 200, 300, Done).accepts(1, 2, 301).breaks(&[]);
    for outcome in [Unknown, Refused] {
        three_sessions().revokes(Scope::User(0), 200, 300, outcome).accepts(1, 0, 301).breaks(&[]);
    }
}

#[test]
fn a_session_of_a_sign_in_under_way_may_be_of_either_side() {
    let mut history = three_sessions().revokes(Scope::Workspace, 200, 300, Done).accepts(1, 0, 400);
    history.sign_ins[0].returned = 250;
    history.breaks(&[]);
    // With a password that the revocation replaced there is one side only.
    history.revocations[0].ends_credentials_before = 1;
    history.breaks(&["I1"]);
    history.sign_ins[0].credential = 1;
    history.breaks(&[]);
}

#[test]
fn denied_is_denied() {
    let ended = || three_sessions().revokes(Scope::Session(0), 200, 300, Unknown);
    ended().denies(1, 0, 400).accepts(1, 0, 500).breaks(&["I2"]);
    ended().denies(1, 0, 400).accepts(1, 0, 405).breaks(&[]);
    ended().denies(1, 0, 400).accepts(2, 0, 410 + LEASE).breaks(&[]);
    ended().denies(1, 0, 400).accepts(2, 0, 411 + LEASE).breaks(&["I2"]);
    for verdict in [Verdict::Unavailable, Verdict::Silent, Verdict::Forbidden] {
        ended().check(1, 0, 400, verdict).accepts(1, 0, 500).breaks(&[]);
    }
}

#[test]
fn nobody_is_denied_without_a_cause() {
    three_sessions().denies(1, 0, 400).breaks(&["I3"]);
    three_sessions().revokes(Scope::Session(1), 200, 300, Done).denies(1, 0, 400).breaks(&["I3"]);
    three_sessions().revokes(Scope::Workspace, 200, 300, Done).spares(0).denies(1, 0, 400).breaks(&["I3"]);
    three_sessions().revokes(Scope::Workspace, 200, 300, Refused).denies(1, 0, 400).breaks(&["I3"]);
    three_sessions().revokes(Scope::Workspace, 200, 300, Unknown).denies(1, 0, 400).breaks(&[]);
    three_sessions().revokes(Scope::Workspace, 450, 500, Done).denies(1, 0, 400).breaks(&["I3"]);
    // Asked for before it was there.
    three_sessions().denies(1, 0, 99).breaks(&[]);
}

#[test]
fn a_session_that_began_later_lives() {
    for (outcome, until) in [(Done, 300), (Unknown, 300 + LINGER)] {
        let mut history = three_sessions().revokes(Scope::Workspace, 200, 300, outcome).denies(1, 0, until + 50);
        (history.sign_ins[0].invoked, history.sign_ins[0].returned) = (until, until + 20);
        history.breaks(&["I3"]);
        history.sign_ins[0].invoked = until - 1;
        history.breaks(&[]);
    }
}

#[test]
fn who_is_cut_off_falls_silent() {
    let mut history = three_sessions().accepts(1, 0, 1_000 + LEASE).accepts(2, 0, 1_001 + LEASE);
    history.cuts.push(Cut { replica: 1, from: 1_000, until: 9_000_000 });
    history.breaks(&[]);
    history = history.accepts(1, 0, 1_001 + LEASE);
    history.breaks(&["I8"]);
    history.cuts[0].until = 1_001 + LEASE;
    history.breaks(&[]);
}

#[test]
fn the_log_has_each_change_once() {
    let ended = || three_sessions().revokes(Scope::Workspace, 200, 300, Done);
    ended().entered("a", &[("a", 1), ("b", 2)]).breaks(&[]);
    ended().entered("a", &[]).breaks(&["I6"]);
    ended().entered("a", &[("a", 2)]).breaks(&["I6"]);
    let unknown = || three_sessions().revokes(Scope::Workspace, 200, 300, Unknown);
    unknown().entered("a", &[]).breaks(&[]);
    unknown().entered("a", &[("a", 2)]).breaks(&["I6"]);
    let mut broken = three_sessions();
    broken.broken_log = Some("entry 7 does not hold".to_owned());
    broken.breaks(&["I6"]);
}

#[test]
fn an_assertion_is_good_for_one_session() {
    let mut history = three_sessions();
    history.assertions.push(Assertion { email: "once@corp.test".to_owned(), sessions: 1 });
    history.sign_ins[0].assertion = Some(0);
    history.breaks(&[]);
    history.sign_ins[1].assertion = Some(0);
    history.breaks(&["I7"]);
    history.sign_ins[1].assertion = None;
    history.assertions[0].sessions = 2;
    history.breaks(&["I7"]);
}

#[test]
fn replicas_that_go_on_disagreeing_are_found() {
    let mut history = three_sessions();
    history.discords.push(Discord { session: 0, verdicts: vec![Verdict::Accepted, Verdict::Denied], at: 500 });
    history.breaks(&["I4"]);
}
