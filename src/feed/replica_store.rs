//! Statements of replicas. Leases and fences meet here: docs/revocation-protocol.md numbers the rules.

use super::store::timeline;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::ReplicaId;
use crate::db::{Db, Read, Row, Write};
use crate::error::Result;
use crate::mutant;

/// What the database said to a replica that wants a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub head: i64,
    /// Of the database that answered.
    pub timeline: String,
    /// That the head was last raised on.
    pub known_timeline: String,
}

/// Applied by whoever remembers nothing: whatever the head is.
pub const EVERYTHING: i64 = i64::MAX;

/// Another process that may hold a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub id: String,
    pub name: String,
    pub incarnation: i64,
    pub acked: i64,
    pub granted: i64,
    pub fenced: bool,
    pub renewed_at: UnixMillis,
}

/// Makes this process a replica, or makes it one anew: gives its incarnation. From the commit on every barrier waits for it, so
/// it may ask for the head then, and not before: a revocation could look for replicas, miss this one, and be unknown to it.
pub async fn enrol(tx: &mut Write, id: &ReplicaId, name: &str, now: UnixMillis) -> Result<i64> {
    mutant::pause("before-row").await;
    let sql = "INSERT INTO replica (id, incarnation, name, granted_seq, acked_seq, fenced, started_at, renewed_at) \
               VALUES ($1, 1, $2, 0, 0, 0, $3, $3) ON CONFLICT (id) DO UPDATE SET \
               incarnation = replica.incarnation + 1, name = excluded.name, granted_seq = 0, acked_seq = 0, \
               fenced = 0, renewed_at = excluded.renewed_at RETURNING incarnation";
    tx.one(sql, args![id, name, now]).await?.int("incarnation")
}

/// Asks for a lease; `None` if the row is fenced, gone, or another process's: register anew.
///
/// It waits for nobody who is writing the head: a lease that is granted under the one before was asked for before the other's
/// commit, and so it is outlasted. `granted_seq` never falls, for one that was given up may be carried out after its successor.
///
/// One statement that commits by itself. On PostgreSQL it waits for a synchronous standby like every commit: a primary that was
/// replaced meanwhile never answers. On an embedded database it is a read; nobody but this process and the command line can be
/// there. `acked`: the newest change that is applied; `EVERYTHING` if nothing is remembered.
pub async fn renew(db: &Db, id: &ReplicaId, incarnation: i64, acked: i64, now: UnixMillis) -> Result<Option<Granted>> {
    let row = if db.is_postgres() {
        let sql = concat!(
            "WITH newest AS (SELECT seq, timeline FROM head WHERE id = 1), \
             mine AS (UPDATE replica SET granted_seq = GREATEST(replica.granted_seq, newest.seq), renewed_at = $4, \
             acked_seq = GREATEST(replica.acked_seq, LEAST($3, newest.seq)) FROM newest \
             WHERE replica.id = $1 AND replica.incarnation = $2 AND replica.fenced = 0 RETURNING replica.id) \
             SELECT newest.seq, newest.timeline AS known_timeline, ",
            timeline!(),
            " AS timeline FROM newest, mine"
        );
        db.write_one(sql, args![id, incarnation, acked, now]).await?
    } else {
        let sql = "SELECT head.seq, head.timeline AS known_timeline, '' AS timeline FROM head, replica \
                   WHERE head.id = 1 AND replica.id = $1 AND replica.incarnation = $2 AND replica.fenced = 0";
        db.read().await?.optional(sql, args![id, incarnation]).await?
    };
    row.as_ref().map(granted).transpose()
}

/// Says that everything up to `acked` is applied. It need not survive a crash: then the waiter waits a little longer.
pub async fn acknowledge(db: &Db, id: &ReplicaId, incarnation: i64, acked: i64) -> Result<()> {
    if db.is_postgres() {
        let sql = "WITH mine AS (UPDATE replica SET acked_seq = GREATEST(acked_seq, $3) \
                   WHERE id = $1 AND incarnation = $2 RETURNING id) \
                   SELECT set_config('synchronous_commit', 'off', true), \
                   pg_notify('curfew_ack', $1 || ' ' || $2 || ' ' || $3) FROM mine";
        db.write_one(sql, args![id, incarnation, acked]).await?;
        return Ok(());
    }
    let sql = "UPDATE replica SET acked_seq = $3 WHERE id = $1 AND incarnation = $2 AND acked_seq < $3 RETURNING id";
    db.write_one(sql, args![id, incarnation, acked]).await?;
    Ok(())
}

