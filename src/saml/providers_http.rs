//! `/api/v1/security/saml/providers`: all the identity providers of a workspace.

use poem::http::header;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::types::MaybeUndefined;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::configure::{self, Change, ServiceProvider};
use super::consequences_http::SamlConsequencesView;
use super::dry_run::{self, Foreseen};
use super::http::{CertificateView, ServiceProviderView, certificate_view, change_of, service_provider_view};
use super::provider::{Outline, StoredProvider, default_of};
use super::providers::{self, Saved};
use super::settings::{AttributeMapping, ProviderSettings, SettingsChange};
use super::wanted::{Wanted, Which};
use crate::base::clock::rfc3339;
use crate::base::ids::ProviderId;
use crate::error::Result;
use crate::security::http::on_saml_change;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body, if_match};
use crate::web::views::ReceiptView;

/// Under which attributes the identity provider sends what; the usual names where one is absent.
#[derive(Deserialize, Serialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
pub(super) struct SamlAttributes {
    email: Option<String>,
    display_name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    groups: Option<String>,
}

/// A group that the identity provider names, and the role that it gives.
#[derive(Deserialize, Serialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
pub(super) struct SamlGroupRole {
    group: String,
    /// `admin` or `member`.
    role: String,
}

/// An identity provider as it shall be. What is absent stays as it is, or is as at first.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct SamlProviderBody {
    /// 1 to 100 characters; at first the entity id.
    name: Option<String>,
    /// The identity provider's metadata: one EntityDescriptor with a signing certificate. A new provider needs it, or
    /// `metadata_url`.
    metadata_xml: Option<String>,
    /// Where its metadata is, from where it is fetched now, and from time to time. Never with `metadata_xml`, which makes an end
    /// of it.
    metadata_url: Option<String>,
    /// Whether people may sign in with it; at first true.
    enabled: Option<bool>,
    /// Whether assertions must be encrypted: `optional` or `required`.
    encrypted_assertions: Option<String>,
    /// How requests travel: `redirect` or `post`.
    sso_binding: Option<String>,
    /// Whether requests are signed even if the metadata doesn't ask for it.
    sign_requests: Option<bool>,
    /// Whether people must prove at every sign-in who they are.
    force_authn: Option<bool>,
    /// Authentication context classes, one of which is asked for.
    authn_contexts: Option<Vec<String>>,
    /// The NameID format that is asked for; null: any.
    #[serde(default)]
    name_id_format: MaybeUndefined<String>,
    /// Whether a sign-in may begin at the identity provider: then it begins here once more.
    idp_initiated: Option<bool>,
    /// Whether a sign-in may create a user; null: as the policy says.
    #[serde(default)]
    just_in_time: MaybeUndefined<bool>,
    /// Whether a person who is known by address only is linked at their first sign-in; at first true.
    link_existing: Option<bool>,
    /// In the place of all that were set.
    attributes: Option<SamlAttributes>,
    /// Roles that groups give, in the place of all that were set. Only an owner can let one more group give `admin`.
    roles: Option<Vec<SamlGroupRole>>,
    /// Verified domains whose people sign in here; none: those that no other provider names.
    domains: Option<Vec<String>>,
    /// Whether people of its `domains` may sign in in another way: `optional`, or `required`, which takes a successful test by
    /// the caller within the hour and an active owner with a password.
    enforcement: Option<String>,
    /// Whether a log-out that is begun here goes on at the identity provider, if its metadata has a place for that; at first false.
    single_logout: Option<bool>,
    /// `keep`, `log_out_affected` or `log_all_users_out`; the policy's `on_saml_change` if absent.
    sessions: Option<String>,
    reason: Option<String>,
    /// Judge it, count, and change nothing.
    dry_run: Option<bool>,
}

/// An identity provider in a list.
#[derive(Serialize, Object)]
struct SamlProviderItem {
    id: String,
    name: String,
    entity_id: String,
    enabled: bool,
    /// Whether it is meant where none is named.
    is_default: bool,
    domains: Vec<String>,
}

#[derive(Serialize, Object)]
struct SamlProviderPage {
    items: Vec<SamlProviderItem>,
    next: Option<String>,
}

