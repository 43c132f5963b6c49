//! `/console/sessions/end`: ending the sessions that the list's filter shows. It asks on a page of its own, whose address
//! carries the filter.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use crate::console::caller::{lead_to_sign_in, posted_by_administrator, recent_administrator};
use crate::console::chrome::{address, answer, go, page, wrong};
use crate::console::confirm::ConfirmPage;
use crate::console::flash::Told;
use crate::console::form::Fields;
use crate::console::parts::Count;
use crate::console::{FieldError, Page, Section};
use crate::error::Result;
use crate::security::revoke_selection::{Request as Order, preview, revoke_selection};
use crate::sessions::selection::{Selection, Written};
use crate::web::authenticate::Caller;
use crate::web::pipeline::see_other;

const HOME: &str = "/console/sessions/end";
const LIST: &str = "/console/sessions";

/// Fields of the list's filter that are criteria, with the words before their value. A part of a name is none.
const CRITERIA: [(&str, &str); 4] = [
    ("ip", "last used from"),
    ("method", "signed in with"),
    ("created_before", "signed in before"),
    ("seen_before", "last used before"),
];

/// `GET /console/sessions/end`.
#[handler]
pub async fn confirm(request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let query = Fields::of_query(request)?;
    let Some(selection) = selection(&query) else { return Ok(see_other(&list(&query))) };
    Ok(confirmation(request, &caller, &query, &selection, StatusCode::OK, ("", None)).await?)
}

/// `POST /console/sessions/end`.
#[handler]
pub async fn carry_out(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let query = Fields::of_query(request)?;
    let (caller, fields) = posted_by_administrator(request, &sent, &here(&query)).await?;
    let Some(selection) = selection(&query) else { return Ok(see_other(&list(&query))) };
    let (workspace, why) = (&caller.facts.workspace, fields.text("reason"));
    let order =
        Order { workspace: &workspace.id, label: &workspace.slug, selection: &selection, reason: why, key: None };
    match revoke_selection(&caller.app, &caller.actor, &order).await {
        Ok(_) => Ok(go(&caller.app, LIST, Told::SelectionEnded)),
        Err(error) if error.field() == Some("reason") => {
            let found = wrong("reason", format!("The reason {}.", error.detail()));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(confirmation(request, &caller, &query, &selection, status, (why, Some(found))).await?)
        }
        Err(error) => Err(lead_to_sign_in(error, LIST).into()),
    }
}

/// Where the sessions that a list with this filter shows can be ended; `None` if the filter is none, or says what a criterion
/// can't say.
pub fn end_url(query: &Fields) -> Option<String> {
    selection(query).map(|_| here(query))
}

fn here(query: &Fields) -> String {
    address(HOME, &CRITERIA.map(|(name, _)| (name, query.text(name))))
}

fn list(query: &Fields) -> String {
    address(LIST, &["user", "ip", "method", "created_before", "seen_before"].map(|name| (name, query.text(name))))
}

/// What the filter means; `None` rather than more than it shows.
fn selection(query: &Fields) -> Option<Selection> {
    if !query.text("user").is_empty() || query.text("scope") == "mine" {
        return None;
    }
    let text = |name: &str| Some(query.text(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    let day = |name: &str| text(name).map(|day| format!("{day}T00:00:00Z"));
    let written = Written {
        ip: text("ip"),
        method: text("method"),
        created_before: day("created_before"),
        seen_before: day("seen_before"),
        ..Written::default()
    };
    written.read().ok()
}

/// The page that asks, with counts of this moment.
async fn confirmation(
    request: &Request,
    caller: &Caller,
    query: &Fields,
    selection: &Selection,
    status: StatusCode,
    (typed, error): (&str, Option<FieldError>),
) -> Result<Response> {
    let own = caller.actor.session.as_ref();
    let found = preview(&caller.app, &caller.facts.workspace.id, selection, own).await?.would_end;
    let sessions = Count::capped(found.sessions, found.more, "session", "sessions");
    let users = Count::of(found.users, "user", "users");
    let criteria = CRITERIA.iter().filter(|(name, _)| !query.text(name).is_empty());
    let criteria: Vec<String> = criteria.map(|(name, words)| format!("{words} {}", query.text(name))).collect();
    let view = ConfirmPage {
        page: Page {
            errors: error.into_iter().collect(),
            ..page(request, caller, Section::Sessions, "End sessions that match")
        },
        heading: format!("End {}?", sessions.phrase),
        lead: format!("Every session {}.", criteria.join(", and ")),
        ends: vec![format!("{} of {}", sessions.phrase, users.phrase)],
        stays: vec!["The session you are using".to_owned(), "Sessions that don’t match, or begin later".to_owned()],
        action: here(query),
        reason: Some(typed.to_owned()),
        button: format!("End {}", sessions.phrase),
        cancel_url: list(query),
    };
    answer(request, caller, status, &view)
}
