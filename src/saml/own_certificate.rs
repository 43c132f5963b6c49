//! Our certificates as files, for identity providers that want one uploaded and read no metadata.
//!
//! A file has one certificate and nothing else, the one that metadata lists first: what takes a file often takes one, and of
//! several the first. Like metadata it makes the keys that aren't there yet; the private halves are never opened here.

use super::signing_keys::{self, Standing};
use super::{certificate, encryption_keys};
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{Error, NOT_FOUND, Result};
use crate::workspaces::model::Workspace;

/// Which of our certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnCertificate {
    /// Of the key that signs now: what it signs must be verified.
    Signing,
    /// Of the key that will sign once it is activated.
    NextSigning,
    /// Of the newest key to encrypt to: it counts at once, and outlives the one before.
    Encryption,
}

impl OwnCertificate {
    /// In the name of the file.
    fn word(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::NextSigning => "next-signing",
            Self::Encryption => "encryption",
        }
    }
}

/// A file to download.
pub struct CertificateFile {
    /// Letters, digits, hyphens and a dot.
    pub name: String,
    /// PEM, 64 columns.
    pub pem: String,
}

/// The file of a certificate.
///
/// # Errors
/// 404 if no next one was made; 500 if no key can be made or what is stored is no certificate; 503 if the database doesn't answer.
pub async fn file(app: &App, workspace: &Workspace, which: OwnCertificate) -> Result<CertificateFile> {
    let found = find(app, &workspace.id, which).await?;
    let der = found.ok_or_else(|| Error::new(NOT_FOUND, "no new key to sign with is waiting"))?;
    let unreadable = || Error::internal("a SAML certificate of ours can't be read");
    Ok(CertificateFile {
        name: format!("curfew-{}-{}.pem", workspace.slug, which.word()),
        pem: certificate::pem(&der).ok_or_else(unreadable)?,
    })
}

async fn find(app: &App, workspace: &WorkspaceId, which: OwnCertificate) -> Result<Option<Vec<u8>>> {
    let standing = match which {
        OwnCertificate::Encryption => return Ok(encryption_keys::published(app, workspace).await?.into_iter().next()),
        OwnCertificate::Signing => Standing::Signs,
        OwnCertificate::NextSigning => Standing::Next,
    };
    let mut shown = signing_keys::published(app, workspace).await?.into_iter();
    Ok(shown.find(|key| key.standing == standing).map(|key| key.certificate))
}
