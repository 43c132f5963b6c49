//! `/console`: the landing page; and the bare address, which leads to it.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use super::{provisioning_hold, scim, sso};
use crate::audit;
use crate::audit::http::view;
use crate::console::Section;
use crate::console::caller::caller;
use crate::console::chrome::{answer, page};
use crate::console::overview::{LastLogOut, OverviewPage, WorkspaceOverview};
use crate::console::parts::{Count, Moment};
use crate::error::Result;
use crate::security::credentials;
use crate::security::credentials::model::CredentialKind;
use crate::sessions::list;
use crate::sessions::model::UserState;
use crate::users::search;
use crate::web::authenticate::Caller;
use crate::web::pipeline::see_other;

/// `GET /`.
#[handler]
pub fn enter() -> Response {
    see_other("/console")
}

/// `GET /console`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = caller(request).await?;
    let facts = &caller.facts;
    let own = list::count(&caller.app, &facts.workspace.id, Some(&facts.user.id)).await?;
    let workspace = if facts.user.role.administers() { Some(workspace_overview(&caller).await?) } else { None };
    let view = OverviewPage {
        page: page(request, &caller, Section::Overview, "Overview"),
        own_sessions: Count::capped(own.sessions, own.more, "session", "sessions"),
        workspace,
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

async fn workspace_overview(caller: &Caller) -> Result<WorkspaceOverview> {
    let (app, workspace) = (&caller.app, &caller.facts.workspace.id);
    let live = list::count(app, workspace, None).await?;
    let active = search::count(app, workspace, Some(UserState::Active)).await?;
    let mut tokens = credentials::list(app, workspace, CredentialKind::ScimToken).await?;
    tokens.extend(credentials::list(app, workspace, CredentialKind::ScimClient).await?);
    let (scim_state, scim_last_contact) = scim::state(&tokens, app.clock.now());
    let saml = sso::load(caller).await?;
    Ok(WorkspaceOverview {
        sessions: Count::capped(live.sessions, live.more, "session", "sessions"),
        users_signed_in: Count::of(live.users, "user", "users"),
        users_active: Count::of(active, "active user", "active users"),
        last_log_out: last_log_out(caller).await?,
        hold: provisioning_hold::banner(caller).await?,
        notices: sso::notices(caller).await?,
        scim_state,
        scim_last_contact,
        saml_state: saml.state,
        saml_detail: saml.detail,
    })
}

async fn last_log_out(caller: &Caller) -> Result<Option<LastLogOut>> {
    let workspace = &caller.facts.workspace.id;
    let found = audit::find_latest(&caller.app.db, workspace, "session.log_all_users_out").await?;
    Ok(found.map(|found| {
        let entry = view(&found);
        let sessions = entry.details["sessions"].as_i64().unwrap_or_default();
        let more = entry.details["more"].as_bool().unwrap_or_default();
        LastLogOut {
            at: Moment::from_rfc3339(entry.at),
            actor: entry.actor.label,
            sessions: Count::capped(sessions, more, "session", "sessions"),
        }
    }))
}
