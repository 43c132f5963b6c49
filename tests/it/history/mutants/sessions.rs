//! Faults of revocations, sign-ins and uses.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::stage::Stage;
use crate::history::orders;
use crate::history::record::SignIn;
use crate::history::wire::{self, Wire, once};
use crate::history::world::{BOSS, PATIENCE};
use crate::support::PASSWORD;

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A revocation that drew its number is slow to commit; the next one draws a higher number and commits first. Whoever has
/// applied the second must not pass over the first.
pub async fn overtaken_revocation(stage: &Stage) {
    let (owner, first, other) = (stage.owner(1).await, stage.owner(1).await, stage.owner(1).await);
    let victim = stage.owner(1).await;
    stage.end(1, &owner, &first).await;
    let overtaking = async {
        sleep(milliseconds(300)).await;
        stage.end(1, &owner, &other).await;
        stage.prime(&victim).await;
    };
    tokio::join!(stage.end(0, &owner, &victim), overtaking);
    stage.watch(&victim, milliseconds(500)).await;
}

/// Checks while a session is ended, and right after the answer.
pub async fn check_right_after(stage: &Stage) {
    let (owner, victim) = (stage.owner(0).await, stage.owner(0).await);
    stage.prime(&victim).await;
    tokio::join!(stage.end(0, &owner, &victim), stage.watch(&victim, milliseconds(500)));
}

/// A sign-in whose password was right when it was looked at, and was replaced before the session is made.
pub async fn sign_in_during_a_new_password(stage: &Stage) {
    const MEMBER: usize = BOSS + 1;
    let changing = async {
        sleep(milliseconds(600)).await;
        let order = orders::change_password(&stage.world, MEMBER, "vB3-nQx8-Kjd5-Ty7c-Zp2w");
        stage.world.revoke(1, &order).await
    };
    let (signed_in, (_, changed)) = tokio::join!(stage.world.sign_in(0, MEMBER), changing);
    assert!(changed.is_some_and(|answer| answer.status == 200), "the password could not be changed");
    if let Some(live) = signed_in {
        stage.watch(&live, milliseconds(200)).await;
    }
}

/// A session is used, and ended before the use is written down.
pub async fn use_before_the_end(stage: &Stage) {
    let (owner, victim) = (stage.owner(0).await, stage.owner(0).await);
    stage.prime(&victim).await;
    // Uses are noted once a minute: for this replica that has passed.
    stage.doubtful().set_clock(120_000);
    stage.prime(&victim).await;
    stage.end(0, &owner, &victim).await;
    stage.watch(&victim, milliseconds(2_500)).await;
}

/// Somebody asks about a token before the session that it opens is there, as if the sign-in took long to become visible.
pub async fn asked_before_it_was_there(stage: &Stage) {
    let body = json!({"workspace": "acme", "email": stage.world.people[BOSS].email, "password": PASSWORD});
    let invoked = stage.world.recorder.now();
    let login = wire::json("POST", "/api/v1/login", "", &body);
    let told = once(stage.world.ports[0], &login, PATIENCE).await.expect("the owner signs in").json();
    let (token, id) = (told["token"].as_str().expect("a token"), told["session"]["id"].as_str().expect("an id"));
    stage
        .change("UPDATE session SET token_hash = sha256(convert_to($2 || 'x', 'UTF8')) WHERE id = $1", id, token)
        .await;
    let question = wire::plain("GET", "/forward-auth/nginx", token, "");
    let early = Wire::to(stage.doubtful().port()).ask(&question, PATIENCE).await.expect("an answer");
    assert_eq!(early.status, 401, "a token that nobody has was accepted");
    stage.change("UPDATE session SET token_hash = sha256(convert_to($2, 'UTF8')) WHERE id = $1", id, token).await;
    let returned = stage.world.recorder.now();
    let sign_in = SignIn { replica: 0, user: BOSS, credential: 0, assertion: None, invoked, returned };
    let live = stage.world.remember(sign_in, token, id);
    stage.watch(&live, milliseconds(200)).await;
    stage.world.check(&mut Wire::to(stage.world.ports[0]), 0, &live).await;
}
