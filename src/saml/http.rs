//! `/saml/{slug}/…` for browsers and identity providers, `/api/v1/security/saml` for administrators.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use poem::http::header;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::begin::{self, FLOW_MS, Start};
use super::configure::{self, Change, ServiceProvider};
use super::consequences_http::SamlConsequencesView;
use super::dry_run::{self, Foreseen};
use super::metadata_http::{self, SamlNoticeView};
use super::outgoing::Departure;
use super::providers::Saved;
use super::request::Proof;
use super::sealed::EncryptedAssertions;
use super::sign_in::{self, Brought, Ended};
use super::wanted::{Wanted, Which};
use super::{certificate, encryption_keys, own_metadata, providers, signing_keys, unsolicited};
use crate::app::App;
use crate::base::clock::rfc3339;
use crate::base::secret::Secret;
use crate::console::handlers::saml_setup::setup_cookie_name;
use crate::console::sign_in as pages;
use crate::error::{Error, Result};
use crate::policy::model::OnChange;
use crate::security::http::on_saml_change;
use crate::sessions::model::Role;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::{self, Caller};
use crate::web::form::require_form;
use crate::web::json::{Answer, Body};
use crate::web::pipeline::see_other;
use crate::web::views::ReceiptView;
use crate::workspaces;

fn flow_cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-curfew-saml" } else { "curfew-saml" }
}

/// The `Set-Cookie` that binds a sign-in under way to this browser.
pub fn flow_cookie(app: &App, browser: &Secret) -> String {
    authenticate::timed_cookie(app, flow_cookie_name(app), browser.reveal(), FLOW_MS / 1000)
}

#[derive(Deserialize)]
struct MetadataQuery {
    /// `1` asks for it with our signature and an end.
    signed: Option<String>,
}

/// Our metadata for one workspace's identity provider.
#[handler]
pub async fn show_metadata(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    // Keys may have to be made, providers to be read, a signature to be made: as much as the beginning of a sign-in costs.
    app.addresses.admit_redirect(authenticate::origin(request).ip)?;
    let query = request.params::<MetadataQuery>().map_err(|_| Error::invalid("signed", "must be sent once"))?;
    let workspace = workspaces::load(&app, &slug).await?;
    let xml = match query.signed.as_deref() {
        None | Some("0") => own_metadata::plain(&app, &workspace).await?,
        Some("1") => own_metadata::signed(&app, &workspace).await?,
        Some(_) => return Err(Error::invalid("signed", "must be `1` or `0`").into()),
    };
    Ok(Response::builder().content_type("application/samlmetadata+xml").body(xml))
}

#[derive(Deserialize)]
struct LoginQuery {
    /// Id of the identity provider.
    provider: Option<String>,
    /// The person's address, whose domain says which provider it is.
    email: Option<String>,
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
    let start = Start {
        slug: &slug,
        provider: query.provider.as_deref(),
        email: query.email.as_deref(),
        return_to: query.return_to.as_deref(),
        restarts: i64::from(query.restarted.is_some()),
        proof: if query.again.is_some() { Proof::Anew } else { Proof::AnySession },
    };
    let begun = begin::begin(&app, &start, &authenticate::origin(request)).await?;
    let mut response = sent_away(&app, begun.departure);
    append_cookie(&mut response, &flow_cookie(&app, &begun.browser));
    Ok(response)
}

/// Sends the browser to the identity provider with the request of the sign-in, or the test, that it has begun.
#[handler]
pub async fn send_again(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let browser = authenticate::cookie(request.headers(), flow_cookie_name(&app))?.unwrap_or_default();
    let departure = begin::send_again(&app, &slug, browser, &authenticate::origin(request)).await?;
    Ok(sent_away(&app, departure))
}

fn sent_away(app: &App, departure: Departure) -> Response {
    match departure {
        Departure::Redirect(location) => see_other(&location),
        Departure::Form(form) => pages::saml_send(app, form),
    }
}

#[derive(Deserialize)]
struct AcsForm {
    #[serde(rename = "SAMLResponse")]
    response: String,
    continued: Option<String>,
    /// What is kept of it: see `unsolicited::kept`.
    relay_state: Option<String>,
}

