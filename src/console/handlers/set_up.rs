//! `/setup/{token}`: choosing the first password, or a new one, behind a one-time link. The token is never logged.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use crate::app::App;
use crate::console::chrome::{plain_page, sentence, show, status_of, with_cookie, wrong};
use crate::console::form::{of_stranger, stranger};
use crate::console::sign_in::SetUpPage;
use crate::console::{FieldError, Page};
use crate::error::{BUSY, Result, UNPROCESSABLE};
use crate::login::password::SHORTEST;
use crate::login::setup::{open_link, redeem};
use crate::web::authenticate;
use crate::web::pipeline::see_other;

/// `GET /setup/{token}`.
#[handler]
pub async fn show_form(UrlPath(token): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    Ok(form(&app, request, &token, StatusCode::OK, None).await?)
}

/// `POST /setup/{token}`: sets the password and signs in.
#[handler]
pub async fn choose_password(
    UrlPath(token): UrlPath<String>,
    request: &Request,
    sent: Vec<u8>,
) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let fields = of_stranger(&app, request, &sent)?;
    let password = fields.get("password").unwrap_or_default();
    if fields.get("password_again") != Some(password) {
        let error = wrong("password_again", "The two passwords differ.");
        return Ok(form(&app, request, &token, StatusCode::UNPROCESSABLE_ENTITY, Some(error)).await?);
    }
    match redeem(&app, &token, password, &authenticate::origin(request)).await {
        Ok((_, session)) => Ok(with_cookie(see_other("/console"), &authenticate::set_cookie(&app, session.reveal()))),
        Err(error) if [UNPROCESSABLE, BUSY].contains(&error.problem()) => {
            let text = match error.field() {
                Some(_) => format!("The password {}.", error.detail()),
                None => sentence(error.detail()),
            };
            Ok(form(&app, request, &token, status_of(&error), Some(wrong("password", text))).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The form, as long as the link is open.
async fn form(
    app: &App,
    request: &Request,
    token: &str,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let user = open_link(app, token).await?;
    let stranger = stranger(app, request)?;
    let view = SetUpPage {
        page: Page {
            errors: error.into_iter().collect(),
            ..plain_page(app, "Choose your password", "", &stranger.csrf)
        },
        action: format!("/setup/{token}"),
        email: user.email.clone().unwrap_or_else(|| user.label().to_owned()),
        minimum_length: u16::try_from(SHORTEST).unwrap_or(u16::MAX),
    };
    let response = show(status, &view)?;
    Ok(match &stranger.new_cookie {
        Some(cookie) => with_cookie(response, cookie),
        None => response,
    })
}
