//! `POST /api/v1/sessions/revoke`: selective revocation.

use poem_openapi::param::Header;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::idempotency::Key;
use super::log_all_users_out::{Done, reason};
use super::revoke_selection::{Request, preview, revoke_selection};
use crate::error::Result;
use crate::sessions::model::{Count, Facts};
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::sessions::selection::{Selection, Written};
use crate::web::authenticate::Caller;
use crate::web::json::{Body, Raw};
use crate::web::views::{ListedSession, holder_view, session_view};

/// Criteria. All that are given must hold together; at least one must be given.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct FilterBody {
    /// A user's id.
    user: Option<String>,
    /// The id of a group whose members' sessions are meant.
    group: Option<String>,
    /// `password`, `saml` or `setup`.
    method: Option<String>,
    /// Entity id of the SAML identity provider that vouched for the person.
    identity_provider: Option<String>,
    /// Address or network of the last use.
    ip: Option<String>,
    /// An instant: signed in before it.
    created_before: Option<String>,
    /// An instant: last used before it.
    seen_before: Option<String>,
    /// Part of the User-Agent of the sign-in, in any case.
    user_agent: Option<String>,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct RevokeBody {
    filter: FilterBody,
    /// Why. The audit log keeps it. 1 to 500 characters.
    reason: String,
    /// Count, and change nothing.
    dry_run: Option<bool>,
}

/// What would end.
#[derive(Serialize)]
struct PreviewView {
    dry_run: bool,
    #[serde(flatten)]
    would_end: Count,
    /// The criteria as they were understood.
    filter: Value,
    spared_session: Option<String>,
    /// The newest of the sessions, ten at the most.
    sample: Vec<ListedSession>,
}

pub struct SelectionApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SelectionApi {
    /// End the sessions that match
    ///
    /// Ends every live session of the workspace that matches all criteria, except the caller's own, at once and everywhere. With
    /// `dry_run` it counts, shows up to ten of them, and changes nothing. Send an `Idempotency-Key` and a repeated request gets
    /// the first one's receipt. Needs an administrator who signed in within ten minutes. To end every session, log all users
    /// out.
    #[oai(path = "/sessions/revoke", method = "post", operation_id = "revokeSessions")]
    async fn revoke(
        &self,
        caller: Caller,
        body: Body<RevokeBody>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> poem::Result<Raw> {
        require_admin(&caller.facts)?;
        let body = body.0;
        let selection = selection(body.filter)?;
        if body.dry_run == Some(true) {
            reason(&body.reason)?;
            return Ok(Raw::json(&previewed(&caller, &selection).await?)?);
        }
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let fingerprint = format!("revoke-selection\n{}\n{}", selection.to_json(), body.reason);
        let key = key.0.as_deref().map(|key| Key::parse(&caller.actor.id, key, &fingerprint)).transpose()?;
        let workspace = &caller.facts.workspace;
        let request = Request {
            workspace: &workspace.id,
            label: &workspace.slug,
            selection: &selection,
            reason: &body.reason,
            key,
        };
        Ok(match revoke_selection(&caller.app, &caller.actor, &request).await? {
            Done::Now(receipt) => Raw::json(&receipt)?,
            Done::Before(receipt) => Raw::json(&receipt)?.with_header("idempotency-replayed", "true"),
        })
    }
}

fn selection(filter: FilterBody) -> Result<Selection> {
    let FilterBody { user, group, method, identity_provider, ip, created_before, seen_before, user_agent } = filter;
    Written { user, group, method, identity_provider, ip, created_before, seen_before, user_agent }.read()
}

async fn previewed(caller: &Caller, selection: &Selection) -> Result<PreviewView> {
    let own = caller.actor.session.as_ref();
    let found = preview(&caller.app, &caller.facts.workspace.id, selection, own).await?;
    let listed = |facts: &Facts| ListedSession { session: session_view(facts, own), user: holder_view(facts) };
    Ok(PreviewView {
        dry_run: true,
        would_end: found.would_end,
        filter: selection.to_json(),
        spared_session: own.map(ToString::to_string),
        sample: found.sample.iter().map(listed).collect(),
    })
}
