//! Statements of sign-ins under way, and of used assertions.

use super::flow::Flow;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{UserId, WorkspaceId};
use crate::base::secret::SecretHash;
use crate::db::Write;
use crate::error::Result;

pub async fn insert_flow(tx: &mut Write, flow: &Flow, browser: &SecretHash, now: UnixMillis) -> Result<()> {
    let sql = "INSERT INTO saml_flow (workspace_id, request_id, browser_hash, return_to, workspace_epoch, began_seq, \
               provider_id, provider_version, purpose, begun_by, restarts, created_at, expires_at, authn_not_before) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let arguments = args![
        &flow.workspace,
        &flow.request_id,
        browser,
        &flow.return_to,
        flow.workspace_epoch,
        flow.began_seq,
        &flow.provider,
        flow.provider_version,
        flow.purpose.as_str(),
        flow.begun_by.as_ref().map(UserId::as_str),
        flow.restarts,
        now,
        flow.expires_at,
        flow.authn_not_before
    ];
    tx.execute(sql, arguments).await?;
    Ok(())
}

/// Ends a sign-in; 0 if it had ended already: one of two at the same moment loses.
pub async fn use_flow(tx: &mut Write, flow: &Flow, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE saml_flow SET used_at = $3 WHERE workspace_id = $1 AND request_id = $2 AND used_at IS NULL AND expires_at > $3";
    tx.execute(sql, args![&flow.workspace, &flow.request_id, now]).await
}

/// Remembers an assertion as used; 0 if it was.
pub async fn use_assertion(
    tx: &mut Write,
    workspace: &WorkspaceId,
    provider: &str,
    assertion: &str,
    until: UnixMillis,
) -> Result<u64> {
    let sql = "INSERT INTO saml_replay (workspace_id, provider, assertion_id, expires_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT DO NOTHING";
    tx.execute(sql, args![workspace, provider, assertion, until]).await
}

/// Forgets sign-ins and assertions that nobody could use any more.
pub async fn tidy(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    let flows = tx.execute("DELETE FROM saml_flow WHERE expires_at < $1", args![before]).await?;
    let used = tx.execute("DELETE FROM saml_replay WHERE expires_at < $1", args![before]).await?;
    Ok(flows + used)
}
