//! `/console/security/saml`: importing an identity provider and removing it.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use super::ip_allowlist::require_reason;
use super::log_all_users_out::receipt_page;
use super::policy::{chosen, on_change_of};
use super::security::{HOME, Refused, choice, page};
use super::sso;
use crate::console::caller::{posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page as frame, sentence, status_of, wrong};
use crate::console::confirm::{ConfirmPage, SessionsChoice};
use crate::console::flash::Told;
use crate::console::form::Fields;
use crate::console::{FieldError, Page, Section};
use crate::error::{Error, NOT_FOUND, Result, UNPROCESSABLE, WOULD_LOCK_OUT_CALLER};
use crate::policy::read;
use crate::saml::configure::{Change, disable, import};
use crate::security::preview::preview;
use crate::sessions::model::Role;
use crate::web::authenticate::Caller;

const REMOVE: &str = "/console/security/saml/remove";

/// The form as somebody filled it in.
pub struct Typed {
    pub metadata_xml: String,
    pub reason: String,
    pub log_all_users_out: bool,
}

impl Typed {
    /// Nothing yet.
    pub fn blank(log_all_users_out: bool) -> Self {
        Self { metadata_xml: String::new(), reason: String::new(), log_all_users_out }
    }

    fn read(fields: &Fields) -> Self {
        Self {
            metadata_xml: fields.text("metadata_xml").to_owned(),
            reason: fields.text("reason").to_owned(),
            log_all_users_out: chosen(fields, "sessions"),
        }
    }

    fn change<'a>(&'a self, caller: &'a Caller) -> Change<'a> {
        let workspace = &caller.facts.workspace;
        let reason = Some(self.reason.as_str()).filter(|reason| !reason.is_empty());
        let by_owner = caller.facts.user.role == Role::Owner;
        Change {
            workspace: &workspace.id,
            label: &workspace.slug,
            sessions: Some(on_change_of(self.log_all_users_out)),
            reason,
            by_owner,
            encrypted_assertions: None,
        }
    }
}

/// `POST /console/security/saml`.
#[handler]
pub async fn save(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let typed = Typed::read(&fields);
    let error = match require_reason(&typed.reason, typed.log_all_users_out, "saml_reason") {
        Err(error) => error,
        Ok(()) => match import(&caller.app, &caller.actor, &typed.change(&caller), &typed.metadata_xml).await {
            Ok(Some(receipt)) => return Ok(receipt_page(&caller.app, &receipt)),
            Ok(None) => return Ok(go(&caller.app, HOME, Told::SamlSaved)),
            Err(error) if error.problem() == UNPROCESSABLE => wrong("metadata_xml", sentence(error.detail())),
            Err(error) => return Err(error.into()),
        },
    };
    let (status, errors) = (StatusCode::UNPROCESSABLE_ENTITY, vec![error]);
    Ok(page(request, &caller, Refused { status, errors, saml: Some(typed), ..Refused::default() }).await?)
}

/// `GET /console/security/saml/remove`: asks first.
#[handler]
pub async fn confirm_removal(request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    Ok(confirmation(request, &caller, None, StatusCode::OK, None).await?)
}

/// `POST /console/security/saml/remove`.
#[handler]
pub async fn remove(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let typed = Typed::read(&fields);
    // The form asks for a reason whatever becomes of the sessions.
    let (status, error) = match require_reason(&typed.reason, true, "reason") {
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error),
        Ok(()) => match disable(&caller.app, &caller.actor, Some(&caller.facts), &typed.change(&caller)).await {
            Ok(Some(receipt)) => return Ok(receipt_page(&caller.app, &receipt)),
            Ok(None) => return Ok(go(&caller.app, HOME, Told::SamlRemoved)),
            Err(error) if error.problem() == WOULD_LOCK_OUT_CALLER => {
                (status_of(&error), wrong("", sentence(error.detail())))
            }
            Err(error) => return Err(error.into()),
        },
    };
    Ok(confirmation(request, &caller, Some(typed), status, Some(error)).await?)
}

async fn confirmation(
    request: &Request,
    caller: &Caller,
    typed: Option<Typed>,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let workspace = &caller.facts.workspace.id;
    if !sso::is_configured(caller).await? {
        return Err(Error::new(NOT_FOUND, "no identity provider is switched on"));
    }
    let policy = read::policy(&caller.app, workspace).await?;
    let found = preview(&caller.app, workspace, caller.actor.session.as_ref(), false).await?;
    let choice = choice(policy.on_saml_change, &found);
    let typed = typed.unwrap_or_else(|| Typed::blank(choice.log_all_users_out));
    let view = ConfirmPage {
        page: Page {
            errors: error.into_iter().collect(),
            ..frame(request, caller, Section::Security, "Remove the identity provider")
        },
        heading: "Remove the identity provider?".to_owned(),
        lead: "Nobody can sign in by single sign-on until another one is imported.".to_owned(),
        ends: vec!["Single sign-on, and sign-ins that are under way".to_owned()],
        stays: vec![
            "Accounts, roles and passwords".to_owned(),
            "Verified domains".to_owned(),
            "Provisioning over SCIM".to_owned(),
        ],
        action: REMOVE.to_owned(),
        sessions: Some(SessionsChoice { log_all_users_out: typed.log_all_users_out, ..choice }),
        reason: Some(typed.reason),
        button: "Remove identity provider".to_owned(),
        cancel_url: format!("{HOME}#saml"),
    };
    answer(request, caller, status, &view)
}
