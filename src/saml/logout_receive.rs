//! A LogoutRequest of an identity provider (Profiles §4.4): ends the sessions that it names, and answers.
//!
//! Nobody's cookie is needed: the signature says who speaks, NameID and SessionIndex say whose sessions. They end through the
//! door, and every replica knows it before the answer leaves. Deliberately not asked: the client's address against the
//! allowlist; logging out must work from wherever the person is.

use std::sync::Arc;

use super::configure::{ServiceProvider, parse};
use super::identity_provider::IdentityProvider;
use super::logout_check::{self, Expected};
use super::logout_message::{self, Kind, LogoutRequest};
use super::logout_received::Received;
use super::logout_write::{self, Outer, Status};
use super::outgoing::{Departure, Outgoing, depart, new_id};
use super::provider::StoredProvider;
use super::refusal::Refusal;
use super::settings::Binding;
use super::xml::Element;
use super::{logout_store, provider_store, refused_logout, signing_keys, store};
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::db::Write;
use crate::error::{CONFLICT, Error, FORBIDDEN, NOT_FOUND, Result};
use crate::sessions::model::{Scope, Trigger};
use crate::sessions::revoke::{self, Order, Revoked};
use crate::sessions::subject_store::{self, Subject};
use crate::transact;
use crate::workspaces::model::Workspace;
use crate::workspaces::store as workspaces;

/// Sessions that end in one transaction. Few: it holds the head from the first of them on, which every other change waits for.
const BATCH: i64 = 16;
const REASON: &str = "the identity provider logged the person out";

/// What became of a request that was genuine.
pub struct Answered {
    pub status: Status,
    /// The answer; `None` if the identity provider takes none through the browser, or none could be signed.
    pub departure: Option<Departure>,
}

/// Carries out a request.
///
/// # Errors
/// 404 if the workspace is not there; 403 with one sentence for whatever isn't signed by one of its identity providers: that gets
/// no answer of ours. 503 if the database doesn't answer.
pub async fn receive(app: &App, slug: &str, received: Received, origin: &Origin) -> Result<Answered> {
    let workspace = workspace(app, slug).await?;
    let received = Arc::new(received);
    let sender = sender(app, &workspace.id, &received).await?;
    let root = verified(app, &received, &sender.provider).await?.map_err(|refusal| not_accepted(&refusal))?;
    // From here on it is authentically theirs, and answered.
    let status = match carry_out(app, &workspace, &sender, &root, origin).await {
        Ok(Ok(())) => Status::Success,
        Ok(Err(refusal)) => {
            note(app, &workspace, &sender.stored, &refusal, origin).await?;
            Status::Refused
        }
        Err(error) => {
            tracing::warn!(error = %error.log(), "a log-out by an identity provider was not carried out to the end");
            Status::Partial
        }
    };
    let request_id = root.attribute("ID").unwrap_or_default();
    let departure = answer(app, &workspace, &sender.provider, request_id, status, &received).await;
    let departure = departure.unwrap_or_else(|error| {
        tracing::error!(error = %error.log(), "a log-out was carried out and can't be answered");
        None
    });
    Ok(Answered { status, departure })
}

/// The workspace of a slug.
///
/// # Errors
/// 404.
pub async fn workspace(app: &App, slug: &str) -> Result<Workspace> {
    let found = workspaces::find_by_slug(&mut app.db.read().await?, slug).await?;
    found.ok_or_else(|| Error::new(NOT_FOUND, "there is no single sign-on here"))
}

/// Who says that they sent a message.
struct Sender {
    stored: StoredProvider,
    provider: IdentityProvider,
}

async fn sender(app: &App, workspace: &WorkspaceId, received: &Arc<Received>) -> Result<Sender> {
    let look = received.clone();
    let claimed = app.log_out_verifiers.run(move || look.claimed_issuer()).await?;
    let claimed = claimed.map_err(|refusal| not_accepted(&refusal))?;
    let stored = provider_store::find_by_entity_id(&mut app.db.read().await?, workspace, &claimed).await?;
    let unknown = || Refusal::new("logout.issuer", "it is no identity provider of this workspace");
    let stored = stored.ok_or_else(|| not_accepted(&unknown()))?;
    let provider = parse(app, &stored.metadata);
    let expired = |error: Error| not_accepted(&Refusal::new("logout.provider-expired", error.detail().to_owned()));
    Ok(Sender { provider: provider.map_err(expired)?, stored })
}

/// What the provider signed.
///
/// # Errors
/// 503 `busy`.
pub async fn verified(
    app: &App,
    received: &Arc<Received>,
    provider: &IdentityProvider,
) -> Result<Result<Element, Refusal>> {
    let (received, certificates) = (received.clone(), provider.certificates.clone());
    app.log_out_verifiers.run(move || received.verified(&certificates)).await
}

/// What an acceptable message says, at this moment.
pub fn expected(app: &App, slug: &str, provider: &IdentityProvider) -> Expected {
    Expected {
        now: app.clock.now(),
        slo_url: ServiceProvider::of(app, slug).slo_url,
        identity_provider_entity_id: provider.entity_id.clone(),
    }
}

/// The same for everything that nobody signed whom we know. Nothing of it is written down: anybody could fill the log.
fn not_accepted(refusal: &Refusal) -> Error {
    Error::new(FORBIDDEN, "the log-out request was not accepted")
        .with_field(Kind::Request.parameter())
        .with_log(refusal.to_string())
}

