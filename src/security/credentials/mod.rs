//! SCIM tokens, OAuth clients and API keys: made, listed, revoked, recognised. A secret is shown once; the database knows its
//! SHA-256.

pub mod client_http;
pub mod http;
pub mod model;
pub mod presented;
pub mod rotate;
pub mod store;
pub mod wanted;

use std::net::IpAddr;

use serde_json::json;

use model::{AuthMethod, Credential, CredentialKind};
use wanted::Wanted;

use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::rfc3339;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::secret::{Secret, SecretHash, recognise};
use crate::error::{Error, Result};
use crate::policy::model::MINUTE_MS;
use crate::transact;

/// How long a token that was replaced stays in the list after its end: as long as what it asked is kept.
const KEEP_REPLACED_MS: i64 = 7 * 24 * 60 * MINUTE_MS;

/// The scope that lets an API key ask whether sessions are valid.
pub const SCOPE_CHECK: &str = "sessions:check";
/// The scope that lets an API key follow what ends sessions.
pub const SCOPE_STREAM: &str = "revocations:read";
/// All there are.
const SCOPES: [&str; 2] = [SCOPE_CHECK, SCOPE_STREAM];

/// Makes a credential that may be used from anywhere, and gives its secret, once.
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
    let expires_at = wanted::end(app.clock.now(), None, expires_in_days)?;
    let wanted = Wanted { name: name.to_owned(), expires_at, ..Wanted::default() };
    create_limited(app, actor, workspace, kind, scopes, &wanted).await
}

/// Makes a credential and gives its secret, once.
///
/// # Errors
/// 400 naming `name` or `scopes`.
pub async fn create_limited(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    kind: CredentialKind,
    scopes: &[String],
    wanted: &Wanted,
) -> Result<(Credential, Secret)> {
    let unknown = |scope: &String| !SCOPES.contains(&scope.as_str());
    if kind == CredentialKind::ApiKey && (scopes.is_empty() || scopes.iter().any(unknown)) {
        return Err(Error::invalid("scopes", format!("must be a list of {}", SCOPES.join(" and "))));
    }
    let secret = Secret::generate(kind.secret(), app.random.as_ref());
    let mut credential = described(app, workspace, kind, wanted)?;
    credential.scopes = scopes.to_vec();
    credential.auth_method = (kind == CredentialKind::ScimClient).then_some(AuthMethod::Secret);
    write(app, actor, &credential, &secret.hash()).await?;
    Ok((credential, secret))
}

/// Makes an OAuth client that signs with a key of its own: there is no secret.
///
/// # Errors
/// 400 naming `name`.
pub async fn create_signing_client(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    wanted: &Wanted,
    jwk: String,
) -> Result<Credential> {
    let mut credential = described(app, workspace, CredentialKind::ScimClient, wanted)?;
    credential.auth_method = Some(AuthMethod::PrivateKeyJwt);
    credential.public_key = Some(jwk);
    write(app, actor, &credential, &presented::hash_of_client(credential.id.as_str())).await?;
    Ok(credential)
}

fn described(app: &App, workspace: &WorkspaceId, kind: CredentialKind, wanted: &Wanted) -> Result<Credential> {
    let now = app.clock.now();
    Ok(Credential {
        id: CredentialId::generate(now, app.random.as_ref()),
        workspace: workspace.clone(),
        kind,
        name: wanted::name(&wanted.name)?.to_owned(),
        scopes: Vec::new(),
        networks: wanted.networks.clone(),
        created_at: now,
        expires_at: wanted.expires_at,
        last_used_at: None,
        last_used_ip: String::new(),
        replaced_by: None,
        auth_method: None,
        public_key: None,
        revoked_at: None,
        patch_response: wanted.patch_response,
        schemas_stamp: String::new(),
    })
}

async fn write(app: &App, actor: &Actor, credential: &Credential, hash: &SecretHash) -> Result<()> {
    let target = Target::new(credential.kind.as_str(), credential.id.as_str(), credential.name.as_str());
    let details = json!({
        "scopes": credential.scopes,
        "expires_at": credential.expires_at.map(rfc3339),
        "networks": credential.networks,
        "auth_method": credential.auth_method.map(AuthMethod::as_str),
    });
    let entry = Entry::done(credential.kind.actions().0, target).with(details);
    transact!(app.db, |tx| {
        store::insert(tx, credential, hash, &actor.id).await?;
        audit::append(tx, &credential.workspace, credential.created_at, actor, &entry).await
    })?;
    Ok(())
}

/// All credentials of a kind that were not revoked, newest first; 200 at the most. One that was replaced goes a week after its
/// end.
pub async fn list(app: &App, workspace: &WorkspaceId, kind: CredentialKind) -> Result<Vec<Credential>> {
    let since = app.clock.now() - KEEP_REPLACED_MS;
    store::list(&mut app.db.read().await?, workspace, kind, since).await
}

/// One credential, also if it was revoked.
///
/// # Errors
/// 404 if there is none.
pub async fn load(app: &App, workspace: &WorkspaceId, kind: CredentialKind, id: &CredentialId) -> Result<Credential> {
    let found = store::load(&mut app.db.read().await?, workspace, kind, id).await?;
    found.ok_or_else(|| Error::not_found("credential"))
}

/// Revokes one. It is refused from the next request on, and with a client every token that it got.
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

/// The credential of a presented secret, if it may be used now from there. Notes its use, at most once a minute.
pub async fn find(app: &App, kind: CredentialKind, text: &str, ip: Option<IpAddr>) -> Result<Option<Credential>> {
    let Some(hash) = recognise(kind.secret(), text) else { return Ok(None) };
    let found = store::find(&mut app.db.read().await?, kind, &hash).await?;
    let Some(found) = found.filter(|found| found.refusal(app.clock.now(), ip).is_none()) else { return Ok(None) };
    note_use(app, &found, ip).await;
    Ok(Some(found))
}

/// Notes when and from where a credential was used, at most once a minute. A use that can't be noted is one all the same.
pub async fn note_use(app: &App, credential: &Credential, ip: Option<IpAddr>) {
    let now = app.clock.now();
    if credential.last_used_at.is_some_and(|at| now - at < MINUTE_MS) {
        return;
    }
    let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
    let (workspace, id) = (&credential.workspace, &credential.id);
    let noted: Result<()> =
        async { transact!(app.db, |tx| { store::touch(tx, workspace, id, now, now - MINUTE_MS, &ip).await }) }.await;
    if let Err(error) = noted {
        tracing::warn!(error = %error, "could not note that a credential was used");
    }
}
