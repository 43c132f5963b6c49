//! What every change of an identity provider is: its metadata judged, and those logged out with it whom the request or the
//! policy says, in one transaction. Here is the default provider, too; `providers.rs` has all of them.

use super::consequences::{Outcome, Step, carry_out};
use super::identity_provider::{IdentityProvider, parse_metadata};
use super::provider::StoredProvider;
use super::sealed::EncryptedAssertions;
use super::wanted::{Wanted, Which};
use super::{provider_store, providers};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::base::text::line;
use crate::db::Write;
use crate::error::{Error, Result};
use crate::policy::model::OnChange;
use crate::sessions::model::{Facts, Receipt};
use crate::sessions::revoke::Revoked;

/// The addresses under which a workspace's service provider is known. Always from `public_url`, never from a request.
#[derive(Clone, Debug)]
pub struct ServiceProvider {
    pub entity_id: String,
    pub acs_url: String,
    pub login_url: String,
    pub slo_url: String,
    /// The certificate that our requests are verified with, as a file.
    pub signing_certificate_url: String,
    /// The certificate that assertions are encrypted to, as a file.
    pub encryption_certificate_url: String,
}

impl ServiceProvider {
    pub fn of(app: &App, slug: &str) -> Self {
        let base = format!("{}/saml/{slug}", app.config.public_url);
        Self {
            entity_id: format!("{base}/metadata"),
            acs_url: format!("{base}/acs"),
            login_url: format!("{base}/login"),
            slo_url: format!("{base}/slo"),
            signing_certificate_url: format!("{base}/signing.pem"),
            encryption_certificate_url: format!("{base}/encryption.pem"),
        }
    }
}

/// A change of the identity provider, and what it does to sessions.
pub struct Change<'a> {
    pub workspace: &'a WorkspaceId,
    pub label: &'a str,
    pub sessions: Option<OnChange>,
    pub reason: Option<&'a str>,
    /// Whether an owner or operator makes it: an owner signs in by no other provider.
    pub by_owner: bool,
    /// Whether assertions must be encrypted; absent: as before.
    pub encrypted_assertions: Option<EncryptedAssertions>,
}

/// Reads the setting.
///
/// # Errors
/// 400 naming `encrypted_assertions`.
pub fn encrypted_assertions(text: Option<&str>) -> Result<Option<EncryptedAssertions>> {
    let bad = || Error::invalid("encrypted_assertions", "must be `optional` or `required`");
    text.map(|text| EncryptedAssertions::from_text(text).ok_or_else(bad)).transpose()
}

/// Reads metadata.
///
/// # Errors
/// 422 naming `metadata_xml` and the element that is missing or wrong.
pub fn parse(app: &App, metadata: &str) -> Result<IdentityProvider> {
    parse_metadata(metadata, app.clock.now()).map_err(|error| match error.field {
        "metadata_xml" => Error::unprocessable("metadata_xml", error.message),
        element => Error::unprocessable("metadata_xml", format!("{element}: {}", error.message)),
    })
}

/// The default provider, if there is any: the oldest that is switched on, else the oldest.
pub async fn find(app: &App, workspace: &WorkspaceId) -> Result<Option<StoredProvider>> {
    provider_store::find_default(&mut app.db.read().await?, workspace).await
}

/// Sets a provider from this metadata and switches it on: the one with this id, in this version, or else that of the metadata.
///
/// # Errors
/// 422 naming what is wrong with the metadata; 409 if another provider of the workspace has its entity id, or would be replaced
/// though it was not named; 412 for another version.
pub async fn import(
    app: &App,
    actor: &Actor,
    change: &Change<'_>,
    shown: Option<(&str, i64)>,
    metadata: &str,
) -> Result<Option<Receipt>> {
    let which = shown.map_or(Which::OfMetadata, |(id, _)| Which::Named(id));
    let wanted = Wanted { if_version: shown.map(|(_, version)| version), ..Wanted::import(which, metadata) };
    Ok(providers::save(app, actor, None, change, &wanted).await?.receipt)
}

/// Switches the default provider off. Sessions that began by SAML end by the policy only if asked for.
///
/// # Errors
/// 404 if none is on; 409 if several are, or if the caller signed in by it.
pub async fn disable(app: &App, actor: &Actor, caller: Option<&Facts>, change: &Change<'_>) -> Result<Option<Receipt>> {
    providers::disable(app, actor, caller, change, Which::Default).await
}

/// The end of a change, in its transaction: what it does to sessions, and its entry in the audit log, which says both.
pub(super) async fn finish(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    change: &Change<'_>,
    step: Step<'_>,
    action: &'static str,
    mut details: serde_json::Value,
) -> Result<Option<Revoked>> {
    let reason = match change.reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => {
            line(reason, 500).ok_or_else(|| Error::invalid("reason", "must have at most 500 characters"))?
        }
        None => "the SAML settings were changed",
    };
    // The revocation first: it takes the head before the audit log, like every other.
    let Outcome { revoked, details: done } = carry_out(tx, app, actor, change, step, reason).await?;
    if let (Some(details), serde_json::Value::Object(done)) = (details.as_object_mut(), done) {
        details.extend(done);
    }
    let target = Target::new("workspace", change.workspace.as_str(), change.label);
    let entry = Entry::done(action, target).because(reason).with(details);
    audit::append(tx, change.workspace, app.clock.now(), actor, &entry).await?;
    Ok(revoked)
}
