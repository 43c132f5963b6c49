//! Statements of SCIM tokens and API keys.

use super::model::{Credential, CredentialKind, PatchResponse};
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::secret::SecretHash;
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};

pub async fn insert(tx: &mut Write, new: &Credential, hash: &SecretHash, by: &str) -> Result<()> {
    let sql = "INSERT INTO credential (workspace_id, id, kind, name, token_hash, scopes, created_at, created_by, expires_at, \
               patch_response) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let arguments = args![
        &new.workspace,
        &new.id,
        new.kind.as_str(),
        &new.name,
        hash,
        new.scopes.join(" "),
        new.created_at,
        by,
        new.expires_at,
        new.patch_response.as_str()
    ];
    tx.execute(sql, arguments).await?;
    Ok(())
}

pub async fn list(db: &mut Read, workspace: &WorkspaceId, kind: CredentialKind) -> Result<Vec<Credential>> {
    let sql = "SELECT * FROM credential WHERE workspace_id = $1 AND kind = $2 AND revoked_at IS NULL ORDER BY id DESC LIMIT 200";
    db.all(sql, args![workspace, kind.as_str()]).await?.iter().map(credential).collect()
}

/// The credential of a secret, with the stamp of its workspace's schemas: a SCIM request then needs no further look-up.
pub async fn find(db: &mut Read, kind: CredentialKind, hash: &SecretHash) -> Result<Option<Credential>> {
    let sql = "SELECT credential.*, workspace.scim_schemas_stamp FROM credential \
               JOIN workspace ON workspace.id = credential.workspace_id WHERE token_hash = $1 AND kind = $2";
    let found = |row: &Row| Ok(Credential { schemas_stamp: row.text("scim_schemas_stamp")?, ..credential(row)? });
    db.optional(sql, args![hash, kind.as_str()]).await?.as_ref().map(found).transpose()
}

/// Revokes one and gives its name; `None` if there is none to revoke.
pub async fn revoke(
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

pub async fn touch(
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
    let patch_response = row.text("patch_response")?;
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
        patch_response: PatchResponse::parse(&patch_response)
            .ok_or_else(|| Error::internal(format!("credential.patch_response holds {patch_response}")))?,
        schemas_stamp: String::new(),
    })
}
