//! `/console/users`: the list of people. What an administrator may do to their access is in `user_access.rs`.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use crate::base::page::PageRequest;
use crate::console::caller::administrator;
use crate::console::chrome::{address, answer, page, wrong};
use crate::console::form::Fields;
use crate::console::parts::{Badge, Count, Moment, Tone};
use crate::console::users::{UserRow, UsersPage};
use crate::console::{Page, Section};
use crate::error::Result;
use crate::sessions::model::{Role, UserState};
use crate::users::access::may_change;
use crate::users::model::{Found, Search, Source};
use crate::users::search;
use crate::web::authenticate::Caller;

/// The address of the list.
pub const HOME: &str = "/console/users";
/// Characters of a search at the most.
const LONGEST_SEARCH: usize = 256;

/// `GET /console/users`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let query = Fields::of_query(request)?;
    let (text, state) = (query.text("q"), query.text("state"));
    let after = query.get("after").filter(|after| !after.is_empty());
    let limits = PageRequest::parse(None, after)?;
    let wanted = Search {
        text: text.chars().take(LONGEST_SEARCH).collect(),
        state: UserState::parse(state).filter(|state| *state != UserState::Deleted),
    };
    let mut errors = Vec::new();
    if !state.is_empty() && wanted.state.is_none() {
        errors.push(wrong("state", "There is no such state."));
    }
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (items, next) = if errors.is_empty() {
        let found = search::search(&caller.app, &caller.facts.workspace.id, &wanted, &limits).await?;
        (found.items, found.next)
    } else {
        (Vec::new(), None)
    };
    let url = |after: &str| address(HOME, &[("q", text), ("state", state), ("after", after)]);
    let partial = next.is_some() || after.is_some();
    let view = UsersPage {
        page: Page { errors, ..page(request, &caller, Section::Users, "Users") },
        query: text.to_owned(),
        state: state.to_owned(),
        is_filtered: !text.is_empty() || !state.is_empty(),
        summary: summary(&caller, &wanted, items.len(), partial).await?,
        rows: items.into_iter().map(|found| row(found, &caller)).collect(),
        list_url: url(after.unwrap_or_default()),
        next_url: next.map(|next| url(&next)),
        first_url: after.map(|_| url("")),
    };
    Ok(answer(request, &caller, status, &view)?)
}

/// How many are on this page, and of how many. `partial`: there are other pages.
async fn summary(caller: &Caller, wanted: &Search, shown: usize, partial: bool) -> Result<String> {
    let shown = Count::of(i64::try_from(shown).unwrap_or(i64::MAX), "user", "users");
    if !wanted.text.is_empty() {
        let more = if partial { ", on several pages" } else { "" };
        return Ok(format!("{} on this page{more}", shown.phrase));
    }
    let total = search::count(&caller.app, &caller.facts.workspace.id, wanted.state).await?;
    let total = Count::of(total, "user", "users");
    Ok(if partial { format!("Showing {} of {}", shown.number, total.phrase) } else { total.phrase })
}

fn row(found: Found, caller: &Caller) -> UserRow {
    let user = found.user;
    let is_self = user.id == caller.facts.user.id;
    let changeable = !is_self && may_change(caller.facts.user.role, user.role);
    let email = user.email.unwrap_or_default();
    let label =
        [&user.display_name, &email].into_iter().find(|text| !text.is_empty()).unwrap_or(&user.user_name).clone();
    UserRow {
        id: user.id.to_string(),
        label,
        role: role_name(user.role).to_owned(),
        state: state_badge(user.state),
        source: source_name(user.source).to_owned(),
        sessions: Count::of(found.sessions, "session", "sessions"),
        last_seen_at: found.last_seen_at.map(Moment::from_millis),
        is_self,
        can_log_out: found.sessions > 0,
        can_suspend: changeable && matches!(user.state, UserState::Active | UserState::Invited),
        can_reactivate: changeable && user.state == UserState::Suspended,
        email: if email.is_empty() { user.user_name } else { email },
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Member => "Member",
    }
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Local => "Local",
        Source::Scim => "From SCIM",
        Source::Saml => "From SAML",
    }
}

fn state_badge(state: UserState) -> Badge {
    let (tone, text) = match state {
        UserState::Active => (Tone::Success, "Active"),
        UserState::Invited => (Tone::Info, "Invited"),
        UserState::Suspended => (Tone::Warning, "Suspended"),
        UserState::Deprovisioned => (Tone::Neutral, "Deprovisioned"),
        UserState::Deleted => (Tone::Neutral, "Deleted"),
    };
    Badge { tone, text: text.to_owned() }
}
