//! Statements of provisioned users. A token sees only those that its workspace got by SCIM.

use crate::args;
use crate::base::ids::{UserId, WorkspaceId};
use crate::db::Read;
use crate::error::Result;

/// Ids of provisioned users, oldest first, from a position on.
pub async fn list_ids(db: &mut Read, workspace: &WorkspaceId, offset: i64, limit: i64) -> Result<Vec<UserId>> {
    let sql = "SELECT id FROM users WHERE workspace_id = $1 AND source = 'scim' AND state <> 'deleted' \
               ORDER BY id LIMIT $3 OFFSET $2";
    let rows = db.all(sql, args![workspace, offset, limit]).await?;
    rows.iter().map(|row| row.text("id").map(UserId::from_text)).collect()
}

/// How many there are.
pub async fn count(db: &mut Read, workspace: &WorkspaceId) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS found FROM users WHERE workspace_id = $1 AND source = 'scim' AND state <> 'deleted'";
    db.one(sql, args![workspace]).await?.int("found")
}
