//! Statements of identity providers, sign-ins under way, and used assertions.

use super::sealed::EncryptedAssertions;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::base::secret::SecretHash;
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};

/// A workspace's identity provider as it is stored.
#[derive(Clone, Debug)]
pub struct StoredProvider {
    pub entity_id: String,
    pub metadata: String,
    pub enabled: bool,
    /// Whether an owner or operator made these settings.
    pub by_owner: bool,
    pub encrypted_assertions: EncryptedAssertions,
    pub version: i64,
    pub updated_at: UnixMillis,
}

pub async fn find_provider(db: &mut Read, workspace: &WorkspaceId) -> Result<Option<StoredProvider>> {
    let sql = "SELECT * FROM saml_provider WHERE workspace_id = $1";
    db.optional(sql, args![workspace]).await?.as_ref().map(provider).transpose()
}

fn provider(row: &Row) -> Result<StoredProvider> {
    let encrypted = EncryptedAssertions::from_text(&row.text("encrypted_assertions")?);
    Ok(StoredProvider {
        entity_id: row.text("entity_id")?,
        metadata: row.text("metadata")?,
        enabled: row.flag("enabled")?,
        by_owner: row.flag("by_owner")?,
        encrypted_assertions: encrypted
            .ok_or_else(|| Error::internal("encrypted_assertions is neither optional nor required"))?,
        version: row.int("version")?,
        updated_at: row.int("updated_at")?,
    })
}

/// Saves a provider in the place of the one before; `encrypted`: absent, what was set stays.
pub async fn put_provider(
    tx: &mut Write,
    workspace: &WorkspaceId,
    entity_id: &str,
    metadata: &str,
    by_owner: bool,
    encrypted: Option<EncryptedAssertions>,
    now: UnixMillis,
) -> Result<()> {
    let sql = "INSERT INTO saml_provider (workspace_id, entity_id, metadata, enabled, by_owner, version, updated_at, \
               encrypted_assertions) VALUES ($1, $2, $3, 1, $5, 1, $4, COALESCE($6, 'optional')) \
               ON CONFLICT (workspace_id) DO UPDATE SET entity_id = excluded.entity_id, \
               metadata = excluded.metadata, enabled = 1, by_owner = excluded.by_owner, \
               version = saml_provider.version + 1, updated_at = excluded.updated_at, \
               encrypted_assertions = COALESCE($6, saml_provider.encrypted_assertions)";
    let encrypted = encrypted.map(EncryptedAssertions::as_str);
    tx.execute(sql, args![workspace, entity_id, metadata, now, by_owner, encrypted]).await?;
    Ok(())
}

/// Locks the provider that a sign-in began with until the transaction ends; 0 if it was changed or switched off since.
pub async fn lock_provider(tx: &mut Write, workspace: &WorkspaceId, version: i64) -> Result<u64> {
    let sql = "UPDATE saml_provider SET version = version WHERE workspace_id = $1 AND version = $2 AND enabled = 1";
    tx.execute(sql, args![workspace, version]).await
}

/// Switches a provider off; 0 if there is none that is on.
pub async fn disable_provider(tx: &mut Write, workspace: &WorkspaceId, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE saml_provider SET enabled = 0, version = version + 1, updated_at = $2 WHERE workspace_id = $1 AND enabled = 1";
    tx.execute(sql, args![workspace, now]).await
}

/// One sign-in under way.
#[derive(Clone, Debug)]
pub struct Flow {
    pub workspace: WorkspaceId,
    /// ID of the AuthnRequest.
    pub request_id: String,
    pub return_to: String,
    pub workspace_epoch: i64,
    /// The head when it began: a revocation after it may not be survived.
    pub began_seq: i64,
    pub provider_version: i64,
    /// How often it began again because a revocation overtook it.
    pub restarts: i64,
    pub expires_at: UnixMillis,
}

pub async fn insert_flow(tx: &mut Write, flow: &Flow, browser: &SecretHash, now: UnixMillis) -> Result<()> {
    let sql = "INSERT INTO saml_flow (workspace_id, request_id, browser_hash, return_to, workspace_epoch, began_seq, \
               provider_version, restarts, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let arguments = args![
        &flow.workspace,
        &flow.request_id,
        browser,
        &flow.return_to,
        flow.workspace_epoch,
        flow.began_seq,
        flow.provider_version,
        flow.restarts,
        now,
        flow.expires_at
    ];
    tx.execute(sql, arguments).await?;
    Ok(())
}

/// The sign-in that this browser began and has not ended.
pub async fn find_flow(
    db: &mut Read,
    workspace: &WorkspaceId,
    browser: &SecretHash,
    now: UnixMillis,
) -> Result<Option<Flow>> {
    let sql =
        "SELECT * FROM saml_flow WHERE workspace_id = $1 AND browser_hash = $2 AND used_at IS NULL AND expires_at > $3";
    db.optional(sql, args![workspace, browser, now]).await?.as_ref().map(flow).transpose()
}

fn flow(row: &Row) -> Result<Flow> {
    Ok(Flow {
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        request_id: row.text("request_id")?,
        return_to: row.text("return_to")?,
        workspace_epoch: row.int("workspace_epoch")?,
        began_seq: row.int("began_seq")?,
        provider_version: row.int("provider_version")?,
        restarts: row.int("restarts")?,
        expires_at: row.int("expires_at")?,
    })
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
