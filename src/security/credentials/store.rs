//! Statements of SCIM tokens, OAuth clients and API keys, and of the tokens that clients get.

use ipnet::IpNet;

use super::model::{AuthMethod, Credential, CredentialKind, PatchResponse};
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::secret::SecretHash;
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};

pub async fn insert(tx: &mut Write, new: &Credential, hash: &SecretHash, by: &str) -> Result<()> {
    let sql = "INSERT INTO credential (workspace_id, id, kind, name, token_hash, scopes, created_at, created_by, expires_at, \
               networks, auth_method, public_key, patch_response) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let scopes = new.scopes.join(" ");
    let networks = new.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let method = new.auth_method.map(AuthMethod::as_str);
    let arguments = args![
        &new.workspace,
        &new.id,
        new.kind.as_str(),
        &new.name,
        hash,
        scopes,
        new.created_at,
        by,
        new.expires_at,
        networks,
        method,
        new.public_key.as_deref(),
        new.patch_response.as_str(),
    ];
    tx.execute(sql, arguments).await?;
    Ok(())
}

/// Those that weren't revoked. Of those that were replaced, only what ended after `since`.
pub async fn list(
    db: &mut Read,
    workspace: &WorkspaceId,
    kind: CredentialKind,
    since: UnixMillis,
) -> Result<Vec<Credential>> {
    let sql = "SELECT * FROM credential WHERE workspace_id = $1 AND kind = $2 AND revoked_at IS NULL \
               AND (replaced_by IS NULL OR expires_at > $3) ORDER BY id DESC LIMIT 200";
    db.all(sql, args![workspace, kind.as_str(), since]).await?.iter().map(credential).collect()
}

pub async fn load(
    db: &mut Read,
    workspace: &WorkspaceId,
    kind: CredentialKind,
    id: &CredentialId,
) -> Result<Option<Credential>> {
    let sql = "SELECT * FROM credential WHERE workspace_id = $1 AND kind = $2 AND id = $3";
    db.optional(sql, args![workspace, kind.as_str(), id]).await?.as_ref().map(credential).transpose()
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

/// Names what takes its place and ends it at `end`, if it wouldn't end before. False if it was revoked or replaced already.
pub async fn replace(
    tx: &mut Write,
    workspace: &WorkspaceId,
    kind: CredentialKind,
    id: &CredentialId,
    by: &CredentialId,
    end: UnixMillis,
) -> Result<bool> {
    let sql = "UPDATE credential SET replaced_by = $4, \
               expires_at = CASE WHEN expires_at IS NULL OR expires_at > $5 THEN $5 ELSE expires_at END \
               WHERE workspace_id = $1 AND kind = $2 AND id = $3 AND revoked_at IS NULL AND replaced_by IS NULL";
    Ok(tx.execute(sql, args![workspace, kind.as_str(), id, by, end]).await? == 1)
}

/// Notes a use, unless one was noted after `before`.
pub async fn touch(
    tx: &mut Write,
    workspace: &WorkspaceId,
    id: &CredentialId,
    now: UnixMillis,
    before: UnixMillis,
    ip: &str,
) -> Result<()> {
    let sql = "UPDATE credential SET last_used_at = $3, last_used_ip = $4 WHERE workspace_id = $1 AND id = $2 \
               AND (last_used_at IS NULL OR last_used_at <= $5)";
    tx.execute(sql, args![workspace, id, now, ip, before]).await?;
    Ok(())
}

/// Gives a client a token.
pub async fn insert_access_token(
    tx: &mut Write,
    client: &Credential,
    hash: &SecretHash,
    now: UnixMillis,
    end: UnixMillis,
) -> Result<()> {
    let sql = "INSERT INTO access_token (token_hash, workspace_id, client_id, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, args![hash, &client.workspace, &client.id, now, end]).await?;
    Ok(())
}

/// The client that an access token was given to, and when the token ends; with the stamp of its workspace's schemas, as `find`.
pub async fn find_client_of(db: &mut Read, hash: &SecretHash) -> Result<Option<(Credential, UnixMillis)>> {
    let sql = "SELECT c.*, t.expires_at AS token_expires_at, w.scim_schemas_stamp FROM access_token t \
               JOIN credential c ON c.workspace_id = t.workspace_id AND c.id = t.client_id \
               JOIN workspace w ON w.id = c.workspace_id WHERE t.token_hash = $1";
    let Some(row) = db.optional(sql, args![hash]).await? else { return Ok(None) };
    let client = Credential { schemas_stamp: row.text("scim_schemas_stamp")?, ..credential(&row)? };
    Ok(Some((client, row.int("token_expires_at")?)))
}

/// Remembers that a client used an assertion; false if it did before.
pub async fn use_assertion(tx: &mut Write, client: &Credential, jti: &SecretHash, until: UnixMillis) -> Result<bool> {
    let sql = "INSERT INTO client_assertion (workspace_id, client_id, jti_hash, expires_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![&client.workspace, &client.id, jti, until]).await? == 1)
}

/// Removes access tokens that ended before.
pub async fn tidy_access_tokens(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM access_token WHERE expires_at < $1", args![before]).await
}

/// Forgets assertions that nobody can use again.
pub async fn tidy_assertions(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM client_assertion WHERE expires_at < $1", args![before]).await
}

fn credential(row: &Row) -> Result<Credential> {
    let kind = row.text("kind")?;
    let method = row.optional_text("auth_method")?;
    let patch_response = row.text("patch_response")?;
    Ok(Credential {
        id: CredentialId::from_text(row.text("id")?),
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        kind: CredentialKind::parse(&kind).ok_or_else(|| Error::internal(format!("credential.kind holds {kind}")))?,
        name: row.text("name")?,
        scopes: row.text("scopes")?.split_whitespace().map(str::to_owned).collect(),
        networks: networks(&row.text("networks")?)?,
        created_at: row.int("created_at")?,
        expires_at: row.optional_int("expires_at")?,
        last_used_at: row.optional_int("last_used_at")?,
        last_used_ip: row.optional_text("last_used_ip")?.unwrap_or_default(),
        replaced_by: row.optional_text("replaced_by")?.map(CredentialId::from_text),
        auth_method: method.as_deref().and_then(AuthMethod::parse),
        public_key: row.optional_text("public_key")?,
        revoked_at: row.optional_int("revoked_at")?,
        patch_response: PatchResponse::parse(&patch_response)
            .ok_or_else(|| Error::internal(format!("credential.patch_response holds {patch_response}")))?,
        schemas_stamp: String::new(),
    })
}

/// One that can't be read must not become "from anywhere".
fn networks(text: &str) -> Result<Vec<IpNet>> {
    let read = |part: &str| part.parse().map_err(|_| Error::internal("credential.networks holds what is no network"));
    text.split_whitespace().map(read).collect()
}
