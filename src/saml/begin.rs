//! The beginning of a sign-in by SAML, or of a test of one: which provider it is, what is noted of it, and the request on its
//! way. How it ends: `sign_in.rs`.

use super::configure::{ServiceProvider, parse};
use super::entrance_store::Entrance;
use super::flow::{Flow, Purpose};
use super::outgoing::{Departure, Outgoing, depart, new_id};
use super::provider::{Outline, StoredProvider, chosen};
use super::request::{Proof, RequestOptions, authn_request_xml};
use super::{entrance_store, provider_store, signing_keys, store};
use crate::actor::Origin;
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::base::ids::UserId;
use crate::base::secret::{Secret, SecretKind, recognise};
use crate::base::text::local_path;
use crate::error::{Error, FORBIDDEN, NOT_FOUND, Result};
use crate::feed;
use crate::login::sign_in::admit_address_by;
use crate::policy::model::MINUTE_MS;
use crate::transact;
use crate::workspaces::model::{Workspace, domain_of};
use crate::workspaces::store as workspaces;

/// How long the identity provider and the person may take.
pub const FLOW_MS: i64 = 15 * MINUTE_MS;

/// A sign-in that somebody wants to begin.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The workspace.
    pub slug: &'a str,
    /// Id of the provider to sign in with.
    pub provider: Option<&'a str>,
    /// An e-mail address, whose domain says which provider it is, if none is named.
    pub email: Option<&'a str>,
    pub return_to: Option<&'a str>,
    pub restarts: i64,
    pub proof: Proof,
}

/// What a sign-in that begins is for, once it is known with which provider.
pub(super) struct Wish {
    /// A path of ours.
    pub return_to: String,
    pub restarts: i64,
    pub proof: Proof,
    pub purpose: Purpose,
    /// The administrator who tests.
    pub begun_by: Option<UserId>,
}

/// A sign-in or a log-out that has begun: where to send the browser, and the secret that it keeps.
pub struct Begun {
    pub departure: Departure,
    pub browser: Secret,
}

/// Begins a sign-in.
///
/// # Errors
/// 404 if the workspace or the identity provider is not there; 403 if SAML or the client's address is not allowed.
pub async fn begin(app: &App, start: &Start<'_>, origin: &Origin) -> Result<Begun> {
    app.addresses.admit_redirect(origin.ip)?;
    let workspace = enter(app, start.slug, origin).await?;
    let mut read = app.db.read().await?;
    let known = provider_store::list_outlines(&mut read, &workspace.id).await?;
    let domain = start.email.and_then(domain_of);
    let provider = chosen(&known, start.provider, domain.as_deref()).ok_or_else(|| switched_off(&known))?;
    let stored = provider_store::find(&mut read, &workspace.id, &provider.id).await?;
    drop(read);
    let wish = Wish {
        return_to: local_path(start.return_to),
        restarts: start.restarts,
        proof: start.proof,
        purpose: Purpose::SignIn,
        begun_by: None,
    };
    send_away(app, &workspace, &stored.ok_or_else(missing)?, wish).await
}

/// Notes a sign-in as begun, and says where to send the browser.
pub(super) async fn send_away(app: &App, workspace: &Workspace, stored: &StoredProvider, wish: Wish) -> Result<Begun> {
    let options = options(app, stored, wish.proof)?;
    let now = app.clock.now();
    let browser = Secret::generate(SecretKind::SamlFlow, app.random.as_ref());
    let mut flow = Flow {
        workspace: workspace.id.clone(),
        request_id: new_id(app),
        return_to: wish.return_to,
        workspace_epoch: workspace.epoch,
        began_seq: 0,
        provider: stored.id.clone(),
        provider_version: stored.version,
        purpose: wish.purpose,
        begun_by: wish.begun_by,
        restarts: wish.restarts,
        expires_at: now + FLOW_MS,
        authn_not_before: options.force_authn.then_some(now),
    };
    transact!(app.db, |tx| {
        // The stamps of the session to come.
        flow.began_seq = feed::store::load_head(tx).await?;
        flow.workspace_epoch = workspaces::load(tx, &workspace.id).await?.epoch;
        store::insert_flow(tx, &flow, &browser.hash(), now).await
    })?;
    Ok(Begun { departure: request(app, workspace, &flow.request_id, now, options).await?, browser })
}