/// An identity provider.
#[derive(Serialize, Object)]
struct SamlProviderView {
    id: String,
    name: String,
    entity_id: String,
    enabled: bool,
    /// Whether it is meant where none is named.
    is_default: bool,
    /// Whether its metadata can be used; it may have run out.
    usable: bool,
    /// Whether owners may sign in with it: an owner or operator stands behind it.
    owners_may_sign_in: bool,
    sso_redirect_url: Option<String>,
    sso_post_url: Option<String>,
    certificates: Vec<CertificateView>,
    encrypted_assertions: String,
    sso_binding: String,
    sign_requests: bool,
    force_authn: bool,
    authn_contexts: Vec<String>,
    name_id_format: Option<String>,
    idp_initiated: bool,
    just_in_time: Option<bool>,
    link_existing: bool,
    attributes: SamlAttributes,
    roles: Vec<SamlGroupRole>,
    domains: Vec<String>,
    enforcement: String,
    single_logout: bool,
    /// Where its metadata is fetched from; null: it was uploaded.
    metadata_url: Option<String>,
    fetched_at: Option<String>,
    fetch_error: Option<String>,
    /// When a sign-in by these settings was tested.
    tested_at: Option<String>,
    created_at: String,
    updated_at: String,
    /// Where people begin to sign in with it.
    login_url: String,
    service_provider: ServiceProviderView,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_end_sessions: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consequences: Option<SamlConsequencesView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

/// What deleting an identity provider did, or would do.
#[derive(Serialize, Object)]
struct SamlProviderDeleted {
    id: String,
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_end_sessions: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consequences: Option<SamlConsequencesView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

pub struct SamlProvidersApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SamlProvidersApi {
    /// List the identity providers
    ///
    /// The oldest first; a workspace has at most 20.
    #[oai(path = "/security/saml/providers", method = "get", operation_id = "listSamlProviders")]
    async fn providers(&self, caller: Caller) -> poem::Result<Answer<SamlProviderPage>> {
        require_admin(&caller.facts)?;
        let known = providers::outlines(&caller.app, &caller.facts.workspace.id).await?;
        let items = known.iter().map(|provider| item(provider, &known)).collect();
        Ok(Answer::ok(SamlProviderPage { items, next: None }))
    }

    /// Add an identity provider
    ///
    /// It signs people in from the answer on, unless `enabled` is false.
    #[oai(path = "/security/saml/providers", method = "post", operation_id = "createSamlProvider")]
    async fn create_provider(
        &self,
        caller: Caller,
        body: Body<SamlProviderBody>,
    ) -> poem::Result<Answer<SamlProviderView>> {
        require_admin(&caller.facts)?;
        let (shown, version) = save(&caller, Which::New, &body.0, None).await?;
        if shown.dry_run.is_some() {
            return Ok(Answer::ok(shown));
        }
        let location = format!("/api/v1/security/saml/providers/{}", shown.id);
        Ok(Answer::created(shown).version(version).with_header(header::LOCATION, location))
    }

    /// An identity provider
    #[oai(path = "/security/saml/providers/:id", method = "get", operation_id = "getSamlProvider")]
    async fn provider(&self, caller: Caller, id: Path<String>) -> poem::Result<Answer<SamlProviderView>> {
        require_admin(&caller.facts)?;
        let stored = providers::load(&caller.app, &caller.facts.workspace.id, &id.0).await?;
        Ok(Answer::ok(view(&caller, &stored).await?).version(stored.version))
    }

    /// Change an identity provider
    ///
    /// Only what is sent is changed. A sign-in that is under way with it begins anew. Send the ETag as `If-Match` to be told if
    /// somebody was faster.
    #[oai(path = "/security/saml/providers/:id", method = "put", operation_id = "putSamlProvider")]
    async fn put_provider(
        &self,
        caller: Caller,
        id: Path<String>,
        body: Body<SamlProviderBody>,
        #[oai(name = "If-Match")] expected: Header<Option<String>>,
    ) -> poem::Result<Answer<SamlProviderView>> {
        require_admin(&caller.facts)?;
        let if_version = if_match(expected.0.as_deref())?;
        let (shown, version) = save(&caller, Which::Id(&id.0), &body.0, if_version).await?;
        Ok(match shown.dry_run {
            Some(_) => Answer::ok(shown),
            None => Answer::ok(shown).version(version),
        })
    }

