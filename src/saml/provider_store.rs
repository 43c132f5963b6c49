//! Statements of identity providers, and of sign-ins under way as far as their provider belongs to them.

use super::flow::{Flow, Purpose};
use super::provider::{Outline, StoredProvider};
use super::sealed::EncryptedAssertions;
use super::settings::ProviderSettings;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{ProviderId, SessionId, UserId, WorkspaceId};
use crate::base::secret::SecretHash;
use crate::db::{Read, Row, Value, Write};
use crate::error::{Error, Result};

/// What tells a workspace's providers apart, the oldest first. A workspace has few, and their metadata, which may be long, is
/// not read.
pub async fn list_outlines(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<Outline>> {
    let sql = "SELECT id, entity_id, name, enabled, settings FROM saml_provider WHERE workspace_id = $1 \
               ORDER BY created_at, id";
    let outline = |row: &Row| {
        Ok(Outline {
            id: ProviderId::from_text(row.text("id")?),
            entity_id: row.text("entity_id")?,
            name: row.text("name")?,
            enabled: row.flag("enabled")?,
            domains: settings(row)?.domains,
        })
    };
    db.all(sql, args![workspace]).await?.iter().map(outline).collect()
}

/// All of a workspace's providers, the oldest first.
pub async fn list(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<StoredProvider>> {
    let sql = "SELECT * FROM saml_provider WHERE workspace_id = $1 ORDER BY created_at, id";
    db.all(sql, args![workspace]).await?.iter().map(provider).collect()
}

pub async fn find(db: &mut Read, workspace: &WorkspaceId, id: &ProviderId) -> Result<Option<StoredProvider>> {
    let sql = "SELECT * FROM saml_provider WHERE workspace_id = $1 AND id = $2";
    db.optional(sql, args![workspace, id]).await?.as_ref().map(provider).transpose()
}

/// The provider of that entity id, if it is switched on.
pub async fn find_by_entity_id(
    db: &mut Read,
    workspace: &WorkspaceId,
    entity_id: &str,
) -> Result<Option<StoredProvider>> {
    let sql = "SELECT * FROM saml_provider WHERE workspace_id = $1 AND entity_id = $2 AND enabled = 1";
    db.optional(sql, args![workspace, entity_id]).await?.as_ref().map(provider).transpose()
}

/// Id, entity id and settings of those that are switched on, the oldest first. Metadata is not read.
pub async fn list_settings(
    db: &mut Read,
    workspace: &WorkspaceId,
) -> Result<Vec<(ProviderId, String, ProviderSettings)>> {
    let sql = "SELECT id, entity_id, settings FROM saml_provider WHERE workspace_id = $1 AND enabled = 1 \
               ORDER BY created_at, id";
    let one = |row: &Row| Ok((ProviderId::from_text(row.text("id")?), row.text("entity_id")?, settings(row)?));
    db.all(sql, args![workspace]).await?.iter().map(one).collect()
}

/// The oldest that is switched on, else the oldest.
pub async fn find_default(db: &mut Read, workspace: &WorkspaceId) -> Result<Option<StoredProvider>> {
    let sql = "SELECT * FROM saml_provider WHERE workspace_id = $1 ORDER BY enabled DESC, created_at, id LIMIT 1";
    db.optional(sql, args![workspace]).await?.as_ref().map(provider).transpose()
}

fn provider(row: &Row) -> Result<StoredProvider> {
    let encrypted = EncryptedAssertions::from_text(&row.text("encrypted_assertions")?);
    Ok(StoredProvider {
        id: ProviderId::from_text(row.text("id")?),
        entity_id: row.text("entity_id")?,
        name: row.text("name")?,
        metadata: row.text("metadata")?,
        metadata_url: row.optional_text("metadata_url")?,
        fetched_at: row.optional_int("fetched_at")?,
        fetch_error: row.optional_text("fetch_error")?,
        enabled: row.flag("enabled")?,
        by_owner: row.flag("by_owner")?,
        encrypted_assertions: encrypted
            .ok_or_else(|| Error::internal("encrypted_assertions is neither optional nor required"))?,
        settings: settings(row)?,
        tested_at: row.optional_int("tested_at")?,
        tested_by: row.optional_text("tested_by")?.map(UserId::from_text),
        version: row.int("version")?,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}

fn settings(row: &Row) -> Result<ProviderSettings> {
    serde_json::from_str(&row.text("settings")?).map_err(Error::internal)
}

/// The sign-in that this browser began and has not ended, and the provider that it was sent to, as that is now.
pub async fn find_flow(
    db: &mut Read,
    workspace: &WorkspaceId,
    browser: &SecretHash,
    now: UnixMillis,
) -> Result<Option<(Flow, Option<StoredProvider>)>> {
    let sql = "SELECT p.*, f.workspace_id AS flow_workspace_id, f.request_id, f.return_to, f.workspace_epoch, f.began_seq, \
               f.provider_id, f.provider_version, f.purpose, f.begun_by, f.restarts, f.expires_at, f.authn_not_before \
               FROM saml_flow f LEFT JOIN saml_provider p ON p.workspace_id = f.workspace_id AND p.id = f.provider_id \
               WHERE f.workspace_id = $1 AND f.browser_hash = $2 AND f.used_at IS NULL AND f.expires_at > $3";
    let Some(row) = db.optional(sql, args![workspace, browser, now]).await? else { return Ok(None) };
    let stored = match row.optional_text("id")? {
        Some(_) => Some(provider(&row)?),
        None => None,
    };
    Ok(Some((flow(&row)?, stored)))
}

fn flow(row: &Row) -> Result<Flow> {
    let purpose = row.text("purpose")?;
    let unknown = || Error::internal(format!("saml_flow.purpose holds {purpose}"));
    Ok(Flow {
        workspace: WorkspaceId::from_text(row.text("flow_workspace_id")?),
        request_id: row.text("request_id")?,
        return_to: row.text("return_to")?,
        workspace_epoch: row.int("workspace_epoch")?,
        began_seq: row.int("began_seq")?,
        provider: ProviderId::from_text(row.text("provider_id")?),
        provider_version: row.int("provider_version")?,
        purpose: Purpose::from_text(&purpose).ok_or_else(unknown)?,
        begun_by: row.optional_text("begun_by")?.map(UserId::from_text),
        restarts: row.int("restarts")?,
        expires_at: row.int("expires_at")?,
        authn_not_before: row.optional_int("authn_not_before")?,
    })
}

pub async fn insert(tx: &mut Write, workspace: &WorkspaceId, provider: &StoredProvider) -> Result<()> {
    let sql = "INSERT INTO saml_provider (workspace_id, id, entity_id, name, metadata, metadata_url, fetched_at, fetch_error, \
               enabled, by_owner, encrypted_assertions, settings, tested_at, tested_by, version, updated_at, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    let mut arguments = columns(workspace, provider)?;
    arguments.extend(args![provider.created_at]);
    tx.execute(sql, arguments).await?;
    Ok(())
}

/// Writes a provider in the place of its version before; 0 if that is not there any more.
pub async fn update(
    tx: &mut Write,
    workspace: &WorkspaceId,
    provider: &StoredProvider,
    version_before: i64,
) -> Result<u64> {
    let sql = "UPDATE saml_provider SET entity_id = $3, name = $4, metadata = $5, metadata_url = $6, fetched_at = $7, \
               fetch_error = $8, enabled = $9, by_owner = $10, encrypted_assertions = $11, settings = $12, tested_at = $13, \
               tested_by = $14, version = $15, updated_at = $16 WHERE workspace_id = $1 AND id = $2 AND version = $17";
    let mut arguments = columns(workspace, provider)?;
    arguments.extend(args![version_before]);
    tx.execute(sql, arguments).await
}

/// $1 to $16 of both.
fn columns(workspace: &WorkspaceId, provider: &StoredProvider) -> Result<Vec<Value>> {
    let settings = serde_json::to_string(&provider.settings).map_err(Error::internal)?;
    Ok(args![
        workspace,
        &provider.id,
        &provider.entity_id,
        &provider.name,
        &provider.metadata,
        provider.metadata_url.as_deref(),
        provider.fetched_at,
        provider.fetch_error.as_deref(),
        provider.enabled,
        provider.by_owner,
        provider.encrypted_assertions.as_str(),
        settings,
        provider.tested_at,
        provider.tested_by.as_ref().map(UserId::as_str),
        provider.version,
        provider.updated_at
    ])
}

/// Deletes a version of a provider; 0 if that is not there any more.
pub async fn delete(tx: &mut Write, workspace: &WorkspaceId, id: &ProviderId, version: i64) -> Result<u64> {
    let sql = "DELETE FROM saml_provider WHERE workspace_id = $1 AND id = $2 AND version = $3";
    tx.execute(sql, args![workspace, id, version]).await
}

/// Locks a provider, in the version that a sign-in or a log-out began with, until the transaction ends; 0 if it was changed or
/// switched off since.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId, id: &ProviderId, version: i64) -> Result<u64> {
    let sql = "UPDATE saml_provider SET version = version WHERE workspace_id = $1 AND id = $2 AND version = $3 \
               AND enabled = 1";
    tx.execute(sql, args![workspace, id, version]).await
}

/// Locks the provider that a test began with, switched on or not, until the transaction ends; 0 if it was changed since.
pub async fn lock_for_test(tx: &mut Write, workspace: &WorkspaceId, id: &ProviderId, version: i64) -> Result<u64> {
    let sql = "UPDATE saml_provider SET version = version WHERE workspace_id = $1 AND id = $2 AND version = $3";
    tx.execute(sql, args![workspace, id, version]).await
}

/// Entity id of the provider that a session came by; `None` if it came by none.
pub async fn find_provider_of_session(
    db: &mut Read,
    workspace: &WorkspaceId,
    session: &SessionId,
) -> Result<Option<String>> {
    let sql = "SELECT provider FROM session WHERE workspace_id = $1 AND id = $2";
    let row = db.optional(sql, args![workspace, session]).await?;
    row.map(|row| row.optional_text("provider")).transpose().map(Option::flatten)
}
