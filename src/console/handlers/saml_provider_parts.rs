//! What the pages of identity providers have in common: how one is shown, how a change of it is read from a form, and what is
//! said of one that was refused.

use poem::http::StatusCode;

use super::ip_allowlist::require_reason;
use super::saml_attempts::outcome;
use super::security::{sessions_of, users_of};
use super::sso;
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::base::page::PageRequest;
use crate::console::FieldError;
use crate::console::chrome::{sentence, status_of, wrong};
use crate::console::form::Fields;
use crate::console::parts::{Badge, CopyField, Count, Moment, Tone};
use crate::console::saml_providers::{LastAttempt, ProductValues, ReadMetadata, SessionsOption};
use crate::error::{Error, Result};
use crate::policy::model::OnChange;
use crate::policy::read;
use crate::saml::attempts::{self, Sought};
use crate::saml::configure::{self, Change, ServiceProvider};
use crate::saml::product_values::{Guide, Labelled};
use crate::saml::provider::StoredProvider;
use crate::saml::settings::SettingsChange;
use crate::saml::setup_links::is_contact;
use crate::saml::wanted::{Wanted, Which};
use crate::security::http::on_saml_change;
use crate::security::preview::{Preview, preview};
use crate::sessions::model::Role;
use crate::web::authenticate::Caller;

/// The list of identity providers.
pub const PROVIDERS: &str = "/console/security/saml/providers";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// From here on a certificate is said to end soon.
const SOON_DAYS: i64 = 30;

/// Where metadata comes from, as a form says it: pasted, or an address.
pub struct Source<'a> {
    pub xml: &'a str,
    pub url: &'a str,
}

impl<'a> Source<'a> {
    pub fn read(fields: &'a Fields) -> Self {
        Self { xml: fields.text("metadata_xml"), url: fields.text("metadata_url") }
    }

    /// # Errors
    /// 422 naming `metadata_xml` if the form was sent empty.
    pub fn require(&self) -> Result<()> {
        if self.xml.trim().is_empty() && self.url.trim().is_empty() {
            return Err(Error::unprocessable("metadata_xml", "paste the metadata, or give its address"));
        }
        Ok(())
    }

    /// The change that takes metadata from there.
    pub fn wanted(&self, which: Which<'a>) -> Wanted<'a> {
        let url = Some(self.url.trim()).filter(|url| !url.is_empty());
        // An address with nothing pasted beside it; both are refused, neither is metadata that can't be read.
        let xml = Some(self.xml).filter(|xml| url.is_none() || !xml.trim().is_empty());
        Wanted { metadata: xml, metadata_url: url, ..Wanted::of(which) }
    }
}

/// What can become of sessions, in the order of the form; `{all}` is how many there are.
const CHOICES: &[(OnChange, &str)] = &[
    (OnChange::Keep, "Keep them"),
    (OnChange::LogOutAffected, "Log out those that the change affects; yours is kept"),
    (OnChange::LogAllUsersOut, "Log all users out: {all} end, yours is kept"),
];

fn options(default: OnChange, found: &Preview) -> Vec<SessionsOption> {
    let all = format!("{} of {}", sessions_of(found).phrase, users_of(found).phrase);
    let option = |(choice, label): &(OnChange, &str)| SessionsOption {
        value: choice.as_str(),
        label: label.replace("{all}", &all),
        checked: *choice == default,
    };
    CHOICES.iter().map(option).collect()
}

/// The choice what becomes of sessions: set as it was typed, else as the policy has it.
pub async fn sessions_options(caller: &Caller, typed: Option<OnChange>) -> Result<Vec<SessionsOption>> {
    let (app, workspace) = (&caller.app, &caller.facts.workspace.id);
    let default = match typed {
        Some(typed) => typed,
        None => read::policy(app, workspace).await?.on_saml_change,
    };
    let found = preview(app, workspace, caller.actor.session.as_ref(), false).await?;
    Ok(options(default, &found))
}

/// The part of a form that says what a change does beside itself.
#[derive(Default)]
pub struct Typed {
    pub sessions: Option<OnChange>,
    pub reason: String,
    pub if_version: Option<i64>,
}

impl Typed {
    /// Reads it; sessions stay where the form has no choice, because nobody signs in by the provider.
    ///
    /// # Errors
    /// What is wrong with it, for the page.
    pub fn read(fields: &Fields) -> Result<Self, FieldError> {
        let sessions = on_saml_change("sessions", fields.get("sessions"));
        let sessions = sessions.map_err(|_| wrong("sessions", "Choose what becomes of sessions."))?;
        let reason = fields.text("reason").to_owned();
        require_reason(&reason, sessions.is_some_and(|choice| choice != OnChange::Keep), "reason")?;
        Ok(Self { sessions, reason, if_version: fields.text("if_version").parse().ok() })
    }

    /// The change of a provider by the caller.
    pub fn change<'a>(&'a self, caller: &'a Caller) -> Change<'a> {
        let workspace = &caller.facts.workspace;
        Change {
            workspace: &workspace.id,
            label: &workspace.slug,
            sessions: Some(self.sessions.unwrap_or(OnChange::Keep)),
            reason: Some(self.reason.as_str()).filter(|reason| !reason.is_empty()),
            by_owner: caller.facts.user.role == Role::Owner,
            encrypted_assertions: None,
        }
    }

