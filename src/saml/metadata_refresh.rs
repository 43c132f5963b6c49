//! Keeping metadata fresh: every few hours, before it runs out, by one replica at a time. The last good copy stays in force until
//! another one is in its place.
//!
//! What is fetched over TLS from the address that an administrator chose is taken over as if they had uploaded it: whoever rules
//! that address rules the identity provider's keys. So every change of keys or addresses is written to the audit log and shown to
//! administrators for a month; another entity ID is not taken over at all, and nobody's session ends by a fetch.
//!
//! Every transaction here locks the workspace first, as every other change of a provider does: then the note of the fetch, the
//! provider, the audit log. What was fetched for a provider that somebody saved meanwhile is not taken, and not remembered either:
//! it is fetched anew at once, whatever its version.

use futures_util::future::join_all;
use serde_json::json;

use super::identity_provider::parse_metadata;
use super::metadata_change::{Change, Extent, compare};
use super::metadata_fetch::{Document, Fetched, Validators, fetch};
use super::metadata_store::{self as store, FetchedProvider};
use super::metadata_times::{self, Times};
use super::provider::StoredProvider;
use super::refusal::quoted;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::Write;
use crate::error::{CONFLICT, Error, Result};
use crate::transact;
use crate::workspaces::store as workspaces;

/// How long a claim lasts, which begins when it is this process's turn: longer than any fetch. A replica that ends meanwhile holds
/// nobody up for longer.
const CLAIM_MS: i64 = 2 * 60_000;
/// Fetches that one run of the job begins.
const BATCH: i64 = 20;

/// How a refresh went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Fetched; keys and addresses are as they were.
    Unchanged,
    RolledOver,
    Replaced,
    /// Keys and the way in stay; something else is another.
    Changed,
    /// The last good copy stays, for this reason.
    Failed(String),
}

impl Outcome {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::RolledOver => "roll_over",
            Self::Replaced => "replaced",
            Self::Changed => "changed",
            Self::Failed(_) => "failed",
        }
    }
}

/// Refreshes what is due and isn't being refreshed by another replica; says how many.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn refresh_due(app: &App) -> Result<usize> {
    let now = app.clock.now();
    let due = store::list_due(&mut app.db.read().await?, now, BATCH).await?;
    let mut refreshes = Vec::new();
    for provider in &due {
        refreshes.push(refresh_in_turn(app, provider, now));
    }
    let mut refreshed = 0;
    for outcome in join_all(refreshes).await {
        refreshed += usize::from(outcome?.is_some());
    }
    Ok(refreshed)
}

/// Refreshes a provider at once, because an administrator asks for it.
///
/// # Errors
/// 404 if there is no such provider, or its metadata was uploaded; 409 if it is being refreshed, or metadata is being fetched for
/// this workspace; 503 if there are too many fetches.
pub async fn refresh_now(app: &App, workspace: &WorkspaceId, id: &str) -> Result<Outcome> {
    let found = store::find_fetched(&mut app.db.read().await?, workspace, id).await?;
    let provider = found.ok_or_else(|| Error::not_found("identity provider whose metadata is fetched"))?;
    let _turn = app.metadata_turns.of_administrator(workspace)?;
    let refreshed = claim_and_refresh(app, &provider, UnixMillis::MAX).await?;
    refreshed.ok_or_else(|| Error::new(CONFLICT, "its metadata is being fetched at this moment"))
}

/// In the transaction that sets a provider: what was just fetched for it is remembered, so that it isn't due at once, and what was
/// noted of an address that it has no more is forgotten. `document`: what was fetched; `None`: its metadata was sent along. If a
/// refresh of it is under way, that one settles it.
pub(super) async fn remember(
    tx: &mut Write,
    app: &App,
    workspace: &WorkspaceId,
    provider: &StoredProvider,
    document: Option<&Document>,
) -> Result<()> {
    let (Some(document), Some(url)) = (document, provider.metadata_url.clone()) else {
        store::delete_refresh(tx, workspace, &provider.id).await?;
        return Ok(());
    };
    let now = app.clock.now();
    let fetched = fetched(workspace, provider, document, url);
    if store::claim(tx, &fetched, now, UnixMillis::MAX, now).await? == 1 {
        let due = metadata_times::next_refresh(now, &document.times, jitter(app));
        store::settle(tx, &fetched, &document.validators, 0, due).await?;
    }
    Ok(())
}

