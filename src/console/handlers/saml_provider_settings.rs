//! `/console/security/saml/providers/{id}/settings` and `…/enforcement`: the two forms of an identity provider.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::saml_provider::{save, save_as, url_of};
use super::saml_provider_parts::{PROVIDERS, Typed, refusal, sessions_options, tested_by};
use crate::console::caller::{posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, page as frame, wrong};
use crate::console::form::Fields;
use crate::console::parts::Moment;
use crate::console::saml_providers::{DomainBox, EnforcementPage, ProviderSettingsPage, SettingsForm};
use crate::console::{FieldError, Page, Section};
use crate::error::Result;
use crate::policy::model::OnChange;
use crate::saml::configure::Change;
use crate::saml::provider::StoredProvider;
use crate::saml::providers;
use crate::saml::sealed::EncryptedAssertions;
use crate::saml::settings::{AttributeMapping, Enforcement, SettingsChange};
use crate::saml::wanted::Wanted;
use crate::web::authenticate::Caller;
use crate::workspaces;

/// Fields of attributes, and their labels.
const ATTRIBUTES: [(&str, &str); 5] = [
    ("attributes.email", "E-mail address"),
    ("attributes.display_name", "Display name"),
    ("attributes.given_name", "Given name"),
    ("attributes.family_name", "Family name"),
    ("attributes.groups", "Groups"),
];

/// `GET /console/security/saml/providers/{id}/settings`.
#[handler]
pub async fn show(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id).await?;
    let form = saved(&stored, domains(&caller, &stored).await?);
    Ok(page(request, &caller, &stored, form, Choice::default(), StatusCode::OK, None).await?)
}

/// What the form chose beside the settings.
#[derive(Default)]
struct Choice {
    sessions: Option<OnChange>,
    reason: String,
}

/// `POST /console/security/saml/providers/{id}/settings`.
#[handler]
pub async fn apply(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let back = format!("{PROVIDERS}/{id}/settings");
    let (caller, fields) = posted_by_administrator(request, &sent, &back).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id).await?;
    let form = typed(&fields, domains(&caller, &stored).await?);
    let outcome = match Typed::read(&fields).and_then(|typed| Ok((typed, wanted_settings(&form)?))) {
        Err(error) => Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, error))),
        Ok((typed, settings)) => save_settings(&caller, &stored, &form, &typed, settings).await,
    };
    match outcome? {
        Ok(response) => Ok(response),
        Err((status, error)) => {
            let choice = Choice { sessions: chosen(&fields), reason: fields.text("reason").to_owned() };
            Ok(page(request, &caller, &stored, form, choice, status, Some(error)).await?)
        }
    }
}

/// The choice of a form, for the form that comes back.
fn chosen(fields: &Fields) -> Option<OnChange> {
    fields.get("sessions").and_then(OnChange::parse)
}

async fn save_settings(
    caller: &Caller,
    stored: &StoredProvider,
    form: &SettingsForm,
    typed: &Typed,
    settings: SettingsChange,
) -> Result<Result<Response, (StatusCode, FieldError)>> {
    let wanted = Wanted { name: Some(&form.name), ..typed.of_settings(stored.id.as_str(), settings) };
    let encrypted = match form.encrypted_assertions {
        true => EncryptedAssertions::Required,
        false => EncryptedAssertions::Optional,
    };
    let change = Change { encrypted_assertions: Some(encrypted), ..typed.change(caller) };
    match save_as(caller, stored, &change, &wanted).await {
        Ok(response) => Ok(Ok(response)),
        Err(error) => refusal(error).map(Err),
    }
}

/// Verified domains, and those that the provider serves though they aren't any more.
async fn domains(caller: &Caller, stored: &StoredProvider) -> Result<Vec<DomainBox>> {
    let verified = workspaces::verified_domains(&caller.app, &caller.facts.workspace.id).await?;
    let served = &stored.settings.domains;
    let lost = served.iter().filter(|domain| !verified.contains(domain));
    let lost = lost.map(|domain| DomainBox { domain: domain.clone(), ticked: true, verified: false });
    let known = verified.iter().map(|domain| DomainBox {
        domain: domain.clone(),
        ticked: served.contains(domain),
        verified: true,
    });
    Ok(known.chain(lost).collect())
}

/// The form as it is saved.
fn saved(stored: &StoredProvider, domains: Vec<DomainBox>) -> SettingsForm {
    let set = &stored.settings;
    let names = &set.attributes;
    let attributes = [&names.email, &names.display_name, &names.given_name, &names.family_name, &names.groups];
    let attribute = |((field, label), name): ((&'static str, &'static str), &Option<String>)| {
        (field, label, name.clone().unwrap_or_default())
    };
    let roles = set.roles.iter().map(|pair| format!("{} = {}", pair.group, pair.role.as_str()));
    SettingsForm {
        if_version: stored.version.to_string(),
        name: stored.name.clone(),
        domains,
        encrypted_assertions: stored.encrypted_assertions == EncryptedAssertions::Required,
        sign_requests: set.sign_requests,
        sso_binding: set.sso_binding.as_str().to_owned(),
        force_authn: set.force_authn,
        idp_initiated: set.idp_initiated,
        single_logout: set.single_logout,
        authn_contexts: set.authn_contexts.join("\n"),
        name_id_format: set.name_id_format.clone().unwrap_or_default(),
        just_in_time: match set.just_in_time {
            None => "policy",
            Some(true) => "yes",
            Some(false) => "no",
        }
        .to_owned(),
        link_existing: set.link_existing,
        attributes: ATTRIBUTES.into_iter().zip(attributes).map(attribute).collect(),
        roles: roles.collect::<Vec<_>>().join("\n"),
    }
}