/// Takes the identity provider's answer. It comes by a POST from another site, on which a `Lax` cookie stays at home: the
/// page then posts the same to itself once more, and that request has it.
#[handler]
pub async fn end_sign_in(UrlPath(slug): UrlPath<String>, request: &Request, sent: Bytes) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let form = read_form(request, &sent)?;
    // Half a MiB at the most, which must not stand beside what is made of it.
    drop(sent);
    let browser = authenticate::cookie(request.headers(), flow_cookie_name(&app))?;
    if browser.is_none() && form.continued.is_none() {
        begin::require_provider(&app, &slug).await?;
        return Ok(pages::saml_continue(&app, &slug, form.response, form.relay_state));
    }
    // Whose test it was, if it is one; a sign-in doesn't fail because of a session before it.
    let session = authenticate::presented(&app, request).unwrap_or_default();
    let brought = Brought {
        browser: browser.unwrap_or_default(),
        response: &form.response,
        relay_state: form.relay_state.as_deref(),
        session: session.as_ref().map(|presented| presented.token.as_str()),
        contact: authenticate::cookie(request.headers(), setup_cookie_name(&app)).unwrap_or_default(),
    };
    let mut response = match sign_in::end(&app, &slug, &brought, &authenticate::origin(request)).await? {
        Ended::Unsolicited { location } => return Ok(see_other(&location)),
        Ended::Overtaken { return_to } => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("workspace", &slug)
                .append_pair("return_to", &return_to)
                .finish();
            see_other(&format!("/login?{query}"))
        }
        Ended::Tested { page } => see_other(&page),
        Ended::SignedIn { token, return_to, .. } => {
            let mut response = see_other(&return_to);
            append_cookie(&mut response, &authenticate::set_cookie(&app, token.reveal()));
            response
        }
    };
    append_cookie(&mut response, &authenticate::timed_cookie(&app, flow_cookie_name(&app), "", 0));
    Ok(response)
}

/// What is read of a form.
const FIELDS: [&str; 3] = ["SAMLResponse", "RelayState", "continued"];

