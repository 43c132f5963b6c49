//! `/console/security/saml/providers/{id}`: one identity provider, its metadata replaced, and an owner's word for it.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::log_all_users_out::receipt_page;
use super::saml_provider_parts::{
    PROVIDERS, Source, Typed, last_attempt, read_metadata, refusal, sessions_options, state, tested_by,
};
use super::saml_providers::address_of;
use crate::app::App;
use crate::console::caller::{administrator, posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page as frame};
use crate::console::flash::Told;
use crate::console::form::Fields;
use crate::console::parts::{CopyField, Moment};
use crate::console::saml_providers::{MetadataPage, MetadataReadPage, ProviderPage};
use crate::console::{FieldError, Page, Section};
use crate::error::{Error, FORBIDDEN, Result};
use crate::saml::configure::{self, Change, ServiceProvider};
use crate::saml::identity_provider::IdentityProvider;
use crate::saml::product::Product;
use crate::saml::product_values::{self, Guide};
use crate::saml::provider::StoredProvider;
use crate::saml::settings::{Enforcement, SettingsChange};
use crate::saml::wanted::{Wanted, Which};
use crate::saml::{dry_run, metadata_change, providers};
use crate::sessions::model::Role;
use crate::web::authenticate::Caller;

/// `GET /console/security/saml/providers/{id}`.
#[handler]
pub async fn show(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id).await?;
    let us = ServiceProvider::of(&caller.app, &caller.facts.workspace.slug);
    let read = read_metadata(&caller.app, &stored.metadata);
    let is_owner = caller.facts.user.role == Role::Owner;
    let view = ProviderPage {
        page: frame(request, &caller, Section::Security, &stored.name),
        url: url_of(&stored),
        id: stored.id.to_string(),
        name: stored.name.clone(),
        state: state(&stored, read.is_some()),
        enabled: stored.enabled,
        owners_may: stored.by_owner,
        // What is fetched from an address is another thing tomorrow: nobody stands behind that by looking at it today.
        may_vouch: is_owner && !stored.by_owner && read.is_some() && stored.metadata_url.is_none(),
        read,
        metadata_url: stored.metadata_url.clone(),
        fetched_at: stored.fetched_at.map(Moment::from_millis),
        fetch_error: stored.fetch_error.clone().unwrap_or_default(),
        settings: settings(&stored),
        tested: stored.tested_at.map(Moment::from_millis),
        tested_by: tested_by(&caller, &stored),
        attempt: last_attempt(&caller, stored.id.as_str()).await?,
        version: stored.version.to_string(),
        values_url: address_of(guide_of(&caller.app, &stored)),
        login_url: CopyField {
            id: "login_url".to_owned(),
            label: "People begin at".to_owned(),
            value: format!("{}?provider={}", us.login_url, stored.id),
        },
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// The page of a provider.
pub fn url_of(stored: &StoredProvider) -> String {
    format!("{PROVIDERS}/{}", stored.id)
}

fn guide_of(app: &App, stored: &StoredProvider) -> &'static Guide {
    let parsed = configure::parse(app, &stored.metadata);
    product_values::of(parsed.map_or(Product::Generic, |parsed| Product::of(&parsed)))
}

/// What is set, one line each.
fn settings(stored: &StoredProvider) -> Vec<(&'static str, String)> {
    let set = &stored.settings;
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let domains = if set.domains.is_empty() { "all that no other names".to_owned() } else { set.domains.join(", ") };
    let roles = set.roles.iter().map(|pair| format!("{} gives {}", pair.group, pair.role.as_str()));
    vec![
        ("Domains", domains),
        ("Enforcement", if set.enforcement == Enforcement::Required { "required" } else { "optional" }.to_owned()),
        ("Encrypted assertions", stored.encrypted_assertions.as_str().to_owned()),
        ("Signed requests", if set.sign_requests { "always" } else { "if it asks for them" }.to_owned()),
        ("Proof at every sign-in", yes_no(set.force_authn)),
        ("Logging out here goes on there", yes_no(set.single_logout)),
        ("Creates people", set.just_in_time.map_or_else(|| "as the policy says".to_owned(), yes_no)),
        ("Roles", Some(roles.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty()).unwrap_or("none".into())),
    ]
}

/// `GET /console/security/saml/providers/{id}/metadata`.
#[handler]
pub async fn ask_metadata(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id).await?;
    let url = stored.metadata_url.clone().unwrap_or_default();
    let source = Source { xml: "", url: &url };
    Ok(form(request, &caller, &stored, &source, StatusCode::OK, None)?)
}

/// `POST /console/security/saml/providers/{id}/metadata`: shows what was read, and puts it into force the second time.
#[handler]
pub async fn replace_metadata(
    UrlPath(id): UrlPath<String>,
    request: &Request,
    sent: Vec<u8>,
) -> poem::Result<Response> {
    let back = format!("{PROVIDERS}/{id}/metadata");
    let (caller, fields) = posted_by_administrator(request, &sent, &back).await?;
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id).await?;
    let source = Source::read(&fields);
    let outcome = match fields.ticked("confirmed") {
        true => put_into_force(request, &caller, &stored, &fields, &source).await,
        false => judged(request, &caller, &stored, &fields, &source).await,
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(error) => {
            let (status, error) = refusal(error)?;
            Ok(form(request, &caller, &stored, &source, status, Some(error))?)
        }
    }
}

/// The provider as it would be.
async fn judge(caller: &Caller, typed: &Typed, wanted: &Wanted<'_>) -> Result<StoredProvider> {
    let facts = Some(caller.facts.as_ref());
    Ok(dry_run::save(&caller.app, &caller.actor, facts, &typed.change(caller), wanted).await?.after)
}

