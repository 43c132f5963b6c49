//! Statements of public signing keys.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::ReplicaId;
use crate::db::{Read, Write};
use crate::error::Result;

/// Says that a key may have signed until `last_used_at`. One whose row was lost is written anew.
pub async fn publish(
    tx: &mut Write,
    kid: &str,
    replica: &ReplicaId,
    jwk: &str,
    created_at: UnixMillis,
    last_used_at: UnixMillis,
) -> Result<()> {
    let sql = "INSERT INTO signing_key (kid, replica, jwk, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (kid) DO UPDATE SET last_used_at = excluded.last_used_at";
    tx.execute(sql, args![kid, replica, jwk, created_at, last_used_at]).await?;
    Ok(())
}

/// JWKs of keys that may have signed something since: those of running servers first, which no number of others may push out,
/// then the newest.
pub async fn list(db: &mut Read, since: UnixMillis, limit: i64) -> Result<Vec<String>> {
    let sql = "SELECT k.jwk FROM signing_key k LEFT JOIN replica r ON r.id = k.replica WHERE k.last_used_at >= $1 \
               ORDER BY CASE WHEN r.id IS NULL THEN 1 ELSE 0 END, k.created_at DESC, k.kid DESC LIMIT $2";
    db.all(sql, args![since, limit]).await?.iter().map(|row| row.text("jwk")).collect()
}

/// The JWK of one key, however old.
pub async fn find(db: &mut Read, kid: &str) -> Result<Option<String>> {
    let row = db.optional("SELECT jwk FROM signing_key WHERE kid = $1", args![kid]).await?;
    row.map(|row| row.text("jwk")).transpose()
}

/// Forgets keys that have signed nothing since.
pub async fn tidy(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM signing_key WHERE last_used_at < $1", args![before]).await
}
