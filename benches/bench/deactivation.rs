//! An identity provider switches a user off, on three replicas, until its answer; and who is accepted after that answer.

use std::time::{Duration, Instant};

use curfew::app::App;
use curfew::args;
use curfew::base::ids::WorkspaceId;

use super::barrier::REPLICAS;
use super::commit;
use super::http::{self, Connection};
use super::place::{self, Home};
use super::scim;
use super::servers::Serve;
use super::settings::Settings;
use super::statistics::{median_seconds, shown};
use super::table::{Goal, Table};

const ROUNDS: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);
/// As many may lose access without approval; up to then the brake is part of what is measured.
const UNHELD: usize = 50;
const OFF: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#;

/// What checks of sessions gave.
#[derive(Default)]
struct Verdicts {
    accepted: u64,
    refused: u64,
    strange: u64,
}

pub async fn measure(home: &Home, settings: &Settings, table: &mut Table) {
    let app = home.large.open().await;
    commit::prepare(&app).await;
    let token = scim::token(&app, &home.everybody.workspace).await;
    if settings.rounds * ROUNDS > UNHELD {
        without_hold(&app, &home.everybody.workspace).await;
    }
    let mut replicas = Vec::new();
    for number in 0..REPLICAS {
        replicas.push(Serve::start(&home.large, &format!("deactivation-{number}")).await);
    }
    let mut connections = Vec::new();
    for replica in &replicas {
        connections.push(Connection::open(replica.port).await.expect("the server listens"));
    }
    let mut plain = Connection::open(replicas[0].admin_port).await.expect("the server listens");
    let (mut commits, mut requests, mut times) = (Vec::new(), Vec::new(), Vec::new());
    let mut after = Verdicts::default();
    for round in 0..settings.rounds * ROUNDS {
        commits.push(commit::empty(&app).await);
        tokio::time::sleep(PAUSE).await;
        requests.push(request(&mut plain).await);
        tokio::time::sleep(PAUSE).await;
        // From the end: the first one owns the workspace.
        let user = home.everybody.users - 1 - round as u64;
        let before = [verdicts(&mut connections, home, user).await, verdicts(&mut connections, home, user).await];
        if before.iter().any(|verdicts| verdicts.refused + verdicts.strange > 0) {
            table.wrong("a live session was refused before its user was switched off".to_owned());
        }
        tokio::time::sleep(PAUSE).await;
        times.push(switch_off(&mut connections[round % REPLICAS], home, user, &token).await);
        let now = verdicts(&mut connections, home, user).await;
        after.accepted += now.accepted;
        after.refused += now.refused;
        after.strange += now.strange;
        tokio::time::sleep(PAUSE).await;
    }
    report(&commits, &requests, &times, &after, table);
    app.db.close().await;
    for replica in replicas {
        replica.process.stop();
    }
}

fn report(commits: &[Duration], requests: &[Duration], times: &[Duration], after: &Verdicts, table: &mut Table) {
    let (commit, request, took) = (median_seconds(commits), median_seconds(requests), median_seconds(times));
    let reference = format!("a commit, {}, and a loopback request, {}", shown(commit), shown(request));
    let what = "SCIM deactivation on 3 replicas until its answer";
    table.ratio(what, reference, shown(took), took / (commit + request), "", Goal::AtMost(4.0));
    table.figure(
        "checks accepted by any of the 3 after that answer",
        format!("{} refused", after.refused),
        format!("{} accepted, {} without a verdict", after.accepted, after.strange),
        after.accepted as f64,
        "",
        Goal::AtMost(0.0),
    );
    if after.accepted > 0 {
        table.wrong(format!("{} checks were accepted after a deactivation was answered", after.accepted));
    }
}

async fn without_hold(app: &App, workspace: &WorkspaceId) {
    let sql = "UPDATE policy SET deprovision_hold_count = 0, deprovision_hold_percent = 0 WHERE workspace_id = $1";
    app.db.write_one(sql, args![workspace]).await.expect("the database is ours");
}

async fn switch_off(connection: &mut Connection, home: &Home, user: u64, token: &str) -> Duration {
    let path = format!("/scim/v2/Users/{}", home.everybody.user_id(user));
    let question = http::request("PATCH", &path, token, "127.0.0.1", "application/scim+json", OFF);
    let begun = Instant::now();
    let status = connection.ask(&question).await.expect("the server answers");
    let took = begun.elapsed();
    assert!([200, 204].contains(&status), "{status}: {}", String::from_utf8_lossy(connection.body()));
    took
}

/// Every session of a user, on every replica at once.
async fn verdicts(connections: &mut [Connection], home: &Home, user: u64) -> Verdicts {
    let (crowd, address) = (&home.everybody, place::addresses()[0].to_string());
    let questions: Vec<Vec<u8>> =
        crowd.sessions_of(user).map(|number| http::check(crowd.token(number).reveal(), &address)).collect();
    let asked = connections.iter_mut().map(|connection| async {
        let mut verdicts = Verdicts::default();
        for question in &questions {
            match connection.ask(question).await.expect("the server answers") {
                200 => verdicts.accepted += 1,
                401 => verdicts.refused += 1,
                _ => verdicts.strange += 1,
            }
        }
        verdicts
    });
    let all = futures_util::future::join_all(asked).await;
    all.into_iter().fold(Verdicts::default(), |sum, one| Verdicts {
        accepted: sum.accepted + one.accepted,
        refused: sum.refused + one.refused,
        strange: sum.strange + one.strange,
    })
}

/// The least that a server of ours answers.
async fn request(connection: &mut Connection) -> Duration {
    let question = http::request("GET", "/livez", "", "127.0.0.1", "", "");
    let begun = Instant::now();
    let status = connection.ask(&question).await.expect("the server answers");
    let took = begun.elapsed();
    assert_eq!(status, 200);
    took
}
