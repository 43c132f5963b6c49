//! What a history was, in a line; and for each broken promise what happened around it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::checker::Violation;
use super::record::{At, History, Outcome, Revocation, Scope, Verdict};

/// Violations that are told at length.
const TOLD: usize = 8;
/// Checks that are told before and after one.
const AROUND: usize = 8;

/// `seed 7: 20134 checks (…), 311 revocations acknowledged …`
pub fn line(seed: u64, history: &History, violations: &[Violation]) -> String {
    let count = |verdict| history.checks.iter().filter(|check| check.verdict == verdict).count();
    let outcomes = |outcome| history.revocations.iter().filter(|revocation| revocation.outcome == outcome).count();
    let mut faults: BTreeMap<&str, usize> = BTreeMap::new();
    for trouble in &history.troubles {
        *faults.entry(trouble.kind).or_default() += 1;
    }
    let faults: Vec<String> = faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    format!(
        "seed {seed}: {} checks ({} accepted, {} denied, {} could not know, {} unanswered), {} revocations acknowledged \
         ({} refused, {} with an unknown end), {} sign-ins ({} not), {} assertions, {} faults ({}), {} failovers, {} violations",
        history.checks.len(),
        count(Verdict::Accepted),
        count(Verdict::Denied),
        count(Verdict::Unavailable),
        count(Verdict::Silent),
        acknowledged(history),
        outcomes(Outcome::Refused),
        outcomes(Outcome::Unknown),
        history.sign_ins.len(),
        history.refused_sign_ins,
        history.assertions.len(),
        history.troubles.len(),
        faults.join(", "),
        failovers(history),
        violations.len(),
    )
}

/// Revocations that were acknowledged to whoever asked for them.
pub fn acknowledged(history: &History) -> usize {
    let answered =
        |revocation: &&Revocation| revocation.outcome == Outcome::Done && revocation.scope != Scope::Everything;
    history.revocations.iter().filter(answered).count()
}

pub fn failovers(history: &History) -> usize {
    history.revocations.iter().filter(|revocation| revocation.scope == Scope::Everything).count()
}

/// Each violation with the operations around it.
pub fn tell(history: &History, violations: &[Violation]) -> String {
    let mut text = String::new();
    let mut by_invariant: BTreeMap<&str, usize> = BTreeMap::new();
    for violation in violations {
        *by_invariant.entry(violation.invariant).or_default() += 1;
    }
    let _ = writeln!(text, "{by_invariant:?}");
    for violation in violations.iter().take(TOLD) {
        let _ = writeln!(text, "\n{} at {}: {}", violation.invariant, seconds(violation.at), violation.what);
        if let Some(session) = violation.session {
            let mut lines = around(history, session, violation.at);
            lines.sort();
            for (at, line) in lines {
                let _ = writeln!(text, "  {} {line}", seconds(at));
            }
        }
    }
    text
}

fn around(history: &History, session: usize, at: At) -> Vec<(At, String)> {
    let sign_in = &history.sign_ins[session];
    let mut lines = vec![(
        sign_in.invoked,
        format!(
            "session {session} of user {} is made at replica {}, until {}",
            sign_in.user,
            sign_in.replica,
            seconds(sign_in.returned)
        ),
    )];
    for revocation in history.revocations.iter().filter(|revocation| concerns(revocation, session, sign_in.user)) {
        let Revocation { kind, replica, outcome, returned, spared, .. } = revocation;
        let spared = if *spared == Some(session) { ", which spares it" } else { "" };
        let line = format!("{kind} by replica {replica}{spared}: {outcome:?} until {}", seconds(*returned));
        if revocation.returned + 60 * super::record::SECOND > at {
            lines.push((revocation.invoked, line));
        }
    }
    for trouble in
        history.troubles.iter().filter(|trouble| trouble.from < at + 5_000_000 && trouble.until + 5_000_000 > at)
    {
        let whose = trouble.replica.map_or(String::new(), |replica| format!(" (replica {replica})"));
        lines.push((trouble.from, format!("fault: {}{whose}, healed at {}", trouble.kind, seconds(trouble.until))));
    }
    let mut checks: Vec<_> = history.checks.iter().filter(|check| check.session == session).collect();
    checks.sort_by_key(|check| check.invoked);
    let here = checks.partition_point(|check| check.invoked < at);
    for check in &checks[here.saturating_sub(AROUND)..(here + AROUND).min(checks.len())] {
        let line = format!("replica {} says {:?} until {}", check.replica, check.verdict, seconds(check.returned));
        lines.push((check.invoked, line));
    }
    lines
}

fn concerns(revocation: &Revocation, session: usize, user: usize) -> bool {
    match revocation.scope {
        Scope::Session(other) => other == session,
        Scope::User(other) => other == user,
        Scope::Workspace | Scope::Everything => true,
    }
}

fn seconds(at: At) -> String {
    format!("{:>4}.{:06}", at / 1_000_000, at % 1_000_000)
}
