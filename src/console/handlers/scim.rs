//! `/console/scim`: the tokens of identity providers. A new one is shown in the answer to its form and never again.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::provisioning_hold;
use crate::base::clock::UnixMillis;
use crate::base::ids::CredentialId;
use crate::console::caller::{administrator, posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page, sentence, wrong};
use crate::console::confirm::ConfirmPage;
use crate::console::flash::Told;
use crate::console::parts::{Badge, CopyField, Moment, Tone};
use crate::console::scim::{ScimPage, ScimTokenCreatedPage, ScimTokenRow};
use crate::console::{FieldError, Page, Section};
use crate::error::{Error, INVALID_REQUEST, Result};
use crate::security::credentials;
use crate::security::credentials::model::{Credential, CredentialKind};
use crate::web::authenticate::Caller;
use crate::web::pipeline::see_other;

const HOME: &str = "/console/scim";
const KIND: CredentialKind = CredentialKind::ScimToken;

/// `GET /console/scim`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    Ok(list_page(request, &caller, StatusCode::OK, ("", "365"), Vec::new()).await?)
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
    let (name, days) = (fields.text("name"), fields.text("expires_in_days"));
    let lifetime = match days {
        "" => Ok(None),
        text => {
            text.parse::<i64>().map(Some).map_err(|_| Error::invalid("expires_in_days", "must be a number of days"))
        }
    };
    let made = match lifetime {
        Ok(lifetime) => {
            credentials::create(&caller.app, &caller.actor, &caller.facts.workspace.id, KIND, name, &[], lifetime).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok((credential, secret)) => {
            let view = ScimTokenCreatedPage {
                page: page(request, &caller, Section::Provisioning, "Token created"),
                name: credential.name,
                expires_at: credential.expires_at.map(Moment::from_millis),
                token: secret.reveal().to_owned(),
                base_url: base_url(&caller),
            };
            Ok(answer(request, &caller, StatusCode::OK, &view)?)
        }
        Err(error) if error.problem() == INVALID_REQUEST => {
            let errors = vec![wrong(error.field().unwrap_or_default(), refused(&error))];
            Ok(list_page(request, &caller, StatusCode::UNPROCESSABLE_ENTITY, (name, days), errors).await?)
        }
        Err(error) => Err(error.into()),
    }
}

fn refused(error: &Error) -> String {
    match error.field() {
        Some("name") => format!("The name {}.", error.detail()),
        Some("expires_in_days") => format!("The lifetime {}.", error.detail()),
        _ => sentence(error.detail()),
    }
}

/// `GET /console/scim/tokens/{id}/revoke`: asks first.
#[handler]
pub async fn confirm_revocation(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let tokens = credentials::list(&caller.app, &caller.facts.workspace.id, KIND).await?;
    let token = tokens.into_iter().find(|token| token.id.as_str() == id).ok_or_else(|| Error::not_found("token"))?;
    let view = ConfirmPage {
        page: page(request, &caller, Section::Provisioning, "Revoke a token"),
        heading: format!("Revoke the token {}?", token.name),
        lead: "An identity provider that still uses it is refused from its next request on. This can’t be undone."
            .into(),
        ends: vec!["Provisioning with this token".into()],
        stays: vec!["People, groups and their sessions".into(), "Other tokens".into()],
        action: format!("{HOME}/tokens/{}/revoke", token.id),
        sessions: None,
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

/// The list, and the form for another token as it was typed: name and lifetime in days.
async fn list_page(
    request: &Request,
    caller: &Caller,
    status: StatusCode,
    (name, expires_in_days): (&str, &str),
    errors: Vec<FieldError>,
) -> Result<Response> {
    let now = caller.app.clock.now();
    let tokens = credentials::list(&caller.app, &caller.facts.workspace.id, KIND).await?;
    let (state, last_contact) = state(&tokens, now);
    let base_url = base_url(caller);
    let entra = format!("{base_url}?aadOptscim062020");
    let field = |id: &str, label: &str, value: String| CopyField { id: id.into(), label: label.into(), value };
    let view = ScimPage {
        page: Page { errors, ..page(request, caller, Section::Provisioning, "Provisioning") },
        state,
        last_contact,
        addresses: vec![
            field("scim_base_url", "SCIM base URL", base_url),
            field("scim_entra_url", "Tenant URL for Entra ID", entra),
        ],
        hold: provisioning_hold::banner(caller).await?,
        tokens: tokens.into_iter().map(|token| row(token, now)).collect(),
        name: name.to_owned(),
        expires_in_days: expires_in_days.to_owned(),
    };
    answer(request, caller, status, &view)
}

fn base_url(caller: &Caller) -> String {
    format!("{}/scim/v2", caller.app.config.public_url)
}

fn row(token: Credential, now: UnixMillis) -> ScimTokenRow {
    let expired = token.expires_at.is_some_and(|end| end <= now);
    let (tone, text) = if expired { (Tone::Neutral, "Expired") } else { (Tone::Success, "Active") };
    ScimTokenRow {
        id: token.id.to_string(),
        name: token.name,
        state: Badge { tone, text: text.to_owned() },
        created_at: Moment::from_millis(token.created_at),
        expires_at: token.expires_at.map(Moment::from_millis),
        last_used_at: token.last_used_at.map(Moment::from_millis),
        can_revoke: true,
    }
}
