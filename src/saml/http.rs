//! `/saml/{slug}/…` for browsers and identity providers, `/api/v1/security/saml` for administrators.

use std::sync::Arc;

use poem::http::header;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::certificate;
use super::configure::{self, Change, ServiceProvider};
use super::encryption_keys;
use super::request::{Proof, service_provider_metadata};
use super::sealed::EncryptedAssertions;
use super::sign_in::{self, Ended};
use crate::app::App;
use crate::base::clock::rfc3339;
use crate::console::sign_in as pages;
use crate::error::{Error, FORBIDDEN, Result};
use crate::policy::model::OnChange;
use crate::security::http::on_change;
use crate::security::preview::preview;
use crate::sessions::model::Role;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::{self, Caller};
use crate::web::json::{Answer, Body};
use crate::web::pipeline::see_other;
use crate::web::views::ReceiptView;
use crate::workspaces;

fn flow_cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-curfew-saml" } else { "curfew-saml" }
}

fn flow_cookie(app: &App, value: &str, seconds: u32) -> String {
    let secure = if app.config.secure_cookies() { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", flow_cookie_name(app))
}

/// Our metadata for one workspace's identity provider.
#[handler]
pub async fn show_metadata(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let workspace = workspaces::load(&app, &slug).await?;
    let us = ServiceProvider::of(&app, &workspace.slug);
    let keys = encryption_keys::offered(&app, &workspace.id).await;
    let xml = service_provider_metadata(&us.entity_id, &us.acs_url, &keys);
    Ok(Response::builder().content_type("application/samlmetadata+xml").body(xml))
}

#[derive(Deserialize)]
struct LoginQuery {
    return_to: Option<String>,
    restarted: Option<String>,
    /// `1` asks the identity provider to let the person prove again who they are.
    again: Option<String>,
}

/// Sends the browser to the identity provider.
#[handler]
pub async fn begin_sign_in(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let query = request.params::<LoginQuery>().map_err(|_| Error::invalid("return_to", "must be sent once"))?;
    let restarts = i64::from(query.restarted.is_some());
    let origin = authenticate::origin(request);
    let proof = if query.again.is_some() { Proof::Anew } else { Proof::AnySession };
    let begun = sign_in::begin(&app, &slug, query.return_to.as_deref(), restarts, proof, &origin).await?;
    let mut response = see_other(&begun.location);
    append_cookie(&mut response, &flow_cookie(&app, begun.browser.reveal(), 15 * 60));
    Ok(response)
}

#[derive(Deserialize)]
struct AcsForm {
    #[serde(rename = "SAMLResponse")]
    response: String,
    continued: Option<String>,
}

/// Takes the identity provider's answer. It comes by a POST from another site, on which a `Lax` cookie stays at home: the
/// page then posts the same to itself once more, and that request has it.
#[handler]
pub async fn end_sign_in(UrlPath(slug): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let form = read_form(request, &sent)?;
    sign_in::require_provider(&app, &slug).await?;
    let Some(browser) = authenticate::cookie(request.headers(), flow_cookie_name(&app))? else {
        if form.continued.is_none() {
            return Ok(pages::saml_continue(&app, &slug, form.response));
        }
        let refused = Error::new(FORBIDDEN, "the sign-in was not begun in this browser");
        return Err(refused.with_field("SAMLResponse").into());
    };
    let origin = authenticate::origin(request);
    let mut response = match sign_in::end(&app, &slug, browser, &form.response, &origin).await? {
        Ended::Overtaken { return_to } => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("workspace", &slug)
                .append_pair("return_to", &return_to)
                .finish();
            see_other(&format!("/login?{query}"))
        }
        Ended::SignedIn { token, return_to, .. } => {
            let mut response = see_other(&return_to);
            append_cookie(&mut response, &authenticate::set_cookie(&app, token.reveal()));
            response
        }
    };
    append_cookie(&mut response, &flow_cookie(&app, "", 0));
    Ok(response)
}

