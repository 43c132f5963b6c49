//! Statements of the keys that assertions are encrypted to.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Row, Write};
use crate::error::Result;

/// A workspace's key pair as it is stored.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// 1 for the first, one more for each after it.
    pub generation: i64,
    /// X.509, DER.
    pub certificate: Vec<u8>,
    /// The private half, sealed: see `key_sealing.rs`.
    pub sealed_key: Vec<u8>,
    pub created_at: UnixMillis,
}

/// The newest two, newest first.
pub async fn list(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<StoredKey>> {
    let sql = "SELECT generation, certificate, sealed_key, created_at FROM saml_encryption_key WHERE workspace_id = $1 \
               ORDER BY generation DESC LIMIT 2";
    db.all(sql, args![workspace]).await?.iter().map(stored).collect()
}

fn stored(row: &Row) -> Result<StoredKey> {
    Ok(StoredKey {
        generation: row.int("generation")?,
        certificate: row.bytes("certificate")?,
        sealed_key: row.bytes("sealed_key")?,
        created_at: row.int("created_at")?,
    })
}

/// Adds a key; 0 if there is one of that generation.
pub async fn insert(tx: &mut Write, workspace: &WorkspaceId, key: &StoredKey) -> Result<u64> {
    let sql = "INSERT INTO saml_encryption_key (workspace_id, generation, certificate, sealed_key, created_at) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let (certificate, sealed) = (key.certificate.as_slice(), key.sealed_key.as_slice());
    tx.execute(sql, args![workspace, key.generation, certificate, sealed, key.created_at]).await
}

/// Forgets the generations before one.
pub async fn delete_before(tx: &mut Write, workspace: &WorkspaceId, generation: i64) -> Result<u64> {
    let sql = "DELETE FROM saml_encryption_key WHERE workspace_id = $1 AND generation < $2";
    tx.execute(sql, args![workspace, generation]).await
}
