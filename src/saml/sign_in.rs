//! A SAML sign-in: begun by this browser (`begin.rs`), answered by the identity provider, ended here, in this browser.
//!
//! The epochs are read when it begins. What the identity provider sends is verified on a bounded pool; the flow, the
//! assertion's one use, the user, the session and the attempt are then written in one transaction, or none of them.

use serde_json::json;

use super::assertion::{Asked, CLOCK_SKEW_MS, Expected, Identity};
use super::attempt_model::{Ending, Trail};
use super::begin::{asked, enter};
use super::configure::{ServiceProvider, parse};
use super::flow::{Flow, Purpose};
use super::judge::Trust;
use super::name_id::NameIdForm;
use super::outline::masked;
use super::person::{Known, person};
use super::provider::StoredProvider;
use super::refusal::Refusal;
use super::{
    attempts, encryption_keys, gate, logout_store, provider_store, sealed, store, test_connection, unsolicited,
};
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::random::bytes32;
use crate::base::secret::{Secret, SecretKind, recognise};
use crate::db::Write;
use crate::error::{Error, FORBIDDEN, Result};
use crate::policy::model::Method;
use crate::sessions::issue::{Earned, Held, Stamps, hold, issue};
use crate::sessions::model::Session;
use crate::sessions::revoke;
use crate::transact;
use crate::workspaces::model::Workspace;

/// What a browser is told that has no sign-in under way here. Of this refusal, and of no other, there is no attempt to be found.
pub const NOT_UNDER_WAY: &str = "this sign-in has ended or was begun in another browser: begin again";

/// How a sign-in ended.
pub enum Ended {
    SignedIn {
        session: Box<Session>,
        token: Secret,
        return_to: String,
    },
    /// Nobody asked for it, and it comes from a provider that may begin a sign-in: go there, where one of ours begins.
    Unsolicited {
        location: String,
    },
    /// A revocation overtook it: begin again, once.
    Overtaken {
        return_to: String,
    },
    /// It was a test: nobody is signed in, and this page of ours says how it went.
    Tested {
        page: String,
    },
}

/// What a browser brought to the end of a sign-in.
#[derive(Clone, Copy)]
pub struct Brought<'a> {
    /// The secret of the cookie of the sign-in.
    pub browser: &'a str,
    pub response: &'a str,
    /// Decides nothing but where a sign-in that began at the identity provider leads.
    pub relay_state: Option<&'a str>,
    /// The token of a session. It decides nothing but whose test it was.
    pub session: Option<&'a str>,
    /// The secret of a set-up link that was opened in this browser; as `session`.
    pub contact: Option<&'a str>,
}

/// Ends a sign-in with what the browser brought from the identity provider.
///
/// # Errors
/// 403 with one sentence for every refused response of a browser that has a sign-in under way; the reason is in the audit log
/// and among the attempts. 403 with [`NOT_UNDER_WAY`] for any other browser, of which nothing is written.
pub async fn end(app: &App, slug: &str, brought: &Brought<'_>, origin: &Origin) -> Result<Ended> {
    app.addresses.admit_redirect(origin.ip)?;
    let workspace = enter(app, slug, origin).await?;
    let mut trail = Trail::default();
    match attempt(app, &workspace, brought, origin, &mut trail).await {
        Ok(Ok(ended)) => Ok(ended),
        Ok(Err(refusal)) => {
            // Whoever began no sign-in may not write into the log, either.
            if matches!(refusal.check, "flow.browser" | "flow.unknown") {
                let begun = unsolicited::begin_here(app, &workspace, brought.response, brought.relay_state).await?;
                return begun
                    .map(|location| Ended::Unsolicited { location })
                    .ok_or_else(|| refused(NOT_UNDER_WAY, &refusal));
            }
            let attempt = record_refusal(app, &workspace, &trail, &refusal, origin).await?;
            if trail.purpose == Purpose::Test {
                let page = test_connection::page_of(&workspace.slug, trail.begun_by.as_ref(), &attempt);
                return Ok(Ended::Tested { page });
            }
            Err(refused("the sign-in was not accepted", &refusal))
        }
        Err(error) => Err(error),
    }
}

