//! Judges a history. Pure: it asks nobody, and the same history gets the same verdict.
//!
//! I1  No check that was invoked after a revocation was acknowledged accepts a session that it covers.
//! I2  Denied is denied: never accepted again by the same replica, and by no other later than a lease after. (Until a
//!     revocation is acknowledged, a replica that has not heard of it may accept for as long as its lease lasts.)
//! I3  What nothing can have ended is not denied: the caller's own session, and sessions that began after a revocation.
//! I4  After a fault has healed all replicas answer, and say the same.
//! I5  Wall clocks don't matter: the same rules hold while they are wrong.
//! I6  One audit entry for each acknowledged change, never two; and the chain of the log holds.
//! I7  One session for each SAML assertion.
//! I8  A replica that is cut off from the database accepts nobody for longer than the lease.

use super::record::{At, Check, History, Outcome, Revocation, SECOND, Scope, Verdict};

/// The lease of 1.5 s, and what a message may take on one machine.
pub const LEASE: At = 1_600_000;

/// How long a request may go on of which its client knows no more: the servers of these tests give up after 8 s, and may
/// have stood still for some of it.
pub const LINGER: At = 12 * SECOND;

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    pub invariant: &'static str,
    pub what: String,
    pub at: At,
    pub session: Option<usize>,
}

/// Every broken promise of a history.
pub fn judge(history: &History) -> Vec<Violation> {
    let bounds = bounds(history);
    let mut found = Vec::new();
    let mut denials = vec![Denials::default(); history.sign_ins.len()];
    // In the order of their answers: a denial counts for what was asked after it.
    let mut order: Vec<usize> = (0..history.checks.len()).filter(|index| counts(history, *index)).collect();
    order.sort_by_key(|index| history.checks[*index].returned);
    for index in &order {
        let check = &history.checks[*index];
        if check.verdict == Verdict::Denied {
            denials[check.session].note(check);
            found.extend(denied_without_cause(check, &bounds[check.session]));
        }
    }
    for index in order {
        let check = &history.checks[index];
        if check.verdict == Verdict::Accepted {
            found.extend(accepted_after_its_end(check, &bounds[check.session]));
            found.extend(accepted_after_a_denial(check, &denials[check.session]));
            found.extend(accepted_while_cut_off(check, history));
        }
    }
    found.extend(discords(history));
    found.extend(entries(history));
    found.extend(assertions(history));
    found.sort_by_key(|violation| violation.at);
    found
}

// What was asked before the sign-in had returned says nothing: there may have been no session yet.
fn counts(history: &History, index: usize) -> bool {
    let check = &history.checks[index];
    check.invoked >= history.sign_ins[check.session].returned
}

/// Between these a session may have ended.
#[derive(Clone, Debug)]
struct Bounds {
    /// When the first that can have ended it was invoked.
    may_end: Option<At>,
    /// When the first that must have ended it was acknowledged, and what that was.
    has_ended: Option<(At, String)>,
}

fn bounds(history: &History) -> Vec<Bounds> {
    let mut wide = Vec::new();
    let mut by_user: std::collections::HashMap<usize, Vec<&Revocation>> = Default::default();
    let mut by_session: std::collections::HashMap<usize, Vec<&Revocation>> = Default::default();
    for revocation in history.revocations.iter().filter(|revocation| revocation.outcome != Outcome::Refused) {
        match revocation.scope {
            Scope::Session(session) => by_session.entry(session).or_default().push(revocation),
            Scope::User(user) => by_user.entry(user).or_default().push(revocation),
            Scope::Workspace | Scope::Everything => wide.push(revocation),
        }
    }
    let none = Vec::new();
    let bounds = history.sign_ins.iter().enumerate().map(|(session, sign_in)| {
        let own = by_session.get(&session).unwrap_or(&none).iter();
        let all = own.chain(by_user.get(&sign_in.user).unwrap_or(&none)).chain(&wide);
        let covering: Vec<&&Revocation> = all.filter(|revocation| revocation.spared != Some(session)).collect();
        let may = covering.iter().filter(|revocation| sign_in.invoked < may_act_until(revocation));
        let must = covering.iter().filter(|revocation| {
            revocation.outcome == Outcome::Done
                && (sign_in.returned <= revocation.invoked || sign_in.credential < revocation.ends_credentials_before)
        });
        let first = must.min_by_key(|revocation| revocation.returned);
        Bounds {
            may_end: may.map(|revocation| revocation.invoked).min(),
            has_ended: first.map(|revocation| (revocation.returned, described(revocation))),
        }
    });
    bounds.collect()
}

