//! The barrier: after a change's commit, wait until no replica can answer from an older belief.

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use super::event::Event;
use super::replica_store::{self as store, Peer};
use super::{lease, lease_clock};
use crate::app::App;
use crate::db::Db;
use crate::error::{Error, REVOCATION_PENDING, Result};
use crate::transact;

/// How often the rows are looked at while nobody says anything.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long one question to the database may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a database that doesn't answer is asked again.
const LONGEST: Duration = Duration::from_secs(5);

/// Which replicas had applied a change when it was acknowledged, and which were shut out instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    pub applied: Vec<String>,
    pub fenced: Vec<String>,
}

/// Waits until every replica has applied everything up to `sequence`, or can't answer any more. Call it after the commit.
///
/// # Errors
/// 202 `revocation-pending` if the database doesn't answer: it is done, but nobody can say that every replica knows.
pub async fn barrier(app: &App, sequence: i64, event: Option<&Event>) -> Result<Applied> {
    if is_alone(app) && applied_here(app, sequence) {
        app.metrics.barrier(Duration::ZERO, 0);
        return Ok(Applied { applied: vec![own_name(app)], fenced: Vec::new() });
    }
    let began = lease_clock(app.clock.as_ref());
    let mut fenced: Vec<Peer> = Vec::new();
    // Told once; who misses it asks.
    let mut hint = event.and_then(|event| serde_json::to_string(event).ok());
    loop {
        let waited = lease_clock(app.clock.as_ref()).saturating_sub(began);
        let looked = look(app, sequence, hint.take().as_deref(), waited >= lease::outlasted(), &mut fenced).await;
        match looked {
            Ok((applied, behind)) if behind.is_empty() => {
                app.metrics.barrier(waited, fenced.len());
                return Ok(Applied { applied: names(&applied), fenced: names(&fenced) });
            }
            Ok((_, behind)) => wait(app, sequence, &behind).await,
            Err(error) if waited >= LONGEST => return Err(pending(sequence, &error)),
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// Who has applied it, and who is to be waited for.
async fn look(
    app: &App,
    sequence: i64,
    hint: Option<&str>,
    outlasted: bool,
    fenced: &mut Vec<Peer>,
) -> Result<(Vec<Peer>, Vec<Peer>)> {
    let asked = |db: Db| async move { store::list_unfenced(&db, hint).await };
    let (head, rows) = app.feed.changes.ask(PATIENCE, asked).await?;
    if head < sequence {
        // Not the database that the change was written to: a primary that was replaced, which knows other replicas.
        app.feed.changes.reconnect();
        return Err(Error::new(
            crate::error::UNAVAILABLE,
            "another database answered than the one that was written to",
        ));
    }
    let (applied, behind): (Vec<Peer>, Vec<Peer>) = rows.into_iter().partition(|peer| knows(app, peer, sequence));
    if behind.is_empty() || !outlasted {
        return Ok((applied, behind));
    }
    // Every lease that was granted before the change has run out. Who has renewed since knows of it.
    if !app.db.is_postgres() {
        // A lease on an embedded database is a read, which no fence would stop: the next change waits again.
        fenced.extend(behind);
        return Ok((applied, Vec::new()));
    }
    let fence = |db: Db| async move { transact!(db, |tx| { store::fence(tx, sequence, &app.replica).await }) };
    let out: Vec<Peer> = app.feed.changes.ask(PATIENCE, fence).await?;
    if !out.is_empty() {
        tracing::warn!(replicas = ?names(&out), sequence, "fenced: these replicas were silent for longer than a lease");
    }
    fenced.extend(out);
    let renewed = behind
        .into_iter()
        .filter(|peer| !fenced.iter().any(|out| out.id == peer.id) && peer.id != app.replica.as_str());
    Ok((applied.into_iter().chain(renewed).collect(), Vec::new()))
}

// Whether nobody else can answer: the server of an embedded database, which holds the lock of its file. It need not ask who there
// is.
fn is_alone(app: &App) -> bool {
    !app.db.is_postgres() && app.feed.incarnation().is_some()
}

// By this process, and its applications: it answers for what they may believe.
fn applied_here(app: &App, sequence: i64) -> bool {
    let applied = app.cache.applied().is_some_and(|applied| applied >= sequence);
    applied && !app.streams.is_held_up(sequence, app.clock.as_ref())
}

fn knows(app: &App, peer: &Peer, sequence: i64) -> bool {
    if peer.id == app.replica.as_str() {
        return applied_here(app, sequence) || peer.acked >= sequence;
    }
    peer.acked >= sequence || app.feed.has_heard(&peer.id, peer.incarnation, sequence)
}

// Until those who are behind have all spoken, or it is time to look again.
async fn wait(app: &App, sequence: i64, behind: &[Peer]) {
    let all_spoke = async {
        loop {
            let word = app.feed.heard().notified();
            tokio::pin!(word);
            word.as_mut().enable();
            if behind.iter().all(|peer| knows(app, peer, sequence)) {
                return;
            }
            word.await;
        }
    };
    let _either = timeout(LOOK_EVERY, all_spoke).await;
}

fn names(peers: &[Peer]) -> Vec<String> {
    peers.iter().map(|peer| shown(&peer.name, &peer.id)).collect()
}

fn own_name(app: &App) -> String {
    shown(&app.config.replica_name, app.replica.as_str())
}

fn shown(name: &str, id: &str) -> String {
    if name.is_empty() { id.to_owned() } else { name.to_owned() }
}

fn pending(sequence: i64, error: &Error) -> Error {
    Error::new(
        REVOCATION_PENDING,
        "the sessions have ended in the database, but it can't be said yet that every replica knows; ask again",
    )
    .with_retry_after(Duration::from_secs(1))
    .with_operation(format!("/api/v1/revocations/{sequence}"))
    .with_log(error.log().to_owned())
}
