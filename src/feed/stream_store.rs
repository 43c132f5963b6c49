//! Statements of streams: what an application missed, and word of it to the replica that has its stream.

use super::event::Event;
use super::store::read;
use crate::args;
use crate::base::ids::WorkspaceId;
use crate::db::{Db, Read, Row};
use crate::error::Result;

/// Changes of a workspace after a number, and how far the table reaches, all of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    pub head: i64,
    /// The oldest change of all that is still kept.
    pub oldest: Option<i64>,
    pub events: Vec<Event>,
}

/// The next `limit` changes of a workspace after `since`; those of every workspace are among them.
pub async fn list_since(db: &mut Read, workspace: &WorkspaceId, since: i64, limit: i64) -> Result<Missed> {
    let sql = "SELECT head.seq AS head, (SELECT MIN(seq) FROM revocation) AS oldest, r.seq AS found, COALESCE(r.seq, 0) AS seq, \
               r.workspace_id, r.scope, r.target, r.user_id, COALESCE(r.epoch, 0) AS epoch, r.spared_session, r.cause, \
               COALESCE(r.at, 0) AS at FROM head LEFT JOIN revocation r ON r.workspace_id IN ($1, '') AND r.seq > $2 \
               WHERE head.id = 1 ORDER BY r.seq LIMIT $3";
    let rows = db.all(sql, args![workspace, since, limit]).await?;
    let mut missed = Missed { head: 0, oldest: None, events: Vec::new() };
    for row in &rows {
        missed.head = row.int("head")?;
        missed.oldest = row.optional_int("oldest")?;
        missed.events.extend(found(row)?);
    }
    Ok(missed)
}

fn found(row: &Row) -> Result<Option<Event>> {
    row.optional_int("found")?.map(|_| read(row)).transpose()
}

/// Tells the replica that has a stream what its application acknowledged to this one. A hint: it may be lost.
pub async fn relay(db: &Db, text: &str) -> Result<()> {
    let sql = "SELECT pg_notify('curfew_stream', $1) IS NULL AS told";
    db.write_one(sql, args![text]).await?;
    Ok(())
}
