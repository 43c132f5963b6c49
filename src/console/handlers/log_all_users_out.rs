//! `/console/security/log-all-users-out`: the confirmation with counts of this moment, the deed, and its receipt.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::security::{sessions_of, users_of};
use super::sso;
use crate::app::App;
use crate::audit;
use crate::audit::http::view as entry_view;
use crate::base::ids::uuid_v7;
use crate::console::caller::{administrator, lead_to_sign_in, posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, page, with_cookie, wrong};
use crate::console::form::Fields;
use crate::console::log_all_users_out::{LogAllUsersOutPage, LoggedAllUsersOutPage};
use crate::console::parts::{Count, Moment};
use crate::console::{FieldError, Page, Section, flash};
use crate::error::{Error, IDEMPOTENCY_KEY_REUSED, INVALID_REQUEST, Result};
use crate::security::idempotency::Key;
use crate::security::log_all_users_out::{Done, Request as Order, log_all_users_out};
use crate::security::preview::preview;
use crate::sessions::model::Receipt;
use crate::sessions::signed_receipt;
use crate::web::authenticate::Caller;
use crate::web::pipeline::see_other;

const HOME: &str = "/console/security/log-all-users-out";

/// `GET /console/security/log-all-users-out`.
#[handler]
pub async fn confirm(request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    Ok(confirmation(request, &caller, &Fields::default(), StatusCode::OK, None).await?)
}

/// `POST /console/security/log-all-users-out`.
#[handler]
pub async fn carry_out(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let error = match order(&caller, &fields).await {
        Ok(Done::Now(receipt)) => return Ok(receipt_page(&caller.app, &receipt)),
        Ok(Done::Before(receipt)) => {
            let sequence =
                receipt["sequence"].as_i64().ok_or_else(|| Error::internal("a kept receipt has no number"))?;
            return Ok(see_other(&format!("{HOME}/{sequence}")));
        }
        Err(error) => error,
    };
    let found = match (error.problem(), error.field()) {
        (INVALID_REQUEST, Some("reason")) => wrong("reason", format!("The reason {}.", error.detail())),
        (IDEMPOTENCY_KEY_REUSED, _) => {
            wrong("", "This form was sent before, with another reason. Look at the numbers and send it once more.")
        }
        _ => return Err(lead_to_sign_in(error, HOME).into()),
    };
    Ok(confirmation(request, &caller, &fields, StatusCode::UNPROCESSABLE_ENTITY, Some(found)).await?)
}

/// `GET /console/security/log-all-users-out/{sequence}`: the receipt, from the audit log.
#[handler]
pub async fn show_receipt(UrlPath(sequence): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let missing = || Error::not_found("revocation");
    let sequence = sequence.parse::<i64>().map_err(|_| missing())?;
    let found = audit::find_revocation(&caller.app.db, &caller.facts.workspace.id, sequence).await?;
    let found = found.ok_or_else(missing)?;
    let signed_receipt = signed_receipt::sign_logged(&caller.app, &caller.facts.workspace, &found).await;
    let entry = entry_view(&found);
    let details = &entry.details;
    let number = |name: &str| details[name].as_i64().unwrap_or_default();
    let more = details["more"].as_bool().unwrap_or_default();
    let spared = details["spared_session"].as_str();
    let view = LoggedAllUsersOutPage {
        page: page(request, &caller, Section::Security, "All users were logged out"),
        sequence: u64::try_from(sequence).unwrap_or_default(),
        epoch: u64::try_from(number("epoch")).unwrap_or_default(),
        sessions: Count::capped(number("sessions"), more, "session", "sessions"),
        users: Count::of(number("users"), "user", "users"),
        api_keys: Count::of(number("api_keys"), "API key", "API keys"),
        duration: flash::duration_ms(&caller.app, request).map(|duration| format!("{duration} ms")),
        yours_was_kept: spared == Some(caller.facts.session.id.as_str()),
        audit_url: format!("/console/audit?action={}#entry-{}", entry.action, entry.sequence),
        at: Moment::from_rfc3339(entry.at),
        actor: entry.actor.label,
        reason: entry.reason.unwrap_or_default(),
        signed_receipt,
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// Leads to the receipt of a revocation of everybody's sessions.
pub fn receipt_page(app: &App, receipt: &Receipt) -> Response {
    let response = see_other(&format!("{HOME}/{}", receipt.sequence));
    with_cookie(response, &flash::tell_duration(app, receipt.duration_ms))
}

async fn order(caller: &Caller, fields: &Fields) -> Result<Done> {
    let (reason, include_api_keys) = (fields.text("reason"), fields.ticked("include_api_keys"));
    let fingerprint = format!("log-all-users-out\n{include_api_keys}\n{reason}");
    let key = Key::parse(&caller.actor.id, fields.text("idempotency_key"), &fingerprint)?;
    let workspace = &caller.facts.workspace;
    let order = Order { workspace: &workspace.id, label: &workspace.slug, reason, include_api_keys, key: Some(key) };
    log_all_users_out(&caller.app, &caller.actor, &order).await
}

/// The page that asks, with what was typed before. Each has a key of its own: a reload or a double click is one operation.
async fn confirmation(
    request: &Request,
    caller: &Caller,
    typed: &Fields,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let app = &caller.app;
    let found = preview(app, &caller.facts.workspace.id, caller.actor.session.as_ref(), true).await?;
    let view = LogAllUsersOutPage {
        page: Page {
            errors: error.into_iter().collect(),
            ..page(request, caller, Section::Security, "Log all users out")
        },
        sessions: sessions_of(&found),
        users: users_of(&found),
        api_keys: Count::of(found.api_keys, "API key", "API keys"),
        users_without_sign_in: Count::of(found.users_without_sign_in, "active user", "active users"),
        saml_configured: sso::is_configured(caller).await?,
        reason: typed.text("reason").to_owned(),
        include_api_keys: typed.ticked("include_api_keys"),
        idempotency_key: uuid_v7(app.clock.now(), app.random.as_ref()),
    };
    answer(request, caller, status, &view)
}
