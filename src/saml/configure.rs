//! The identity provider of a workspace: set, shown, switched off, and everybody logged out with it if the request or the
//! policy says so: one transaction.

use serde_json::json;

use super::encryption_keys;
use super::identity_provider::{IdentityProvider, parse_metadata};
use super::sealed::EncryptedAssertions;
use super::store::{self, StoredProvider};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::base::text::line;
use crate::db::Write;
use crate::error::{Error, NOT_FOUND, Result, WOULD_LOCK_OUT_CALLER};
use crate::policy::model::{Method, OnChange};
use crate::policy::{read, rules};
use crate::sessions::model::{Facts, Receipt, Scope, Trigger};
use crate::sessions::revoke::{self, Order, Revoked};
use crate::transact;

/// The addresses under which a workspace's service provider is known. Always from `public_url`, never from a request.
#[derive(Clone, Debug)]
pub struct ServiceProvider {
    pub entity_id: String,
    pub acs_url: String,
    pub login_url: String,
}

impl ServiceProvider {
    pub fn of(app: &App, slug: &str) -> Self {
        let base = format!("{}/saml/{slug}", app.config.public_url);
        Self {
            entity_id: format!("{base}/metadata"),
            acs_url: format!("{base}/acs"),
            login_url: format!("{base}/login"),
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
        "metadata_xml" => Error::unprocessable("metadata_xml", format!("this is not SAML metadata: {}", error.message)),
        element => Error::unprocessable("metadata_xml", format!("{element}: {}", error.message)),
    })
}

/// The provider that is set, if one is.
pub async fn find(app: &App, workspace: &WorkspaceId) -> Result<Option<StoredProvider>> {
    store::find_provider(&mut app.db.read().await?, workspace).await
}

/// Sets the identity provider from its metadata.
///
/// # Errors
/// 422 naming what is wrong with the metadata.
pub async fn import(app: &App, actor: &Actor, change: &Change<'_>, metadata: &str) -> Result<Option<Receipt>> {
    let provider = parse(app, metadata)?;
    if provider.sso_redirect_url.is_none() {
        let text = "SingleSignOnService: a location for the HTTP-Redirect binding is needed";
        return Err(Error::unprocessable("metadata_xml", text));
    }
    if provider.want_signed_requests {
        let text =
            "WantAuthnRequestsSigned: signed requests are not sent yet; switch that off at the identity provider";
        return Err(Error::unprocessable("metadata_xml", text));
    }
    if change.encrypted_assertions == Some(EncryptedAssertions::Required) {
        // Before anything is refused for want of it: there is a key to encrypt to.
        encryption_keys::published(app, change.workspace).await?;
    }
    let mut details = json!({
        "entity_id": provider.entity_id,
        "certificates": provider.certificates.iter().map(|der| super::certificate::fingerprint(der)).collect::<Vec<_>>(),
    });
    if let Some(setting) = change.encrypted_assertions {
        details["encrypted_assertions"] = json!(setting.as_str());
    }
    let revoked = transact!(app.db, |tx| {
        let (now, entity_id, encrypted) = (app.clock.now(), &provider.entity_id, change.encrypted_assertions);
        store::put_provider(tx, change.workspace, entity_id, metadata, change.by_owner, encrypted, now).await?;
        finish(tx, app, actor, change, "security.saml_changed", details.clone()).await
    })?;
    revoke::acknowledge_some(app, revoked).await
}

/// Switches the identity provider off. Sessions that began by SAML end by the policy only if asked for.
///
/// # Errors
/// 404 if none is on; 409 if the caller signed in by SAML and has no other way.
pub async fn disable(app: &App, actor: &Actor, caller: Option<&Facts>, change: &Change<'_>) -> Result<Option<Receipt>> {
    if caller.is_some_and(|caller| caller.session.method == Method::Saml) {
        let text = "you signed in with SAML: sign in with a password before you switch it off";
        return Err(Error::new(WOULD_LOCK_OUT_CALLER, text));
    }
    let revoked = transact!(app.db, |tx| {
        if store::disable_provider(tx, change.workspace, app.clock.now()).await? == 0 {
            return Err(Error::new(NOT_FOUND, "no identity provider is switched on"));
        }
        finish(tx, app, actor, change, "security.saml_disabled", json!({})).await
    })?;
    revoke::acknowledge_some(app, revoked).await
}

/// What a change would do to sessions.
pub async fn consequence(app: &App, change: &Change<'_>) -> Result<OnChange> {
    let policy = read::policy(app, change.workspace).await?;
    Ok(rules::on_change(change.sessions, policy.on_saml_change))
}

async fn finish(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    change: &Change<'_>,
    action: &'static str,
    details: serde_json::Value,
) -> Result<Option<Revoked>> {
    let reason = match change.reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => {
            line(reason, 500).ok_or_else(|| Error::invalid("reason", "must have at most 500 characters"))?
        }
        None => "the SAML settings were changed",
    };
    let policy = crate::policy::store::load(tx, change.workspace).await?;
    // The revocation first: it takes the head before the audit log, like every other.
    let revoked = match rules::on_change(change.sessions, policy.on_saml_change) {
        OnChange::Keep => None,
        OnChange::LogAllUsersOut => {
            let scope = Scope::Workspace { spare: actor.session.clone(), include_api_keys: false };
            let trigger = Trigger::SamlChange;
            let order = Order { workspace: change.workspace, scope, trigger, reason, target_label: change.label };
            Some(revoke::revoke(tx, app, actor, &order).await?)
        }
    };
    let target = Target::new("workspace", change.workspace.as_str(), change.label);
    let entry = Entry::done(action, target).because(reason).with(details);
    audit::append(tx, change.workspace, app.clock.now(), actor, &entry).await?;
    Ok(revoked)
}
