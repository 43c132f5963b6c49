//! Statements of single logout: whom a provider vouched for, log-outs under way, and who was logged out a moment ago.

use sha2::{Digest, Sha256};

use super::name_id::NameIdForm;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{SessionId, WorkspaceId};
use crate::base::secret::SecretHash;
use crate::db::{Read, Row, Write};
use crate::error::Result;

/// What an identity provider said when it signed somebody in.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// Entity id.
    pub provider: String,
    /// NameID.
    pub subject: String,
    pub form: NameIdForm,
    pub session_index: Option<String>,
}

/// Of a session, whether it lives or not; `None` if no identity provider is behind it.
pub async fn find_vouched(db: &mut Read, workspace: &WorkspaceId, session: &SessionId) -> Result<Option<Vouched>> {
    let sql = "SELECT provider, subject, session_index, name_id_form FROM session WHERE workspace_id = $1 AND id = $2 \
               AND provider IS NOT NULL AND subject IS NOT NULL";
    db.optional(sql, args![workspace, session]).await?.as_ref().map(vouched).transpose()
}

fn vouched(row: &Row) -> Result<Vouched> {
    Ok(Vouched {
        provider: row.text("provider")?,
        subject: row.text("subject")?,
        form: NameIdForm::from_json(row.optional_text("name_id_form")?.as_deref()),
        session_index: row.optional_text("session_index")?,
    })
}

/// One log-out under way at an identity provider.
#[derive(Clone, Debug)]
pub struct LogoutFlow {
    pub workspace: WorkspaceId,
    /// ID of the LogoutRequest.
    pub request_id: String,
    /// Entity id of the identity provider.
    pub provider: String,
    pub expires_at: UnixMillis,
}

pub async fn insert_flow(tx: &mut Write, flow: &LogoutFlow, browser: &SecretHash, now: UnixMillis) -> Result<()> {
    let sql = "INSERT INTO saml_logout_flow (workspace_id, request_id, browser_hash, provider, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, args![&flow.workspace, &flow.request_id, browser, &flow.provider, now, flow.expires_at]).await?;
    Ok(())
}

/// The log-out that this browser began and has not ended.
pub async fn find_flow(
    db: &mut Read,
    workspace: &WorkspaceId,
    browser: &SecretHash,
    now: UnixMillis,
) -> Result<Option<LogoutFlow>> {
    let sql = "SELECT workspace_id, request_id, provider, expires_at FROM saml_logout_flow WHERE workspace_id = $1 \
               AND browser_hash = $2 AND used_at IS NULL AND expires_at > $3";
    db.optional(sql, args![workspace, browser, now]).await?.as_ref().map(flow).transpose()
}

fn flow(row: &Row) -> Result<LogoutFlow> {
    Ok(LogoutFlow {
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        request_id: row.text("request_id")?,
        provider: row.text("provider")?,
        expires_at: row.int("expires_at")?,
    })
}

/// Ends a log-out; 0 if it had ended already.
pub async fn use_flow(tx: &mut Write, flow: &LogoutFlow, now: UnixMillis) -> Result<u64> {
    let sql =
        "UPDATE saml_logout_flow SET used_at = $3 WHERE workspace_id = $1 AND request_id = $2 AND used_at IS NULL";
    tx.execute(sql, args![&flow.workspace, &flow.request_id, now]).await
}

/// Remembers that an identity provider logged somebody out who had signed in there by `issued_at`. `name`: provider, NameID, and
/// SessionIndex, which is empty for every session of the NameID.
pub async fn note_logged_out(
    tx: &mut Write,
    workspace: &WorkspaceId,
    name: [&str; 3],
    issued_at: UnixMillis,
    expires_at: UnixMillis,
) -> Result<()> {
    let sql = "INSERT INTO saml_logged_out (workspace_id, name_hash, issued_at, expires_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (workspace_id, name_hash) DO UPDATE SET issued_at = CASE \
               WHEN excluded.issued_at > saml_logged_out.issued_at THEN excluded.issued_at \
               ELSE saml_logged_out.issued_at END, expires_at = CASE \
               WHEN excluded.expires_at > saml_logged_out.expires_at THEN excluded.expires_at \
               ELSE saml_logged_out.expires_at END";
    tx.execute(sql, args![workspace, &name_hash(name), issued_at, expires_at]).await?;
    Ok(())
}

/// Whether the identity provider ended, since, the session that this sign-in comes from; `now` tells what is still remembered.
/// `name`: provider, NameID, SessionIndex.
pub async fn is_logged_out(
    db: &mut Read,
    workspace: &WorkspaceId,
    name: [&str; 3],
    signed_in_there_at: UnixMillis,
    now: UnixMillis,
) -> Result<bool> {
    let sql = "SELECT issued_at FROM saml_logged_out WHERE workspace_id = $1 AND (name_hash = $2 OR name_hash = $3) \
               AND issued_at >= $4 AND expires_at > $5 LIMIT 1";
    let [provider, subject, _] = name;
    let (one, all) = (name_hash(name), name_hash([provider, subject, ""]));
    Ok(db.optional(sql, args![workspace, &one, &all, signed_in_there_at, now]).await?.is_some())
}

/// Each part with its length before it: no two triples look alike.
fn name_hash(name: [&str; 3]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in name {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().into()
}

/// Forgets log-outs under way that nobody can end any more.
pub async fn tidy_flows(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM saml_logout_flow WHERE expires_at < $1", args![before]).await
}

/// Forgets who was logged out so long ago that no assertion from before is accepted.
pub async fn tidy_logged_out(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM saml_logged_out WHERE expires_at < $1", args![before]).await
}
