//! The barrier alone: from the commit of a revocation until three other processes have applied it, in round trips to the
//! database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use curfew::actor::Actor;
use curfew::app::App;
use curfew::db::{Db, Listener};
use curfew::error::Result;
use curfew::sessions::model::{Receipt, Scope, Trigger};
use curfew::sessions::revoke::{self, Order, Revoked};
use curfew::{args, transact};

use super::place::Home;
use super::servers::Serve;
use super::settings::Settings;
use super::statistics::{median_seconds, shown};
use super::table::{Goal, Table};

pub const REPLICAS: usize = 3;
const ROUNDS: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

pub async fn measure(home: &Home, settings: &Settings, table: &mut Table) {
    let mut replicas = Vec::new();
    for number in 0..REPLICAS {
        replicas.push(Serve::start(&home.large, &format!("barrier-{number}")).await);
    }
    // This process revokes, and is none of those that are waited for.
    let app = home.large.open().await;
    let hearing = tokio::spawn(hear(app.clone()));
    let echoing = tokio::spawn(echo(app.feed.changes.db()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (mut trips, mut words, mut barriers) = (Vec::new(), Vec::new(), Vec::new());
    let mut listener = listen(&app.feed.changes.db(), "bench_pong").await;
    for round in 0..settings.rounds * ROUNDS {
        trips.push(round_trip(&app).await.expect("the database answers"));
        tokio::time::sleep(PAUSE).await;
        words.push(there_and_back(&app, &mut listener).await);
        tokio::time::sleep(PAUSE).await;
        let (took, receipt) = barrier(&app, home, round as u64).await.expect("one user can be logged out");
        let replicas = &receipt.replicas;
        if replicas.applied.len() != REPLICAS || !replicas.fenced.is_empty() {
            table.wrong(format!("three healthy replicas, but the receipt says {replicas:?}"));
        }
        barriers.push(took);
        tokio::time::sleep(PAUSE).await;
    }
    let (trip, word, took) = (median_seconds(&trips), median_seconds(&words), median_seconds(&barriers));
    let what = "the barrier alone, 3 other healthy replicas";
    table.ratio(
        what,
        format!("a round trip (SELECT 1): {}", shown(trip)),
        shown(took),
        took / trip,
        "",
        Goal::AtMost(2.0),
    );
    table.ratio(what, format!("NOTIFY to another and back: {}", shown(word)), shown(took), took / word, "", Goal::None);
    hearing.abort();
    echoing.abort();
    app.db.close().await;
    for replica in replicas {
        replica.process.stop();
    }
}

/// On the way that barriers take.
async fn round_trip(app: &App) -> Result<Duration> {
    let db = app.feed.changes.db();
    let begun = Instant::now();
    db.read().await?.one("SELECT CAST(1 AS BIGINT) AS one", args![]).await?;
    Ok(begun.elapsed())
}

/// Logs one user out, and times what follows the commit.
async fn barrier(app: &Arc<App>, home: &Home, user: u64) -> Result<(Duration, Receipt)> {
    let crowd = home.sizes.iter().find(|crowd| crowd.workspace != home.everybody.workspace && crowd.users > 500);
    let crowd = crowd.unwrap_or(&home.sizes[0]);
    let user = curfew::base::ids::UserId::from_text(crowd.user_id(user % crowd.users));
    let scope = Scope::User { user, spare: None };
    let order =
        Order { workspace: &crowd.workspace, scope, trigger: Trigger::Admin, reason: "bench", target_label: "" };
    let revoked: Revoked = transact!(app.db, |tx| { revoke::revoke(tx, app, &Actor::cli(0), &order).await })?;
    let begun = Instant::now();
    let receipt = revoke::acknowledge(app, revoked).await?;
    Ok((begun.elapsed(), receipt))
}

/// Hears what the replicas say, as a replica does.
async fn hear(app: Arc<App>) {
    let mut listener = listen(&app.feed.changes.db(), "curfew_ack").await;
    while let Ok(Some((_, text))) = listener.receive().await {
        let parts: Vec<&str> = text.split(' ').collect();
        if let [replica, incarnation, sequence] = parts[..]
            && let (Ok(incarnation), Ok(sequence)) = (incarnation.parse(), sequence.parse())
        {
            app.feed.hear(replica, incarnation, sequence);
        }
    }
}

/// The least that a change must do: a word to another connection, and a word of that one back.
async fn there_and_back(app: &App, listener: &mut Listener) -> Duration {
    let db = app.feed.changes.db();
    let begun = Instant::now();
    notify(&db, "SELECT pg_notify('bench_ping', '') IS NULL AS told").await;
    listener.receive().await.expect("the connection holds");
    begun.elapsed()
}

async fn echo(db: Db) {
    let mut listener = listen(&db, "bench_ping").await;
    while let Ok(Some(_)) = listener.receive().await {
        notify(&db, "SELECT pg_notify('bench_pong', '') IS NULL AS told").await;
    }
}

async fn notify(db: &Db, sql: &'static str) {
    db.write_one(sql, args![]).await.expect("the database answers");
}

async fn listen(db: &Db, channel: &str) -> Listener {
    Listener::open(db, &[channel]).await.expect("the database answers").expect("this is PostgreSQL")
}
