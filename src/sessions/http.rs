//! `/api/v1/session…`: the caller's own session, lists, ending one, and the check that applications ask.

use std::net::IpAddr;

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::assertion;
use super::check::{Verdict, check_within};
use super::model::{Facts, ListFilter, Receipt, Scope, Trigger};
use super::permission::require_admin;
use super::{list, revoke};
use crate::app::App;
use crate::base::clock::{parse_rfc3339, rfc3339};
use crate::base::ids::SessionId;
use crate::base::page::PageRequest;
use crate::error::{Error, Result};
use crate::policy::ip_allowlist::parse_network;
use crate::policy::model::Method;
use crate::security::credentials::SCOPE_CHECK;
use crate::transact;
use crate::web::authenticate::{Caller, KeyHolder, SessionHolder};
use crate::web::json::{Answer, Body};
use crate::web::views::{
    ListedSession, ReceiptView, ReplicasView, SessionPage, TenantView, WhoView, holder_view, session_view, who,
};

#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct CheckBody {
    /// The session token that a client presented to you.
    token: String,
    /// That client's address; the workspace's allowlist is applied to it.
    client_ip: Option<String>,
}

/// The verdict on a token, in the manner of RFC 7662 §2.2: nothing but `active: false` for one that isn't.
#[derive(Debug, Default, Object, Serialize)]
struct CheckAnswer {
    active: bool,
    /// How old what the answer rests on may be. A revocation that was answered is never missed; of one that is under way,
    /// this replica may not have heard for so long.
    max_staleness_ms: u64,
    /// The newest change that the answer takes into account: for who follows `/revocations/stream` and keeps answers.
    sequence: i64,
    /// The user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// When the session ends, whatever happens: seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was issued: seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<CheckedSession>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<CheckedUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<TenantView>,
}

#[derive(Debug, Object, Serialize)]
struct CheckedSession {
    id: String,
    /// `password`, `saml` or `setup`.
    method: String,
    created_at: String,
    /// When the person proved last who they are.
    signed_in_at: String,
    expires_at: String,
    /// When it ends if it is not used.
    idle_expires_at: String,
}

#[derive(Debug, Object, Serialize)]
struct CheckedUser {
    id: String,
    user_name: String,
    email: String,
    display_name: String,
    /// `owner`, `admin` or `member`.
    role: String,
}

/// Who knows of a revocation: everybody.
#[derive(Debug, Object, Serialize)]
struct ProgressView {
    sequence: i64,
    replicas: ReplicasView,
}

#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct AssertionBody {
    /// The application that is to believe it: 1 to 255 visible ASCII characters. It must refuse any other audience.
    audience: String,
}

/// Who the caller is, signed.
#[derive(Debug, Object, Serialize)]
struct AssertionView {
    /// A compact JWS of type `curfew-assertion+jwt`; docs/assertions.md has its claims.
    assertion: String,
    /// 60 seconds after it was issued.
    expires_at: String,
}

pub struct SessionsApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SessionsApi {
    /// The caller's own session
    #[oai(path = "/session", method = "get", operation_id = "getSession")]
    async fn own(&self, caller: Caller) -> poem::Result<Answer<WhoView>> {
        Ok(Answer::ok(who(&caller.facts, Some(&caller.facts.session.id))))
    }

    /// Prove to an application who is calling
    ///
    /// A JWT for the application named by `audience`, which verifies it by itself with the keys of `/.well-known/jwks.json`. It
    /// says what holds at this moment, and is good for 60 seconds even if the session ends before.
    #[oai(path = "/session/assertion", method = "post", operation_id = "issueAssertion")]
    async fn assertion(&self, holder: SessionHolder, body: Body<AssertionBody>) -> poem::Result<Answer<AssertionView>> {
        let issued = assertion::issue(&holder.app, &holder.principal, &body.0.audience).await?;
        let expires_at = rfc3339(issued.expires_at);
        Ok(Answer::ok(AssertionView { assertion: issued.text, expires_at }))
    }

