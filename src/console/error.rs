//! The page of an HTTP error, for browsers; API clients get problem+json from `web`.

use std::net::IpAddr;
use std::time::Duration;

use askama::Template;
use poem::Response;
use poem::http::{HeaderValue, header};

use super::Page;
use super::chrome::{plain_page, sentence, status_of};
use super::sign_in::{AddressNotAllowedPage, SamlRefusedPage};
use crate::app::App;
use crate::error::{self, Error};
use crate::saml::sign_in::NOT_UNDER_WAY;
use crate::web::pipeline::{html, see_other};

/// 401, 403, 404, 409, 429, 500 or 503 as a page. Says what happened and what to do next, never why in detail.
#[derive(askama::Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// Chrome.
    pub page: Page,
    /// HTTP status code.
    pub status: u16,
    /// A few words: `There is no such page`.
    pub heading: String,
    /// One or two sentences that help.
    pub detail: String,
    /// For the log.
    pub request_id: String,
    /// When it is worth trying again: `in 12 minutes`; `None` if waiting doesn't help.
    pub retry: Option<String>,
    /// Label of the next step: `Back to the overview`.
    pub next_label: String,
    /// Path of the next step.
    pub next_url: String,
}

/// An error as a browser sees it: a page, or the way to the page that removes the obstacle. `path` is what was asked for.
/// Never fails.
pub fn response(app: &App, error: &Error, request_id: &str, path: &str) -> Response {
    if let Some(path) = error.remedy() {
        return see_other(path);
    }
    let body = body(app, error, request_id, path).unwrap_or_else(|_| error.problem().title.to_owned());
    let mut response = html(status_of(error), body);
    if let Some(after) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response
}

fn body(app: &App, error: &Error, request_id: &str, path: &str) -> askama::Result<String> {
    let problem = error.problem();
    let request_id = request_id.to_owned();
    let page = plain_page(app, problem.title, "", "");
    if problem == error::IP_NOT_ALLOWED {
        return AddressNotAllowedPage { page, ip: named_address(error), request_id, retry_url: "/console".into() }
            .render();
    }
    if problem == error::FORBIDDEN && error.field() == Some("SAMLResponse") {
        let reason = sentence(error.detail());
        let request_id = (error.detail() != NOT_UNDER_WAY).then_some(request_id);
        return SamlRefusedPage { page, reason, request_id, retry_url: "/login".into() }.render();
    }
    let (next_label, next_url) = next_step(error, path);
    let detail = match error.field() {
        Some(field) => format!("{field}: {}", error.detail()),
        None => error.detail().to_owned(),
    };
    let view = ErrorPage {
        page,
        status: problem.status,
        heading: problem.title.to_owned(),
        detail: sentence(&detail),
        request_id,
        retry: error.retry_after().map(waiting),
        next_label: next_label.to_owned(),
        next_url: next_url.to_owned(),
    };
    view.render()
}

/// The address that was refused: the error names it.
fn named_address(error: &Error) -> String {
    let word = error.detail().split_whitespace().find(|word| word.parse::<IpAddr>().is_ok());
    word.unwrap_or("not known").to_owned()
}

/// Where people are who may have no session: there is no overview for them.
const BEFORE_A_SESSION: [&str; 3] = ["/saml/", "/login", "/setup/"];

fn next_step(error: &Error, path: &str) -> (&'static str, &'static str) {
    match error.problem() {
        error::REAUTHENTICATION_REQUIRED => ("Confirm that it is you", "/console/reauthenticate"),
        error::GONE | error::TOO_MANY_ATTEMPTS => ("Go to the sign-in page", "/login"),
        problem if problem.status == 401 => ("Sign in", "/login"),
        _ if BEFORE_A_SESSION.iter().any(|prefix| path.starts_with(prefix)) => ("Sign in", "/login"),
        _ => ("Back to the overview", "/console"),
    }
}

/// `in 12 minutes`.
pub fn waiting(wait: Duration) -> String {
    let seconds = wait.as_secs().max(1);
    let (number, unit) = if seconds < 120 { (seconds, "second") } else { (seconds.div_ceil(60), "minute") };
    format!("in {number} {unit}{}", if number == 1 { "" } else { "s" })
}
