//! Statements of the feed.

use super::event::Event;
use crate::args;
use crate::db::{Read, Write};
use crate::error::Result;

/// Raises the head and holds its lock until the transaction ends: commit order and sequence are one.
pub async fn raise_head(tx: &mut Write) -> Result<i64> {
    tx.one("UPDATE head SET seq = seq + 1 WHERE id = 1 RETURNING seq", args![]).await?.int("seq")
}

/// The newest committed sequence number.
pub async fn load_head(db: &mut Read) -> Result<i64> {
    db.one("SELECT seq FROM head WHERE id = 1", args![]).await?.int("seq")
}

pub async fn insert(tx: &mut Write, sequence: i64, event: &Event<'_>) -> Result<()> {
    let sql = "INSERT INTO revocation (seq, workspace_id, scope, target, epoch, spared_session, cause, at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let arguments = args![
        sequence,
        event.workspace,
        event.scope,
        event.target,
        event.epoch,
        event.spared_session,
        event.cause,
        event.at
    ];
    tx.execute(sql, arguments).await?;
    Ok(())
}
