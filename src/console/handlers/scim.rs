//! `/console/scim`: the tokens of identity providers. A new one is shown in the answer to its form and never again.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::provisioning_hold;
use crate::base::clock::UnixMillis;
use crate::base::ids::CredentialId;
use crate::base::secret::Secret;
use crate::console::caller::{administrator, posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page, sentence, wrong};
use crate::console::confirm::ConfirmPage;
use crate::console::flash::Told;
use crate::console::parts::{Badge, CopyField, Moment, Tone};
use crate::console::scim::{ScimPage, ScimRequestRow, ScimRotatePage, ScimTokenCreatedPage, ScimTokenRow};
use crate::console::{FieldError, Page, Section};
use crate::error::{Error, INVALID_REQUEST, Result};
use crate::scim::requests;
use crate::scim::requests::model::LoggedRequest;
use crate::security::credentials::model::{Credential, CredentialKind};
use crate::security::credentials::wanted::{self, Wanted};
use crate::security::credentials::{self, rotate};
use crate::web::authenticate::Caller;
use crate::web::pipeline::see_other;

const HOME: &str = "/console/scim";
const KIND: CredentialKind = CredentialKind::ScimToken;
/// Requests that the page shows.
const SHOWN_REQUESTS: i64 = 20;

/// The form for another token, as it was typed.
struct Typed<'a> {
    name: &'a str,
    expires_in_days: &'a str,
    networks: &'a str,
}

impl Typed<'_> {
    /// What it asks for. `now` is when a lifetime begins.
    fn wanted(&self, now: UnixMillis) -> Result<Wanted> {
        let not_a_number = |_| Error::invalid("expires_in_days", "must be a number of days");
        let days = match self.expires_in_days {
            "" => None,
            text => Some(text.parse::<i64>().map_err(not_a_number)?),
        };
        let networks = self.networks.split([',', ' ', '\n', '\r', '\t']).filter(|text| !text.is_empty());
        let (expires_at, networks) = (wanted::end(now, None, days)?, wanted::networks(networks)?);
        Ok(Wanted { name: self.name.to_owned(), expires_at, networks, ..Wanted::default() })
    }
}

/// `GET /console/scim`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let empty = Typed { name: "", expires_in_days: "365", networks: "" };
    Ok(list_page(request, &caller, StatusCode::OK, empty, Vec::new()).await?)
}

/// `GET /console/scim/tokens`: a token that was made there is not shown again.
#[handler]
pub fn back() -> Response {
    see_other(HOME)
}