    /// Delete an identity provider
    ///
    /// Its people keep their accounts. With `dry_run=true` it is only counted what that would do.
    #[oai(path = "/security/saml/providers/:id", method = "delete", operation_id = "deleteSamlProvider")]
    async fn delete_provider(
        &self,
        caller: Caller,
        id: Path<String>,
        sessions: Query<Option<String>>,
        reason: Query<Option<String>>,
        dry_run: Query<Option<bool>>,
        #[oai(name = "If-Match")] expected: Header<Option<String>>,
    ) -> poem::Result<Answer<SamlProviderDeleted>> {
        require_admin(&caller.facts)?;
        let if_version = if_match(expected.0.as_deref())?;
        let sessions = on_saml_change("sessions", sessions.0.as_deref())?;
        let change = change_of(&caller, sessions, reason.0.as_deref());
        let facts = Some(caller.facts.as_ref());
        if dry_run.0 == Some(true) {
            let found = dry_run::delete(&caller.app, &caller.actor, facts, &change, &id.0, if_version).await?;
            return Ok(Answer::ok(SamlProviderDeleted {
                id: id.0,
                deleted: false,
                dry_run: Some(true),
                would_end_sessions: Some(found.would_end()),
                consequences: Some(found.into()),
                receipt: None,
            }));
        }
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let receipt = providers::delete(&caller.app, &caller.actor, facts, &change, &id.0, if_version).await?;
        Ok(Answer::ok(SamlProviderDeleted {
            id: id.0,
            deleted: true,
            dry_run: None,
            would_end_sessions: None,
            consequences: None,
            receipt: receipt.map(ReceiptView::from),
        }))
    }
}

/// The provider after the change, or as it would be, and its version.
async fn save(
    caller: &Caller,
    which: Which<'_>,
    body: &SamlProviderBody,
    if_version: Option<i64>,
) -> Result<(SamlProviderView, i64)> {
    let sessions = on_saml_change("sessions", body.sessions.as_deref())?;
    let encrypted_assertions = configure::encrypted_assertions(body.encrypted_assertions.as_deref())?;
    let change = Change { encrypted_assertions, ..change_of(caller, sessions, body.reason.as_deref()) };
    let wanted = Wanted {
        which,
        name: body.name.as_deref(),
        metadata: body.metadata_xml.as_deref(),
        metadata_url: body.metadata_url.as_deref(),
        settings: settings_of(body),
        enabled: body.enabled,
        if_version,
    };
    let facts = Some(caller.facts.as_ref());
    // To fetch something is more than to look.
    if body.dry_run != Some(true) || body.metadata_url.is_some() {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
    }
    if body.dry_run == Some(true) {
        let Foreseen { after, consequences: found, .. } =
            dry_run::save(&caller.app, &caller.actor, facts, &change, &wanted).await?;
        let would_end_sessions = Some(found.would_end());
        let shown = SamlProviderView {
            dry_run: Some(true),
            would_end_sessions,
            consequences: Some(found.into()),
            ..view(caller, &after).await?
        };
        return Ok((shown, after.version));
    }
    let Saved { provider, receipt, .. } = providers::save(&caller.app, &caller.actor, facts, &change, &wanted).await?;
    let shown = view(caller, &provider).await?;
    Ok((SamlProviderView { receipt: receipt.map(ReceiptView::from), ..shown }, provider.version))
}

fn settings_of(body: &SamlProviderBody) -> SettingsChange {
    SettingsChange {
        sso_binding: body.sso_binding.clone(),
        sign_requests: body.sign_requests,
        force_authn: body.force_authn,
        authn_contexts: body.authn_contexts.clone(),
        name_id_format: nullable(&body.name_id_format),
        idp_initiated: body.idp_initiated,
        just_in_time: nullable(&body.just_in_time),
        link_existing: body.link_existing,
        attributes: body.attributes.as_ref().map(mapping_of),
        roles: body.roles.as_deref().map(pairs_of),
        domains: body.domains.clone(),
        enforcement: body.enforcement.clone(),
        single_logout: body.single_logout,
    }
}

pub(super) fn mapping_of(sent: &SamlAttributes) -> AttributeMapping {
    AttributeMapping {
        email: sent.email.clone(),
        display_name: sent.display_name.clone(),
        given_name: sent.given_name.clone(),
        family_name: sent.family_name.clone(),
        groups: sent.groups.clone(),
    }
}

/// Groups and the roles that they give, as they were written.
pub(super) fn pairs_of(sent: &[SamlGroupRole]) -> Vec<(String, String)> {
    sent.iter().map(|pair| (pair.group.clone(), pair.role.clone())).collect()
}

/// `None`: absent. `Some(None)`: null.
fn nullable<T: Clone>(sent: &MaybeUndefined<T>) -> Option<Option<T>> {
    match sent {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value.clone())),
    }
}