/// What the person is told, and for the log why.
fn refused(text: &'static str, refusal: &Refusal) -> Error {
    Error::new(FORBIDDEN, text).with_field("SAMLResponse").with_log(refusal.to_string())
}

async fn attempt(
    app: &App,
    workspace: &Workspace,
    brought: &Brought<'_>,
    origin: &Origin,
    trail: &mut Trail,
) -> Result<Result<Ended, Refusal>> {
    let now = app.clock.now();
    // 1. The flow that this browser began; Bindings 3.5.3 lets RelayState be lost, so it decides nothing.
    let Some(hash) = recognise(SecretKind::SamlFlow, brought.browser) else {
        return Ok(Err(Refusal::new("flow.browser", "this browser began no sign-in")));
    };
    let found = provider_store::find_flow(&mut app.db.read().await?, &workspace.id, &hash, now).await?;
    let Some((flow, stored)) = found else {
        return Ok(Err(Refusal::new("flow.unknown", "no sign-in of this browser is open: it ended, or ran out")));
    };
    trail.provider_id = Some(flow.provider.to_string());
    (trail.purpose, trail.begun_by) = (flow.purpose, flow.begun_by.clone());
    trail.witnessed = test_connection::is_witnessed(app, workspace, &flow, brought, origin).await?;
    // Only the provider that it was sent to answers it, and only if it is as it was.
    let Some(stored) = asked(&flow, stored) else { return Ok(Err(provider_changed())) };
    // 2. Gate, signature, checks.
    let identity = match verified(app, workspace, &stored, &flow, brought.response, trail).await? {
        Ok(identity) => identity,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if flow.purpose == Purpose::Test {
        return test_connection::finish(app, workspace, &stored, &flow, &identity, trail, origin).await;
    }
    // 3. Flow, assertion, user, session, attempt: all or nothing.
    let trail: &Trail = trail;
    let written = transact!(app.db, |tx| {
        let written = finish(tx, app, workspace, &stored, &flow, &identity, origin).await?;
        if let Ok(Ended::SignedIn { session, .. }) = &written.outcome {
            let ending = Ending::Accepted(Some(&session.user));
            attempts::record(tx, app, &workspace.id, trail, ending, origin).await?;
        }
        Ok(written)
    });
    match written {
        Ok(written) => {
            // A sign-in that was overtaken, too, has written what the provider says of the person.
            if written.announced {
                settle_profile(app).await;
            }
            Ok(written.outcome)
        }
        Err(error) if error.is_unique_violation() => {
            Ok(Err(Refusal::new("user.race", "the same person signed in twice at once")))
        }
        Err(error) => Err(error),
    }
}

/// It is done, whoever knows by now: who may be behind loses its lease, or learns it a moment later.
async fn settle_profile(app: &App) {
    let settled = revoke::settle_all(app).await;
    if let Err(error) = settled {
        tracing::warn!(
            error = error.log(),
            "not every replica may know yet what the identity provider changed of a person"
        );
    }
}

pub(super) fn provider_changed() -> Refusal {
    Refusal::new("flow.provider-changed", "the identity provider was changed or switched off meanwhile")
}

async fn verified(
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    flow: &Flow,
    response: &str,
    trail: &mut Trail,
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
    let now = app.clock.now();
    let expected = Expected {
        now,
        clock_skew_ms: CLOCK_SKEW_MS,
        acs_url: us.acs_url,
        service_provider_entity_id: us.entity_id,
        identity_provider_entity_id: provider.entity_id,
        request_id: flow.request_id.clone(),
        asked: Asked {
            authn_contexts: stored.settings.authn_contexts.clone(),
            authn_not_before: flow.authn_not_before,
        },
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
        attributes: stored.settings.attributes.clone(),
    };
    let examined = app.verifiers.examine(xml, trust, expected).await?;
    let verdict = trail.learn(examined, now);
    if let (Ok(identity), Some(person)) = (&verdict, trail.person.take()) {
        trail.person = Some(person.with_role_of(&stored.settings, identity));
    }
    Ok(verdict)
}

/// What the transaction of a sign-in wrote.
struct Written {
    outcome: std::result::Result<Ended, Refusal>,
    /// Whether role, name or address of the person were changed, which replicas must learn of.
    announced: bool,
}

impl Written {
    fn refused(refusal: Refusal) -> Self {
        Self { outcome: Err(refusal), announced: false }
    }
}

async fn finish(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    flow: &Flow,
    identity: &Identity,
    origin: &Origin,
) -> Result<Written> {
    let now = app.clock.now();
    // The workspace first, as whoever changes a provider.
    let held = hold(tx, &workspace.id, flow.began_seq).await?;
    // A change of the provider commits before this sign-in or after it, never in between.
    if provider_store::lock(tx, &workspace.id, &flow.provider, flow.provider_version).await? == 0 {
        return Ok(Written::refused(provider_changed()));
    }
    if store::use_flow(tx, flow, now).await? == 0 {
        return Ok(Written::refused(Refusal::new("flow.used", "this sign-in has ended already")));
    }
    let (provider, assertion) = (&stored.entity_id, &identity.assertion_id);
    if store::use_assertion(tx, &workspace.id, provider, assertion, identity.replay_until).await? == 0 {
        return Ok(Written::refused(Refusal::new("replay", "this assertion was used before")));
    }
    // Core §3.7.3.2: a log-out holds for assertions that arrive after it, too.
    let name = [provider.as_str(), identity.name_id.as_str(), identity.session_index.as_deref().unwrap_or_default()];
    if logout_store::is_logged_out(tx, &workspace.id, name, identity.authn_instant, now).await? {
        return Ok(Written::refused(Refusal::new(
            "flow.logged-out",
            "the identity provider ended this session meanwhile",
        )));
    }
    let Known { user, announced } = match person(tx, app, workspace, stored, identity, origin).await? {
        Ok(known) => known,
        Err(refusal) => return Ok(Written::refused(refusal)),
    };
    let return_to = flow.return_to.clone();
    let current = |held: &Held| held.workspace_epoch() == flow.workspace_epoch && user.epoch_seq <= flow.began_seq;
    let Some(held) = held.filter(current) else {
        let twice = || Refusal::new("flow.overtaken", "sessions were ended during this sign-in, twice");
        let outcome = if flow.restarts == 0 { Ok(Ended::Overtaken { return_to }) } else { Err(twice()) };
        return Ok(Written { outcome, announced });
    };
    let (format, qualifier) = (identity.name_id_format.as_deref(), identity.name_qualifier.as_deref());
    let name_id_form = NameIdForm::of(format, qualifier, identity.sp_name_qualifier.as_deref()).to_json();
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
        name_id_form: name_id_form.as_deref(),
        not_after: identity.session_not_on_or_after,
        signed_in_at: Some(identity.authn_instant),
    };
    let (session, token) = issue(tx, app, &earned).await?;
    let actor = Actor::user(&user.id, user.label(), Some(session.id.clone()), origin.clone());
    let entry = Entry::done("login.succeeded", Target::new("session", session.id.as_str(), user.label()));
    let entry = entry.with(json!({"method": "saml", "identity_provider": provider}));
    audit::append(tx, &workspace.id, now, &actor, &entry).await?;
    Ok(Written { outcome: Ok(Ended::SignedIn { session: Box::new(session), token, return_to }), announced })
}

/// Keeps the attempt and, as far as `attempts::is_audited`, its audit entry; gives the attempt's id.
async fn record_refusal(
    app: &App,
    workspace: &Workspace,
    trail: &Trail,
    refusal: &Refusal,
    origin: &Origin,
) -> Result<String> {
    let ending = Ending::Refused(refusal);
    if trail.purpose == Purpose::Test {
        return transact!(app.db, |tx| { test_connection::record(tx, app, workspace, trail, ending, origin).await });
    }
    let entry = Entry::refused("login.saml_refused", Target::new("workspace", workspace.id.as_str(), &workspace.slug))
        .with(json!({"check": refusal.check, "detail": masked(&refusal.detail)}));
    let actor = Actor::anonymous("", origin.clone());
    let audited = attempts::is_audited(app, &workspace.id, trail);
    transact!(app.db, |tx| {
        let attempt = attempts::record(tx, app, &workspace.id, trail, ending, origin).await?;
        if audited {
            audit::append(tx, &workspace.id, app.clock.now(), &actor, &entry).await?;
        }
        Ok(attempt)
    })
}
