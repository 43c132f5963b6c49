//! Statements of metadata that is fetched, and of certificates that end.

use super::metadata_fetch::Validators;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{ProviderId, WorkspaceId};
use crate::db::{Read, Row, Write};
use crate::error::Result;

/// A provider whose metadata is fetched, and how that went the last time.
#[derive(Clone, Debug)]
pub struct FetchedProvider {
    pub workspace: WorkspaceId,
    pub id: String,
    pub name: String,
    pub entity_id: String,
    pub url: String,
    pub metadata: String,
    pub version: i64,
    pub fetch_error: Option<String>,
    pub validators: Validators,
    /// In a row.
    pub failures: i64,
}

macro_rules! select_fetched {
    ($condition:literal) => {
        concat!(
            "SELECT p.workspace_id, p.id, p.name, p.entity_id, p.metadata_url, p.metadata, p.version, p.fetch_error, \
             r.etag, r.last_modified, r.failures FROM saml_provider p LEFT JOIN saml_metadata_refresh r \
             ON r.workspace_id = p.workspace_id AND r.provider_id = p.id AND r.url = p.metadata_url \
             WHERE p.metadata_url IS NOT NULL AND ",
            $condition
        )
    };
}

/// Providers that are switched on, whose metadata is to be fetched now and isn't being fetched.
pub async fn list_due(db: &mut Read, now: UnixMillis, limit: i64) -> Result<Vec<FetchedProvider>> {
    let sql = select_fetched!(
        "p.enabled = 1 AND COALESCE(r.due_at, 0) <= $1 AND COALESCE(r.claimed_until, 0) <= $1 \
         ORDER BY COALESCE(r.due_at, 0), p.workspace_id, p.id LIMIT $2"
    );
    db.all(sql, args![now, limit]).await?.iter().map(fetched).collect()
}

pub async fn find_fetched(db: &mut Read, workspace: &WorkspaceId, id: &str) -> Result<Option<FetchedProvider>> {
    let sql = select_fetched!("p.workspace_id = $1 AND p.id = $2");
    db.optional(sql, args![workspace, id]).await?.as_ref().map(fetched).transpose()
}

fn fetched(row: &Row) -> Result<FetchedProvider> {
    Ok(FetchedProvider {
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        id: row.text("id")?,
        name: row.text("name")?,
        entity_id: row.text("entity_id")?,
        url: row.text("metadata_url")?,
        metadata: row.text("metadata")?,
        version: row.int("version")?,
        fetch_error: row.optional_text("fetch_error")?,
        validators: Validators { etag: row.optional_text("etag")?, last_modified: row.optional_text("last_modified")? },
        failures: row.optional_int("failures")?.unwrap_or_default(),
    })
}

/// Takes a fetch upon this process until an instant; 0 if another one is at it, or if it isn't due at `due`. Of another address
/// than before nothing is remembered.
pub async fn claim(
    tx: &mut Write,
    provider: &FetchedProvider,
    now: UnixMillis,
    due: UnixMillis,
    until: UnixMillis,
) -> Result<u64> {
    let sql = "INSERT INTO saml_metadata_refresh AS r (workspace_id, provider_id, url, due_at, failures, claimed_until) \
               VALUES ($1, $2, $3, $4, 0, $6) ON CONFLICT (workspace_id, provider_id) DO UPDATE SET \
               etag = CASE WHEN r.url = excluded.url THEN r.etag END, \
               last_modified = CASE WHEN r.url = excluded.url THEN r.last_modified END, \
               failures = CASE WHEN r.url = excluded.url THEN r.failures ELSE 0 END, \
               note = CASE WHEN r.url = excluded.url THEN r.note END, \
               noted_at = CASE WHEN r.url = excluded.url THEN r.noted_at END, \
               url = excluded.url, claimed_until = excluded.claimed_until \
               WHERE r.claimed_until <= $4 AND (r.due_at <= $5 OR r.url <> excluded.url)";
    tx.execute(sql, args![&provider.workspace, &provider.id, &provider.url, now, due, until]).await
}

/// Ends a claim, and says when the next fetch is due.
pub async fn settle(
    tx: &mut Write,
    provider: &FetchedProvider,
    validators: &Validators,
    failures: i64,
    due: UnixMillis,
) -> Result<u64> {
    let sql = "UPDATE saml_metadata_refresh SET etag = $4, last_modified = $5, failures = $6, due_at = $7, \
               claimed_until = 0 WHERE workspace_id = $1 AND provider_id = $2 AND url = $3";
    let (etag, modified) = (validators.etag.as_deref(), validators.last_modified.as_deref());
    tx.execute(sql, args![&provider.workspace, &provider.id, &provider.url, etag, modified, failures, due]).await
}

/// Forgets all that was noted of fetches: the metadata comes from no address any more.
pub async fn delete_refresh(tx: &mut Write, workspace: &WorkspaceId, provider: &ProviderId) -> Result<u64> {
    let sql = "DELETE FROM saml_metadata_refresh WHERE workspace_id = $1 AND provider_id = $2";
    tx.execute(sql, args![workspace, provider]).await
}

