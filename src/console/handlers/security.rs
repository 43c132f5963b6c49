//! `/console/security`: the page with its three forms. What each form does is in `policy.rs`, `ip_allowlist.rs` and
//! `identity_provider.rs`; a form that was refused comes back on this page.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use super::{domains, identity_provider, ip_allowlist, policy, sso};
use crate::console::caller::administrator;
use crate::console::chrome::{answer, page as frame};
use crate::console::confirm::SessionsChoice;
use crate::console::parts::Count;
use crate::console::security::{PolicyForm, SecurityPage};
use crate::console::sso::SingleSignOn;
use crate::console::{FieldError, Page, Section};
use crate::error::Result;
use crate::policy::model::OnChange;
use crate::policy::read;
use crate::saml::configure::ServiceProvider;
use crate::security::preview::{Preview, preview};
use crate::users::access_groups;
use crate::web::authenticate::Caller;
use crate::web::pipeline::see_other;

/// The address of the page.
pub const HOME: &str = "/console/security";

/// A form that comes back: what was typed, and what is wrong with it. An empty one shows what is saved.
#[derive(Default)]
pub struct Refused {
    pub status: StatusCode,
    pub errors: Vec<FieldError>,
    pub policy: Option<PolicyForm>,
    pub allowlist: Option<ip_allowlist::Typed>,
    pub domain: Option<String>,
    pub saml: Option<identity_provider::Typed>,
}

/// `GET /console/security`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    Ok(page(request, &caller, Refused::default()).await?)
}

/// `GET` of an address that only forms are posted to.
#[handler]
pub fn back() -> Response {
    see_other(HOME)
}

/// The page, with a form that was refused.
pub async fn page(request: &Request, caller: &Caller, refused: Refused) -> Result<Response> {
    let (app, workspace) = (&caller.app, &caller.facts.workspace.id);
    let current = read::policy(app, workspace).await?;
    let provisioning = read::provisioning(app, workspace).await?;
    let groups = access_groups::lines(app, workspace, &provisioning.access_groups).await?;
    let list = read::allowlist(app, workspace).await?;
    let found = preview(app, workspace, caller.actor.session.as_ref(), false).await?;
    let configured = sso::is_configured(caller).await?;
    let view = SecurityPage {
        page: Page { errors: refused.errors, ..frame(request, caller, Section::Security, "Security") },
        policy: refused.policy.unwrap_or_else(|| policy::form(&current, &provisioning, groups, configured)),
        ip_allowlist: ip_allowlist::form(
            caller,
            &list,
            refused.allowlist,
            choice(current.on_ip_allowlist_change, &found),
        ),
        domains: domains::form(caller, refused.domain).await?,
        saml: single_sign_on(caller, refused.saml, current.on_saml_change, &found).await?,
        sessions: sessions_of(&found),
        users: users_of(&found),
    };
    answer(request, caller, refused.status, &view)
}

/// Sessions that logging everybody out would end now.
pub fn sessions_of(found: &Preview) -> Count {
    Count::capped(found.would_end.sessions, found.would_end.more, "session", "sessions")
}

/// Users whom those sessions belong to.
pub fn users_of(found: &Preview) -> Count {
    Count::of(found.would_end.users, "user", "users")
}

/// The choice what becomes of sessions, set as the policy has it.
pub fn choice(default: OnChange, found: &Preview) -> SessionsChoice {
    SessionsChoice {
        log_all_users_out: default == OnChange::LogAllUsersOut,
        log_out_affected: None,
        would_end: format!("{} of {}", sessions_of(found).phrase, users_of(found).phrase),
    }
}

async fn single_sign_on(
    caller: &Caller,
    typed: Option<identity_provider::Typed>,
    default: OnChange,
    found: &Preview,
) -> Result<SingleSignOn> {
    let choice = choice(default, found);
    let shown = sso::load(caller).await?;
    let domains = crate::workspaces::verified_domains(&caller.app, &caller.facts.workspace.id).await?;
    let typed = typed.unwrap_or_else(|| identity_provider::Typed::blank(default));
    Ok(SingleSignOn {
        state: shown.state,
        provider: shown.provider,
        service_provider: sso::service_provider(caller),
        certificates: sso::own_certificates(&ServiceProvider::of(&caller.app, &caller.facts.workspace.slug)),
        domains,
        metadata_xml: typed.metadata_xml,
        reason: typed.reason,
        sessions: choice.for_saml(typed.sessions),
    })
}