/// As `remember`, for a provider that is set to what it is: it was fetched now, and there was no error. Its version stays. Gives
/// the provider as it is then.
pub(super) async fn remember_same(
    tx: &mut Write,
    app: &App,
    workspace: &WorkspaceId,
    before: &StoredProvider,
    document: &Document,
) -> Result<StoredProvider> {
    let Some(url) = before.metadata_url.clone() else { return Ok(before.clone()) };
    remember(tx, app, workspace, before, Some(document)).await?;
    let now = app.clock.now();
    store::keep_metadata(tx, &fetched(workspace, before, document, url), now).await?;
    Ok(StoredProvider { fetched_at: Some(now), fetch_error: None, ..before.clone() })
}

fn fetched(workspace: &WorkspaceId, provider: &StoredProvider, document: &Document, url: String) -> FetchedProvider {
    FetchedProvider {
        workspace: workspace.clone(),
        id: provider.id.to_string(),
        name: provider.name.clone(),
        entity_id: provider.entity_id.clone(),
        url,
        metadata: provider.metadata.clone(),
        version: provider.version,
        fetch_error: None,
        validators: document.validators.clone(),
        failures: 0,
    }
}

/// For the job: as soon as it has a turn, so that nothing is claimed that has to wait.
async fn refresh_in_turn(app: &App, provider: &FetchedProvider, due: UnixMillis) -> Result<Option<Outcome>> {
    let _turn = app.metadata_turns.of_job().await?;
    claim_and_refresh(app, provider, due).await
}

/// `None` if another replica was first, or it isn't fetched any more.
async fn claim_and_refresh(app: &App, listed: &FetchedProvider, due: UnixMillis) -> Result<Option<Outcome>> {
    let now = app.clock.now();
    let claimed = transact!(app.db, |tx| {
        workspaces::lock(tx, &listed.workspace).await?;
        // As it is now: since it was listed somebody may have saved it.
        let Some(current) = store::find_fetched(tx, &listed.workspace, &listed.id).await? else { return Ok(None) };
        let claimed = store::claim(tx, &current, now, due, now + CLAIM_MS).await?;
        Ok(Some(current).filter(|_| claimed == 1))
    })?;
    let Some(provider) = &claimed else { return Ok(None) };
    let outcome = refresh(app, provider).await?;
    app.metrics.metadata_fetched(outcome.as_str());
    if let Outcome::Failed(reason) = &outcome {
        tracing::warn!(workspace = %provider.workspace, provider = provider.id, reason, "SAML metadata was not refreshed");
    }
    Ok(Some(outcome))
}

async fn refresh(app: &App, provider: &FetchedProvider) -> Result<Outcome> {
    // What has run out is fetched anew, whatever its version.
    let usable = parse_metadata(&provider.metadata, app.clock.now()).is_ok();
    match fetch(app, &provider.url, usable.then_some(&provider.validators)).await {
        Ok(Fetched::Unchanged(validators)) => {
            let times = metadata_times::read(&provider.metadata).unwrap_or_default();
            unchanged(app, provider, None, &validators, &times).await
        }
        Ok(Fetched::Document(document)) => judge(app, provider, &document).await,
        Err(error) => {
            tracing::debug!(error = error.log(), provider = provider.id, "a fetch of SAML metadata failed");
            failed(app, provider, error.detail(), None).await
        }
    }
}

async fn judge(app: &App, provider: &FetchedProvider, document: &Document) -> Result<Outcome> {
    if document.provider.entity_id != provider.entity_id {
        return other_entity(app, provider, &document.provider.entity_id).await;
    }
    // What is in force counts for the comparison even if it has run out.
    let before = parse_metadata(&provider.metadata, 0).ok();
    let change = compare(before.as_ref(), &document.provider);
    match change.extent {
        Extent::Nothing => {
            let metadata = (document.xml != provider.metadata).then_some(document.xml.as_str());
            unchanged(app, provider, metadata, &document.validators, &document.times).await
        }
        Extent::Changed | Extent::RollOver | Extent::Replaced => take_over(app, provider, document, &change).await,
    }
}