/// The head, and the replicas that are to be waited for. On PostgreSQL the same statement tells them of the change, as a hint,
/// which goes out with its commit: that waits for no disk and no standby, for the change itself is durable.
pub async fn list_unfenced(db: &Db, hint: Option<&str>) -> Result<(i64, Vec<Peer>)> {
    let mut read = db.read().await?;
    let rows = match hint.filter(|_| db.is_postgres()) {
        Some(hint) => {
            let sql = "SELECT head.seq, replica.id, name, incarnation, acked_seq, granted_seq, fenced, renewed_at, \
                       set_config('synchronous_commit', 'off', true) AS hurried, \
                       pg_notify('curfew_revocation', $1) IS NULL AS told \
                       FROM head LEFT JOIN replica ON fenced = 0 WHERE head.id = 1 ORDER BY replica.id";
            read.all(sql, args![hint]).await?
        }
        None => {
            let sql = "SELECT head.seq, replica.id, name, incarnation, acked_seq, granted_seq, fenced, renewed_at \
                       FROM head LEFT JOIN replica ON fenced = 0 WHERE head.id = 1 ORDER BY replica.id";
            read.all(sql, args![]).await?
        }
    };
    let head = rows.first().map_or(Ok(0), |row| row.int("seq"))?;
    let mut peers = Vec::new();
    for row in &rows {
        if row.optional_text("id")?.is_some() {
            peers.push(peer(row)?);
        }
    }
    Ok((head, peers))
}

/// Every process that registered, fenced ones too.
pub async fn list(db: &mut Read) -> Result<Vec<Peer>> {
    let sql =
        "SELECT id, name, incarnation, acked_seq, granted_seq, fenced, renewed_at FROM replica ORDER BY id LIMIT 1000";
    db.all(sql, args![]).await?.iter().map(peer).collect()
}

/// Shuts out replicas whose newest lease was granted before `sequence`, but `except`; gives those that are out. By granted,
/// not by acknowledged: who renewed since knows of it, holds a live lease, and must be waited for by the next revocation.
pub async fn fence(tx: &mut Write, sequence: i64, except: &ReplicaId) -> Result<Vec<Peer>> {
    let sql = if mutant::on("fence-by-ack") {
        "UPDATE replica SET fenced = 1 WHERE fenced = 0 AND acked_seq < $1 AND id <> $2 \
         RETURNING id, name, incarnation, acked_seq, granted_seq, fenced, renewed_at"
    } else {
        "UPDATE replica SET fenced = 1 WHERE fenced = 0 AND granted_seq < $1 AND acked_seq < $1 AND id <> $2 \
         RETURNING id, name, incarnation, acked_seq, granted_seq, fenced, renewed_at"
    };
    tx.all(sql, args![sequence, except]).await?.iter().map(peer).collect()
}

/// A process that ends in good order: nobody need wait for it.
pub async fn leave(db: &Db, id: &ReplicaId) -> Result<()> {
    db.write_one("DELETE FROM replica WHERE id = $1 RETURNING id", args![id]).await?;
    Ok(())
}

/// Forgets the processes that an embedded database had before: this one holds the lock of the file.
pub async fn forget_others(tx: &mut Write, id: &ReplicaId) -> Result<u64> {
    tx.execute("DELETE FROM replica WHERE id <> $1", args![id]).await
}

/// Forgets replicas that have been fenced for long.
pub async fn tidy(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM replica WHERE fenced = 1 AND renewed_at < $1", args![before]).await
}

/// Remembers which database the head is raised on.
pub async fn set_timeline(tx: &mut Write, timeline: &str) -> Result<()> {
    tx.execute("UPDATE head SET timeline = $1 WHERE id = 1", args![timeline]).await?;
    Ok(())
}

/// Locks the head until the transaction ends, and gives it with the timelines.
pub async fn lock_head(tx: &mut Write) -> Result<Granted> {
    let sql = match tx.is_postgres() {
        true => {
            concat!(
                "UPDATE head SET seq = seq WHERE id = 1 RETURNING seq, timeline AS known_timeline, ",
                timeline!(),
                " AS timeline"
            )
        }
        false => "UPDATE head SET seq = seq WHERE id = 1 RETURNING seq, timeline AS known_timeline, '' AS timeline",
    };
    granted(&tx.one(sql, args![]).await?)
}

/// The head, by a commit that is durable: a primary that was replaced would tell its own, and answers no commit.
pub async fn sure_head(tx: &mut Write) -> Result<i64> {
    let sql = match tx.is_postgres() {
        // The message gives the transaction something to commit. It locks nothing.
        true => "SELECT seq, pg_logical_emit_message(true, 'curfew', '') IS NULL AS said FROM head WHERE id = 1",
        false => "SELECT seq FROM head WHERE id = 1",
    };
    tx.one(sql, args![]).await?.int("seq")
}

/// Raises the head far beyond every number that a lost part of history can have had, and beyond what is `known` of it.
pub async fn leap(tx: &mut Write, known: i64, by: i64) -> Result<i64> {
    let sql = "UPDATE head SET seq = CASE WHEN seq > $1 THEN seq ELSE $1 END + $2 WHERE id = 1 RETURNING seq";
    tx.one(sql, args![known, by]).await?.int("seq")
}

fn granted(row: &Row) -> Result<Granted> {
    Ok(Granted { head: row.int("seq")?, timeline: row.text("timeline")?, known_timeline: row.text("known_timeline")? })
}

fn peer(row: &Row) -> Result<Peer> {
    Ok(Peer {
        id: row.text("id")?,
        name: row.text("name")?,
        incarnation: row.int("incarnation")?,
        acked: row.int("acked_seq")?,
        granted: row.int("granted_seq")?,
        fenced: row.flag("fenced")?,
        renewed_at: row.int("renewed_at")?,
    })
}