    /// A change of the settings of one provider, in the version that the form was filled from.
    pub fn of_settings<'a>(&self, id: &'a str, settings: SettingsChange) -> Wanted<'a> {
        Wanted { settings, if_version: self.if_version, ..Wanted::of(Which::Id(id)) }
    }
}

/// Inputs that an error can lead to.
const INPUTS: [&str; 17] = [
    "name",
    "metadata_xml",
    "metadata_url",
    "domains",
    "encrypted_assertions",
    "sso_binding",
    "authn_contexts",
    "name_id_format",
    "attributes.email",
    "attributes.display_name",
    "attributes.given_name",
    "attributes.family_name",
    "attributes.groups",
    "roles",
    "enforcement",
    "sessions",
    "reason",
];

/// What a page says of a change that was refused, and its status.
///
/// # Errors
/// The error itself, if no form can put it right.
pub fn refusal(error: Error) -> Result<(StatusCode, FieldError)> {
    let status = match error.problem().status {
        400 | 422 => StatusCode::UNPROCESSABLE_ENTITY,
        409 | 412 => status_of(&error),
        _ => return Err(error),
    };
    let field = error.field().and_then(|field| INPUTS.into_iter().find(|known| *known == field)).unwrap_or_default();
    let text = match field {
        "name" if error.detail().starts_with("must ") => format!("The name {}.", error.detail()),
        "authn_contexts" | "name_id_format" if error.detail().starts_with("must ") => {
            format!("A URI {}.", error.detail())
        }
        _ => sentence(error.detail()),
    };
    Ok((status, wrong(field, text)))
}

/// What stored metadata says; `None` if it can't be used any more.
pub fn read_metadata(app: &App, metadata: &str) -> Option<ReadMetadata> {
    let parsed = configure::parse(app, metadata).ok()?;
    let addresses = [("redirect", parsed.sso_redirect_url), ("POST", parsed.sso_post_url)];
    Some(ReadMetadata {
        addresses: addresses.into_iter().filter_map(|(binding, address)| Some((binding, address?))).collect(),
        wants_signed: parsed.want_signed_requests,
        certificates: sso::certificate_rows(&parsed.certificates, app.clock.now()),
        entity_id: parsed.entity_id,
    })
}

/// Whether people sign in by a provider.
pub fn state(stored: &StoredProvider, usable: bool) -> Badge {
    let (tone, text) = match (stored.enabled, usable) {
        (false, _) => (Tone::Neutral, "Off"),
        (true, true) => (Tone::Success, "On"),
        (true, false) => (Tone::Danger, "Metadata unusable"),
    };
    Badge { tone, text: text.to_owned() }
}

/// How long the certificate lasts that ends last.
pub fn certificate(not_after: Option<UnixMillis>, now: UnixMillis) -> Badge {
    let (tone, text) = match not_after.map(|end| (end - now).div_euclid(DAY_MS)) {
        None => (Tone::Warning, "Not known".to_owned()),
        Some(days) if days < 0 => (Tone::Danger, "Ended".to_owned()),
        Some(days) if days < SOON_DAYS => (Tone::Warning, format!("Ends in {}", Count::of(days, "day", "days").phrase)),
        Some(days) => (Tone::Success, Count::of(days, "day", "days").phrase),
    };
    Badge { tone, text }
}

/// The newest attempt of a provider.
pub async fn last_attempt(caller: &Caller, id: &str) -> Result<Option<LastAttempt>> {
    let newest = PageRequest::first(1);
    let its_own = Sought { provider: Some(id), ..Sought::default() };
    let found = attempts::list(&caller.app, &caller.facts.workspace.id, its_own, &newest).await?;
    Ok(found.items.first().map(|attempt| LastAttempt {
        url: format!("/console/security/saml/attempts/{}", attempt.id),
        at: Moment::from_millis(attempt.at),
        outcome: outcome(attempt.accepted),
    }))
}

/// Who made the test that passed, as far as that matters to the caller.
pub fn tested_by(caller: &Caller, stored: &StoredProvider) -> &'static str {
    match &stored.tested_by {
        Some(by) if *by == caller.facts.user.id => "you",
        Some(by) if is_contact(by) => "an IT contact",
        _ => "an administrator",
    }
}

/// What to enter at one product, for one workspace.
pub fn values(guide: &'static Guide, us: &ServiceProvider) -> ProductValues {
    let field = |(number, labelled): (usize, Labelled)| CopyField {
        id: format!("value_{number}"),
        label: labelled.label.to_owned(),
        value: labelled.value,
    };
    ProductValues {
        title: guide.title,
        begin: guide.begin,
        values: guide.values_for(us).into_iter().enumerate().map(field).collect(),
        choices: guide.choices.to_vec(),
        metadata: guide.metadata,
        our_metadata_url: us.entity_id.clone(),
        certificates: sso::own_certificates(us),
    }
}