/// The form as somebody filled it in.
fn typed(fields: &Fields, domains: Vec<DomainBox>) -> SettingsForm {
    let text = |name: &str| fields.text(name).to_owned();
    let ticked = |mut row: DomainBox| {
        row.ticked = fields.ticked(&format!("domain_{}", row.domain));
        row
    };
    SettingsForm {
        if_version: text("if_version"),
        name: text("name"),
        domains: domains.into_iter().map(ticked).collect(),
        encrypted_assertions: fields.ticked("encrypted_assertions"),
        sign_requests: fields.ticked("sign_requests"),
        sso_binding: text("sso_binding"),
        force_authn: fields.ticked("force_authn"),
        idp_initiated: fields.ticked("idp_initiated"),
        single_logout: fields.ticked("single_logout"),
        authn_contexts: text("authn_contexts"),
        name_id_format: text("name_id_format"),
        just_in_time: text("just_in_time"),
        link_existing: fields.ticked("link_existing"),
        attributes: ATTRIBUTES.into_iter().map(|(field, label)| (field, label, text(field))).collect(),
        roles: text("roles"),
    }
}

/// What the form asks for.
///
/// # Errors
/// What is wrong with it, for the page; bounds are judged by the operation.
fn wanted_settings(form: &SettingsForm) -> Result<SettingsChange, FieldError> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let mut names = form.attributes.iter().map(|(_, _, name)| Some(name.clone()).filter(|name| !name.is_empty()));
    let mut next = || names.next().flatten();
    let attributes = AttributeMapping {
        email: next(),
        display_name: next(),
        given_name: next(),
        family_name: next(),
        groups: next(),
    };
    Ok(SettingsChange {
        sso_binding: Some(form.sso_binding.clone()),
        sign_requests: Some(form.sign_requests),
        force_authn: Some(form.force_authn),
        authn_contexts: Some(lines(&form.authn_contexts)),
        name_id_format: Some(Some(form.name_id_format.clone()).filter(|format| !format.is_empty())),
        idp_initiated: Some(form.idp_initiated),
        just_in_time: Some(match form.just_in_time.as_str() {
            "policy" => None,
            other => Some(other == "yes"),
        }),
        link_existing: Some(form.link_existing),
        attributes: Some(attributes),
        roles: Some(lines(&form.roles).iter().map(|line| role(line)).collect::<Result<_, _>>()?),
        domains: Some(form.domains.iter().filter(|row| row.ticked).map(|row| row.domain.clone()).collect()),
        enforcement: None,
        single_logout: Some(form.single_logout),
    })
}

/// `group = role`; the group may have the sign, too.
fn role(line: &str) -> Result<(String, String), FieldError> {
    let bad = || wrong("roles", format!("“{line}” is no group and role such as “Platform team = admin”."));
    let (group, role) = line.rsplit_once('=').ok_or_else(bad)?;
    Ok((group.trim().to_owned(), role.trim().to_owned()))
}

async fn page(
    request: &Request,
    caller: &Caller,
    stored: &StoredProvider,
    form: SettingsForm,
    choice: Choice,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let sessions = if stored.enabled { Some(sessions_options(caller, choice.sessions).await?) } else { None };
    let view = ProviderSettingsPage {
        page: Page { errors: error.into_iter().collect(), ..frame(request, caller, Section::Security, "Settings") },
        action: format!("{}/settings", url_of(stored)),
        form,
        sessions,
        reason: choice.reason,
        cancel_url: url_of(stored),
    };
    answer(request, caller, status, &view)
}

/// `GET /console/security/saml/providers/{id}/enforcement`.
#[handler]
pub async fn show_enforcement(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id).await?;
    let required = stored.settings.enforcement == Enforcement::Required;
    Ok(enforcement_page(request, &caller, &stored, required, Choice::default(), StatusCode::OK, None).await?)
}

/// `POST /console/security/saml/providers/{id}/enforcement`. What it needs is decided in `saml`; a refusal says what is missing.
#[handler]
pub async fn enforce(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let back = format!("{PROVIDERS}/{id}/enforcement");
    let (caller, fields) = posted_by_administrator(request, &sent, &back).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id).await?;
    let enforcement = Some(fields.text("enforcement").to_owned());
    let settings = SettingsChange { enforcement, ..SettingsChange::default() };
    let (status, error) = match Typed::read(&fields) {
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error),
        Ok(typed) => match save(&caller, &stored, &typed, &typed.of_settings(stored.id.as_str(), settings)).await {
            Ok(response) => return Ok(response),
            Err(error) => refusal(error)?,
        },
    };
    let required = fields.text("enforcement") == Enforcement::Required.as_str();
    let choice = Choice { sessions: chosen(&fields), reason: fields.text("reason").to_owned() };
    Ok(enforcement_page(request, &caller, &stored, required, choice, status, Some(error)).await?)
}

async fn enforcement_page(
    request: &Request,
    caller: &Caller,
    stored: &StoredProvider,
    required: bool,
    choice: Choice,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let sessions = if stored.enabled { Some(sessions_options(caller, choice.sessions).await?) } else { None };
    let view = EnforcementPage {
        page: Page { errors: error.into_iter().collect(), ..frame(request, caller, Section::Security, "Enforcement") },
        action: format!("{}/enforcement", url_of(stored)),
        name: stored.name.clone(),
        id: stored.id.to_string(),
        if_version: stored.version.to_string(),
        required,
        domains: stored.settings.domains.clone(),
        tested: stored.tested_at.map(Moment::from_millis),
        tested_by: tested_by(caller, stored),
        sessions,
        reason: choice.reason,
        cancel_url: url_of(stored),
    };
    answer(request, caller, status, &view)
}
