//! `/console/security/saml/setup-links`: making links for IT contacts, shown once, and revoking them.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::saml_provider_parts::{PROVIDERS, refusal};
use crate::console::caller::{administrator, posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page as frame};
use crate::console::confirm::ConfirmPage;
use crate::console::flash::Told;
use crate::console::parts::{Badge, CopyField, Moment, Tone};
use crate::console::saml_setup::{SetupLinkCreatedPage, SetupLinkRow, SetupLinksPage};
use crate::console::{FieldError, Page, Section};
use crate::error::{Error, Result};
use crate::saml::providers;
use crate::saml::setup_link_http::{create as make, page_url, page_url_with};
use crate::saml::setup_links::{self, SetupLink};
use crate::web::authenticate::Caller;

const HOME: &str = "/console/security/saml/setup-links";

/// `GET /console/security/saml/setup-links`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    Ok(list_page(request, &caller, "", "", StatusCode::OK, None).await?)
}

/// `POST /console/security/saml/setup-links`: makes one, and shows its code once.
#[handler]
pub async fn create(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let (name, provider) = (fields.text("name"), fields.text("provider"));
    match make(&caller, name, Some(provider).filter(|id| !id.is_empty())).await {
        Err(error) => {
            let (status, error) = refusal(error)?;
            Ok(list_page(request, &caller, name, provider, status, Some(error)).await?)
        }
        Ok((link, code)) => {
            let slug = &caller.facts.workspace.slug;
            let field =
                |id: &str, label: &str, value: String| CopyField { id: id.to_owned(), label: label.to_owned(), value };
            let view = SetupLinkCreatedPage {
                page: frame(request, &caller, Section::Security, "Link created"),
                name: link.name,
                expires: Moment::from_millis(link.expires_at),
                fields: vec![
                    field("setup_page", "Page", page_url(&caller.app, slug)),
                    field("setup_code", "Code", code.reveal().to_owned()),
                    field(
                        "setup_both",
                        "Both in one, for a browser with scripts",
                        page_url_with(&caller.app, slug, &code),
                    ),
                ],
            };
            Ok(answer(request, &caller, StatusCode::OK, &view)?)
        }
    }
}

/// `GET /console/security/saml/setup-links/{id}/revoke`: asks first.
#[handler]
pub async fn confirm_revocation(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let known = setup_links::list(&caller.app, &caller.facts.workspace.id).await?;
    let link = known.into_iter().find(|link| link.id.as_str() == id && link.revoked_at.is_none());
    let link = link.ok_or_else(|| Error::not_found("set-up link"))?;
    let view = ConfirmPage {
        page: frame(request, &caller, Section::Security, "Revoke a set-up link"),
        heading: format!("Revoke the link for {}?", link.name),
        lead: "Its code opens nothing any more. This can’t be undone; you can make another link.".to_owned(),
        ends: vec!["The link, in the browser that it was opened in, too".to_owned()],
        stays: vec!["The identity provider that was made with it, switched on or off as it is".to_owned()],
        action: format!("{HOME}/{}/revoke", link.id),
        reason: None,
        button: "Revoke the link".to_owned(),
        cancel_url: HOME.to_owned(),
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// `POST /console/security/saml/setup-links/{id}/revoke`.
#[handler]
pub async fn revoke(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, _) = posted_by_administrator(request, &sent, HOME).await?;
    setup_links::revoke(&caller.app, &caller.actor, &caller.facts.workspace.id, &id).await?;
    Ok(go(&caller.app, HOME, Told::SetupLinkRevoked))
}

async fn list_page(
    request: &Request,
    caller: &Caller,
    name: &str,
    provider: &str,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let workspace = &caller.facts.workspace.id;
    let known = providers::outlines(&caller.app, workspace).await?;
    let off = known.into_iter().filter(|known| !known.enabled);
    let choice = off.map(|known| {
        let chosen = known.id.as_str() == provider;
        (known.id.to_string(), known.name, chosen)
    });
    let view = SetupLinksPage {
        page: Page { errors: error.into_iter().collect(), ..frame(request, caller, Section::Security, "Set-up links") },
        rows: setup_links::list(&caller.app, workspace).await?.iter().map(row).collect(),
        name: name.to_owned(),
        providers: choice.collect(),
    };
    answer(request, caller, status, &view)
}

fn row(link: &SetupLink) -> SetupLinkRow {
    let (tone, text) = match (link.works, link.revoked_at, link.opened_at) {
        (true, _, None) => (Tone::Info, "Waiting"),
        (true, _, Some(_)) => (Tone::Success, "Opened"),
        (false, Some(_), _) => (Tone::Neutral, "Revoked"),
        (false, None, _) => (Tone::Neutral, "Ended"),
    };
    SetupLinkRow {
        name: link.name.clone(),
        state: Badge { tone, text: text.to_owned() },
        created: Moment::from_millis(link.created_at),
        expires: Moment::from_millis(link.expires_at),
        opened: link.opened_at.map(Moment::from_millis),
        provider_url: link.provider.as_ref().map(|id| format!("{PROVIDERS}/{id}")),
        revoke_url: link.works.then(|| format!("{HOME}/{}/revoke", link.id)),
    }
}
