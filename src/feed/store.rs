//! Statements of the head and of the numbered changes.

use std::time::Duration;

use super::event::{Event, EventScope};
use crate::args;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Row, Value, Write};
use crate::error::{Error, Result, UNAVAILABLE};
use crate::mutant;

/// Which database this is, as PostgreSQL says itself: its system identifier and timeline, of which a promoted standby has
/// another, and the identity of the table, of which a dump that was loaded has another.
macro_rules! timeline {
    () => {
        "((SELECT CAST(system_identifier AS TEXT) FROM pg_control_system()) || '/' || \
         substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '/' || \
         CAST(CAST(CAST('head' AS regclass) AS oid) AS TEXT))"
    };
}

pub(crate) use timeline;

/// Raises the head and holds its lock until the transaction ends: commit order and sequence are one.
///
/// # Errors
/// 503 if the database is not the one that the head was last raised on, or has forgotten changes up to `known`.
pub async fn raise_head(tx: &mut Write, known: i64) -> Result<i64> {
    #[cfg(feature = "mutants")]
    if mutant::on("ack-before-commit") {
        tx.late = true;
    }
    if mutant::on("sequence-head") {
        return raise_unordered(tx).await;
    }
    let sql = match tx.is_postgres() {
        true => {
            concat!(
                "UPDATE head SET seq = seq + 1 WHERE id = 1 AND seq >= $1 AND timeline = ",
                timeline!(),
                " RETURNING seq"
            )
        }
        false => "UPDATE head SET seq = seq + 1 WHERE id = 1 AND seq >= $1 RETURNING seq",
    };
    tx.optional(sql, args![known]).await?.ok_or_else(replaced)?.int("seq")
}

// The fault that a SEQUENCE would be: numbers that become visible out of order.
async fn raise_unordered(tx: &mut Write) -> Result<i64> {
    tx.execute("CREATE SEQUENCE IF NOT EXISTS mutant_head START 1000", args![]).await?;
    let sequence = tx.one("SELECT nextval('mutant_head') AS seq", args![]).await?.int("seq")?;
    mutant::pause("sequence-drawn").await;
    tx.execute("UPDATE head SET seq = GREATEST(seq, $1) WHERE id = 1", args![sequence]).await?;
    Ok(sequence)
}

/// The newest committed sequence number.
pub async fn load_head(db: &mut Read) -> Result<i64> {
    db.one("SELECT seq FROM head WHERE id = 1", args![]).await?.int("seq")
}

/// Raises the head as `raise_head` does, and records the change that it is for, with its number: in PostgreSQL at once, so that
/// whoever waits for the head waits for one way less.
///
/// # Errors
/// As `raise_head`.
pub async fn append(tx: &mut Write, known: i64, event: &Event) -> Result<i64> {
    if mutant::any() || !tx.is_postgres() {
        let sequence = raise_head(tx, known).await?;
        insert(tx, sequence, event).await?;
        return Ok(sequence);
    }
    let sql = concat!(
        "WITH raised AS (UPDATE head SET seq = seq + 1 WHERE id = 1 AND seq >= $1 AND timeline = ",
        timeline!(),
        " RETURNING seq) INSERT INTO revocation (seq, workspace_id, scope, target, user_id, epoch, spared_session, cause, at) \
         SELECT seq, $2, $3, $4, $5, $6, $7, $8, $9 FROM raised RETURNING seq"
    );
    tx.optional(sql, arguments(known, event)).await?.ok_or_else(replaced)?.int("seq")
}

/// Records a change under a number.
pub async fn insert(tx: &mut Write, sequence: i64, event: &Event) -> Result<()> {
    let sql = "INSERT INTO revocation (seq, workspace_id, scope, target, user_id, epoch, spared_session, cause, at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    tx.execute(sql, arguments(sequence, event)).await?;
    Ok(())
}

fn arguments(number: i64, event: &Event) -> Vec<Value> {
    args![
        number,
        &event.workspace,
        event.scope.as_str(),
        event.target.clone(),
        event.user.clone(),
        event.epoch,
        event.spared_session.clone(),
        &event.cause,
        event.at
    ]
}

// A number that a lost part of history may have had must not be given again.
fn replaced() -> Error {
    Error::new(UNAVAILABLE, "the database was replaced a moment ago; try again")
        .with_retry_after(Duration::from_secs(1))
}

/// Tells other processes of a change when the transaction commits. A hint: it may be lost.
pub async fn hint(tx: &mut Write, event: &Event) -> Result<()> {
    if tx.is_postgres() {
        let text = serde_json::to_string(event).map_err(Error::internal)?;
        tx.one("SELECT pg_notify('curfew_revocation', $1) IS NULL AS told", args![text]).await?;
    }
    Ok(())
}

/// Changes after `after` up to `until`, in order.
pub async fn list_between(db: &mut Read, after: i64, until: i64, limit: i64) -> Result<Vec<Event>> {
    let sql = "SELECT seq, workspace_id, scope, target, user_id, epoch, spared_session, cause, at FROM revocation \
               WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
    db.all(sql, args![after, until, limit]).await?.iter().map(read).collect()
}

/// One change of a workspace.
pub async fn find(db: &mut Read, workspace: &WorkspaceId, sequence: i64) -> Result<Option<Event>> {
    let sql = "SELECT seq, workspace_id, scope, target, user_id, epoch, spared_session, cause, at FROM revocation \
               WHERE seq = $2 AND workspace_id = $1";
    db.optional(sql, args![workspace, sequence]).await?.as_ref().map(read).transpose()
}

/// Forgets changes that every replica has long applied or been fenced over.
pub async fn tidy(tx: &mut Write, before: i64, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM revocation WHERE seq IN (SELECT seq FROM revocation WHERE at < $1 ORDER BY seq LIMIT $2)";
    tx.execute(sql, args![before, limit]).await
}

/// Reads a change.
pub fn read(row: &Row) -> Result<Event> {
    let scope = row.text("scope")?;
    Ok(Event {
        sequence: row.int("seq")?,
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        scope: EventScope::parse(&scope).ok_or_else(|| Error::internal(format!("revocation.scope holds {scope}")))?,
        target: row.optional_text("target")?,
        user: row.optional_text("user_id")?,
        epoch: row.int("epoch")?,
        spared_session: row.optional_text("spared_session")?,
        cause: row.text("cause")?,
        at: row.int("at")?,
    })
}
