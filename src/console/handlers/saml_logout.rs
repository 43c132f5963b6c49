//! The pages of single logout as answers, and the cookie of a log-out that is under way at an identity provider.

use poem::Response;
use poem::http::StatusCode;

use super::saml_send;
use crate::app::App;
use crate::console::chrome::{address, plain_page, show, with_cookie};
use crate::console::saml_logout::{LogOutTherePage, SamlLogoutContinuePage, SignedOutPage};
use crate::error::Result;
use crate::saml::begin::{Begun, FLOW_MS};
use crate::saml::outgoing::Departure;
use crate::web::authenticate::timed_cookie;
use crate::web::pipeline::see_other;

pub fn flow_cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-curfew-slo" } else { "curfew-slo" }
}

/// The `Set-Cookie` that ends the one of a log-out under way.
pub fn clear_flow_cookie(app: &App) -> String {
    timed_cookie(app, flow_cookie_name(app), "", 0)
}

/// Signed out here, and on to the identity provider. A page and not a redirect: a browser doesn't follow one from a form of ours
/// to another origin (`form-action`).
///
/// # Errors
/// 500 if the template can't be filled.
pub fn depart(app: &App, slug: &str, begun: Begun) -> Result<Response> {
    let (location, form) = match begun.departure {
        Departure::Redirect(location) => (Some(location), None),
        Departure::Form(form) => (None, Some(form)),
    };
    let page = plain_page(app, "Signed out", "", "");
    let view = LogOutTherePage { page, location, form, sign_in_url: sign_in_url(slug) };
    let mut response = show(StatusCode::OK, &view)?;
    if let Some(form) = &view.form {
        saml_send::let_go(&mut response, form)?;
    }
    Ok(with_cookie(response, &timed_cookie(app, flow_cookie_name(app), begun.browser.reveal(), FLOW_MS / 1000)))
}

/// Our answer to an identity provider.
///
/// # Errors
/// 500 if the template can't be filled.
pub fn answer(app: &App, departure: Departure) -> Result<Response> {
    match departure {
        Departure::Redirect(location) => Ok(see_other(&location)),
        Departure::Form(form) => {
            saml_send::page(app, "Signed out", "Your identity provider waits for an answer.", form)
        }
    }
}

/// An identity provider began it, and takes no answer.
///
/// # Errors
/// 500 if the template can't be filled.
pub fn answered_here(app: &App, slug: &str, done: bool) -> Result<Response> {
    let (heading, text) = match done {
        true => ("You are signed out", "Your identity provider signed you out here."),
        false => (
            "You may still be signed in",
            "What your identity provider asked for was not done to the end. Log out here, too.",
        ),
    };
    let view = SignedOutPage {
        page: plain_page(app, heading, "", ""),
        heading: heading.to_owned(),
        text: text.to_owned(),
        sign_in_url: sign_in_url(slug),
    };
    show(if done { StatusCode::OK } else { StatusCode::FORBIDDEN }, &view)
}

/// The page that posts an identity provider's answer once more, from our own origin: only then does the browser send the
/// cookie with which the log-out began.
///
/// # Errors
/// 500 if the template can't be filled.
pub fn go_on(app: &App, slug: &str, saml_response: String) -> Result<Response> {
    let slug: String = url::form_urlencoded::byte_serialize(slug.as_bytes()).collect();
    let page = plain_page(app, "Signing you out", "", "");
    show(StatusCode::OK, &SamlLogoutContinuePage { page, slo_url: format!("/saml/{slug}/slo"), saml_response })
}

/// The end of a log-out that began here.
///
/// # Errors
/// 500 if the template can't be filled.
pub fn signed_out(app: &App, slug: &str, status: StatusCode, confirmed: bool) -> Result<Response> {
    let text = match confirmed {
        true => "You are signed out here, and your identity provider confirmed that you are signed out there as well.",
        false => {
            "You are signed out here. Your identity provider did not confirm that you are signed out there: you may still be \
             signed in. On a shared computer, close the browser."
        }
    };
    let view = SignedOutPage {
        page: plain_page(app, "Signed out", "", ""),
        heading: "You are signed out".to_owned(),
        text: text.to_owned(),
        sign_in_url: sign_in_url(slug),
    };
    show(status, &view)
}

fn sign_in_url(slug: &str) -> String {
    address("/login", &[("workspace", slug)])
}