    /// List live sessions
    ///
    /// An administrator sees the workspace's; everybody sees their own with `scope=mine`, a member only those.
    #[oai(path = "/sessions", method = "get", operation_id = "listSessions")]
    #[allow(clippy::too_many_arguments)]
    async fn list(
        &self,
        caller: Caller,
        scope: Query<Option<String>>,
        user: Query<Option<String>>,
        ip: Query<Option<String>>,
        method: Query<Option<String>>,
        created_before: Query<Option<String>>,
        seen_before: Query<Option<String>>,
        limit: Query<Option<i64>>,
        after: Query<Option<String>>,
    ) -> poem::Result<Answer<SessionPage>> {
        let page = PageRequest::parse(limit.0, after.0.as_deref())?;
        if method.0.as_deref().is_some_and(|method| Method::parse(method).is_none()) {
            return Err(Error::invalid("method", "must be password, saml or setup").into());
        }
        let mut filter = ListFilter {
            user: user.0,
            method: method.0,
            created_before: instant("created_before", created_before.0)?,
            seen_before: instant("seen_before", seen_before.0)?,
            person: None,
        };
        let everybodys = match scope.0.as_deref() {
            None => caller.facts.user.role.administers(),
            Some("mine") => false,
            Some("workspace") => require_admin(&caller.facts).map(|()| true)?,
            Some(_) => return Err(Error::invalid("scope", "must be mine or workspace").into()),
        };
        if !everybodys {
            filter.user = Some(caller.facts.user.id.to_string());
        }
        let bad = || Error::invalid("ip", "must be a network such as 203.0.113.0/24 or an address");
        let network = ip.0.map(|text| parse_network(&text).ok_or_else(bad)).transpose()?;
        let found = list::list(&caller.app, &caller.facts.workspace.id, &filter, network, &page).await?;
        let own = Some(&caller.facts.session.id);
        let listed = |facts: &Facts| ListedSession { session: session_view(facts, own), user: holder_view(facts) };
        Ok(Answer::ok(SessionPage { items: found.items.iter().map(listed).collect(), next: found.next }))
    }

    /// One session
    #[oai(path = "/sessions/:id", method = "get", operation_id = "getSessionById")]
    async fn get(&self, caller: Caller, id: Path<String>) -> poem::Result<Answer<WhoView>> {
        let facts = visible(&caller, id.0).await?;
        Ok(Answer::ok(who(&facts, Some(&caller.facts.session.id))))
    }

    /// End one session
    ///
    /// One's own, or as an administrator anybody's. Ending one that has ended is no error.
    #[oai(path = "/sessions/:id", method = "delete", operation_id = "endSession")]
    async fn end(&self, caller: Caller, id: Path<String>) -> poem::Result<Answer<ReceiptView>> {
        let facts = visible(&caller, id.0).await?;
        let own = facts.session.id == caller.facts.session.id;
        let trigger = if own { Trigger::Logout } else { Trigger::Admin };
        Ok(Answer::ok(end_session(&caller, &facts, trigger, "ended from the list of sessions").await?.into()))
    }

    /// Does every replica know of this revocation?
    ///
    /// For a revocation that was answered with 202: 200 when every replica has applied it or was shut out, else 202 again.
    #[oai(path = "/revocations/:sequence", method = "get", operation_id = "getRevocation")]
    async fn progress(&self, caller: Caller, sequence: Path<i64>) -> poem::Result<Answer<ProgressView>> {
        require_admin(&caller.facts)?;
        let replicas = revoke::progress(&caller.app, &caller.facts.workspace.id, sequence.0).await?;
        let replicas = ReplicasView { applied: replicas.applied, fenced: replicas.fenced };
        Ok(Answer::ok(ProgressView { sequence: sequence.0, replicas }))
    }