/// Neither keys nor addresses changed; `metadata` is the new text, if it is another.
async fn unchanged(
    app: &App,
    provider: &FetchedProvider,
    metadata: Option<&str>,
    validators: &Validators,
    times: &Times,
) -> Result<Outcome> {
    let now = app.clock.now();
    let due = metadata_times::next_refresh(now, times, jitter(app));
    transact!(app.db, |tx| {
        workspaces::lock(tx, &provider.workspace).await?;
        store::settle(tx, provider, validators, 0, due).await?;
        let kept = match metadata {
            Some(metadata) => store::replace_metadata(tx, provider, metadata, 0, now).await?,
            None => store::keep_metadata(tx, provider, now).await?,
        };
        if kept == 0 { look_again(tx, provider, now).await } else { Ok(()) }
    })?;
    Ok(Outcome::Unchanged)
}

/// Somebody saved the provider while its metadata was fetched: theirs stays, and the next run looks again.
async fn look_again(tx: &mut Write, provider: &FetchedProvider, now: UnixMillis) -> Result<()> {
    store::settle(tx, provider, &Validators::default(), 0, now).await?;
    Ok(())
}

async fn take_over(app: &App, provider: &FetchedProvider, document: &Document, change: &Change) -> Result<Outcome> {
    let now = app.clock.now();
    let due = metadata_times::next_refresh(now, &document.times, jitter(app));
    // Sign-ins that are under way go on only if every certificate that could sign their answer is still there.
    let versions = i64::from(change.extent == Extent::Replaced || !change.removed.is_empty());
    let details = json!({
        "entity_id": provider.entity_id,
        "change": change.extent.as_str(),
        "certificates_added": change.added,
        "certificates_removed": change.removed,
        "addresses_changed": change.addresses_changed,
        "others_changed": change.others,
        "metadata_url": provider.url,
    });
    let done = transact!(app.db, |tx| {
        workspaces::lock(tx, &provider.workspace).await?;
        store::settle(tx, provider, &document.validators, 0, due).await?;
        if store::replace_metadata(tx, provider, &document.xml, versions, now).await? == 0 {
            look_again(tx, provider, now).await?;
            return Ok(false);
        }
        store::forget_test(tx, provider).await?;
        store::note_change(tx, provider, change.extent.as_str(), now).await?;
        let entry = Entry::done("security.saml_metadata_refreshed", target(provider)).with(details.clone());
        audit::append(tx, &provider.workspace, now, &actor(), &entry).await?;
        Ok(true)
    })?;
    Ok(match (done, change.extent) {
        (false, _) | (_, Extent::Nothing) => Outcome::Unchanged,
        (true, Extent::Changed) => Outcome::Changed,
        (true, Extent::RollOver) => Outcome::RolledOver,
        (true, Extent::Replaced) => Outcome::Replaced,
    })
}

async fn other_entity(app: &App, provider: &FetchedProvider, entity_id: &str) -> Result<Outcome> {
    let text = format!("what is there is the metadata of another identity provider now: {}", quoted(entity_id));
    let details = json!({"entity_id": provider.entity_id, "found": quoted(entity_id), "metadata_url": provider.url});
    let entry = Entry::refused("security.saml_metadata_refreshed", target(provider)).with(details);
    // Once, not at every fetch.
    let is_known = provider.fetch_error.as_deref() == Some(text.as_str());
    failed(app, provider, &text, Some(entry).filter(|_| !is_known)).await
}

/// Notes a failure, and `entry` with it.
async fn failed(app: &App, provider: &FetchedProvider, reason: &str, entry: Option<Entry>) -> Result<Outcome> {
    let (now, failures) = (app.clock.now(), provider.failures.saturating_add(1));
    let due = metadata_times::next_attempt(now, failures, jitter(app));
    transact!(app.db, |tx| {
        workspaces::lock(tx, &provider.workspace).await?;
        store::settle(tx, provider, &provider.validators, failures, due).await?;
        if store::note_failure(tx, provider, reason).await? == 0 {
            return look_again(tx, provider, now).await;
        }
        if let Some(entry) = &entry {
            audit::append(tx, &provider.workspace, now, &actor(), entry).await?;
        }
        Ok(())
    })?;
    Ok(Outcome::Failed(reason.to_owned()))
}

fn target(provider: &FetchedProvider) -> Target {
    Target::new("saml_provider", &provider.id, &provider.name)
}

fn actor() -> Actor {
    Actor::system("saml-metadata")
}

fn jitter(app: &App) -> u8 {
    let mut byte = [0];
    app.random.fill(&mut byte);
    byte[0]
}
