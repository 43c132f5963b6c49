//! Identity providers of the workspace: the list, adding one step by step, and what can be done with each. Every step has an
//! address of its own, and what was done so far is the provider itself.

use super::Page;
use super::parts::{Badge, CopyField, Moment};
use super::sso::{CertificateRow, OwnCertificates};

/// `GET /console/security/saml/providers`.
#[derive(askama::Template)]
#[template(path = "saml/providers.html")]
pub struct ProvidersPage {
    /// Chrome.
    pub page: Page,
    /// The oldest first.
    pub rows: Vec<ProviderRow>,
}

/// One identity provider in the list.
#[derive(Debug, Clone)]
pub struct ProviderRow {
    /// `/console/security/saml/providers/{id}`.
    pub url: String,
    /// As people call it.
    pub name: String,
    /// `On`, `Off`, `Metadata unusable`.
    pub state: Badge,
    /// `412 days`, `Ends in 12 days`, `Ended`.
    pub certificate: Badge,
    /// The domains that it serves, or which others it leaves.
    pub domains: String,
    /// When a test of it passed last.
    pub tested: Option<Moment>,
    /// The last sign-in or test: when, and how it ended.
    pub attempt: Option<LastAttempt>,
}

/// The newest attempt of a provider.
#[derive(Debug, Clone)]
pub struct LastAttempt {
    /// `/console/security/saml/attempts/{id}`.
    pub url: String,
    /// When.
    pub at: Moment,
    /// `Accepted` or `Refused`.
    pub outcome: Badge,
}

