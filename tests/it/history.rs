//! A history of the real thing: three `curfew serve` on a PostgreSQL with a synchronous standby, clients who sign in, ask and
//! revoke at random replicas, and faults all the while. Everything is written down over one clock, and judged at the end
//! against what the product promises (`checker.rs` numbers the promises). docs/testing.md says how to read a failure.

mod agreement;
mod checker;
mod checker_tests;
mod clients;
pub mod dice;
mod failover;
mod faults;
mod finish;
#[cfg(feature = "mutants")]
mod mutants;
mod node;
mod orders;
mod plan;
mod proxy;
mod record;
mod report;
mod set_up;
mod single_use;
mod wire;
mod world;

use std::io::Write;
use std::time::{Duration, Instant};

use dice::Dice;
use faults::{Fault, single_faults};
use plan::Plan;

use crate::support::database::OWN_NAME;

/// How long the clients may take to come to an end.
const LAST_ANSWERS: Duration = Duration::from_secs(60);

/// Lives through a plan and judges what happened.
async fn live_through(plan: Plan) -> record::History {
    say(&format!(
        "history: seed {}, {} seconds; again with CURFEW_HISTORY_SEED={}",
        plan.seed, plan.seconds, plan.seed
    ));
    let mut fleet = set_up::fleet(&plan).await;
    let clients = clients::start(&fleet.world, &plan);
    let began = Instant::now();
    for fault in faults_of(&plan) {
        if began.elapsed() > Duration::from_secs(plan.seconds) {
            break;
        }
        fleet.suffer(fault).await;
        tokio::time::sleep(Duration::from_millis(fleet.dice.between(100, 700))).await;
        assert!(clients.iter().all(|client| !client.is_finished()), "a client ended before its time: see above");
    }
    fleet.world.stop();
    for client in clients {
        let ended = tokio::time::timeout(LAST_ANSWERS, client).await;
        ended.expect("a client waits for an answer without end").expect("a client failed: see above");
    }
    tokio::task::block_in_place(|| finish::read(&fleet.world, &fleet.home, fleet.pair.primary(), OWN_NAME));
    let history = std::mem::take(&mut *fleet.world.recorder.history());
    let violations = checker::judge(&history);
    say(&format!("history: {}", report::line(plan.seed, &history, &violations)));
    if !violations.is_empty() {
        panic!("seed {}: {}\nlogs:\n{}", plan.seed, report::tell(&history, &violations), fleet.said());
    }
    history
}

/// Round after round of all faults, each in another order. Failovers come as often as the plan says: else one ends each
/// round, in turns with a zombie and without.
fn faults_of(plan: &Plan) -> impl Iterator<Item = Fault> {
    let mut dice = Dice::new(plan.seed, 1_000);
    let beside = [Fault::Failover, Fault::FailoverBesideZombie];
    let (failovers, begins_with, failovers_only) = (plan.failovers, dice.below(2), plan.failovers_only);
    (0..).flat_map(move |round: usize| {
        let mut faults = if failovers_only { Vec::new() } else { single_faults() };
        dice.shuffle(&mut faults);
        if failovers.is_none_or(|failovers| round < failovers) {
            // The third of a short history: there must be time for it.
            let place = if failovers.is_some() { 2 } else { faults.len() };
            faults.insert(place, beside[(round + begins_with) % 2]);
        }
        faults
    })
}

/// Past the test harness, which keeps what tests print to itself.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_history_holds() {
    let plan = Plan::short();
    let whole = plan.seconds >= 30;
    let history = live_through(plan).await;
    assert!(!whole || history.checks.len() > 1_000, "hardly anything was asked: {}", history.checks.len());
    assert!(!whole || report::acknowledged(&history) > 20, "hardly anything was revoked");
    assert!(!whole || report::failovers(&history) == 1, "there was no failover");
}

/// `make soak`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a quarter of an hour: make soak"]
async fn a_long_history_holds() {
    let plan = Plan::long();
    let whole = plan.seconds >= 900;
    let history = live_through(plan).await;
    if whole {
        assert!(history.checks.len() >= 1_000_000, "only {} checks", history.checks.len());
        assert!(report::acknowledged(&history) >= 10_000, "only {} revocations", report::acknowledged(&history));
        assert!(history.troubles.len() >= 40, "only {} faults", history.troubles.len());
        assert!(report::failovers(&history) >= 2, "only {} failovers", report::failovers(&history));
    }
}
