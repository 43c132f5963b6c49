//! A SAML sign-in: begun by this browser, answered by the identity provider, ended in this browser.
//!
//! The epochs are read when it begins. What the identity provider sends is verified on a bounded pool; the flow, the
//! assertion's one use, the user and the session are then written in one transaction, or none of them.

use serde_json::json;

use super::assertion::{Expected, Identity};
use super::configure::{ServiceProvider, parse};
use super::judge::Trust;
use super::person::person;
use super::refusal::Refusal;
use super::request::{Proof, authn_request_xml, redirect_url};
use super::store::{self, Flow, StoredProvider};
use super::{encryption_keys, gate, sealed};
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::random::bytes32;
use crate::base::secret::{Secret, SecretKind, recognise};
use crate::base::text::{hex, local_path};
use crate::db::Write;
use crate::error::{Error, FORBIDDEN, NOT_FOUND, Result};
use crate::feed;
use crate::login::sign_in::admit_address;
use crate::policy::model::{MINUTE_MS, Method};
use crate::sessions::issue::{Earned, Stamps, hold, issue};
use crate::sessions::model::Session;
use crate::transact;
use crate::workspaces::model::Workspace;
use crate::workspaces::store as workspaces;

/// How long the identity provider and the person may take.
const FLOW_MS: i64 = 15 * MINUTE_MS;
/// How far the clocks may be apart.
const CLOCK_SKEW_MS: i64 = 3 * MINUTE_MS;

/// A sign-in that has begun: where to send the browser, and the secret that it keeps.
pub struct Begun {
    pub location: String,
    pub browser: Secret,
}

/// How a sign-in ended.
pub enum Ended {
    SignedIn {
        session: Box<Session>,
        token: Secret,
        return_to: String,
    },
    /// A revocation overtook it: begin again, once.
    Overtaken {
        return_to: String,
    },
}

/// Begins a sign-in.
///
/// # Errors
/// 404 if the workspace or its identity provider is not there; 403 if SAML or the client's address is not allowed.
pub async fn begin(
    app: &App,
    slug: &str,
    return_to: Option<&str>,
    restarts: i64,
    proof: Proof,
    origin: &Origin,
) -> Result<Begun> {
    app.addresses.admit_redirect(origin.ip)?;
    let (workspace, stored) = enabled(app, slug).await?;
    admit_address(app, &workspace, origin).await?;
    let provider = parse(app, &stored.metadata)?;
    let sso =
        provider.sso_redirect_url.ok_or_else(|| Error::new(NOT_FOUND, "the identity provider takes no redirects"))?;
    let now = app.clock.now();
    let browser = Secret::generate(SecretKind::SamlFlow, app.random.as_ref());
    let mut flow = Flow {
        workspace: workspace.id.clone(),
        request_id: format!("_{}", hex(&bytes32(app.random.as_ref())[..20])),
        return_to: local_path(return_to),
        workspace_epoch: workspace.epoch,
        began_seq: 0,
        provider_version: stored.version,
        restarts,
        expires_at: now + FLOW_MS,
    };
    transact!(app.db, |tx| {
        // The stamps of the session to come.
        flow.began_seq = feed::store::load_head(tx).await?;
        flow.workspace_epoch = workspaces::load(tx, &workspace.id).await?.epoch;
        store::insert_flow(tx, &flow, &browser.hash(), now).await
    })?;
    let us = ServiceProvider::of(app, slug);
    let xml = authn_request_xml(&flow.request_id, now, &us.acs_url, &us.entity_id, &sso, proof);
    Ok(Begun { location: redirect_url(&sso, &xml, &flow.request_id), browser })
}

/// # Errors
/// 404 if the workspace or its identity provider is not there; 403 if SAML is not allowed.
pub async fn require_provider(app: &App, slug: &str) -> Result<()> {
    enabled(app, slug).await.map(|_| ())
}

async fn enabled(app: &App, slug: &str) -> Result<(Workspace, StoredProvider)> {
    let missing = || Error::new(NOT_FOUND, "there is no single sign-on here");
    let mut read = app.db.read().await?;
    let workspace = workspaces::find_by_slug(&mut read, slug).await?.ok_or_else(missing)?;
    let stored =
        store::find_provider(&mut read, &workspace.id).await?.filter(|stored| stored.enabled).ok_or_else(missing)?;
    if !crate::policy::store::load(&mut read, &workspace.id).await?.saml_allowed {
        return Err(Error::new(FORBIDDEN, "this workspace does not sign in with SAML"));
    }
    Ok((workspace, stored))
}

/// Ends a sign-in with what the browser brought from the identity provider. `browser` is the secret of the cookie.
///
/// # Errors
/// 403 with one sentence for every refused response; the reason is in the audit log.
pub async fn end(app: &App, slug: &str, browser: &str, response: &str, origin: &Origin) -> Result<Ended> {
    app.addresses.admit_redirect(origin.ip)?;
    let (workspace, stored) = enabled(app, slug).await?;
    admit_address(app, &workspace, origin).await?;
    match attempt(app, &workspace, &stored, browser, response, origin).await {
        Ok(Ok(ended)) => Ok(ended),
        Ok(Err(refusal)) => {
            // Whoever began no sign-in may not write into the log, either.
            if !matches!(refusal.check, "flow.browser" | "flow.unknown") {
                record_refusal(app, &workspace, &refusal, origin).await?;
            }
            let refused = Error::new(FORBIDDEN, "the sign-in was not accepted").with_field("SAMLResponse");
            Err(refused.with_log(refusal.to_string()))
        }
        Err(error) => Err(error),
    }
}

