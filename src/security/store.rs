//! Statements of credentials and idempotency keys.

use super::model::{Credential, CredentialKind};
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::secret::SecretHash;
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};

pub async fn insert_credential(tx: &mut Write, new: &Credential, hash: &SecretHash, by: &str) -> Result<()> {
    let sql = "INSERT INTO credential (workspace_id, id, kind, name, token_hash, scopes, created_at, created_by, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let scopes = new.scopes.join(" ");
    let arguments =
        args![&new.workspace, &new.id, new.kind.as_str(), &new.name, hash, scopes, new.created_at, by, new.expires_at];
    tx.execute(sql, arguments).await?;
    Ok(())
}

pub async fn list_credentials(db: &mut Read, workspace: &WorkspaceId, kind: CredentialKind) -> Result<Vec<Credential>> {
    let sql = "SELECT * FROM credential WHERE workspace_id = $1 AND kind = $2 AND revoked_at IS NULL ORDER BY id DESC LIMIT 200";
    db.all(sql, args![workspace, kind.as_str()]).await?.iter().map(credential).collect()
}

pub async fn find_credential(db: &mut Read, kind: CredentialKind, hash: &SecretHash) -> Result<Option<Credential>> {
    let sql = "SELECT * FROM credential WHERE token_hash = $1 AND kind = $2";
    db.optional(sql, args![hash, kind.as_str()]).await?.as_ref().map(credential).transpose()
}

/// Revokes one and gives its name; `None` if there is none to revoke.
pub async fn revoke_credential(
    tx: &mut Write,
    workspace: &WorkspaceId,
    kind: CredentialKind,
    id: &CredentialId,
    now: UnixMillis,
) -> Result<Option<String>> {
    let sql = "UPDATE credential SET revoked_at = $4 WHERE workspace_id = $1 AND kind = $2 AND id = $3 AND revoked_at IS NULL \
               RETURNING name";
    let row = tx.optional(sql, args![workspace, kind.as_str(), id, now]).await?;
    row.map(|row| row.text("name")).transpose()
}

pub async fn touch_credential(
    tx: &mut Write,
    workspace: &WorkspaceId,
    id: &CredentialId,
    now: UnixMillis,
    ip: &str,
) -> Result<()> {
    let sql = "UPDATE credential SET last_used_at = $3, last_used_ip = $4 WHERE workspace_id = $1 AND id = $2";
    tx.execute(sql, args![workspace, id, now, ip]).await?;
    Ok(())
}

fn credential(row: &Row) -> Result<Credential> {
    let kind = match row.text("kind")?.as_str() {
        "scim_token" => CredentialKind::ScimToken,
        "api_key" => CredentialKind::ApiKey,
        other => return Err(Error::internal(format!("credential.kind holds {other}"))),
    };
    Ok(Credential {
        id: CredentialId::from_text(row.text("id")?),
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        kind,
        name: row.text("name")?,
        scopes: row.text("scopes")?.split_whitespace().map(str::to_owned).collect(),
        created_at: row.int("created_at")?,
        expires_at: row.optional_int("expires_at")?,
        last_used_at: row.optional_int("last_used_at")?,
        revoked_at: row.optional_int("revoked_at")?,
    })
}

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
