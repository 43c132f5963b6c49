//! Every interleaving of the revocation protocol: the rules hold, and each one that is taken out leads to a fault. The models
//! are in tests/model; the numbers of states are printed.

use curfew_model::{Explored, Failover, Fault, Lease, Memory, Mutant, Protocol, Scope, Session, explore};

const EVERYTHING: &[Fault] = &[Fault::Revived, Fault::Relapsed, Fault::Betrayed];

fn way(explored: &Explored) -> String {
    let steps = explored.fault.as_ref().map(|(_, steps)| steps).or(explored.stuck.as_ref());
    let lines = steps.into_iter().flatten().map(|step| format!("\n    {}: {}", step.who, step.does));
    lines.collect()
}

/// No fault can be reached, and from everywhere there is a way to where everything is acknowledged.
#[track_caller]
fn holds(what: &str, protocol: &impl Protocol) {
    let explored = explore(protocol);
    println!("model: {what}: {} states, {} steps", explored.states, explored.steps);
    let fault = explored.fault.as_ref().map(|(fault, _)| *fault);
    assert!(fault.is_none() && explored.stuck.is_none(), "{what}: {fault:?}{}", way(&explored));
}

#[track_caller]
fn fails(what: &str, protocol: &impl Protocol) {
    let explored = explore(protocol);
    assert!(explored.fault.is_some(), "{what}: no fault in {} states", explored.states);
    let (fault, steps) = explored.fault.as_ref().expect("just looked");
    println!("model: {what}: {fault}, after {} steps, in {} states", steps.len(), explored.states);
}

#[test]
fn two_replicas_and_two_revocations() {
    holds("2 replicas, 2 revocations", &Lease::of(Mutant::None));
    holds("fencing nobody, which is slow and not wrong", &Lease::of(Mutant::NoFence));
}

#[test]
fn statements_that_outlive_their_clients() {
    holds("2 replicas, late statements of one", &Lease { late: 1, duration: 1, ..Lease::of(Mutant::None) });
}

/// `make soak`: four minutes of its own.
#[test]
#[ignore = "some minutes: make soak"]
fn statements_of_both_that_outlive_their_clients() {
    holds("2 replicas, late statements of both", &Lease { late: 2, duration: 1, ..Lease::of(Mutant::None) });
}

#[test]
fn an_embedded_database() {
    holds("embedded", &Lease { embedded: true, ..Lease::of(Mutant::None) });
}

#[test]
fn each_rule_of_the_leases_is_needed() {
    use Mutant::{
        AckBeforeCommit, EmbeddedFence, FenceByAck, GrantBackwards, HeadBeforeRow, LateRegistration, LeaseBeforeApply,
        LeaseLast, RegisterWithLease, RenewThoughFenced, SharedId, ShortWait, T0Late, WallClock,
    };
    for mutant in [
        HeadBeforeRow,
        LeaseBeforeApply,
        LeaseLast,
        FenceByAck,
        ShortWait,
        T0Late,
        AckBeforeCommit,
        RenewThoughFenced,
        RegisterWithLease,
        SharedId,
        WallClock,
    ] {
        fails(&format!("{mutant:?}"), &Lease::of(mutant));
    }
    fails("LateRegistration", &Lease { late: 1, replicas: 1, ..Lease::of(LateRegistration) });
    fails("GrantBackwards", &Lease { late: 1, duration: 1, ..Lease::of(GrantBackwards) });
    fails("EmbeddedFence", &Lease { embedded: true, replicas: 1, ..Lease::of(EmbeddedFence) });
}

fn memory(mutant: Mutant, scopes: [Scope; 2], session: Session) -> Memory {
    Memory { mutant, scopes, session, promises: EVERYTHING }
}

#[test]
fn what_is_remembered_of_a_session() {
    holds("memory, everybody twice", &memory(Mutant::None, [Scope::AllButCaller, Scope::All], Session::Other));
    holds("memory, the caller", &memory(Mutant::None, [Scope::AllButCaller, Scope::All], Session::Caller));
    holds("memory, the user", &memory(Mutant::None, [Scope::AllButCaller, Scope::User], Session::Other));
}

#[test]
fn what_is_remembered_of_a_newborn_session() {
    holds("memory, born between", &memory(Mutant::None, [Scope::AllButCaller, Scope::All], Session::Newborn));
    holds("memory, somebody else's", &memory(Mutant::None, [Scope::User, Scope::Elsewhere], Session::Other));
}

#[test]
fn each_rule_of_memory_is_needed() {
    let everybody = [Scope::AllButCaller, Scope::All];
    for (mutant, scopes, session) in [
        (Mutant::ApplyOutOfOrder, [Scope::User, Scope::Elsewhere], Session::Other),
        (Mutant::KeepMemory, everybody, Session::Other),
        (Mutant::ForgetSpared, everybody, Session::Caller),
        (Mutant::LearnWhileRegistering, everybody, Session::Other),
        (Mutant::InsertStale, everybody, Session::Other),
        (Mutant::NegativeCache, everybody, Session::Newborn),
        (Mutant::RefuseUnsettled, everybody, Session::Other),
    ] {
        fails(&format!("{mutant:?}"), &memory(mutant, scopes, session));
    }
}

#[test]
fn a_standby_takes_over() {
    holds("failover", &Failover { mutant: Mutant::None, newborn: true });
}

#[test]
fn each_rule_of_the_failover_is_needed() {
    for mutant in [Mutant::RaiseWithoutLeap, Mutant::AsyncRenewal, Mutant::UnleasedRead, Mutant::IgnoreFloor] {
        fails(&format!("{mutant:?}"), &Failover { mutant, newborn: false });
    }
    fails("UnknownUnasked", &Failover { mutant: Mutant::UnknownUnasked, newborn: true });
}