/// `GET /console/security/saml/providers/new`: which product it is.
#[derive(askama::Template)]
#[template(path = "saml/products.html")]
pub struct ProductsPage {
    /// Chrome.
    pub page: Page,
    /// Where we are.
    pub steps: Vec<Step>,
    /// Name and address of each.
    pub products: Vec<(&'static str, String)>,
}

/// A step on the way to single sign-on.
#[derive(Debug, Clone)]
pub struct Step {
    /// A few words.
    pub label: &'static str,
    /// True for the one that is shown.
    pub current: bool,
}

/// Labels of the steps, in order.
const STEPS: [&str; 6] = ["Product", "Our values", "Its metadata", "Settings", "Test", "Switch on"];

/// The steps, of which one is shown; it is counted from 1.
pub fn steps(current: usize) -> Vec<Step> {
    STEPS.into_iter().enumerate().map(|(index, label)| Step { label, current: index + 1 == current }).collect()
}

/// What to enter at one product, under its own labels.
#[derive(Debug, Clone)]
pub struct ProductValues {
    /// Its name.
    pub title: &'static str,
    /// Where its application is made.
    pub begin: &'static str,
    /// To copy.
    pub values: Vec<CopyField>,
    /// Label and what to choose there.
    pub choices: Vec<(&'static str, &'static str)>,
    /// Where its metadata is.
    pub metadata: &'static str,
    /// Our own metadata, for products that read it.
    pub our_metadata_url: String,
    /// Our certificates, for products that want a file.
    pub certificates: OwnCertificates,
}

/// `GET /console/security/saml/providers/new/{product}`: our values under that product's labels.
#[derive(askama::Template)]
#[template(path = "saml/values.html")]
pub struct ValuesPage {
    /// Chrome.
    pub page: Page,
    /// Where we are.
    pub steps: Vec<Step>,
    /// What to enter there.
    pub product: ProductValues,
    /// Back to the choice.
    pub back_url: String,
    /// On to the metadata.
    pub next_url: String,
}

/// The form for metadata: of a new provider, or in the place of what one has.
#[derive(askama::Template)]
#[template(path = "saml/metadata.html")]
pub struct MetadataPage {
    /// Chrome.
    pub page: Page,
    /// Where we are; empty when it is replaced.
    pub steps: Vec<Step>,
    /// A few words.
    pub heading: String,
    /// Where the product has it; empty if the product isn't known.
    pub where_it_is: &'static str,
    /// Path that the form posts to.
    pub action: String,
    /// Field `name`, as typed; `None` when it is replaced.
    pub name: Option<String>,
    /// Field `metadata_xml`, as typed.
    pub metadata_xml: String,
    /// Field `metadata_url`, as typed.
    pub metadata_url: String,
    /// Field `if_version`; empty for a new provider.
    pub if_version: String,
    /// Where *Back* leads.
    pub back_url: String,
}

/// What metadata says, as we read it.
#[derive(Debug, Clone)]
pub struct ReadMetadata {
    /// The provider's name for itself.
    pub entity_id: String,
    /// Where people are sent: by which binding, and the address.
    pub addresses: Vec<(&'static str, String)>,
    /// True if it asks for signed requests.
    pub wants_signed: bool,
    /// Its signing certificates.
    pub certificates: Vec<CertificateRow>,
}

/// `POST …/metadata` answers it before anything is changed: what was read, and what becomes of sessions.
#[derive(askama::Template)]
#[template(path = "saml/metadata_read.html")]
pub struct MetadataReadPage {
    /// Chrome.
    pub page: Page,
    /// Of the provider that it is for.
    pub name: String,
    /// What was read.
    pub read: Option<ReadMetadata>,
    /// One line for each certificate or address that comes or goes.
    pub differences: Vec<String>,
    /// Path that the form posts to.
    pub action: String,
    /// Hidden field `metadata_xml`.
    pub metadata_xml: String,
    /// Hidden field `metadata_url`.
    pub metadata_url: String,
    /// Hidden field `if_version`.
    pub if_version: String,
    /// Field `sessions`; `None` while nobody signs in by it.
    pub sessions: Option<Vec<SessionsOption>>,
    /// Field `reason`, as typed.
    pub reason: String,
    /// Where *Cancel* leads.
    pub cancel_url: String,
}

/// One choice of what becomes of sessions: a value of the field `sessions`.
#[derive(Debug, Clone)]
pub struct SessionsOption {
    /// What is posted.
    pub value: &'static str,
    /// What it means, with how many sessions it ends.
    pub label: String,
    /// True for the one that is preselected.
    pub checked: bool,
}

/// `GET /console/security/saml/providers/{id}`.
#[derive(askama::Template)]
#[template(path = "saml/provider.html")]
pub struct ProviderPage {
    /// Chrome.
    pub page: Page,
    /// `/console/security/saml/providers/{id}`.
    pub url: String,
    /// Field `provider` of the form that begins a test.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// `On`, `Off`, `Metadata unusable`.
    pub state: Badge,
    /// True if people may sign in by it.
    pub enabled: bool,
    /// What its metadata says; `None` if that can't be used any more.
    pub read: Option<ReadMetadata>,
    /// Where the metadata is fetched from; `None`: it was uploaded.
    pub metadata_url: Option<String>,
    /// When it was fetched last.
    pub fetched_at: Option<Moment>,
    /// Why the newest copy was not taken; empty if it was.
    pub fetch_error: String,
    /// What is set, one line each.
    pub settings: Vec<(&'static str, String)>,
    /// When a test passed last.
    pub tested: Option<Moment>,
    /// Who made it, as far as that matters here: `you`, `an administrator`, `an IT contact`.
    pub tested_by: &'static str,
    /// Its newest attempt.
    pub attempt: Option<LastAttempt>,
    /// True if owners may sign in by it.
    pub owners_may: bool,
    /// True shows an owner the form that vouches for it.
    pub may_vouch: bool,
    /// Field `if_version` of that form.
    pub version: String,
    /// `/console/security/saml/providers/new/{product}`: what to enter there.
    pub values_url: String,
    /// `/saml/{slug}/login?provider={id}`.
    pub login_url: CopyField,
}

/// `GET /console/security/saml/providers/{id}/settings`; with 409 or 422 also the answer to a form that was refused.
#[derive(askama::Template)]
#[template(path = "saml/settings.html")]
pub struct ProviderSettingsPage {
    /// Chrome.
    pub page: Page,
    /// Path that the form posts to, and its name.
    pub action: String,
    /// The form.
    pub form: SettingsForm,
    /// Field `sessions`; `None` while nobody signs in by it.
    pub sessions: Option<Vec<SessionsOption>>,
    /// Field `reason`, as typed.
    pub reason: String,
    /// Where *Cancel* leads.
    pub cancel_url: String,
}

/// The settings of a provider, as they are or as they were typed.
#[derive(Debug, Clone, Default)]
pub struct SettingsForm {
    /// Field `if_version`.
    pub if_version: String,
    /// Field `name`.
    pub name: String,
    /// Fields `domain_{domain}` (`1` or absent).
    pub domains: Vec<DomainBox>,
    /// Field `encrypted_assertions` (`1` or absent).
    pub encrypted_assertions: bool,
    /// Field `sign_requests` (`1` or absent).
    pub sign_requests: bool,
    /// Field `sso_binding`: `redirect` or `post`.
    pub sso_binding: String,
    /// Field `force_authn` (`1` or absent).
    pub force_authn: bool,
    /// Field `idp_initiated` (`1` or absent).
    pub idp_initiated: bool,
    /// Field `single_logout` (`1` or absent).
    pub single_logout: bool,
    /// Field `authn_contexts`: one on each line.
    pub authn_contexts: String,
    /// Field `name_id_format`.
    pub name_id_format: String,
    /// Field `just_in_time`: `policy`, `yes` or `no`.
    pub just_in_time: String,
    /// Field `link_existing` (`1` or absent).
    pub link_existing: bool,
    /// Fields `attributes.email` and so on: name of the field, label, value.
    pub attributes: Vec<(&'static str, &'static str, String)>,
    /// Field `roles`: `group = role` on each line.
    pub roles: String,
}

/// A domain that a provider can serve.
#[derive(Debug, Clone)]
pub struct DomainBox {
    /// In ASCII.
    pub domain: String,
    /// Whether it does.
    pub ticked: bool,
    /// False for one that isn't verified any more.
    pub verified: bool,
}

/// `GET /console/security/saml/providers/{id}/enforcement`; with 409 also the answer to a form that was refused.
#[derive(askama::Template)]
#[template(path = "saml/enforcement.html")]
pub struct EnforcementPage {
    /// Chrome.
    pub page: Page,
    /// Path that the form posts to.
    pub action: String,
    /// Of the provider.
    pub name: String,
    /// Field `provider` of the form that begins a test.
    pub id: String,
    /// Field `if_version`.
    pub if_version: String,
    /// Field `enforcement`: true is `required`, false `optional`.
    pub required: bool,
    /// The domains that it serves; may be empty.
    pub domains: Vec<String>,
    /// When a test passed last, and who made it.
    pub tested: Option<Moment>,
    /// `you`, `an administrator`, `an IT contact`.
    pub tested_by: &'static str,
    /// Field `sessions`; `None` while nobody signs in by it.
    pub sessions: Option<Vec<SessionsOption>>,
    /// Field `reason`, as typed.
    pub reason: String,
    /// Where *Cancel* leads.
    pub cancel_url: String,
}

/// Switching a provider on or off, or deleting it: asks first.
#[derive(askama::Template)]
#[template(path = "saml/confirm.html")]
pub struct ProviderConfirmPage {
    /// Chrome.
    pub page: Page,
    /// A question that names the provider.
    pub heading: String,
    /// One or two sentences: what will happen.
    pub lead: String,
    /// What begins or ends, one line each.
    pub ends: Vec<String>,
    /// Above these lines: `Ends now` or `Begins now`.
    pub ends_heading: &'static str,
    /// What stays as it is, one line each.
    pub stays: Vec<String>,
    /// Path that the form posts to.
    pub action: String,
    /// Field `if_version`.
    pub if_version: String,
    /// Field `sessions`.
    pub sessions: Option<Vec<SessionsOption>>,
    /// Field `reason`, as typed.
    pub reason: String,
    /// Names the deed.
    pub button: String,
    /// True if it destroys something.
    pub dangerous: bool,
    /// Where *Cancel* leads.
    pub cancel_url: String,
}
