//! "Test connection": an administrator goes the whole way through the identity provider, and nobody is signed in.
//!
//! The response is judged as any other. Who it would sign in is found out by the very code that does it, whose work is then
//! undone: no user, no link and no session is left. What stays is the attempt, its audit entry, and, if everything passed,
//! the note that the provider was tested. The sign-in under way and the assertion are used up.

use serde_json::json;

use super::assertion::Identity;
use super::attempt_model::{Ending, Person, Trail};
use super::begin::{Begun, Wish, enter, send_away};
use super::flow::{Flow, Purpose};
use super::outgoing::Departure;
use super::person::person;
use super::provider::{StoredProvider, default_of};
use super::refusal::Refusal;
use super::request::Proof;
use super::sign_in::{Brought, Ended, provider_changed};
use super::{attempt_store, attempts, provider_store, setup_links, store};
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::UserId;
use crate::db::Write;
use crate::error::{Error, Result};
use crate::sessions::check::{Judged, check_in_database};
use crate::sessions::revoke;
use crate::transact;
use crate::users::store as users;
use crate::workspaces::model::Workspace;
use crate::workspaces::store as workspaces;

/// Sends an administrator to the identity provider: the one that is named, switched on or not, else the default one. `by` is
/// their id, or `setup-link:` and the id of the link that an IT contact came by.
///
/// # Errors
/// 404 if there is no such provider; 403 if SAML or the client's address is not allowed.
pub async fn begin(app: &App, slug: &str, provider: Option<&str>, by: &UserId, origin: &Origin) -> Result<Begun> {
    app.addresses.admit_redirect(origin.ip)?;
    let workspace = enter(app, slug, origin).await?;
    let mut read = app.db.read().await?;
    let known = provider_store::list_outlines(&mut read, &workspace.id).await?;
    let missing = || Error::not_found("identity provider");
    let wanted = match provider.filter(|id| !id.is_empty()) {
        Some(id) => known.iter().find(|known| known.id.as_str() == id),
        None => default_of(&known),
    };
    let wanted = wanted.ok_or_else(missing)?;
    let stored = provider_store::find(&mut read, &workspace.id, &wanted.id).await?;
    drop(read);
    let wish = Wish {
        return_to: String::new(),
        restarts: 0,
        proof: Proof::AnySession,
        purpose: Purpose::Test,
        begun_by: Some(by.clone()),
    };
    send_away(app, &workspace, &stored.ok_or_else(missing)?, wish).await
}

/// Where the browser goes from a page or an answer that can't hold the form of a POST: to the identity provider, or to a page of
/// ours that has the form.
pub fn address(app: &App, slug: &str, departure: &Departure) -> String {
    match departure {
        Departure::Redirect(location) => location.clone(),
        Departure::Form(_) => format!("{}/saml/{slug}/send", app.config.public_url),
    }
}

/// The page that a test leads to, which shows how it went: one of whoever began it.
pub(super) fn page_of(slug: &str, begun_by: Option<&UserId>, attempt: &str) -> String {
    match begun_by.is_some_and(setup_links::is_contact) {
        true => format!("/saml/{slug}/setup/attempts/{attempt}"),
        false => format!("/console/security/saml/attempts/{attempt}"),
    }
}

/// Whether a test is ended in a browser of whoever began it: the cookie of the sign-in alone could have been put there by somebody
/// else. Of a sign-in it isn't asked.
pub(super) async fn is_witnessed(
    app: &App,
    workspace: &Workspace,
    flow: &Flow,
    brought: &Brought<'_>,
    origin: &Origin,
) -> Result<bool> {
    let Some(by) = flow.begun_by.as_ref().filter(|_| flow.purpose == Purpose::Test) else { return Ok(false) };
    if setup_links::is_contact(by) {
        let Some(secret) = brought.contact else { return Ok(false) };
        let contact = setup_links::find_contact(app, &workspace.slug, secret, origin).await?;
        return Ok(contact.is_some_and(|contact| contact.actor.id == by.as_str()));
    }
    let Some(token) = brought.session else { return Ok(false) };
    Ok(match check_in_database(app, token, origin.ip).await? {
        Judged::Valid(facts) => facts.workspace.id == workspace.id && facts.user.id == *by,
        Judged::Refused(..) => false,
    })
}