async fn judged(
    request: &Request,
    caller: &Caller,
    stored: &StoredProvider,
    fields: &Fields,
    source: &Source<'_>,
) -> Result<Response> {
    source.require()?;
    let typed = Typed { if_version: fields.text("if_version").parse().ok(), ..Typed::default() };
    let wanted = Wanted { if_version: typed.if_version, ..source.wanted(Which::Id(stored.id.as_str())) };
    let after = judge(caller, &typed, &wanted).await?;
    read_page(request, caller, stored, &after, source, Vec::new(), StatusCode::OK).await
}

async fn put_into_force(
    request: &Request,
    caller: &Caller,
    stored: &StoredProvider,
    fields: &Fields,
    source: &Source<'_>,
) -> Result<Response> {
    source.require()?;
    let wanted = source.wanted(Which::Id(stored.id.as_str()));
    let typed = match Typed::read(fields) {
        Ok(typed) => typed,
        Err(error) => {
            let after = judge(caller, &Typed::default(), &wanted).await?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return read_page(request, caller, stored, &after, source, vec![error], status).await;
        }
    };
    let wanted = Wanted { if_version: typed.if_version, ..wanted };
    save(caller, stored, &typed, &wanted).await
}

/// Saves what a form asks for: as [`save_as`].
pub async fn save(caller: &Caller, stored: &StoredProvider, typed: &Typed, wanted: &Wanted<'_>) -> Result<Response> {
    save_as(caller, stored, &typed.change(caller), wanted).await
}

/// Saves, and leads to the provider's page, or to the receipt if sessions ended.
///
/// # Errors
/// As `providers::save`.
pub async fn save_as(
    caller: &Caller,
    stored: &StoredProvider,
    change: &Change<'_>,
    wanted: &Wanted<'_>,
) -> Result<Response> {
    let facts = Some(caller.facts.as_ref());
    let saved = providers::save(&caller.app, &caller.actor, facts, change, wanted).await?;
    Ok(match saved.receipt {
        Some(receipt) => receipt_page(&caller.app, &receipt),
        None => go(&caller.app, &url_of(stored), Told::ProviderSaved),
    })
}

async fn read_page(
    request: &Request,
    caller: &Caller,
    stored: &StoredProvider,
    after: &StoredProvider,
    source: &Source<'_>,
    errors: Vec<FieldError>,
    status: StatusCode,
) -> Result<Response> {
    let parsed = configure::parse(&caller.app, &after.metadata)?;
    let before = configure::parse(&caller.app, &stored.metadata).ok();
    let sessions = if stored.enabled { Some(sessions_options(caller, None).await?) } else { None };
    let view = MetadataReadPage {
        page: Page { errors, ..frame(request, caller, Section::Security, "Replace the metadata") },
        name: stored.name.clone(),
        read: read_metadata(&caller.app, &after.metadata),
        differences: differences(before.as_ref(), &parsed),
        action: format!("{}/metadata", url_of(stored)),
        metadata_xml: source.xml.to_owned(),
        metadata_url: source.url.to_owned(),
        if_version: stored.version.to_string(),
        sessions,
        reason: String::new(),
        cancel_url: url_of(stored),
    };
    answer(request, caller, status, &view)
}

fn differences(before: Option<&IdentityProvider>, after: &IdentityProvider) -> Vec<String> {
    let change = metadata_change::compare(before, after);
    let mut lines = Vec::new();
    if before.is_some_and(|before| before.entity_id != after.entity_id) {
        lines.push("Another entity ID: people who signed in by it before are known under the old one only".to_owned());
    }
    if change.addresses_changed {
        lines.push("People are sent to another address".to_owned());
    }
    lines.extend(change.added.iter().map(|print| format!("New certificate: SHA-256 {print}")));
    lines.extend(change.others.iter().map(|name| format!("Another {name}")));
    lines.extend(change.removed.iter().map(|print| format!("Gone: the certificate with SHA-256 {print}")));
    lines
}

fn form(
    request: &Request,
    caller: &Caller,
    stored: &StoredProvider,
    source: &Source<'_>,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let view = MetadataPage {
        page: Page {
            errors: error.into_iter().collect(),
            ..frame(request, caller, Section::Security, "Replace the metadata")
        },
        steps: Vec::new(),
        heading: format!("Replace the metadata of {}", stored.name),
        where_it_is: guide_of(&caller.app, stored).metadata,
        action: format!("{}/metadata", url_of(stored)),
        name: None,
        metadata_xml: source.xml.to_owned(),
        metadata_url: source.url.to_owned(),
        if_version: stored.version.to_string(),
        back_url: url_of(stored),
    };
    answer(request, caller, status, &view)
}

/// `POST /console/security/saml/providers/{id}/vouch`: an owner stands behind the metadata as it was shown.
#[handler]
pub async fn vouch(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let back = format!("{PROVIDERS}/{id}");
    let (caller, fields) = posted_by_administrator(request, &sent, &back).await?;
    if caller.facts.user.role != Role::Owner {
        return Err(Error::new(FORBIDDEN, "this needs an owner").into());
    }
    let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id).await?;
    if stored.metadata_url.is_some() {
        return Err(Error::not_found("form").into());
    }
    // The version that the owner saw: whatever was changed since is not what they stand behind.
    let seen =
        fields.text("if_version").parse::<i64>().map_err(|_| Error::invalid("if_version", "must be a number"))?;
    let typed = Typed::default();
    let settings = SettingsChange { attributes: Some(stored.settings.attributes.clone()), ..SettingsChange::default() };
    let wanted = Wanted {
        metadata: Some(&stored.metadata),
        settings,
        if_version: Some(seen),
        ..Wanted::of(Which::Id(stored.id.as_str()))
    };
    Ok(save(&caller, &stored, &typed, &wanted).await?)
}