    /// Is this session valid?
    ///
    /// For applications, with an API key of scope `sessions:check`. Ask again for every request: an answer says nothing
    /// about the next moment. It costs no statement: sessions are judged from memory.
    #[oai(path = "/sessions/check", method = "post", operation_id = "checkSession")]
    async fn check(&self, holder: KeyHolder, body: Body<CheckBody>) -> poem::Result<Answer<CheckAnswer>> {
        holder.require(SCOPE_CHECK)?;
        let address = match body.0.client_ip.as_deref() {
            None => None,
            Some(text) => Some(
                text.parse::<IpAddr>()
                    .map_err(|_| Error::invalid("client_ip", "must be an IP address"))?
                    .to_canonical(),
            ),
        };
        Ok(Answer::ok(check_answer(&holder.app, &holder, &body.0.token, address).await?))
    }
}

async fn check_answer(app: &App, holder: &KeyHolder, token: &str, address: Option<IpAddr>) -> Result<CheckAnswer> {
    // Before the verdict, which rests on that much at least.
    let sequence = app.cache.applied().unwrap_or_default();
    // A key of one workspace learns nothing about another's sessions.
    let verdict = check_within(app, Some(&holder.key.workspace), token, address).await?;
    let staleness = app.feed.staleness(app.clock.as_ref()).as_millis();
    let max_staleness_ms = u64::try_from(staleness).unwrap_or(u64::MAX);
    let Verdict::Valid(principal) = verdict else {
        return Ok(CheckAnswer { max_staleness_ms, sequence, ..CheckAnswer::default() });
    };
    Ok(CheckAnswer {
        active: true,
        max_staleness_ms,
        sequence,
        sub: Some(principal.user_id().to_string()),
        username: Some(principal.user_name().to_owned()),
        exp: Some(principal.expires_at() / 1000),
        iat: Some(principal.created_at() / 1000),
        session: Some(CheckedSession {
            id: principal.session_id().to_string(),
            method: principal.method().as_str().into(),
            created_at: rfc3339(principal.created_at()),
            signed_in_at: rfc3339(principal.signed_in_at()),
            expires_at: rfc3339(principal.expires_at()),
            idle_expires_at: rfc3339(principal.idle_expires_at()),
        }),
        user: Some(CheckedUser {
            id: principal.user_id().to_string(),
            user_name: principal.user_name().to_owned(),
            email: principal.email().to_owned(),
            display_name: principal.display_name().to_owned(),
            role: principal.role().as_str().into(),
        }),
        workspace: Some(TenantView {
            id: principal.workspace_id().to_string(),
            slug: principal.workspace_slug().to_owned(),
            name: principal.workspace_name().to_owned(),
        }),
    })
}

/// A session that the caller may know of: their own, or anybody's for an administrator; else it isn't there.
///
/// # Errors
/// 404.
pub async fn visible(caller: &Caller, id: String) -> Result<Facts> {
    let facts = list::load(&caller.app, &caller.facts.workspace.id, &SessionId::from_text(id)).await?;
    if facts.user.id == caller.facts.user.id || caller.facts.user.role.administers() {
        return Ok(facts);
    }
    Err(Error::not_found("session"))
}

/// Ends one session through the door.
pub async fn end_session(caller: &Caller, facts: &Facts, trigger: Trigger, reason: &str) -> Result<Receipt> {
    let app = &caller.app;
    let order = revoke::Order {
        workspace: &facts.workspace.id,
        scope: Scope::Session(facts.session.id.clone()),
        trigger,
        reason,
        target_label: &facts.user.user_name,
    };
    let revoked = transact!(app.db, |tx| { revoke::revoke(tx, app, &caller.actor, &order).await })?;
    revoke::acknowledge(app, revoked).await
}

fn instant(field: &'static str, text: Option<String>) -> Result<Option<i64>> {
    let bad = || Error::invalid(field, "must be an instant such as 2026-11-24T10:00:00Z");
    text.map(|text| parse_rfc3339(&text).ok_or_else(bad)).transpose()
}
