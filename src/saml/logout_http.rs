//! `/saml/{slug}/slo`: single logout in both directions, by redirect (GET) and by POST.
//!
//! A request of the identity provider needs no cookie of ours. An answer does: it belongs to the browser that began the log-out.
//! One that comes by POST comes from another site, on which a `Lax` cookie stays at home: as at the sign-in, the page then posts
//! the same to itself once more.

use std::borrow::Cow;

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::logout_finish::{Finished, finish};
use super::logout_message::Kind;
use super::logout_receive::receive;
use super::logout_received::Received;
use super::logout_write::Status;
use super::refusal::Refusal;
use crate::app::App;
use crate::console::chrome::with_cookie;
use crate::console::handlers::saml_logout as pages;
use crate::error::{Error, FORBIDDEN, Result};
use crate::web::authenticate;
use crate::web::form::require_form;

/// A message by redirect.
#[handler]
pub async fn take_redirect(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    app.addresses.admit_log_out(authenticate::origin(request).ip)?;
    let query = request.uri().query().unwrap_or_default();
    let received = Received::by_redirect(query).map_err(|refusal| unreadable(&refusal))?;
    if received.kind == Kind::Request {
        return Ok(carry_out(&app, &slug, received, request).await?);
    }
    let browser = browser(&app, request)?.ok_or_else(not_begun_here)?;
    Ok(end(&app, &slug, &browser, received, request).await?)
}

/// A message by POST.
#[handler]
pub async fn take_post(UrlPath(slug): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    // Before anything is read, and also for a page that only goes on.
    app.addresses.admit_log_out(authenticate::origin(request).ip)?;
    let form = read_form(request, &sent)?;
    let received = Received::by_post(form.kind, &form.message, form.relay_state);
    let received = received.map_err(|refusal| unreadable(&refusal))?;
    if received.kind == Kind::Request {
        return Ok(carry_out(&app, &slug, received, request).await?);
    }
    let Some(browser) = browser(&app, request)? else {
        if form.continued {
            return Err(not_begun_here().into());
        }
        return Ok(pages::go_on(&app, &slug, form.message)?);
    };
    Ok(end(&app, &slug, &browser, received, request).await?)
}

async fn carry_out(app: &App, slug: &str, received: Received, request: &Request) -> Result<Response> {
    let answered = receive(app, slug, received, &authenticate::origin(request)).await?;
    let answer = answered.departure.map(|departure| pages::answer(app, departure)).transpose();
    // The sessions have ended: what can't be answered doesn't make a fault of that.
    let answer = answer.unwrap_or_else(|error| {
        tracing::error!(error = %error.log(), "a log-out was carried out and can't be answered");
        None
    });
    match answer {
        Some(answer) => Ok(answer),
        None => pages::answered_here(app, slug, answered.status == Status::Success),
    }
}

async fn end(app: &App, slug: &str, browser: &str, received: Received, request: &Request) -> Result<Response> {
    let finished = finish(app, slug, browser, received, &authenticate::origin(request)).await?;
    let status = if finished == Finished::Refused { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let confirmed = finished == Finished::Confirmed;
    let response = pages::signed_out(app, slug, status, confirmed)?;
    Ok(if status == StatusCode::OK { with_cookie(response, &pages::clear_flow_cookie(app)) } else { response })
}

/// The secret of the browser that began a log-out.
fn browser(app: &App, request: &Request) -> Result<Option<String>> {
    Ok(authenticate::cookie(request.headers(), pages::flow_cookie_name(app))?.map(str::to_owned))
}

fn not_begun_here() -> Error {
    Error::new(FORBIDDEN, "the log-out was not begun in this browser")
}

/// Of what can't be read no one says more than of what nobody signed.
fn unreadable(refusal: &Refusal) -> Error {
    Error::new(FORBIDDEN, "the log-out message was not accepted").with_log(refusal.to_string())
}

/// What is read of a form.
const FIELDS: [&str; 4] = ["SAMLRequest", "SAMLResponse", "RelayState", "continued"];

struct Form {
    kind: Kind,
    message: String,
    relay_state: Option<String>,
    continued: bool,
}

/// # Errors
/// 415 if it is no form; 400 unless it has one of the two messages, once.
fn read_form(request: &Request, sent: &[u8]) -> Result<Form> {
    require_form(request)?;
    let known = url::form_urlencoded::parse(sent).filter(|(name, _)| FIELDS.contains(&name.as_ref()));
    // One more than there are: then one of them is there twice.
    let fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = known.take(FIELDS.len() + 1).collect();
    let only = |name: &'static str| {
        let mut found = fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (first, None) => Ok(first.map(|value| value.clone().into_owned())),
            _ => Err(Error::invalid(name, "must be sent once")),
        }
    };
    let (kind, message) = match (only("SAMLRequest")?, only("SAMLResponse")?) {
        (Some(message), None) => (Kind::Request, message),
        (None, Some(message)) => (Kind::Response, message),
        _ => return Err(Error::invalid("SAMLRequest", "send one message, once, as a form field")),
    };
    Ok(Form { kind, message, relay_state: only("RelayState")?, continued: only("continued")?.is_some() })
}
