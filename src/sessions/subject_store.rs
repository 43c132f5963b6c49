//! Statements about the sessions of a person as an identity provider names them.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{SessionId, WorkspaceId};
use crate::db::{Row, Write};
use crate::error::Result;

/// Whom an identity provider means.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Entity id of the identity provider.
    pub provider: &'a str,
    /// NameID.
    pub name: &'a str,
    /// SessionIndex; none means every session of the name.
    pub indexes: &'a [String],
}

/// One of these sessions, and whose it is.
#[derive(Clone, Debug)]
pub struct Named {
    pub session: SessionId,
    pub user_name: String,
}

// Those that nobody ended and no epoch outlived. Idleness and methods are not looked at: another replica may have seen a session
// a moment ago, and a method may be admitted again.
macro_rules! named {
    ($indexes:literal, $lock:literal) => {
        concat!(
            "SELECT s.id, u.user_name FROM session s JOIN workspace w ON w.id = s.workspace_id \
             JOIN users u ON u.workspace_id = s.workspace_id AND u.id = s.user_id \
             JOIN policy p ON p.workspace_id = s.workspace_id \
             WHERE s.workspace_id = $1 AND s.provider = $2 AND s.subject = $3 AND s.ended_at IS NULL \
             AND (s.workspace_epoch = w.epoch OR s.id = w.spared_session) \
             AND (s.user_epoch = u.epoch OR s.id = u.spared_session) AND s.created_at > $4 - p.absolute_ms \
             AND ($5 = 1 OR s.session_index IN (",
            $indexes,
            ")) ORDER BY s.id LIMIT $7",
            $lock
        )
    };
}

/// Locks the first `limit` live sessions of a subject until the transaction ends, in the order in which their uses are written.
pub async fn lock(
    tx: &mut Write,
    workspace: &WorkspaceId,
    subject: &Subject<'_>,
    now: UnixMillis,
    limit: i64,
) -> Result<Vec<Named>> {
    let sql = match tx.is_postgres() {
        true => named!("SELECT jsonb_array_elements_text(CAST($6 AS jsonb))", " FOR UPDATE OF s"),
        // The transaction holds the one right to write.
        false => named!("SELECT value FROM json_each($6)", ""),
    };
    let indexes = serde_json::Value::from(subject.indexes).to_string();
    let all = subject.indexes.is_empty();
    let rows = tx.all(sql, args![workspace, subject.provider, subject.name, now, all, indexes, limit]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Named> {
    Ok(Named { session: SessionId::from_text(row.text("id")?), user_name: row.text("user_name")? })
}