/// Notes that the metadata was fetched and is still the same; 0 if the provider was changed meanwhile.
pub async fn keep_metadata(tx: &mut Write, provider: &FetchedProvider, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE saml_provider SET fetched_at = $5, fetch_error = NULL \
               WHERE workspace_id = $1 AND id = $2 AND metadata_url = $3 AND version = $4";
    tx.execute(sql, args![&provider.workspace, &provider.id, &provider.url, provider.version, now]).await
}

/// Notes that the metadata could not be fetched or used; 0 if the provider was changed meanwhile.
pub async fn note_failure(tx: &mut Write, provider: &FetchedProvider, error: &str) -> Result<u64> {
    let sql = "UPDATE saml_provider SET fetch_error = $5 \
               WHERE workspace_id = $1 AND id = $2 AND metadata_url = $3 AND version = $4";
    tx.execute(sql, args![&provider.workspace, &provider.id, &provider.url, provider.version, error]).await
}

/// Puts fetched metadata in force; 0 if the provider was changed meanwhile. `versions` is added to the version: sign-ins that are
/// under way go on with the same one.
pub async fn replace_metadata(
    tx: &mut Write,
    provider: &FetchedProvider,
    metadata: &str,
    versions: i64,
    now: UnixMillis,
) -> Result<u64> {
    let sql = "UPDATE saml_provider SET metadata = $5, version = version + $6, updated_at = $7, fetched_at = $7, \
               fetch_error = NULL WHERE workspace_id = $1 AND id = $2 AND metadata_url = $3 AND version = $4";
    let before = args![&provider.workspace, &provider.id, &provider.url, provider.version];
    tx.execute(sql, [before, args![metadata, versions, now]].concat()).await
}

/// Forgets that a sign-in was tested: it was one by other metadata.
pub async fn forget_test(tx: &mut Write, provider: &FetchedProvider) -> Result<u64> {
    let sql = "UPDATE saml_provider SET tested_at = NULL, tested_by = NULL WHERE workspace_id = $1 AND id = $2";
    tx.execute(sql, args![&provider.workspace, &provider.id]).await
}

/// Notes what was changed, for the notices.
pub async fn note_change(tx: &mut Write, provider: &FetchedProvider, note: &str, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE saml_metadata_refresh SET note = $3, noted_at = $4 WHERE workspace_id = $1 AND provider_id = $2";
    tx.execute(sql, args![&provider.workspace, &provider.id, note, now]).await
}

/// A provider that is switched on, with what may be worth a notice.
#[derive(Clone, Debug)]
pub struct WatchedProvider {
    pub workspace: WorkspaceId,
    pub id: String,
    pub name: String,
    pub entity_id: String,
    pub metadata: String,
    pub fetch_error: Option<String>,
    pub note: Option<String>,
    pub noted_at: Option<UnixMillis>,
}

macro_rules! select_watched {
    ($condition:literal) => {
        concat!(
            "SELECT p.workspace_id, p.id, p.name, p.entity_id, p.metadata, p.fetch_error, r.note, r.noted_at \
             FROM saml_provider p LEFT JOIN saml_metadata_refresh r \
             ON r.workspace_id = p.workspace_id AND r.provider_id = p.id AND r.url = p.metadata_url \
             WHERE p.enabled = 1 AND ",
            $condition
        )
    };
}

/// All providers of all workspaces that are switched on, a page at a time.
pub async fn list_watched(db: &mut Read, after: (&str, &str), limit: i64) -> Result<Vec<WatchedProvider>> {
    let sql = select_watched!(
        "(p.workspace_id > $1 OR (p.workspace_id = $1 AND p.id > $2)) ORDER BY p.workspace_id, p.id LIMIT $3"
    );
    db.all(sql, args![after.0, after.1, limit]).await?.iter().map(watched).collect()
}

/// Those of one workspace.
pub async fn list_watched_in(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<WatchedProvider>> {
    let sql = select_watched!("p.workspace_id = $1 ORDER BY p.name, p.id");
    db.all(sql, args![workspace]).await?.iter().map(watched).collect()
}

fn watched(row: &Row) -> Result<WatchedProvider> {
    Ok(WatchedProvider {
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        id: row.text("id")?,
        name: row.text("name")?,
        entity_id: row.text("entity_id")?,
        metadata: row.text("metadata")?,
        fetch_error: row.optional_text("fetch_error")?,
        note: row.optional_text("note")?,
        noted_at: row.optional_int("noted_at")?,
    })
}

/// Remembers that the end of a certificate was announced so many days ahead; 0 if it was before.
pub async fn insert_announcement(
    tx: &mut Write,
    provider: &WatchedProvider,
    certificate: &str,
    days: i64,
    now: UnixMillis,
) -> Result<u64> {
    let sql = "INSERT INTO saml_certificate_notice (workspace_id, provider_id, certificate, days, announced_at) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![&provider.workspace, &provider.id, certificate, days, now]).await
}

/// Forgets what was kept of providers that are gone, and announcements that are two years old.
pub async fn tidy(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    let orphans = "DELETE FROM saml_metadata_refresh WHERE NOT EXISTS (SELECT 1 FROM saml_provider p \
                   WHERE p.workspace_id = saml_metadata_refresh.workspace_id AND p.id = saml_metadata_refresh.provider_id)";
    let refreshes = tx.execute(orphans, args![]).await?;
    let old = "DELETE FROM saml_certificate_notice WHERE announced_at < $1";
    Ok(refreshes + tx.execute(old, args![before]).await?)
}
