//! Single sign-on as the Security page shows it: the identity provider of the workspace, and what that provider
//! needs to know about us. Metadata is judged in `saml`, not here.

use super::confirm::SessionsChoice;
use super::parts::{Badge, CopyField, Moment};

/// The SAML section; its form posts to `/console/security/saml`.
#[derive(Debug, Clone)]
pub struct SingleSignOn {
    /// `Off`, `On`, `Certificate expires soon`.
    pub state: Badge,
    /// The provider in force; `None` if there is none.
    pub provider: Option<IdentityProvider>,
    /// Entity ID, ACS URL, metadata URL and sign-in URL of ours, to copy.
    pub service_provider: Vec<CopyField>,
    /// Our certificates, to download.
    pub certificates: OwnCertificates,
    /// Verified e-mail domains, whose people sign in through the provider.
    pub domains: Vec<String>,
    /// Field `metadata_xml`, as typed.
    pub metadata_xml: String,
    /// Field `reason`, as typed.
    pub reason: String,
    /// Field `sessions`.
    pub sessions: SessionsChoice,
}

/// Addresses of our certificates as files.
#[derive(Debug, Clone)]
pub struct OwnCertificates {
    /// The one that our requests are verified with.
    pub signing_url: String,
    /// The one that assertions are encrypted to.
    pub encryption_url: String,
}

/// The provider that was imported.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    pub id: String,
    /// The version that is shown.
    pub version: i64,
    /// `/console/security/saml/providers/{id}`.
    pub url: String,
    /// As people call it.
    pub name: String,
    /// Its entity ID.
    pub entity_id: String,
    /// Where people are sent to sign in.
    pub sso_url: String,
    /// Its signing certificates.
    pub certificates: Vec<CertificateRow>,
}

/// One signing certificate.
#[derive(Debug, Clone)]
pub struct CertificateRow {
    /// Subject name.
    pub subject: String,
    /// SHA-256 fingerprint, in hexadecimal.
    pub sha256: String,
    /// Last instant of its validity.
    pub not_after: Moment,
    /// `Valid`, `Expires in 12 days`, `Expired`.
    pub state: Badge,
}