fn read_form(request: &Request, sent: &[u8]) -> Result<AcsForm> {
    require_form(request)?;
    let bad = || Error::invalid("SAMLResponse", "must be sent once, as a form field");
    let known = |(name, _): &(Cow<'_, str>, Cow<'_, str>)| FIELDS.contains(&name.as_ref());
    let mut found: Vec<_> = url::form_urlencoded::parse(sent).filter(known).collect();
    let relay_state = found.iter().find(|(name, _)| name == "RelayState").and_then(|(_, text)| unsolicited::kept(text));
    let continued = found.iter().find(|(name, _)| name == "continued").map(|(_, value)| value.clone().into_owned());
    found.retain(|(name, _)| name == "SAMLResponse");
    match (found.pop(), found.is_empty()) {
        (Some((_, response)), true) => Ok(AcsForm { response: response.into_owned(), continued, relay_state }),
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
    /// The identity provider's metadata: one EntityDescriptor with a signing certificate. Either this or `metadata_url`.
    metadata_xml: Option<String>,
    /// Where its metadata is, from where it is fetched now, and from time to time.
    metadata_url: Option<String>,
    /// `keep`, `log_out_affected` or `log_all_users_out`; the policy's `on_saml_change` if absent.
    sessions: Option<String>,
    /// Whether assertions must be encrypted: `optional` or `required`; as before if absent, at first `optional`.
    encrypted_assertions: Option<String>,
    reason: Option<String>,
    /// Read it, count, and change nothing.
    dry_run: Option<bool>,
}

/// A certificate that verifies responses.
#[derive(Serialize, Object)]
pub(super) struct CertificateView {
    sha256: String,
    subject: String,
    not_after: Option<String>,
}

/// A key that signs our requests, or did, or will.
#[derive(Serialize, Object)]
struct SigningCertificateView {
    sha256: String,
    subject: String,
    not_after: Option<String>,
    /// `signs`; `next`: it signs once it is activated; `before`: it signed before.
    standing: String,
}

/// What the identity provider's administrator enters.
#[derive(Serialize, Object)]
pub(super) struct ServiceProviderView {
    entity_id: String,
    acs_url: String,
    metadata_url: String,
    login_url: String,
    /// Single logout: requests and responses, by redirect or POST.
    slo_url: String,
    /// The certificate that our requests are verified with, as a PEM file; no token is needed.
    signing_certificate_url: String,
    /// The certificate that assertions are encrypted to, as a PEM file; no token is needed.
    encryption_certificate_url: String,
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
    /// Certificates of ours with which our requests can be verified, the one that signs first. The first is made when our
    /// metadata is first read.
    signing_certificates: Vec<SigningCertificateView>,
    /// Verified domains: people of these may sign in.
    domains: Vec<String>,
    /// What administrators should know: certificates that end, metadata that could not be fetched or changed.
    notices: Vec<SamlNoticeView>,
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

pub struct SamlApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SamlApi {
    /// The SAML settings
    ///
    /// Of several identity providers these are the default one's: the oldest that is switched on.
    #[oai(path = "/security/saml", method = "get", operation_id = "getSaml")]
    async fn get(&self, caller: Caller) -> poem::Result<Answer<ProviderView>> {
        require_admin(&caller.facts)?;
        Ok(Answer::ok(current(&caller).await?))
    }

    /// Set the default identity provider
    ///
    /// If the metadata is that of another one of the workspace, that one is set. `sessions` can log out with it whom the change
    /// affects, or everybody, so that they sign in again with the new provider.
    #[oai(path = "/security/saml", method = "put", operation_id = "putSaml")]
    async fn put(&self, caller: Caller, body: Body<ProviderBody>) -> poem::Result<Answer<ProviderView>> {
        require_admin(&caller.facts)?;
        let body = body.0;
        let sessions = on_saml_change("sessions", body.sessions.as_deref())?;
        let encrypted_assertions = configure::encrypted_assertions(body.encrypted_assertions.as_deref())?;
        let change = Change { encrypted_assertions, ..change_of(&caller, sessions, body.reason.as_deref()) };
        let (xml, url) = (body.metadata_xml.as_deref(), body.metadata_url.as_deref());
        if xml.is_none() && url.is_none() {
            return Err(Error::invalid("metadata_xml", "is required, or metadata_url").into());
        }
        let import = Wanted { metadata: xml, metadata_url: url, enabled: Some(true), ..Wanted::of(Which::Default) };
        // To fetch something is more than to look.
        if body.dry_run != Some(true) || url.is_some() {
            require_recent_admin(&caller.facts, caller.app.clock.now())?;
        }
        if body.dry_run == Some(true) {
            return Ok(Answer::ok(judged(&caller, &change, &import).await?));
        }
        let Saved { provider, receipt, .. } =
            providers::save(&caller.app, &caller.actor, None, &change, &import).await?;
        let encrypted = Some(provider.encrypted_assertions);
        let shown = view(&caller, Some(&provider.metadata), provider.enabled, encrypted).await?;
        Ok(Answer::ok(ProviderView { receipt: receipt.map(ReceiptView::from), ..shown }))
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

    /// Make the next key to sign requests with
    ///
    /// The metadata shows it at once, beside the one that signs, which goes on signing until the next one is activated.
    #[oai(path = "/security/saml/signing-key", method = "post", operation_id = "rotateSamlSigningKey")]
    async fn rotate_signing_key(&self, caller: Caller) -> poem::Result<Answer<ProviderView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let workspace = &caller.facts.workspace;
        signing_keys::rotate(&caller.app, &caller.actor, &workspace.id, &workspace.slug).await?;
        Ok(Answer::ok(current(&caller).await?))
    }

    /// Sign requests with the next key
    ///
    /// Call it once the identity providers know that key. The metadata shows the one before until the next change.
    #[oai(path = "/security/saml/signing-key/activate", method = "post", operation_id = "activateSamlSigningKey")]
    async fn activate_signing_key(&self, caller: Caller) -> poem::Result<Answer<ProviderView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let workspace = &caller.facts.workspace;
        signing_keys::activate(&caller.app, &caller.actor, &workspace.id, &workspace.slug).await?;
        Ok(Answer::ok(current(&caller).await?))
    }

    /// Switch the default identity provider off
    ///
    /// If several are on, it is a 409 that names `provider`: change the one that is meant by its id. With `dry_run=true` it is only
    /// counted what that would do.
    #[oai(path = "/security/saml", method = "delete", operation_id = "deleteSaml")]
    async fn delete(
        &self,
        caller: Caller,
        sessions: Query<Option<String>>,
        reason: Query<Option<String>>,
        dry_run: Query<Option<bool>>,
    ) -> poem::Result<Answer<ProviderView>> {
        require_admin(&caller.facts)?;
        let sessions = on_saml_change("sessions", sessions.0.as_deref())?;
        let change = change_of(&caller, sessions, reason.0.as_deref());
        if dry_run.0 == Some(true) {
            let facts = Some(caller.facts.as_ref());
            let found = dry_run::disable(&caller.app, &caller.actor, facts, &change, Which::Default).await?;
            return Ok(Answer::ok(foreseen(&caller, found).await?));
        }
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let receipt = configure::disable(&caller.app, &caller.actor, Some(&caller.facts), &change).await?;
        let view = ProviderView { receipt: receipt.map(ReceiptView::from), ..current(&caller).await? };
        Ok(Answer::ok(view))
    }
}

pub(super) fn change_of<'a>(caller: &'a Caller, sessions: Option<OnChange>, reason: Option<&'a str>) -> Change<'a> {
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

async fn judged(caller: &Caller, change: &Change<'_>, import: &Wanted<'_>) -> Result<ProviderView> {
    let found = dry_run::save(&caller.app, &caller.actor, None, change, import).await?;
    foreseen(caller, found).await
}

/// A provider as it would be, and what would come of that.
async fn foreseen(caller: &Caller, found: Foreseen) -> Result<ProviderView> {
    let Foreseen { after, consequences, .. } = found;
    let shown = view(caller, Some(&after.metadata), after.enabled, Some(after.encrypted_assertions)).await?;
    Ok(ProviderView {
        dry_run: Some(true),
        would_end_sessions: Some(consequences.would_end()),
        consequences: Some(consequences.into()),
        ..shown
    })
}

async fn view(
    caller: &Caller,
    metadata: Option<&str>,
    enabled: bool,
    encrypted: Option<EncryptedAssertions>,
) -> Result<ProviderView> {
    let app: &Arc<App> = &caller.app;
    // Stored metadata may have run out since: what can't be read any more is shown as not configured.
    let provider = metadata.and_then(|metadata| configure::parse(app, metadata).ok());
    let ours = encryption_keys::existing(app, &caller.facts.workspace.id).await?;
    let signing = signing_keys::existing(app, &caller.facts.workspace.id).await?;
    let certificates = provider.iter().flat_map(|provider| provider.certificates.iter());
    Ok(ProviderView {
        configured: provider.is_some(),
        enabled: enabled && provider.is_some(),
        certificates: certificates.map(|der| certificate_view(der)).collect(),
        encrypted_assertions: encrypted.unwrap_or(EncryptedAssertions::Optional).as_str().to_owned(),
        encryption_certificates: ours.iter().map(|der| certificate_view(der)).collect(),
        signing_certificates: signing.iter().map(signing_certificate_view).collect(),
        sso_url: provider.as_ref().and_then(|one| one.sso_redirect_url.as_ref().or(one.sso_post_url.as_ref())).cloned(),
        entity_id: provider.map(|provider| provider.entity_id),
        domains: workspaces::verified_domains(app, &caller.facts.workspace.id).await?,
        notices: metadata_http::notices(caller).await?,
        service_provider: service_provider_view(caller),
        dry_run: None,
        would_end_sessions: None,
        consequences: None,
        receipt: None,
    })
}

pub(super) fn service_provider_view(caller: &Caller) -> ServiceProviderView {
    let us = ServiceProvider::of(&caller.app, &caller.facts.workspace.slug);
    ServiceProviderView {
        metadata_url: us.entity_id.clone(),
        entity_id: us.entity_id,
        acs_url: us.acs_url,
        login_url: us.login_url,
        slo_url: us.slo_url,
        signing_certificate_url: us.signing_certificate_url,
        encryption_certificate_url: us.encryption_certificate_url,
    }
}

pub(super) fn certificate_view(der: &[u8]) -> CertificateView {
    let shown = certificate::shown(der);
    CertificateView { sha256: shown.sha256, subject: shown.subject, not_after: shown.not_after.map(rfc3339) }
}

fn signing_certificate_view(key: &signing_keys::Shown) -> SigningCertificateView {
    let CertificateView { sha256, subject, not_after } = certificate_view(&key.certificate);
    SigningCertificateView { sha256, subject, not_after, standing: key.standing.as_str().to_owned() }
}
