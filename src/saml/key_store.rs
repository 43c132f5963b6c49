//! Statements of a workspace's own key pairs: those that assertions are encrypted to, and those that we sign with.

use super::key_use::KeyUse;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};

/// A workspace's key pair as it is stored.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// 1 for the first of its use, one more for each after it.
    pub generation: i64,
    /// X.509, DER.
    pub certificate: Vec<u8>,
    /// The private half, sealed: see `key_sealing.rs`.
    pub sealed_key: Vec<u8>,
    pub created_at: UnixMillis,
    /// Of a key to sign with: absent while it is only shown.
    pub signs_since: Option<UnixMillis>,
}

/// The newest two of a use, newest first.
pub async fn list(db: &mut Read, workspace: &WorkspaceId, key_use: KeyUse) -> Result<Vec<StoredKey>> {
    let sql = "SELECT generation, certificate, sealed_key, created_at, signs_since FROM saml_key \
               WHERE workspace_id = $1 AND key_use = $2 ORDER BY generation DESC LIMIT 2";
    db.all(sql, args![workspace, key_use.as_str()]).await?.iter().map(stored).collect()
}

fn stored(row: &Row) -> Result<StoredKey> {
    Ok(StoredKey {
        generation: row.int("generation")?,
        certificate: row.bytes("certificate")?,
        sealed_key: row.bytes("sealed_key")?,
        created_at: row.int("created_at")?,
        signs_since: row.optional_int("signs_since")?,
    })
}

/// The newest key of all workspaces: the place that it was sealed for, and the sealed octets.
pub async fn find_newest(db: &mut Read) -> Result<Option<(String, Vec<u8>)>> {
    let sql = "SELECT workspace_id, key_use, generation, sealed_key FROM saml_key \
               ORDER BY created_at DESC, generation DESC, workspace_id, key_use LIMIT 1";
    let Some(row) = db.optional(sql, args![]).await? else { return Ok(None) };
    let key_use = KeyUse::from_text(&row.text("key_use")?);
    let key_use = key_use.ok_or_else(|| Error::internal("saml_key.key_use holds something else"))?;
    let workspace = WorkspaceId::from_text(row.text("workspace_id")?);
    Ok(Some((key_use.place(&workspace, row.int("generation")?), row.bytes("sealed_key")?)))
}

/// The generation of the key that signs.
pub async fn find_signing(db: &mut Read, workspace: &WorkspaceId) -> Result<Option<i64>> {
    let sql = "SELECT generation FROM saml_key WHERE workspace_id = $1 AND key_use = 'signing' \
               AND signs_since IS NOT NULL ORDER BY generation DESC LIMIT 1";
    db.optional(sql, args![workspace]).await?.map(|row| row.int("generation")).transpose()
}

/// Adds a key; 0 if there is one of that generation.
pub async fn insert(tx: &mut Write, workspace: &WorkspaceId, key_use: KeyUse, key: &StoredKey) -> Result<u64> {
    let sql = "INSERT INTO saml_key (workspace_id, key_use, generation, certificate, sealed_key, created_at, signs_since) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let (certificate, sealed) = (key.certificate.as_slice(), key.sealed_key.as_slice());
    let (key_use, generation) = (key_use.as_str(), key.generation);
    tx.execute(sql, args![workspace, key_use, generation, certificate, sealed, key.created_at, key.signs_since]).await
}

/// Lets a key that is shown sign from now on; 0 if it isn't there, or signs already.
pub async fn activate(tx: &mut Write, workspace: &WorkspaceId, generation: i64, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE saml_key SET signs_since = $3 WHERE workspace_id = $1 AND key_use = 'signing' \
               AND generation = $2 AND signs_since IS NULL";
    tx.execute(sql, args![workspace, generation, now]).await
}

/// Forgets all generations of a use but two.
pub async fn delete_all_but(
    tx: &mut Write,
    workspace: &WorkspaceId,
    key_use: KeyUse,
    one: i64,
    other: i64,
) -> Result<u64> {
    let sql = "DELETE FROM saml_key WHERE workspace_id = $1 AND key_use = $2 AND generation <> $3 AND generation <> $4";
    tx.execute(sql, args![workspace, key_use.as_str(), one, other]).await
}
