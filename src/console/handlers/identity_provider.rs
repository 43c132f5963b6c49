//! `/console/security/saml`: importing an identity provider. How one is switched off: `saml_provider_state.rs`.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use super::ip_allowlist::require_reason;
use super::log_all_users_out::receipt_page;
use super::policy::chosen_for_saml;
use super::security::{HOME, Refused, page};
use crate::console::caller::posted_by_administrator;
use crate::console::chrome::{go, sentence, status_of, wrong};
use crate::console::flash::Told;
use crate::console::form::Fields;
use crate::error::{CONFLICT, Error, PRECONDITION_FAILED, UNPROCESSABLE};
use crate::policy::model::OnChange;
use crate::saml::configure::{Change, import};
use crate::sessions::model::Role;
use crate::web::authenticate::Caller;

/// The form as somebody filled it in.
pub struct Typed {
    pub metadata_xml: String,
    /// The provider that was shown to be replaced, and its version.
    shown: Option<(String, i64)>,
    pub reason: String,
    pub sessions: OnChange,
}

impl Typed {
    /// Nothing yet.
    pub fn blank(sessions: OnChange) -> Self {
        Self { metadata_xml: String::new(), shown: None, reason: String::new(), sessions }
    }

    fn read(fields: &Fields) -> Self {
        Self {
            metadata_xml: fields.text("metadata_xml").to_owned(),
            shown: fields.text("version").parse().ok().map(|version| (fields.text("provider").to_owned(), version)),
            reason: fields.text("reason").to_owned(),
            sessions: chosen_for_saml(fields, "sessions"),
        }
    }

    fn shown(&self) -> Option<(&str, i64)> {
        self.shown.as_ref().map(|(id, version)| (id.as_str(), *version))
    }

    fn change<'a>(&'a self, caller: &'a Caller) -> Change<'a> {
        let workspace = &caller.facts.workspace;
        let reason = Some(self.reason.as_str()).filter(|reason| !reason.is_empty());
        let by_owner = caller.facts.user.role == Role::Owner;
        Change {
            workspace: &workspace.id,
            label: &workspace.slug,
            sessions: Some(self.sessions),
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
    let (status, error) = match require_reason(&typed.reason, typed.sessions != OnChange::Keep, "saml_reason") {
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error),
        Ok(()) => {
            match import(&caller.app, &caller.actor, &typed.change(&caller), typed.shown(), &typed.metadata_xml).await {
                Ok(Some(receipt)) if receipt.scope == "workspace" => return Ok(receipt_page(&caller.app, &receipt)),
                Ok(_) => return Ok(go(&caller.app, HOME, Told::SamlSaved)),
                Err(error) if [UNPROCESSABLE, CONFLICT, PRECONDITION_FAILED].contains(&error.problem()) => {
                    (status_of(&error), wrong("metadata_xml", sentence(&advised(&error))))
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    let errors = vec![error];
    Ok(page(request, &caller, Refused { status, errors, saml: Some(typed), ..Refused::default() }).await?)
}

/// What is wrong, and where another provider is added or replaced.
fn advised(error: &Error) -> String {
    match error.field() {
        Some("provider") => format!("{}: replace it, or add another one, under Identity providers", error.detail()),
        _ => error.detail().to_owned(),
    }
}
