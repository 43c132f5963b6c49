//! The frame of a page around its content, and pages as answers.

use askama::Template;
use poem::http::{StatusCode, header};
use poem::{Request, Response};

use super::flash::{self, Told};
use super::{CurrentUser, FieldError, Page, Section, assets, navigation};
use crate::app::App;
use crate::base::text::local_path;
use crate::error::{Error, Result};
use crate::sessions::model::Facts;
use crate::web::authenticate::Caller;
use crate::web::pipeline::{html, see_other};

/// The frame for somebody who is signed in.
pub fn page(request: &Request, caller: &Caller, section: Section, title: &str) -> Page {
    let facts = &caller.facts;
    Page {
        title: title.to_owned(),
        workspace_name: facts.workspace.name.clone(),
        user: Some(CurrentUser { label: label(facts), role: facts.user.role.as_str().to_owned() }),
        csrf: caller.csrf.clone(),
        flash: flash::message(&caller.app, request),
        errors: Vec::new(),
        navigation: navigation(section, facts.user.role.administers()),
        demo: caller.app.demo,
        asset_version: assets::version().to_owned(),
    }
}

/// The frame for a stranger.
pub fn plain_page(app: &App, title: &str, workspace_name: &str, csrf: &str) -> Page {
    Page {
        title: title.to_owned(),
        workspace_name: workspace_name.to_owned(),
        user: None,
        csrf: csrf.to_owned(),
        flash: None,
        errors: Vec::new(),
        navigation: Vec::new(),
        demo: app.demo,
        asset_version: assets::version().to_owned(),
    }
}

/// What pages call the person of a session: the display name, else the e-mail address, else the user name.
pub fn label(facts: &Facts) -> String {
    let user = &facts.user;
    [&user.display_name, &user.email].into_iter().find(|text| !text.is_empty()).unwrap_or(&user.user_name).clone()
}

/// A page as an answer.
///
/// # Errors
/// 500 if the template can't be filled.
pub fn show(status: StatusCode, view: &impl Template) -> Result<Response> {
    Ok(html(status, view.render().map_err(Error::internal)?))
}

/// A page for somebody who is signed in: what it told from the request before is forgotten.
///
/// # Errors
/// 500 if the template can't be filled.
pub fn answer(request: &Request, caller: &Caller, status: StatusCode, view: &impl Template) -> Result<Response> {
    let response = show(status, view)?;
    Ok(match flash::forget(&caller.app, request) {
        Some(cookie) => with_cookie(response, &cookie),
        None => response,
    })
}

/// `303 See Other` after a form, with what the next page tells.
pub fn go(app: &App, location: &str, told: Told) -> Response {
    with_cookie(see_other(location), &flash::tell(app, told))
}

/// The same answer with one more `Set-Cookie`.
pub fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Where to go after signing in: a path of ours, and not the sign-in page itself.
pub fn destination(return_to: &str) -> String {
    let path = local_path(Some(return_to));
    let page = path.split(['?', '#']).next().unwrap_or_default();
    let circular = page == "/login" || page.starts_with("/login/") || page.starts_with("/setup/");
    if circular { local_path(None) } else { path }
}

/// An address on our own origin with a query; empty values are left out.
pub fn address(path: &str, query: &[(&str, &str)]) -> String {
    let mut encoder = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        encoder.append_pair(name, value);
    }
    let query = encoder.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// One entry of the error summary.
pub fn wrong(field: &str, text: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), text: text.into() }
}

/// The detail of an error as a sentence for people.
pub fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let Some(first) = characters.next() else { return String::new() };
    let stop = if detail.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), characters.as_str())
}

/// The status of an error.
pub fn status_of(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.problem().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_no_circle() {
        for circular in ["/login", "/login?x=/y", "/login/password", "/setup/cfl_x", "//evil", ""] {
            assert_eq!(destination(circular), "/console", "{circular}");
        }
        assert_eq!(destination("/console/users?q=/login"), "/console/users?q=/login");
        assert_eq!(destination("/logins"), "/logins");
    }

    #[test]
    fn addresses_and_sentences() {
        assert_eq!(address("/a", &[("x", ""), ("y", "b c&d")]), "/a?y=b+c%26d");
        assert_eq!(address("/a", &[("x", "")]), "/a");
        assert_eq!(sentence("must be one"), "Must be one.");
        assert_eq!(sentence(""), "");
    }
}
