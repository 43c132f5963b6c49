//! `/login` in its two steps, `/logout`, and the page between an identity provider and its answer.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response, handler};

use crate::app::App;
use crate::base::ids::ProviderId;
use crate::console::caller::posted;
use crate::console::chrome::{address, destination, plain_page, show, status_of, with_cookie, wrong};
use crate::console::error::waiting;
use crate::console::form::{Fields, Stranger, of_stranger, stranger};
use crate::console::handlers::saml_logout;
use crate::console::parts::Moment;
use crate::console::sign_in::{
    EmailPage, EndReason, Notice, OwnerForm, PasswordPage, SamlContinuePage, SingleSignOnPage,
};
use crate::console::{FieldError, Page};
use crate::error::{BUSY, Error, INVALID_CREDENTIALS, Result, SSO_REQUIRED, TOO_MANY_ATTEMPTS};
use crate::login::sign_in::{Credentials, sign_in};
use crate::saml::logout_begin;
use crate::saml::ways::{Ways, ways};
use crate::sessions::check::{Judged, check_in_database};
use crate::sessions::http::end_session;
use crate::sessions::model::Trigger;
use crate::sessions::rules::Refusal;
use crate::web::authenticate::{self, Caller};
use crate::web::pipeline::see_other;
use crate::workspaces;
use crate::workspaces::model::Workspace;

/// What is known of the session that the browser still holds.
#[derive(Default)]
struct Before {
    notice: Option<Notice>,
    /// Slug of its workspace.
    workspace: Option<String>,
    /// Whether its cookie is of no more use.
    spent: bool,
}

/// `GET /login`: asks for the e-mail address, and says why the last session ended.
#[handler]
pub async fn show_email(request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let query = Fields::of_query(request)?;
    let Some(before) = before(&app, request).await? else {
        return Ok(see_other(&destination(query.text("return_to"))));
    };
    let workspace = match (query.get("workspace"), &before.workspace) {
        (Some(asked), _) => workspaces::find(&app, &slug(asked)).await?,
        (None, Some(slug)) => workspaces::find(&app, slug).await?,
        (None, None) => workspaces::find_only(&app).await?,
    };
    let logged_out = query.get("logged_out").map(|_| Notice::for_end(EndReason::LoggedOut));
    let stranger = stranger(&app, request)?;
    let notice = before.notice.or(logged_out);
    let view = email_page(&app, &stranger, &query, workspace.as_ref(), notice, Vec::new());
    let response = kept(show(StatusCode::OK, &view)?, &stranger);
    Ok(if before.spent { with_cookie(response, &authenticate::clear_cookie(&app)) } else { response })
}

/// `GET /login/password`: the second step can't be opened by itself.
#[handler]
pub fn begin_again() -> Response {
    see_other("/login")
}

/// `POST /login`: decides between password and single sign-on.
#[handler]
pub async fn choose_way(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let fields = of_stranger(&app, request, &sent)?;
    let stranger = stranger(&app, request)?;
    let workspace = workspaces::find(&app, &slug(fields.text("workspace"))).await?;
    let missing: Vec<FieldError> = [("workspace", "Which workspace?"), ("email", "Which e-mail address?")]
        .into_iter()
        .filter(|(name, _)| fields.text(name).is_empty())
        .map(|(name, text)| wrong(name, text))
        .collect();
    if !missing.is_empty() {
        let view = email_page(&app, &stranger, &fields, workspace.as_ref(), None, missing);
        return Ok(show(StatusCode::UNPROCESSABLE_ENTITY, &view)?);
    }
    let offered = ways(&app, workspace.as_ref(), fields.text("email")).await?;
    let as_owner = offered.owner_password && fields.text("way") == "password";
    if let (Some(workspace), false) = (&workspace, offered.password || as_owner) {
        let view = single_sign_on_page(&app, &stranger, &fields, workspace, &offered);
        return Ok(show(StatusCode::OK, &view)?);
    }
    Ok(show(StatusCode::OK, &password_page(&app, &stranger, &fields, offered.provider.as_ref(), None))?)
}