/// Ends a test whose response passed the required checks.
pub(super) async fn finish(
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    flow: &Flow,
    identity: &Identity,
    trail: &Trail,
    origin: &Origin,
) -> Result<Result<Ended, Refusal>> {
    let written = transact!(app.db, |tx| {
        let mut trail = trail.clone();
        match would_be(tx, app, workspace, stored, flow, identity, origin).await? {
            Ok(person) => {
                trail.person = Some(person);
                if trail.witnessed {
                    let (provider, by) = (&stored.id, trail.begun_by.as_ref());
                    attempt_store::note_test(tx, &workspace.id, provider, stored.version, by, app.clock.now()).await?;
                }
                record(tx, app, workspace, &trail, Ending::Accepted(None), origin).await
            }
            Err(refusal) => record(tx, app, workspace, &trail, Ending::Refused(&refusal), origin).await,
        }
    });
    match written {
        Ok(attempt) => Ok(Ok(Ended::Tested { page: page_of(&workspace.slug, trail.begun_by.as_ref(), &attempt) })),
        Err(error) if error.is_unique_violation() => {
            Ok(Err(Refusal::new("user.race", "the same person signed in at that moment")))
        }
        Err(error) => Err(error),
    }
}

/// Keeps a test and, as far as `attempts::is_audited`, its audit entry; gives the attempt's id.
pub(super) async fn record(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    trail: &Trail,
    ending: Ending<'_>,
    origin: &Origin,
) -> Result<String> {
    let attempt = attempts::record(tx, app, &workspace.id, trail, ending, origin).await?;
    if !attempts::is_audited(app, &workspace.id, trail) {
        return Ok(attempt);
    }
    let actor = actor(tx, workspace, trail, origin).await?;
    let target = Target::new("workspace", workspace.id.as_str(), &workspace.slug);
    let check = ending.refusal().map(|refusal| refusal.check);
    let entry = match check {
        None => Entry::done("security.saml_tested", target),
        Some(_) => Entry::refused("security.saml_tested", target),
    };
    let details =
        json!({"provider": trail.provider_id, "attempt": attempt, "check": check, "begun_by": trail.begun_by});
    audit::append(tx, &workspace.id, app.clock.now(), &actor, &entry.with(details)).await?;
    Ok(attempt)
}

/// Whoever began it, if it was ended in their browser; else nobody knows who.
async fn actor(tx: &mut Write, workspace: &Workspace, trail: &Trail, origin: &Origin) -> Result<Actor> {
    let nobody = || Actor::anonymous("", origin.clone());
    let Some(by) = trail.begun_by.as_ref().filter(|_| trail.witnessed) else { return Ok(nobody()) };
    if let Some(user) = users::find(tx, &workspace.id, by).await? {
        return Ok(Actor::user(&user.id, user.label(), None, origin.clone()));
    }
    Ok(setup_links::actor_of(by, origin).unwrap_or_else(nobody))
}

/// Uses up the sign-in under way and the assertion, and finds out who would be signed in.
async fn would_be(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    flow: &Flow,
    identity: &Identity,
    origin: &Origin,
) -> Result<Result<Person, Refusal>> {
    // Sign-ins that are ending, then the workspace, as whoever changes a provider: what is tried may end sessions.
    revoke::hold_sign_ins(tx, &workspace.id).await?;
    workspaces::lock(tx, &workspace.id).await?;
    if provider_store::lock_for_test(tx, &workspace.id, &flow.provider, flow.provider_version).await? == 0 {
        return Ok(Err(provider_changed()));
    }
    if store::use_flow(tx, flow, app.clock.now()).await? == 0 {
        return Ok(Err(Refusal::new("flow.used", "this test has ended already")));
    }
    let (provider, assertion) = (&stored.entity_id, &identity.assertion_id);
    if store::use_assertion(tx, &workspace.id, provider, assertion, identity.replay_until).await? == 0 {
        return Ok(Err(Refusal::new("replay", "this assertion was used before")));
    }
    let known = users::find_identity(tx, &workspace.id, provider, &identity.name_id).await?;
    tx.mark().await?;
    let found = person(tx, app, workspace, stored, identity, origin).await?;
    tx.undo().await?;
    let user = match found {
        Ok(known) => known.user,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let is_here = users::find(tx, &workspace.id, &user.id).await?.is_some();
    let would_be = match (is_here, known.as_ref() == Some(&user.id)) {
        (true, true) => "known",
        (true, false) => "linked",
        (false, _) => "created",
    };
    Ok(Ok(Person {
        would_be: Some(would_be.to_owned()),
        role: Some(user.role.as_str().to_owned()),
        user_id: is_here.then(|| user.id.to_string()),
        ..Person::of(identity).with_role_of(&stored.settings, identity)
    }))
}