fn read_form(request: &Request, sent: &[u8]) -> Result<AcsForm> {
    let form = request.content_type().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
    if !form.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Error::new(crate::error::UNSUPPORTED_MEDIA_TYPE, "send a form: application/x-www-form-urlencoded"));
    }
    let bad = || Error::invalid("SAMLResponse", "must be sent once, as a form field");
    let mut found: Vec<(String, String)> =
        url::form_urlencoded::parse(sent).into_owned().filter(|(name, _)| name != "RelayState").collect();
    let continued = found.iter().find(|(name, _)| name == "continued").map(|(_, value)| value.clone());
    found.retain(|(name, _)| name == "SAMLResponse");
    match (found.pop(), found.is_empty()) {
        (Some((_, response)), true) => Ok(AcsForm { response, continued }),
        _ => Err(bad()),
    }
}

fn append_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct ProviderBody {
    /// The identity provider's metadata: one EntityDescriptor with a signing certificate.
    metadata_xml: String,
    /// `keep` or `log_all_users_out`; the policy's `on_saml_change` if absent.
    sessions: Option<String>,
    /// Whether assertions must be encrypted: `optional` or `required`; as before if absent, at first `optional`.
    encrypted_assertions: Option<String>,
    reason: Option<String>,
    /// Read it, count, and change nothing.
    dry_run: Option<bool>,
}

/// A certificate that verifies responses.
#[derive(Serialize, Object)]
struct CertificateView {
    sha256: String,
    subject: String,
    not_after: Option<String>,
}

/// What the identity provider's administrator enters.
#[derive(Serialize, Object)]
struct ServiceProviderView {
    entity_id: String,
    acs_url: String,
    metadata_url: String,
    login_url: String,
}

/// The SAML settings of a workspace.
#[derive(Serialize, Object)]
struct ProviderView {
    configured: bool,
    enabled: bool,
    entity_id: Option<String>,
    sso_url: Option<String>,
    certificates: Vec<CertificateView>,
    /// `optional`, or `required`: an assertion in the clear is refused.
    encrypted_assertions: String,
    /// Certificates of ours that assertions may be encrypted to, the newest first. The first is made when our metadata is
    /// first read.
    encryption_certificates: Vec<CertificateView>,
    /// Verified domains: people of these may sign in.
    domains: Vec<String>,
    service_provider: ServiceProviderView,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_end_sessions: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

pub struct SamlApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SamlApi {
    /// The SAML settings
    #[oai(path = "/security/saml", method = "get", operation_id = "getSaml")]
    async fn get(&self, caller: Caller) -> poem::Result<Answer<ProviderView>> {
        require_admin(&caller.facts)?;
        Ok(Answer::ok(current(&caller).await?))
    }

    /// Set the identity provider
    ///
    /// `sessions` can log everybody out with it, so that they sign in again with the new provider.
    #[oai(path = "/security/saml", method = "put", operation_id = "putSaml")]
    async fn put(&self, caller: Caller, body: Body<ProviderBody>) -> poem::Result<Answer<ProviderView>> {
        require_admin(&caller.facts)?;
        let body = body.0;
        let sessions = on_change("sessions", body.sessions.as_deref())?;
        let encrypted_assertions = configure::encrypted_assertions(body.encrypted_assertions.as_deref())?;
        let change = Change { encrypted_assertions, ..change_of(&caller, sessions, body.reason.as_deref()) };
        if body.dry_run == Some(true) {
            return Ok(Answer::ok(judged(&caller, &change, &body.metadata_xml).await?));
        }
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let receipt = configure::import(&caller.app, &caller.actor, &change, &body.metadata_xml).await?;
        let view = ProviderView { receipt: receipt.map(ReceiptView::from), ..current(&caller).await? };
        Ok(Answer::ok(view))
    }

    /// Make a new key for encrypted assertions
    ///
    /// The metadata then shows two, the new one first; assertions that are encrypted to the one before are still accepted.
    /// Once the identity provider knows the new one, a second call makes an end of the old one.
    #[oai(path = "/security/saml/encryption-key", method = "post", operation_id = "rotateSamlEncryptionKey")]
    async fn rotate_encryption_key(&self, caller: Caller) -> poem::Result<Answer<ProviderView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let workspace = &caller.facts.workspace;
        encryption_keys::rotate(&caller.app, &caller.actor, &workspace.id, &workspace.slug).await?;
        Ok(Answer::ok(current(&caller).await?))
    }

