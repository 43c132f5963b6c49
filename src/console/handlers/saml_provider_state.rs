//! `/console/security/saml/providers/{id}/on`, `…/off` and `…/delete`: each asks first, and says what ends and what stays.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::log_all_users_out::receipt_page;
use super::saml_provider::url_of;
use super::saml_provider_parts::{PROVIDERS, Typed, refusal, sessions_options};
use crate::console::caller::{posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page as frame};
use crate::console::flash::Told;
use crate::console::form::Fields;
use crate::console::saml_providers::ProviderConfirmPage;
use crate::console::{FieldError, Page, Section};
use crate::error::Result;
use crate::policy::model::OnChange;
use crate::saml::provider::StoredProvider;
use crate::saml::providers;
use crate::saml::wanted::{Wanted, Which};
use crate::web::authenticate::Caller;

/// What can be done to a provider as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    SwitchOn,
    SwitchOff,
    Delete,
}

impl Deed {
    /// The last part of its address.
    fn path(self) -> &'static str {
        match self {
            Self::SwitchOn => "on",
            Self::SwitchOff => "off",
            Self::Delete => "delete",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::SwitchOn => "Switch on",
            Self::SwitchOff => "Switch off",
            Self::Delete => "Delete",
        }
    }

    fn told(self) -> Told {
        match self {
            Self::SwitchOn => Told::ProviderSwitchedOn,
            Self::SwitchOff => Told::ProviderSwitchedOff,
            Self::Delete => Told::ProviderDeleted,
        }
    }

    fn lead(self) -> &'static str {
        match self {
            Self::SwitchOn => "From then on it vouches for people of its domains. Test it before.",
            Self::SwitchOff => "Nobody signs in by it until somebody switches it on again.",
            Self::Delete => "Its metadata and settings are gone then. This can’t be undone.",
        }
    }

    fn ends(self, stored: &StoredProvider) -> Vec<String> {
        let domains = match stored.settings.domains.as_slice() {
            [] => "all verified domains that no other provider names".to_owned(),
            named => named.join(", "),
        };
        match self {
            Self::SwitchOn => vec![format!("Single sign-on for people of {domains}")],
            Self::SwitchOff => vec![format!("Sign-ins by it, of people of {domains}"), under_way()],
            Self::Delete => vec![
                format!("Sign-ins by it, of people of {domains}"),
                under_way(),
                "Its settings, with the roles that its groups give".to_owned(),
            ],
        }
    }

    fn stays(self) -> Vec<String> {
        let mut lines = vec!["Accounts, roles and passwords", "Other identity providers, and verified domains"];
        match self {
            Self::SwitchOn => {}
            Self::SwitchOff => lines.push("Its metadata and settings"),
            Self::Delete => lines.push("Who signed in by it before: they are known again if it comes back"),
        }
        lines.into_iter().map(str::to_owned).collect()
    }
}

fn under_way() -> String {
    "Sign-ins by it that are under way".to_owned()
}

/// `GET /console/security/saml/providers/{id}/on`.
#[handler]
pub async fn confirm_on(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    Ok(ask(request, &id, Deed::SwitchOn).await?)
}

/// `POST /console/security/saml/providers/{id}/on`.
#[handler]
pub async fn switch_on(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    Ok(carry_out(request, &sent, &id, Deed::SwitchOn).await?)
}

/// `GET /console/security/saml/providers/{id}/off`.
#[handler]
pub async fn confirm_off(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    Ok(ask(request, &id, Deed::SwitchOff).await?)
}

/// `POST /console/security/saml/providers/{id}/off`.
#[handler]
pub async fn switch_off(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    Ok(carry_out(request, &sent, &id, Deed::SwitchOff).await?)
}

/// `GET /console/security/saml/providers/{id}/delete`.
#[handler]
pub async fn confirm_deletion(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    Ok(ask(request, &id, Deed::Delete).await?)
}

/// `POST /console/security/saml/providers/{id}/delete`.
#[handler]
pub async fn delete(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    Ok(carry_out(request, &sent, &id, Deed::Delete).await?)
}

async fn ask(request: &Request, id: &str, deed: Deed) -> Result<Response> {
    let caller = recent_administrator(request).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, id).await?;
    page(request, &caller, &stored, deed, None, StatusCode::OK, None).await
}

async fn carry_out(request: &Request, sent: &[u8], id: &str, deed: Deed) -> Result<Response> {
    let back = format!("{PROVIDERS}/{id}/{}", deed.path());
    let (caller, fields) = posted_by_administrator(request, sent, &back).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, id).await?;
    let (status, error) = match Typed::read(&fields) {
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error),
        Ok(typed) => match do_it(&caller, &stored, deed, &typed).await {
            Ok(response) => return Ok(response),
            Err(error) => refusal(error)?,
        },
    };
    page(request, &caller, &stored, deed, Some(&fields), status, Some(error)).await
}

async fn do_it(caller: &Caller, stored: &StoredProvider, deed: Deed, typed: &Typed) -> Result<Response> {
    let (change, facts, id) = (typed.change(caller), Some(caller.facts.as_ref()), stored.id.as_str());
    let (app, actor) = (&caller.app, &caller.actor);
    let receipt = match deed {
        Deed::Delete => providers::delete(app, actor, facts, &change, id, typed.if_version).await?,
        Deed::SwitchOn | Deed::SwitchOff => {
            let enabled = Some(deed == Deed::SwitchOn);
            let wanted = Wanted { enabled, if_version: typed.if_version, ..Wanted::of(Which::Id(id)) };
            providers::save(app, actor, facts, &change, &wanted).await?.receipt
        }
    };
    let next = if deed == Deed::Delete { PROVIDERS.to_owned() } else { url_of(stored) };
    Ok(match receipt {
        Some(receipt) => receipt_page(app, &receipt),
        None => go(app, &next, deed.told()),
    })
}

async fn page(
    request: &Request,
    caller: &Caller,
    stored: &StoredProvider,
    deed: Deed,
    fields: Option<&Fields>,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let typed = fields.and_then(|fields| fields.get("sessions")).and_then(OnChange::parse);
    // Of one that is off and is deleted, no session is the worse.
    let asks = stored.enabled || deed == Deed::SwitchOn;
    let sessions = if asks { Some(sessions_options(caller, typed).await?) } else { None };
    let heading = format!("{} {}?", deed.verb(), stored.name);
    let view = ProviderConfirmPage {
        page: Page {
            errors: error.into_iter().collect(),
            ..frame(request, caller, Section::Security, &format!("{} an identity provider", deed.verb()))
        },
        heading,
        lead: deed.lead().to_owned(),
        ends: deed.ends(stored),
        ends_heading: if deed == Deed::SwitchOn { "Begins now" } else { "Ends now" },
        stays: deed.stays(),
        action: format!("{}/{}", url_of(stored), deed.path()),
        if_version: stored.version.to_string(),
        sessions,
        reason: fields.map(|fields| fields.text("reason").to_owned()).unwrap_or_default(),
        button: format!("{} {}", deed.verb(), stored.name),
        dangerous: deed != Deed::SwitchOn,
        cancel_url: url_of(stored),
    };
    answer(request, caller, status, &view)
}