fn may_act_until(revocation: &Revocation) -> At {
    match revocation.outcome {
        Outcome::Done => revocation.returned,
        Outcome::Refused => 0,
        Outcome::Unknown => revocation.returned + LINGER,
    }
}

fn described(revocation: &Revocation) -> String {
    format!("{} by replica {}", revocation.kind, revocation.replica)
}

/// The first answers that denied a session.
#[derive(Clone, Debug, Default)]
struct Denials {
    /// By the number of the replica.
    by_replica: Vec<Option<At>>,
    first: Option<At>,
}

impl Denials {
    fn note(&mut self, check: &Check) {
        if self.by_replica.len() <= check.replica {
            self.by_replica.resize(check.replica + 1, None);
        }
        self.by_replica[check.replica].get_or_insert(check.returned);
        self.first.get_or_insert(check.returned);
    }
}

fn violation(invariant: &'static str, check: &Check, what: String) -> Violation {
    Violation { invariant, what, at: check.invoked, session: Some(check.session) }
}

fn accepted_after_its_end(check: &Check, bounds: &Bounds) -> Option<Violation> {
    let (ended, by) = bounds.has_ended.as_ref()?;
    (check.invoked > *ended).then(|| {
        let late = check.invoked - ended;
        violation("I1", check, format!("replica {} accepts {late} µs after {by} was acknowledged", check.replica))
    })
}

fn accepted_after_a_denial(check: &Check, denials: &Denials) -> Option<Violation> {
    let own = denials.by_replica.get(check.replica).copied().flatten();
    if own.is_some_and(|denied| check.invoked > denied) {
        return Some(violation("I2", check, format!("replica {} accepts what it has denied before", check.replica)));
    }
    let elsewhere = denials.first.is_some_and(|denied| check.invoked > denied + LEASE);
    let what = || format!("replica {} accepts what another denied more than a lease ago", check.replica);
    elsewhere.then(|| violation("I2", check, what()))
}

fn denied_without_cause(check: &Check, bounds: &Bounds) -> Option<Violation> {
    let explained = bounds.may_end.is_some_and(|at| at < check.returned);
    let what = || format!("replica {} denies what nothing can have ended", check.replica);
    (!explained).then(|| violation("I3", check, what()))
}

// What is answered after the cut has healed may rest on a new lease.
fn accepted_while_cut_off(check: &Check, history: &History) -> Option<Violation> {
    let within = |from, until| check.invoked > from + LEASE && check.returned < until;
    let cut = history.cuts.iter().find(|cut| cut.replica == check.replica && within(cut.from, cut.until))?;
    let late = check.invoked - cut.from;
    Some(violation("I8", check, format!("replica {} accepts {late} µs after it was cut off", check.replica)))
}

fn discords(history: &History) -> impl Iterator<Item = Violation> {
    history.discords.iter().map(|discord| Violation {
        invariant: "I4",
        what: format!("after the fault the replicas say {:?}", discord.verdicts),
        at: discord.at,
        session: Some(discord.session),
    })
}

fn entries(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    if let Some(complaint) = &history.broken_log {
        found.push(Violation { invariant: "I6", what: complaint.clone(), at: 0, session: None });
    }
    let Some(entries) = &history.entries else { return found };
    for revocation in &history.revocations {
        let (Some(request), Some(entry)) = (&revocation.request, revocation.entry) else { continue };
        let count = entries.get(&(request.clone(), entry.to_owned())).copied().unwrap_or_default();
        if count > 1 || (count == 0 && revocation.outcome == Outcome::Done) {
            let what = format!("{} has {count} entries {entry} of request {request}", described(revocation));
            found.push(Violation { invariant: "I6", what, at: revocation.invoked, session: None });
        }
    }
    found
}

fn assertions(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, assertion) in history.assertions.iter().enumerate() {
        let given = history.sign_ins.iter().filter(|sign_in| sign_in.assertion == Some(number)).count();
        if given > 1 || assertion.sessions > 1 {
            let what = format!("one assertion for {} gave {} sessions", assertion.email, given.max(assertion.sessions));
            found.push(Violation { invariant: "I7", what, at: 0, session: None });
        }
    }
    found
}
