//! Statements of the request log.

use super::model::LoggedRequest;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::db::{Read, Row, Write};
use crate::error::Result;

pub async fn insert(tx: &mut Write, new: &LoggedRequest) -> Result<()> {
    let sql = "INSERT INTO scim_request (workspace_id, id, credential_id, at, method, path, status, scim_type, detail, \
               duration_ms, request_id, ip, user_agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let arguments = args![
        &new.workspace,
        &new.id,
        &new.credential,
        new.at,
        &new.method,
        &new.path,
        new.status,
        new.scim_type.as_deref(),
        new.detail.as_deref(),
        new.duration_ms,
        &new.request_id,
        &new.ip,
        &new.user_agent,
    ];
    tx.execute(sql, arguments).await?;
    Ok(())
}

/// Requests before (`at`, `id`), newest first.
pub async fn list(
    db: &mut Read,
    workspace: &WorkspaceId,
    credential: &CredentialId,
    at: UnixMillis,
    id: &str,
    limit: i64,
) -> Result<Vec<LoggedRequest>> {
    let sql = "SELECT * FROM scim_request WHERE workspace_id = $1 AND credential_id = $2 \
               AND (at < $3 OR (at = $3 AND id < $4)) ORDER BY at DESC, id DESC LIMIT $5";
    db.all(sql, args![workspace, credential, at, id, limit]).await?.iter().map(request).collect()
}

/// The newest requests of a workspace, whichever token they came with.
pub async fn list_newest(db: &mut Read, workspace: &WorkspaceId, limit: i64) -> Result<Vec<LoggedRequest>> {
    let sql = "SELECT * FROM scim_request WHERE workspace_id = $1 ORDER BY id DESC LIMIT $2";
    db.all(sql, args![workspace, limit]).await?.iter().map(request).collect()
}

/// Removes a batch of requests that came before.
pub async fn tidy(tx: &mut Write, before: UnixMillis, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM scim_request WHERE id IN (SELECT id FROM scim_request WHERE at < $1 LIMIT $2) AND at < $1";
    tx.execute(sql, args![before, limit]).await
}

/// Removes all but the newest `keep` of one token.
pub async fn trim(tx: &mut Write, workspace: &WorkspaceId, credential: &CredentialId, keep: i64) -> Result<u64> {
    let sql = "DELETE FROM scim_request WHERE workspace_id = $1 AND credential_id = $2 AND (at, id) <= \
               (SELECT at, id FROM scim_request WHERE workspace_id = $1 AND credential_id = $2 \
               ORDER BY at DESC, id DESC LIMIT 1 OFFSET $3)";
    tx.execute(sql, args![workspace, credential, keep]).await
}

fn request(row: &Row) -> Result<LoggedRequest> {
    Ok(LoggedRequest {
        id: row.text("id")?,
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        credential: CredentialId::from_text(row.text("credential_id")?),
        at: row.int("at")?,
        method: row.text("method")?,
        path: row.text("path")?,
        status: row.int("status")?,
        scim_type: row.optional_text("scim_type")?,
        detail: row.optional_text("detail")?,
        duration_ms: row.int("duration_ms")?,
        request_id: row.text("request_id")?,
        ip: row.text("ip")?,
        user_agent: row.text("user_agent")?,
    })
}
