//! `/console/reauthenticate`: proving oneself again before something dangerous, with the password or at the identity
//! provider.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use super::sign_in::sso_url;
use crate::console::caller::{caller, lead_to_sign_in, posted};
use crate::console::chrome::{answer, destination, page, sentence, status_of, wrong};
use crate::console::error::waiting;
use crate::console::form::Fields;
use crate::console::parts::Tone;
use crate::console::sign_in::ReauthenticatePage;
use crate::console::{FieldError, Flash, Page, Section};
use crate::error::{BUSY, Error, INVALID_CREDENTIALS, Result, TOO_MANY_ATTEMPTS};
use crate::login::reauthenticate::reauthenticate;
use crate::saml::ways::provider_for;
use crate::users::manage;
use crate::web::authenticate::Caller;
use crate::web::pipeline::see_other;
use crate::workspaces::single_sign_on;

/// `GET /console/reauthenticate?return_to=`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = caller(request).await?;
    let query = Fields::of_query(request)?;
    Ok(form(request, &caller, &query, StatusCode::OK, None).await?)
}

/// `POST /console/reauthenticate`: renews the time of the sign-in and goes on.
#[handler]
pub async fn prove(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted(request, &sent, "/console").await?;
    let password = fields.get("password").unwrap_or_default();
    match reauthenticate(&caller.app, &caller.actor, &caller.facts, password).await {
        Ok(()) => Ok(see_other(&destination(fields.text("return_to")))),
        Err(error) if [INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, BUSY].contains(&error.problem()) => {
            let error_of_field = wrong("password", failure(&error));
            Ok(form(request, &caller, &fields, status_of(&error), Some(error_of_field)).await?)
        }
        Err(error) => Err(lead_to_sign_in(error, fields.text("return_to")).into()),
    }
}

fn failure(error: &Error) -> String {
    match error.retry_after() {
        Some(wait) => format!("That didn’t work. Try again {}.", waiting(wait)),
        None => sentence(error.detail()),
    }
}

async fn form(
    request: &Request,
    caller: &Caller,
    fields: &Fields,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let (app, facts) = (&caller.app, &caller.facts);
    let user = manage::load(app, &facts.workspace.id, &facts.user.id).await?;
    let address = user.email.as_deref().unwrap_or(&user.user_name);
    let provider = provider_for(app, &facts.workspace.id, address).await?;
    let return_to = destination(fields.text("return_to"));
    let elsewhere = single_sign_on::has_to(app, &user).await?;
    let password_available = facts.policy.password_allowed && user.password_hash.is_some() && !elsewhere;
    let single_sign_on = facts.policy.saml_allowed && provider.is_some();
    let mut errors: Vec<FieldError> = error.into_iter().collect();
    if !password_available && !single_sign_on {
        errors.push(wrong("", "You have no way to confirm it: ask an administrator for a link to choose a password."));
    }
    // The form that led here was not carried out, and what was typed into it is gone.
    let flash = fields.ticked("sent").then(|| Flash {
        tone: Tone::Info,
        text: "Nothing was changed yet. Confirm first, then send the form once more.".to_owned(),
    });
    let view = ReauthenticatePage {
        page: Page { errors, flash, ..page(request, caller, Section::Overview, "Confirm that it’s you") },
        email: if facts.user.email.is_empty() { facts.user.user_name.clone() } else { facts.user.email.clone() },
        cancel_url: "/console".to_owned(),
        password_available,
        sso_url: single_sign_on.then(|| sso_url(&facts.workspace.slug, provider.as_ref(), &return_to) + "&again=1"),
        return_to,
    };
    answer(request, caller, status, &view)
}