/// `POST /console/scim/tokens`.
#[handler]
pub async fn create_token(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let typed = Typed {
        name: fields.text("name"),
        expires_in_days: fields.text("expires_in_days"),
        networks: fields.text("networks"),
    };
    let (app, workspace) = (&caller.app, &caller.facts.workspace.id);
    let made = match typed.wanted(app.clock.now()) {
        Ok(wanted) => credentials::create_limited(app, &caller.actor, workspace, KIND, &[], &wanted).await,
        Err(error) => Err(error),
    };
    match made {
        Ok((credential, secret)) => Ok(show_once(request, &caller, credential, &secret, None)?),
        Err(error) if error.problem() == INVALID_REQUEST => {
            let errors = vec![wrong(error.field().unwrap_or_default(), refused(&error))];
            Ok(list_page(request, &caller, StatusCode::UNPROCESSABLE_ENTITY, typed, errors).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A new token with its secret. `old_until` is when the one ends that it replaces.
fn show_once(
    request: &Request,
    caller: &Caller,
    credential: Credential,
    secret: &Secret,
    old_until: Option<UnixMillis>,
) -> Result<Response> {
    let view = ScimTokenCreatedPage {
        page: page(request, caller, Section::Provisioning, "Token created"),
        name: credential.name,
        expires_at: credential.expires_at.map(Moment::from_millis),
        token: secret.reveal().to_owned(),
        base_url: base_url(caller),
        old_until: old_until.map(Moment::from_millis),
    };
    answer(request, caller, StatusCode::OK, &view)
}

/// `GET /console/scim/tokens/{id}/rotate`: asks how long both tokens work.
#[handler]
pub async fn ask_overlap(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let token = find(&caller, &id).await?;
    let page = page(request, &caller, Section::Provisioning, "Rotate a token");
    let view = ScimRotatePage { page, id: token.id.to_string(), name: token.name };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// `POST /console/scim/tokens/{id}/rotate`.
#[handler]
pub async fn rotate_token(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let not_a_number = |_| Error::invalid("overlap_seconds", "must be a number of seconds");
    let overlap = fields.text("overlap_seconds").parse::<i64>().map_err(not_a_number)?;
    let id = CredentialId::from_text(id);
    let (app, workspace) = (&caller.app, &caller.facts.workspace.id);
    let (credential, secret) = rotate::rotate(app, &caller.actor, workspace, &id, overlap).await?;
    let until = credential.created_at + overlap * 1000;
    Ok(show_once(request, &caller, credential, &secret, (overlap > 0).then_some(until))?)
}

async fn find(caller: &Caller, id: &str) -> Result<Credential> {
    let tokens = credentials::list(&caller.app, &caller.facts.workspace.id, KIND).await?;
    tokens.into_iter().find(|token| token.id.as_str() == id).ok_or_else(|| Error::not_found("token"))
}

fn refused(error: &Error) -> String {
    match error.field() {
        Some("name") => format!("The name {}.", error.detail()),
        Some("expires_in_days") => format!("The lifetime {}.", error.detail()),
        Some("networks") => format!("The networks {}.", error.detail()),
        _ => sentence(error.detail()),
    }
}

/// `GET /console/scim/tokens/{id}/revoke`: asks first.
#[handler]
pub async fn confirm_revocation(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let token = find(&caller, &id).await?;
    let view = ConfirmPage {
        page: page(request, &caller, Section::Provisioning, "Revoke a token"),
        heading: format!("Revoke the token {}?", token.name),
        lead: "An identity provider that still uses it is refused from its next request on. This can’t be undone."
            .into(),
        ends: vec!["Provisioning with this token".into()],
        stays: vec!["People, groups and their sessions".into(), "Other tokens".into()],
        action: format!("{HOME}/tokens/{}/revoke", token.id),
        reason: None,
        button: format!("Revoke {}", token.name),
        cancel_url: HOME.into(),
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// `POST /console/scim/tokens/{id}/revoke`.
#[handler]
pub async fn revoke_token(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, _) = posted_by_administrator(request, &sent, HOME).await?;
    let id = CredentialId::from_text(id);
    credentials::revoke(&caller.app, &caller.actor, &caller.facts.workspace.id, KIND, &id).await?;
    Ok(go(&caller.app, HOME, Told::TokenRevoked))
}

/// How provisioning is doing, and when an identity provider called last.
pub fn state(tokens: &[Credential], now: UnixMillis) -> (Badge, Option<Moment>) {
    let last = tokens.iter().filter_map(|token| token.last_used_at).max();
    let usable = tokens.iter().any(|token| token.expires_at.is_none_or(|end| now < end));
    let (tone, text) = match (tokens.is_empty(), usable, last) {
        (true, ..) => (Tone::Neutral, "No token yet"),
        (_, false, _) => (Tone::Warning, "Every token has expired"),
        (_, true, None) => (Tone::Info, "Waiting for first contact"),
        (_, true, Some(_)) => (Tone::Success, "Healthy"),
    };
    (Badge { tone, text: text.to_owned() }, last.map(Moment::from_millis))
}

/// The list, the form for another token as it was typed, and what was asked last.
async fn list_page(
    request: &Request,
    caller: &Caller,
    status: StatusCode,
    typed: Typed<'_>,
    errors: Vec<FieldError>,
) -> Result<Response> {
    let (now, workspace) = (caller.app.clock.now(), &caller.facts.workspace.id);
    let tokens = credentials::list(&caller.app, workspace, KIND).await?;
    let clients = credentials::list(&caller.app, workspace, CredentialKind::ScimClient).await?;
    let asked = requests::list_newest(&caller.app, workspace, SHOWN_REQUESTS).await?;
    let known: Vec<Credential> = tokens.iter().chain(&clients).cloned().collect();
    let requests = asked.into_iter().map(|asked| request_row(asked, &known)).collect();
    let (state, last_contact) = state(&known, now);
    let base_url = CopyField { id: "scim_base_url".into(), label: "SCIM base URL".into(), value: base_url(caller) };
    let view = ScimPage {
        page: Page { errors, ..page(request, caller, Section::Provisioning, "Provisioning") },
        state,
        last_contact,
        addresses: vec![base_url],
        hold: provisioning_hold::banner(caller).await?,
        tokens: tokens.into_iter().map(|token| row(token, now)).collect(),
        name: typed.name.to_owned(),
        expires_in_days: typed.expires_in_days.to_owned(),
        networks: typed.networks.to_owned(),
        requests,
    };
    answer(request, caller, status, &view)
}

fn base_url(caller: &Caller) -> String {
    format!("{}/scim/v2", caller.app.config.public_url)
}

fn row(token: Credential, now: UnixMillis) -> ScimTokenRow {
    let expired = token.expires_at.is_some_and(|end| end <= now);
    let replaced = token.replaced_by.is_some();
    let (tone, text) = match (expired, replaced) {
        (true, _) => (Tone::Neutral, "Expired"),
        (false, true) => (Tone::Info, "Replaced"),
        (false, false) => (Tone::Success, "Active"),
    };
    ScimTokenRow {
        id: token.id.to_string(),
        name: token.name,
        state: Badge { tone, text: text.to_owned() },
        created_at: Moment::from_millis(token.created_at),
        expires_at: token.expires_at.map(Moment::from_millis),
        last_used_at: token.last_used_at.map(Moment::from_millis),
        last_used_ip: token.last_used_ip,
        networks: token.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        can_rotate: !replaced,
        can_revoke: true,
    }
}

fn request_row(asked: LoggedRequest, known: &[Credential]) -> ScimRequestRow {
    let name = known.iter().find(|credential| credential.id == asked.credential).map(|found| found.name.clone());
    let tone = if asked.status < 400 { Tone::Success } else { Tone::Danger };
    ScimRequestRow {
        at: Moment::from_millis(asked.at),
        token: name.unwrap_or_else(|| asked.credential.to_string()),
        asked: format!("{} {}", asked.method, asked.path),
        status: Badge { tone, text: asked.status.to_string() },
        detail: asked.detail.unwrap_or_default(),
        duration: format!("{} ms", asked.duration_ms),
        ip: asked.ip,
    }
}
