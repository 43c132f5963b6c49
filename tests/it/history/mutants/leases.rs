//! Faults of leases, fences and registrations.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::stage::{DOUBTFUL, Stage, at};
use crate::history::proxy::{THROUGH, Way};
use crate::history::wire::Wire;

const HOUR_MS: i64 = 3_600_000;

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A check has read the session, and is slow to remember it. Meanwhile its replica is fenced and registers anew: it has read
/// the head, and is slow to say that it is there, when the session is ended. Whoever waits for the replicas doesn't see it;
/// then it begins at the old head, and the check remembers what was true at that head. Without the fault it reads the head when
/// it can be seen.
pub async fn registration_during_a_revocation(stage: &Stage) {
    let (owner, victim) = (stage.owner(0).await, stage.owner(0).await);
    stage.renewed().await;
    let began = Instant::now();
    let mut wire = Wire::to(stage.doubtful().port());
    let slow_check = stage.world.check(&mut wire, DOUBTFUL, &victim);
    let meanwhile = async {
        at(began, 200).await;
        assert_eq!(stage.number(FENCE).await, 1, "there is one second replica");
        stage.until("it registers", async || stage.number(REGISTERING).await > 0).await;
        stage.end(0, &owner, &victim).await;
        stage.until("it has registered", async || stage.number(REGISTERED).await == 1).await;
        // Time for the answer to the commit; then it hears nothing more for what is left of its lease.
        sleep(milliseconds(60)).await;
        let from = stage.cut();
        stage.watch(&victim, milliseconds(1_200)).await;
        stage.heal(from);
    };
    tokio::join!(slow_check, meanwhile);
}

const FENCE: &str = "WITH shut_out AS (UPDATE replica SET fenced = 1 WHERE name = 'replica-1' RETURNING id) SELECT count(*) FROM shut_out";
/// A transaction on a connection for leases that waits for its client.
const REGISTERING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                           AND application_name = 'curfew leases' AND state = 'idle in transaction' \
                           AND state_change < clock_timestamp() - interval '40 milliseconds'";
const REGISTERED: &str = "SELECT count(*) FROM replica WHERE name = 'replica-1' AND fenced = 0 AND acked_seq > 0";

/// A replica that hears no hints renews its lease after a revocation's commit, and is slow to apply what it was told. It is
/// not fenced, because it was told; so it must not have its lease yet.
pub async fn renewal_during_a_revocation(stage: &Stage) {
    let (owner, victim) = (stage.owner(0).await, stage.owner(0).await);
    stage.doubtful().proxy.set(Way { hints: false, ..THROUGH });
    stage.renewed().await;
    let began = Instant::now();
    stage.prime(&victim).await;
    // With the fault a renewal takes 2.5 s and the next comes 0.5 s later: between this commit and its fence.
    at(began, 2_000).await;
    let watching = async {
        at(began, 3_000).await;
        stage.watch(&victim, milliseconds(2_000)).await;
    };
    tokio::join!(stage.end(0, &owner, &victim), watching);
    stage.doubtful().proxy.set(THROUGH);
}

/// A replica without a lease reads its memory, and only then gets a lease, which must not bless what was read before it.
pub async fn check_while_cut_off(stage: &Stage) {
    let (owner, victim) = (stage.owner(0).await, stage.owner(0).await);
    stage.prime(&victim).await;
    let from = stage.cut();
    stage.end(0, &owner, &victim).await;
    let began = Instant::now();
    let healing = async {
        at(began, 500).await;
        stage.heal(from);
    };
    tokio::join!(stage.watch(&victim, milliseconds(400)), healing);
}

/// A replica that applied the first revocation, and is slow to say so. It has renewed its lease since, so the second must
/// wait for it; and of the second it hears nothing.
pub async fn two_revocations_in_a_row(stage: &Stage) {
    let (owner, other, victim) = (stage.owner(0).await, stage.owner(0).await, stage.owner(0).await);
    let remembering = async {
        sleep(milliseconds(600)).await;
        stage.prime(&victim).await;
    };
    tokio::join!(stage.end(0, &owner, &other), remembering);
    let from = stage.cut();
    tokio::join!(stage.end(0, &owner, &victim), stage.watch(&victim, milliseconds(1_600)));
    stage.heal(from);
}

/// A replica's wall clock is set back by an hour, and then it is cut off.
pub async fn clock_set_back(stage: &Stage) {
    let (owner, victim) = (stage.owner(0).await, stage.owner(0).await);
    stage.prime(&victim).await;
    stage.doubtful().set_clock(-HOUR_MS);
    sleep(milliseconds(50)).await;
    let from = stage.cut();
    stage.end(0, &owner, &victim).await;
    stage.watch(&victim, milliseconds(500)).await;
    stage.heal(from);
}

/// A replica that was fenced while it was cut off registers anew. What it remembers is older than what it begins with.
pub async fn return_after_a_fence(stage: &Stage) {
    let (owner, victim) = (stage.owner(0).await, stage.owner(0).await);
    stage.prime(&victim).await;
    let from = stage.cut();
    stage.end(0, &owner, &victim).await;
    stage.heal(from);
    stage.watch(&victim, milliseconds(2_500)).await;
}