async fn attempt(
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    browser: &str,
    response: &str,
    origin: &Origin,
) -> Result<Result<Ended, Refusal>> {
    let now = app.clock.now();
    // 1. The flow that this browser began; Bindings 3.5.3 lets RelayState be lost, so it decides nothing.
    let Some(hash) = recognise(SecretKind::SamlFlow, browser) else {
        return Ok(Err(Refusal::new("flow.browser", "this browser began no sign-in")));
    };
    let flow = store::find_flow(&mut app.db.read().await?, &workspace.id, &hash, now).await?;
    let Some(flow) = flow else {
        return Ok(Err(Refusal::new("flow.unknown", "no sign-in of this browser is open: it ended, or ran out")));
    };
    if flow.provider_version != stored.version {
        return Ok(Err(Refusal::new("flow.provider-changed", "the identity provider was changed meanwhile")));
    }
    // 2. Gate, signature, checks.
    let identity = match verified(app, workspace, stored, &flow, response).await? {
        Ok(identity) => identity,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // 3. Flow, assertion, user, session: all or nothing.
    let written = transact!(app.db, |tx| { finish(tx, app, workspace, stored, &flow, &identity, origin).await });
    match written {
        Ok(outcome) => Ok(outcome),
        Err(error) if error.is_unique_violation() => {
            Ok(Err(Refusal::new("user.race", "the same person signed in twice at once")))
        }
        Err(error) => Err(error),
    }
}

async fn verified(
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    flow: &Flow,
    response: &str,
) -> Result<Result<Identity, Refusal>> {
    let xml = match gate::decode(response) {
        Ok(xml) => xml,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let provider = match parse(app, &stored.metadata) {
        Ok(provider) => provider,
        Err(error) => return Ok(Err(Refusal::new("flow.provider-expired", error.detail().to_owned()))),
    };
    let us = ServiceProvider::of(app, &workspace.slug);
    let expected = Expected {
        now: app.clock.now(),
        clock_skew_ms: CLOCK_SKEW_MS,
        acs_url: us.acs_url,
        service_provider_entity_id: us.entity_id,
        identity_provider_entity_id: provider.entity_id,
        request_id: flow.request_id.clone(),
    };
    let decryption_keys = match sealed::may_be_sealed(&xml) {
        true => encryption_keys::usable(app, &workspace.id).await?,
        false => Vec::new(),
    };
    let trust = Trust {
        certificates: provider.certificates,
        decryption_keys,
        encrypted_assertions: stored.encrypted_assertions,
        filler: bytes32(app.random.as_ref()),
    };
    app.verifiers.verify(xml, trust, expected).await
}

async fn finish(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    flow: &Flow,
    identity: &Identity,
    origin: &Origin,
) -> Result<Result<Ended, Refusal>> {
    let now = app.clock.now();
    // A change of the provider commits before this sign-in or after it, never in between.
    if store::lock_provider(tx, &workspace.id, flow.provider_version).await? == 0 {
        return Ok(Err(Refusal::new("flow.provider-changed", "the identity provider was changed meanwhile")));
    }
    let held = hold(tx, &workspace.id, flow.began_seq).await?;
    if store::use_flow(tx, flow, now).await? == 0 {
        return Ok(Err(Refusal::new("flow.used", "this sign-in has ended already")));
    }
    let (provider, assertion) = (&stored.entity_id, &identity.assertion_id);
    if store::use_assertion(tx, &workspace.id, provider, assertion, identity.replay_until).await? == 0 {
        return Ok(Err(Refusal::new("replay", "this assertion was used before")));
    }
    let user = match person(tx, app, workspace, stored, identity, origin).await? {
        Ok(user) => user,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let return_to = flow.return_to.clone();
    let current = workspaces::load(tx, &workspace.id).await?;
    let current = current.epoch == flow.workspace_epoch && user.epoch_seq <= flow.began_seq;
    let Some(held) = held.filter(|_| current) else {
        if flow.restarts == 0 {
            return Ok(Ok(Ended::Overtaken { return_to }));
        }
        return Ok(Err(Refusal::new("flow.overtaken", "sessions were ended during this sign-in, twice")));
    };
    let stamps = Stamps { workspace_epoch: flow.workspace_epoch, user_epoch: user.epoch };
    let earned = Earned {
        held,
        workspace: &workspace.id,
        user: &user.id,
        method: Method::Saml,
        stamps,
        origin,
        provider: Some(provider),
        subject: Some(&identity.name_id),
        session_index: identity.session_index.as_deref(),
        not_after: identity.session_not_on_or_after,
        signed_in_at: Some(identity.authn_instant),
    };
    let (session, token) = issue(tx, app, &earned).await?;
    let actor = Actor::user(&user.id, user.label(), Some(session.id.clone()), origin.clone());
    let entry = Entry::done("login.succeeded", Target::new("session", session.id.as_str(), user.label()));
    let entry = entry.with(json!({"method": "saml", "identity_provider": provider}));
    audit::append(tx, &workspace.id, now, &actor, &entry).await?;
    Ok(Ok(Ended::SignedIn { session: Box::new(session), token, return_to }))
}

async fn record_refusal(app: &App, workspace: &Workspace, refusal: &Refusal, origin: &Origin) -> Result<()> {
    let entry = Entry::refused("login.saml_refused", Target::new("workspace", workspace.id.as_str(), &workspace.slug))
        .with(json!({"check": refusal.check, "detail": refusal.detail}));
    let actor = Actor::anonymous("", origin.clone());
    transact!(app.db, |tx| { audit::append(tx, &workspace.id, app.clock.now(), &actor, &entry).await })?;
    Ok(())
}