/// The request of the sign-in that this browser has begun, once more: for a browser whose way there could not be shown where it
/// began. `browser` is the secret of the cookie.
///
/// # Errors
/// 404 if it has begun none, or the provider was changed since; 403 as `begin`.
pub async fn send_again(app: &App, slug: &str, browser: &str, origin: &Origin) -> Result<Departure> {
    app.addresses.admit_redirect(origin.ip)?;
    let workspace = enter(app, slug, origin).await?;
    let now = app.clock.now();
    let none = || Error::new(NOT_FOUND, "this browser has begun no sign-in, or its time is over: begin again");
    let hash = recognise(SecretKind::SamlFlow, browser).ok_or_else(none)?;
    let found = provider_store::find_flow(&mut app.db.read().await?, &workspace.id, &hash, now).await?;
    let (flow, stored) = found.ok_or_else(none)?;
    let stored = asked(&flow, stored).ok_or_else(none)?;
    let proof = if flow.authn_not_before.is_some() { Proof::Anew } else { Proof::AnySession };
    request(app, &workspace, &flow.request_id, now, options(app, &stored, proof)?).await
}

/// The provider that a sign-in was sent to; `None` if it was changed or switched off since. A test may be of one that is off.
pub(super) fn asked(flow: &Flow, stored: Option<StoredProvider>) -> Option<StoredProvider> {
    let on = |stored: &StoredProvider| stored.enabled || flow.purpose == Purpose::Test;
    stored.filter(|stored| on(stored) && stored.version == flow.provider_version)
}

fn options(app: &App, stored: &StoredProvider, proof: Proof) -> Result<RequestOptions> {
    let mut options = RequestOptions::of(&stored.settings, &parse(app, &stored.metadata)?)?;
    options.force_authn |= proof == Proof::Anew;
    Ok(options)
}

/// The AuthnRequest, on its way. The relay state is its id.
async fn request(
    app: &App,
    workspace: &Workspace,
    id: &str,
    now: UnixMillis,
    options: RequestOptions,
) -> Result<Departure> {
    let us = ServiceProvider::of(app, &workspace.slug);
    let key = match options.sign {
        true => Some(signing_keys::signing_key(app, &workspace.id).await?),
        false => None,
    };
    let message = Outgoing {
        binding: options.binding,
        parameter: "SAMLRequest",
        id: id.to_owned(),
        xml: authn_request_xml(id, now, &us.acs_url, &us.entity_id, &options),
        relay_state: id.to_owned(),
        destination: options.destination,
    };
    depart(message, key).await
}

/// # Errors
/// 404 if the workspace is not there or has no identity provider; 403 if SAML is not allowed.
pub async fn require_provider(app: &App, slug: &str) -> Result<()> {
    entrance(app, slug).await.map(|_| ())
}

/// Of a workspace that has identity providers, none of which is the one that is meant and switched on.
fn switched_off(known: &[Outline]) -> Error {
    let another = known.iter().any(|provider| provider.enabled);
    Error::new(
        NOT_FOUND,
        match another {
            true => "this identity provider is not here, or is switched off: begin at the sign-in page",
            false => "single sign-on is switched off here: begin at the sign-in page",
        },
    )
}

fn missing() -> Error {
    Error::new(NOT_FOUND, "there is no single sign-on here")
}

/// A workspace that signs in with SAML, for a client whose address it lets in.
///
/// # Errors
/// 404 if the workspace is not there or has no identity provider; 403 if SAML or the client's address is not allowed.
pub(super) async fn enter(app: &App, slug: &str, origin: &Origin) -> Result<Workspace> {
    let Entrance { workspace, allowlist, .. } = entrance(app, slug).await?;
    admit_address_by(app, &workspace, &allowlist, origin).await?;
    Ok(workspace)
}

async fn entrance(app: &App, slug: &str) -> Result<Entrance> {
    let found = entrance_store::find(&mut app.db.read().await?, slug).await?;
    let entrance = found.filter(|entrance| entrance.has_provider).ok_or_else(missing)?;
    match entrance.saml_allowed {
        true => Ok(entrance),
        false => Err(Error::new(FORBIDDEN, "this workspace does not sign in with SAML")),
    }
}