    /// Switch SAML off
    #[oai(path = "/security/saml", method = "delete", operation_id = "deleteSaml")]
    async fn delete(
        &self,
        caller: Caller,
        sessions: Query<Option<String>>,
        reason: Query<Option<String>>,
    ) -> poem::Result<Answer<ProviderView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let sessions = on_change("sessions", sessions.0.as_deref())?;
        let change = change_of(&caller, sessions, reason.0.as_deref());
        let receipt = configure::disable(&caller.app, &caller.actor, Some(&caller.facts), &change).await?;
        let view = ProviderView { receipt: receipt.map(ReceiptView::from), ..current(&caller).await? };
        Ok(Answer::ok(view))
    }
}

fn change_of<'a>(caller: &'a Caller, sessions: Option<OnChange>, reason: Option<&'a str>) -> Change<'a> {
    let workspace = &caller.facts.workspace;
    let by_owner = caller.facts.user.role == Role::Owner;
    Change { workspace: &workspace.id, label: &workspace.slug, sessions, reason, by_owner, encrypted_assertions: None }
}

async fn current(caller: &Caller) -> Result<ProviderView> {
    let stored = configure::find(&caller.app, &caller.facts.workspace.id).await?;
    let enabled = stored.as_ref().is_some_and(|stored| stored.enabled);
    let metadata = stored.as_ref().map(|stored| stored.metadata.as_str());
    let encrypted = stored.as_ref().map(|stored| stored.encrypted_assertions);
    view(caller, metadata, enabled, encrypted).await
}

async fn judged(caller: &Caller, change: &Change<'_>, metadata: &str) -> Result<ProviderView> {
    configure::parse(&caller.app, metadata)?;
    let ends = configure::consequence(&caller.app, change).await? == OnChange::LogAllUsersOut;
    let found = preview(&caller.app, change.workspace, caller.actor.session.as_ref(), false).await?;
    let would_end = if ends { found.would_end.sessions } else { 0 };
    let stored = configure::find(&caller.app, change.workspace).await?.map(|stored| stored.encrypted_assertions);
    let shown = view(caller, Some(metadata), true, change.encrypted_assertions.or(stored)).await?;
    Ok(ProviderView { dry_run: Some(true), would_end_sessions: Some(would_end), ..shown })
}

async fn view(
    caller: &Caller,
    metadata: Option<&str>,
    enabled: bool,
    encrypted: Option<EncryptedAssertions>,
) -> Result<ProviderView> {
    let app: &Arc<App> = &caller.app;
    let us = ServiceProvider::of(app, &caller.facts.workspace.slug);
    // Stored metadata may have run out since: what can't be read any more is shown as not configured.
    let provider = metadata.and_then(|metadata| configure::parse(app, metadata).ok());
    let ours = encryption_keys::existing(app, &caller.facts.workspace.id).await?;
    let certificates = provider.iter().flat_map(|provider| provider.certificates.iter());
    Ok(ProviderView {
        configured: provider.is_some(),
        enabled: enabled && provider.is_some(),
        certificates: certificates.map(|der| certificate_view(der)).collect(),
        encrypted_assertions: encrypted.unwrap_or(EncryptedAssertions::Optional).as_str().to_owned(),
        encryption_certificates: ours.iter().map(|der| certificate_view(der)).collect(),
        sso_url: provider.as_ref().and_then(|provider| provider.sso_redirect_url.clone()),
        entity_id: provider.map(|provider| provider.entity_id),
        domains: workspaces::verified_domains(app, &caller.facts.workspace.id).await?,
        service_provider: ServiceProviderView {
            metadata_url: us.entity_id.clone(),
            entity_id: us.entity_id,
            acs_url: us.acs_url,
            login_url: us.login_url,
        },
        dry_run: None,
        would_end_sessions: None,
        receipt: None,
    })
}

fn certificate_view(der: &[u8]) -> CertificateView {
    let shown = certificate::shown(der);
    CertificateView { sha256: shown.sha256, subject: shown.subject, not_after: shown.not_after.map(rfc3339) }
}