fn is_default(id: &ProviderId, known: &[Outline]) -> bool {
    default_of(known).is_some_and(|provider| provider.id == *id)
}

fn item(provider: &Outline, known: &[Outline]) -> SamlProviderItem {
    SamlProviderItem {
        id: provider.id.to_string(),
        name: provider.name.clone(),
        entity_id: provider.entity_id.clone(),
        enabled: provider.enabled,
        is_default: is_default(&provider.id, known),
        domains: provider.domains.clone(),
    }
}

async fn view(caller: &Caller, stored: &StoredProvider) -> Result<SamlProviderView> {
    let known = providers::outlines(&caller.app, &caller.facts.workspace.id).await?;
    let us = ServiceProvider::of(&caller.app, &caller.facts.workspace.slug);
    // Stored metadata may have run out since.
    let parsed = configure::parse(&caller.app, &stored.metadata).ok();
    let certificates = parsed.iter().flat_map(|parsed| parsed.certificates.iter());
    let ProviderSettings { attributes, roles, .. } = stored.settings.clone();
    let settings = &stored.settings;
    Ok(SamlProviderView {
        id: stored.id.to_string(),
        name: stored.name.clone(),
        entity_id: stored.entity_id.clone(),
        enabled: stored.enabled,
        is_default: is_default(&stored.id, &known),
        usable: parsed.is_some(),
        owners_may_sign_in: stored.by_owner,
        certificates: certificates.map(|der| certificate_view(der)).collect(),
        sso_redirect_url: parsed.as_ref().and_then(|parsed| parsed.sso_redirect_url.clone()),
        sso_post_url: parsed.as_ref().and_then(|parsed| parsed.sso_post_url.clone()),
        encrypted_assertions: stored.encrypted_assertions.as_str().to_owned(),
        sso_binding: settings.sso_binding.as_str().to_owned(),
        sign_requests: settings.sign_requests,
        force_authn: settings.force_authn,
        authn_contexts: settings.authn_contexts.clone(),
        name_id_format: settings.name_id_format.clone(),
        idp_initiated: settings.idp_initiated,
        just_in_time: settings.just_in_time,
        link_existing: settings.link_existing,
        attributes: attributes_view(attributes),
        roles: roles
            .into_iter()
            .map(|pair| SamlGroupRole { group: pair.group, role: pair.role.as_str().to_owned() })
            .collect(),
        domains: settings.domains.clone(),
        enforcement: settings.enforcement.as_str().to_owned(),
        single_logout: settings.single_logout,
        metadata_url: stored.metadata_url.clone(),
        fetched_at: stored.fetched_at.map(rfc3339),
        fetch_error: stored.fetch_error.clone(),
        tested_at: stored.tested_at.map(rfc3339),
        created_at: rfc3339(stored.created_at),
        updated_at: rfc3339(stored.updated_at),
        login_url: format!("{}?provider={}", us.login_url, stored.id),
        service_provider: service_provider_view(caller),
        dry_run: None,
        would_end_sessions: None,
        consequences: None,
        receipt: None,
    })
}

fn attributes_view(mapping: AttributeMapping) -> SamlAttributes {
    let AttributeMapping { email, display_name, given_name, family_name, groups } = mapping;
    SamlAttributes { email, display_name, given_name, family_name, groups }
}