/// `POST /login/password`: signs in, or shows the step again with one sentence for every failure.
#[handler]
pub async fn enter_password(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let fields = of_stranger(&app, request, &sent)?;
    let slug = slug(fields.text("workspace"));
    let password = fields.get("password").unwrap_or_default();
    let credentials = Credentials { workspace: &slug, name: fields.text("email"), password };
    match sign_in(&app, &credentials, &authenticate::origin(request)).await {
        Ok((_, token)) => {
            let response = see_other(&destination(fields.text("return_to")));
            Ok(with_cookie(response, &authenticate::set_cookie(&app, token.reveal())))
        }
        Err(error) if [INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, BUSY].contains(&error.problem()) => {
            let workspace = workspaces::find(&app, &slug).await?;
            let offered = ways(&app, workspace.as_ref(), fields.text("email")).await?;
            let stranger = stranger(&app, request)?;
            let view = password_page(
                &app,
                &stranger,
                &fields,
                offered.provider.as_ref(),
                Some(wrong("password", failure(&error))),
            );
            Ok(waited(show(status_of(&error), &view)?, &error))
        }
        Err(error) if error.problem() == SSO_REQUIRED => {
            let Some(workspace) = workspaces::find(&app, &slug).await? else { return Err(error.into()) };
            let offered = ways(&app, Some(&workspace), fields.text("email")).await?;
            let view = single_sign_on_page(&app, &stranger(&app, request)?, &fields, &workspace, &offered);
            Ok(show(status_of(&error), &view)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /logout`: ends the session of this browser.
#[handler]
pub async fn log_out(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, _) = posted(request, &sent, "/console").await?;
    Ok(end_own_session(&caller).await?)
}

/// Ends the caller's own session, clears what the browser keeps of it, and leads to the sign-in page; or, if an identity
/// provider signed them in that takes part in single logout, on to that.
pub async fn end_own_session(caller: &Caller) -> Result<Response> {
    end_session(caller, &caller.facts, Trigger::Logout, "the person logged out").await?;
    if let Some(response) = depart(caller).await {
        return Ok(response);
    }
    let to = address("/login", &[("logged_out", "1"), ("workspace", &caller.facts.workspace.slug)]);
    let mut response = with_cookie(see_other(&to), &authenticate::clear_cookie(&caller.app));
    let stored = HeaderValue::from_static("\"cookies\", \"storage\"");
    response.headers_mut().insert("clear-site-data", stored);
    Ok(response)
}

/// The way on to the identity provider of a session that has just ended. If there is none, or none can be shown, the log-out is
/// complete all the same.
async fn depart(caller: &Caller) -> Option<Response> {
    let departed = try_depart(caller).await;
    departed.unwrap_or_else(|error| {
        tracing::error!(error = %error.log(), "an identity provider can't be told of a log-out");
        None
    })
}

async fn try_depart(caller: &Caller) -> Result<Option<Response>> {
    let Some(begun) = logout_begin::begin(&caller.app, &caller.facts).await? else { return Ok(None) };
    let response = saml_logout::depart(&caller.app, &caller.facts.workspace.slug, begun)?;
    let mut response = with_cookie(response, &authenticate::clear_cookie(&caller.app));
    // Not the cookies: the one that waits for the provider's answer is among them.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"storage\""));
    Ok(Some(response))
}

/// The page that posts an identity provider's answer once more, from our own origin: only then does the browser send the
/// cookie with which the sign-in began.
pub fn saml_continue(app: &App, slug: &str, saml_response: String, relay_state: Option<String>) -> Response {
    let slug: String = url::form_urlencoded::byte_serialize(slug.as_bytes()).collect();
    let view = SamlContinuePage {
        page: plain_page(app, "Signing you in", "", ""),
        acs_url: format!("/saml/{slug}/acs"),
        saml_response,
        relay_state,
    };
    show(StatusCode::OK, &view).unwrap_or_else(|error| crate::console::error::response(app, &error, "", "/saml/"))
}

/// The way to an identity provider of a workspace and back.
pub fn sso_url(slug: &str, provider: Option<&ProviderId>, return_to: &str) -> String {
    let provider = provider.map(ProviderId::as_str).unwrap_or_default();
    address(&format!("/saml/{slug}/login"), &[("provider", provider), ("return_to", &destination(return_to))])
}

/// `None` if the browser's session is alive.
async fn before(app: &App, request: &Request) -> Result<Option<Before>> {
    let Some(token) = authenticate::cookie(request.headers(), authenticate::cookie_name(app))? else {
        return Ok(Some(Before::default()));
    };
    Ok(match check_in_database(app, token, authenticate::origin(request).ip).await? {
        Judged::Valid(_) => None,
        Judged::Refused(refusal, facts) => Some(Before {
            notice: notice(&refusal),
            workspace: facts.map(|facts| facts.workspace.slug.clone()),
            // The session lives, and is accepted again from another network.
            spent: refusal != Refusal::Address,
        }),
    })
}

/// Why a session ended, for its holder.
fn notice(refusal: &Refusal) -> Option<Notice> {
    let reason = match refusal {
        Refusal::Unknown => return None,
        Refusal::Ended { cause } if cause == Trigger::Logout.as_str() => EndReason::LoggedOut,
        Refusal::Ended { cause } if cause == Trigger::SamlLogout.as_str() => EndReason::LoggedOutThere,
        Refusal::Ended { .. } | Refusal::UserLoggedOut => EndReason::EndedByAdministrator,
        Refusal::EverybodyLoggedOut { at, .. } => EndReason::EverybodyLoggedOut { at: Moment::from_millis(*at) },
        Refusal::NotActive(_) => EndReason::AccountDeactivated,
        Refusal::Expired => EndReason::Expired,
        Refusal::Idle => EndReason::Idle,
        Refusal::Method => EndReason::PolicyChanged,
        Refusal::Address => EndReason::AddressNotAllowed,
    };
    let mut notice = Notice::for_end(reason);
    if let Refusal::EverybodyLoggedOut { cause, .. } = refusal
        && let Some(text) = cause_of(cause)
    {
        text.clone_into(&mut notice.text);
    }
    Some(notice)
}

/// What was changed when everybody was logged out with it.
fn cause_of(cause: &str) -> Option<&'static str> {
    match cause {
        "saml_change" => Some("Single sign-on was changed, and everybody signs in anew. Sign in again to continue."),
        "ip_allowlist_change" => {
            Some("The list of allowed addresses was changed, and everybody signs in anew. Sign in again to continue.")
        }
        "policy" => Some("The security policy was changed, and everybody signs in anew. Sign in again to continue."),
        _ => None,
    }
}

fn slug(typed: &str) -> String {
    typed.trim().to_ascii_lowercase()
}

fn email_page(
    app: &App,
    stranger: &Stranger,
    fields: &Fields,
    workspace: Option<&Workspace>,
    notice: Option<Notice>,
    errors: Vec<FieldError>,
) -> EmailPage {
    let name = workspace.map_or("", |workspace| workspace.name.as_str());
    EmailPage {
        page: Page { errors, ..plain_page(app, "Sign in", name, &stranger.csrf) },
        workspace: workspace.map_or_else(|| fields.text("workspace").to_owned(), |workspace| workspace.slug.clone()),
        workspace_known: workspace.is_some(),
        email: fields.text("email").to_owned(),
        return_to: fields.text("return_to").to_owned(),
        notice,
    }
}

fn single_sign_on_page(
    app: &App,
    stranger: &Stranger,
    fields: &Fields,
    workspace: &Workspace,
    offered: &Ways,
) -> SingleSignOnPage {
    let return_to = fields.text("return_to");
    let owner = OwnerForm { workspace: workspace.slug.clone(), return_to: return_to.to_owned() };
    SingleSignOnPage {
        page: plain_page(app, "Sign in", &workspace.name, &stranger.csrf),
        email: fields.text("email").to_owned(),
        change_email_url: change_email_url(fields),
        sso_url: sso_url(&workspace.slug, offered.provider.as_ref(), return_to),
        // An owner must have the time to choose the other way.
        follow_at_once: !offered.owner_password,
        owner: offered.owner_password.then_some(owner),
    }
}

/// Names no workspace: one that is not there looks the same.
fn password_page(
    app: &App,
    stranger: &Stranger,
    fields: &Fields,
    provider: Option<&ProviderId>,
    error: Option<FieldError>,
) -> PasswordPage {
    let workspace = slug(fields.text("workspace"));
    PasswordPage {
        page: Page { errors: error.into_iter().collect(), ..plain_page(app, "Sign in", "", &stranger.csrf) },
        email: fields.text("email").to_owned(),
        return_to: fields.text("return_to").to_owned(),
        change_email_url: change_email_url(fields),
        sso_url: provider.map(|provider| sso_url(&workspace, Some(provider), fields.text("return_to"))),
        workspace,
    }
}

fn change_email_url(fields: &Fields) -> String {
    let field = |name| (name, fields.text(name));
    address("/login", &[field("workspace"), field("email"), field("return_to")])
}

fn failure(error: &Error) -> String {
    match (error.problem(), error.retry_after()) {
        (INVALID_CREDENTIALS, _) => "The e-mail address or the password isn’t right.".to_owned(),
        (TOO_MANY_ATTEMPTS, Some(wait)) => format!("Too many attempts. Try again {}.", waiting(wait)),
        (_, Some(wait)) => format!("Too many people are signing in right now. Try again {}.", waiting(wait)),
        _ => "That didn’t work. Try again in a moment.".to_owned(),
    }
}

fn waited(mut response: Response, error: &Error) -> Response {
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

fn kept(response: Response, stranger: &Stranger) -> Response {
    match &stranger.new_cookie {
        Some(cookie) => with_cookie(response, cookie),
        None => response,
    }
}
