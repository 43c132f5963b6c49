//! SCIM tokens and API keys: made, listed, revoked, recognised. A secret is shown once; the database knows its SHA-256.

pub mod http;
pub mod model;
pub mod store;

use std::net::IpAddr;

use serde_json::json;

use model::{Credential, CredentialKind, NewCredential, PatchResponse};

use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::UnixMillis;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::secret::{Secret, recognise};
use crate::base::text::line;
use crate::error::{Error, Result};
use crate::policy::model::MINUTE_MS;
use crate::transact;

const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The scope that lets an API key ask whether sessions are valid.
pub const SCOPE_CHECK: &str = "sessions:check";
/// The scope that lets an API key follow what ends sessions.
pub const SCOPE_STREAM: &str = "revocations:read";
/// All there are.
const SCOPES: [&str; 2] = [SCOPE_CHECK, SCOPE_STREAM];

/// Makes a credential and gives its secret, once.
///
/// # Errors
/// 400 naming `name`, `scopes` or `expires_in_days`.
pub async fn create(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    kind: CredentialKind,
    name: &str,
    scopes: &[String],
    expires_in_days: Option<i64>,
) -> Result<(Credential, Secret)> {
    let new = NewCredential { kind, name, scopes, expires_in_days, patch_response: PatchResponse::default() };
    create_as(app, actor, workspace, &new).await
}

/// As `create`, with every choice.
///
/// # Errors
/// As `create`.
pub async fn create_as(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    new: &NewCredential<'_>,
) -> Result<(Credential, Secret)> {
    let NewCredential { kind, name, scopes, expires_in_days, patch_response } = *new;
    let name = line(name, 100).ok_or_else(|| Error::invalid("name", "must have 1 to 100 characters"))?;
    if expires_in_days.is_some_and(|days| !(1..=3_650).contains(&days)) {
        return Err(Error::invalid("expires_in_days", "must be between 1 and 3650"));
    }
    let unknown = |scope: &String| !SCOPES.contains(&scope.as_str());
    if kind == CredentialKind::ApiKey && (scopes.is_empty() || scopes.iter().any(unknown)) {
        return Err(Error::invalid("scopes", format!("must be a list of {}", SCOPES.join(" and "))));
    }
    let now = app.clock.now();
    let secret = Secret::generate(kind.secret(), app.random.as_ref());
    let credential = Credential {
        id: CredentialId::generate(now, app.random.as_ref()),
        workspace: workspace.clone(),
        kind,
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        created_at: now,
        expires_at: expires_in_days.map(|days| now + days * DAY_MS),
        last_used_at: None,
        revoked_at: None,
        patch_response,
        schemas_stamp: String::new(),
    };
    let target = Target::new(kind.as_str(), credential.id.as_str(), name);
    let entry =
        Entry::done(kind.actions().0, target).with(json!({"scopes": scopes, "expires_in_days": expires_in_days}));
    transact!(app.db, |tx| {
        store::insert(tx, &credential, &secret.hash(), &actor.id).await?;
        audit::append(tx, workspace, now, actor, &entry).await
    })?;
    Ok((credential, secret))
}

/// All credentials of a kind that were not revoked, newest first; 200 at the most.
pub async fn list(app: &App, workspace: &WorkspaceId, kind: CredentialKind) -> Result<Vec<Credential>> {
    store::list(&mut app.db.read().await?, workspace, kind).await
}

/// Revokes one. It is refused from the next request on.
///
/// # Errors
/// 404 if there is none, or it was revoked before.
pub async fn revoke(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    kind: CredentialKind,
    id: &CredentialId,
) -> Result<()> {
    let now = app.clock.now();
    transact!(app.db, |tx| {
        let name = store::revoke(tx, workspace, kind, id, now).await?;
        let name = name.ok_or_else(|| Error::not_found("credential"))?;
        let entry = Entry::done(kind.actions().1, Target::new(kind.as_str(), id.as_str(), name));
        audit::append(tx, workspace, now, actor, &entry).await
    })?;
    Ok(())
}

/// The credential of a presented secret, if it may be used now. Notes its use, at most once a minute.
pub async fn find(app: &App, kind: CredentialKind, text: &str, ip: Option<IpAddr>) -> Result<Option<Credential>> {
    let Some(hash) = recognise(kind.secret(), text) else { return Ok(None) };
    let now = app.clock.now();
    let found = store::find(&mut app.db.read().await?, kind, &hash).await?;
    let Some(found) = found.filter(|found| usable(found, now)) else { return Ok(None) };
    if found.last_used_at.is_none_or(|at| now - at >= MINUTE_MS) {
        let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
        let id = &found.id;
        let noted: Result<()> =
            async { transact!(app.db, |tx| { store::touch(tx, &found.workspace, id, now, &ip).await }) }.await;
        if let Err(error) = noted {
            tracing::warn!(error = %error, "could not note that a credential was used");
        }
    }
    Ok(Some(found))
}

fn usable(credential: &Credential, now: UnixMillis) -> bool {
    credential.revoked_at.is_none() && credential.expires_at.is_none_or(|at| now < at)
}
