//! Statements of idempotency keys.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Write};
use crate::error::Result;

/// Claims a key; 0 if it is taken.
pub async fn claim_key(
    tx: &mut Write,
    workspace: &WorkspaceId,
    actor: &str,
    key: &str,
    request: &[u8; 32],
    now: UnixMillis,
) -> Result<u64> {
    let sql = "INSERT INTO idempotency (workspace_id, actor, idempotency_key, request_hash, response, created_at) \
               VALUES ($1, $2, $3, $4, '', $5) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![workspace, actor, key, request, now]).await
}

pub async fn load_key(db: &mut Read, workspace: &WorkspaceId, actor: &str, key: &str) -> Result<([u8; 32], String)> {
    let sql = "SELECT request_hash, response FROM idempotency WHERE workspace_id = $1 AND actor = $2 AND idempotency_key = $3";
    let row = db.one(sql, args![workspace, actor, key]).await?;
    Ok((row.hash("request_hash")?, row.text("response")?))
}

pub async fn keep_answer(tx: &mut Write, workspace: &WorkspaceId, actor: &str, key: &str, answer: &str) -> Result<()> {
    let sql = "UPDATE idempotency SET response = $4 WHERE workspace_id = $1 AND actor = $2 AND idempotency_key = $3";
    tx.execute(sql, args![workspace, actor, key, answer]).await?;
    Ok(())
}

/// Forgets one key if it is older than `before`.
pub async fn forget_key(
    tx: &mut Write,
    workspace: &WorkspaceId,
    actor: &str,
    key: &str,
    before: UnixMillis,
) -> Result<u64> {
    let sql =
        "DELETE FROM idempotency WHERE workspace_id = $1 AND actor = $2 AND idempotency_key = $3 AND created_at < $4";
    tx.execute(sql, args![workspace, actor, key, before]).await
}

/// Forgets keys older than `before`.
pub async fn tidy_keys(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM idempotency WHERE created_at < $1", args![before]).await
}
