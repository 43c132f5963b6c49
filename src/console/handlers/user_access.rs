//! `/console/users/{id}/…`: logging a user out everywhere, suspending, reactivating. The first two ask on a page of their own.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::users::HOME;
use crate::base::ids::UserId;
use crate::base::text::local_path;
use crate::console::caller::{posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page, sentence, status_of, wrong};
use crate::console::confirm::ConfirmPage;
use crate::console::flash::Told;
use crate::console::parts::Count;
use crate::console::{FieldError, Page, Section};
use crate::error::{Error, INVALID_REQUEST, LAST_OWNER, Result, UNPROCESSABLE};
use crate::security::log_all_users_out::reason;
use crate::sessions::list;
use crate::users::access;
use crate::users::http::log_out as log_user_out;
use crate::users::manage;
use crate::users::model::User;
use crate::web::authenticate::Caller;

/// What a confirmation page is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    LogOut,
    Suspend,
}

/// `GET /console/users/{id}/log-out`.
#[handler]
pub async fn confirm_log_out(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let user = load(&caller, id).await?;
    Ok(confirmation(request, &caller, &user, Deed::LogOut, StatusCode::OK, ("", None)).await?)
}

/// `POST /console/users/{id}/log-out`.
#[handler]
pub async fn log_out(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let user = load(&caller, id).await?;
    let why = fields.text("reason");
    match log_user_out(&caller, &user, why).await {
        Ok(_) => Ok(go(&caller.app, HOME, Told::UserLoggedOut)),
        Err(error) => Ok(ask_again(request, &caller, &user, Deed::LogOut, why, error).await?),
    }
}

/// `GET /console/users/{id}/suspend`.
#[handler]
pub async fn confirm_suspension(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let user = load(&caller, id).await?;
    Ok(confirmation(request, &caller, &user, Deed::Suspend, StatusCode::OK, ("", None)).await?)
}

/// `POST /console/users/{id}/suspend`.
#[handler]
pub async fn suspend(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let user = load(&caller, id).await?;
    let why = fields.text("reason");
    let done = match reason(why) {
        Ok(why) => access::suspend(&caller.app, &caller.actor, &caller.facts, &user.id, &why).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(_) => Ok(go(&caller.app, HOME, Told::UserSuspended)),
        Err(error) => Ok(ask_again(request, &caller, &user, Deed::Suspend, why, error).await?),
    }
}

/// `POST /console/users/{id}/reactivate`.
#[handler]
pub async fn reactivate(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    access::reactivate(&caller.app, &caller.actor, &caller.facts, &UserId::from_text(id)).await?;
    let back = fields.get("return_to").filter(|back| back.starts_with(HOME)).unwrap_or(HOME);
    Ok(go(&caller.app, &local_path(Some(back)), Told::UserReactivated))
}

async fn load(caller: &Caller, id: String) -> Result<User> {
    manage::load(&caller.app, &caller.facts.workspace.id, &UserId::from_text(id)).await
}

/// The confirmation with what is wrong; other errors have a page of their own.
async fn ask_again(
    request: &Request,
    caller: &Caller,
    user: &User,
    deed: Deed,
    typed: &str,
    error: Error,
) -> Result<Response> {
    if ![INVALID_REQUEST, UNPROCESSABLE, LAST_OWNER].contains(&error.problem()) {
        return Err(error);
    }
    let (status, found) = match error.field() {
        Some("reason") => {
            (StatusCode::UNPROCESSABLE_ENTITY, wrong("reason", format!("The reason {}.", error.detail())))
        }
        _ => (status_of(&error), wrong("", sentence(error.detail()))),
    };
    confirmation(request, caller, user, deed, status, (typed, Some(found))).await
}

/// The page that asks; with the reason as it was typed, and what is wrong with it.
async fn confirmation(
    request: &Request,
    caller: &Caller,
    user: &User,
    deed: Deed,
    status: StatusCode,
    (typed, error): (&str, Option<FieldError>),
) -> Result<Response> {
    let live = list::count(&caller.app, &caller.facts.workspace.id, Some(&user.id)).await?;
    let own = user.id == caller.facts.user.id;
    // The caller's own session is spared.
    let ending = if own { live.sessions - 1 } else { live.sessions };
    let sessions = Count::capped(ending, live.more, "session", "sessions");
    let name = if user.display_name.is_empty() { user.label() } else { user.display_name.as_str() };
    let texts = texts(deed, name, &sessions, own);
    let view = ConfirmPage {
        page: Page { errors: error.into_iter().collect(), ..page(request, caller, Section::Users, texts.title) },
        heading: texts.heading,
        lead: texts.lead.to_owned(),
        ends: texts.ends,
        stays: texts.stays.iter().map(|line| (*line).to_owned()).collect(),
        action: format!("{HOME}/{}/{}", user.id, texts.path),
        reason: Some(typed.to_owned()),
        button: texts.button,
        cancel_url: HOME.to_owned(),
    };
    answer(request, caller, status, &view)
}

struct Texts {
    title: &'static str,
    path: &'static str,
    heading: String,
    lead: &'static str,
    ends: Vec<String>,
    stays: &'static [&'static str],
    button: String,
}

fn texts(deed: Deed, name: &str, sessions: &Count, own: bool) -> Texts {
    match deed {
        Deed::LogOut => Texts {
            title: "Log a user out",
            path: "log-out",
            heading: format!("Log {name} out everywhere?"),
            lead: "They can sign in again at once. To keep somebody out, suspend them.",
            ends: vec![sessions.phrase.clone()],
            stays: if own {
                &["The session you are using", "The account"]
            } else {
                &["The account, its role and password"]
            },
            button: format!("Log out {}", sessions.phrase),
        },
        Deed::Suspend => Texts {
            title: "Suspend a user",
            path: "suspend",
            heading: format!("Suspend {name}?"),
            lead: "They are out at once and can’t sign in until somebody reactivates them.",
            ends: vec![sessions.phrase.clone(), "Their links to choose a password".to_owned()],
            stays: &["The account, its role and history", "What an identity provider keeps of them"],
            button: format!("Suspend {name}"),
        },
    }
}