/// Keeps a refusal of what was genuine. Not that of a message which only came too late or twice: whoever has seen one could send it
/// again for ever, and fill the log.
async fn note(
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    refusal: &Refusal,
    origin: &Origin,
) -> Result<()> {
    if matches!(refusal.check, "replay" | "check.issue-instant" | "check.expired") {
        tracing::info!(workspace = workspace.slug, %refusal, "an old log-out request was not carried out");
        return Ok(());
    }
    refused_logout::record(app, workspace, &stored.entity_id, refusal, origin).await
}

async fn carry_out(
    app: &App,
    workspace: &Workspace,
    sender: &Sender,
    root: &Element,
    origin: &Origin,
) -> Result<Result<(), Refusal>> {
    let request = match logout_message::request(root) {
        Ok(request) => request,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = logout_check::request(&request, &expected(app, &workspace.slug, &sender.provider)) {
        return Ok(Err(refusal));
    }
    let mut revoked = Vec::new();
    let ended = end_all(app, workspace, &sender.stored, &request, origin, &mut revoked).await;
    // Whatever was committed, also if the rest was not.
    revoke::acknowledge_all(app, &revoked).await?;
    ended
}

async fn end_all(
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    request: &LogoutRequest,
    origin: &Origin,
    revoked: &mut Vec<Revoked>,
) -> Result<Result<(), Refusal>> {
    let actor = Actor { label: stored.entity_id.clone(), origin: origin.clone(), ..Actor::system("saml") };
    loop {
        let first = revoked.is_empty();
        let batch = transact!(app.db, |tx| { end(tx, app, &actor, workspace, stored, request, first).await })?;
        let batch = match batch {
            Ok(batch) => batch,
            Err(refusal) if first => return Ok(Err(refusal)),
            // Some have ended: what is answered is that not all of them did.
            Err(refusal) => {
                return Err(Error::new(CONFLICT, "not every session was ended").with_log(refusal.to_string()));
            }
        };
        let more = i64::try_from(batch.len()).unwrap_or(BATCH) >= BATCH;
        revoked.extend(batch);
        if !more {
            return Ok(Ok(()));
        }
    }
}

/// Ends up to `BATCH` of the sessions. In the `first` batch the request is used up, and stragglers are shut out.
async fn end(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &Workspace,
    stored: &StoredProvider,
    request: &LogoutRequest,
    first: bool,
) -> Result<Result<Vec<Revoked>, Refusal>> {
    // The workspace first, as whoever changes a provider or signs in. A sign-in commits before this, and its session is found
    // below; or it finds, later, that it was overtaken.
    workspaces::lock(tx, &workspace.id).await?;
    if provider_store::lock(tx, &workspace.id, &stored.id, stored.version).await? == 0 {
        return Ok(Err(Refusal::new("logout.provider-changed", "the identity provider was changed meanwhile")));
    }
    if first && !use_up(tx, workspace, stored, request).await? {
        return Ok(Err(Refusal::new("replay", "this request was used before")));
    }
    let subject = Subject { provider: &stored.entity_id, name: &request.name_id, indexes: &request.session_indexes };
    // All rows before the head, which the first revocation locks until the commit.
    let named = subject_store::lock(tx, &workspace.id, &subject, app.clock.now(), BATCH).await?;
    let mut revoked = Vec::with_capacity(named.len());
    for one in named {
        let order = Order {
            workspace: &workspace.id,
            scope: Scope::Session(one.session),
            trigger: Trigger::SamlLogout,
            reason: REASON,
            target_label: &one.user_name,
        };
        revoked.push(revoke::revoke(tx, app, actor, &order).await?);
    }
    Ok(Ok(revoked))
}

/// Remembers the request, and whom it logs out; false if it was used before.
async fn use_up(
    tx: &mut Write,
    workspace: &Workspace,
    stored: &StoredProvider,
    request: &LogoutRequest,
) -> Result<bool> {
    let until = logout_check::remember_until(request);
    // An assertion's id is an NCName, and has no colon.
    let id = format!("logout:{}", request.header.id);
    if store::use_assertion(tx, &workspace.id, &stored.entity_id, &id, until).await? == 0 {
        return Ok(false);
    }
    let indexes: Vec<&str> = match request.session_indexes.as_slice() {
        [] => vec![""],
        some => some.iter().map(String::as_str).collect(),
    };
    for index in indexes {
        let name = [stored.entity_id.as_str(), request.name_id.as_str(), index];
        logout_store::note_logged_out(tx, &workspace.id, name, request.header.issue_instant, until).await?;
    }
    Ok(true)
}

async fn answer(
    app: &App,
    workspace: &Workspace,
    provider: &IdentityProvider,
    request_id: &str,
    status: Status,
    received: &Received,
) -> Result<Option<Departure>> {
    let Some(service) = &provider.single_logout else { return Ok(None) };
    let us = ServiceProvider::of(app, &workspace.slug);
    let (id, now, destination) = (new_id(app), app.clock.now(), service.response_url.clone());
    let outer = Outer { id: &id, issue_instant: now, destination: &destination, issuer: &us.entity_id };
    let xml = logout_write::response(outer, request_id, status);
    let (binding, parameter) = (service.binding, Kind::Response.parameter());
    // The query of a redirect is signed as a whole: nobody else's text gets our signature.
    let echoed = binding == Binding::Post || received.relay_state_is_signed();
    let relay_state = received.relay_state.clone().filter(|_| echoed).unwrap_or_default();
    let message = Outgoing { binding, parameter, id, xml, relay_state, destination };
    depart(message, Some(signing_keys::signing_key(app, &workspace.id).await?)).await.map(Some)
}
