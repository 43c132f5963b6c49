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
/// 404 if there is none, because no key can be made or no next one was; 500 if what is stored is no certificate.
pub async fn file(app: &App, workspace: &Workspace, which: OwnCertificate) -> Result<CertificateFile> {
    let found = find(app, &workspace.id, which).await;
    let der = found.ok_or_else(|| missing(which))?;
    let unreadable = || Error::internal("a SAML certificate of ours can't be read");
    Ok(CertificateFile {
        name: format!("curfew-{}-{}.pem", workspace.slug, which.word()),
        pem: certificate::pem(&der).ok_or_else(unreadable)?,
    })
}

async fn find(app: &App, workspace: &WorkspaceId, which: OwnCertificate) -> Option<Vec<u8>> {
    let standing = match which {
        OwnCertificate::Encryption => return encryption_keys::offered(app, workspace).await.into_iter().next(),
        OwnCertificate::Signing => Standing::Signs,
        OwnCertificate::NextSigning => Standing::Next,
    };
    let mut shown = signing_keys::offered(app, workspace).await.into_iter();
    shown.find(|key| key.standing == standing).map(|key| key.certificate)
}

fn missing(which: OwnCertificate) -> Error {
    let detail = match which {
        OwnCertificate::NextSigning => "no new key to sign with is waiting",
        OwnCertificate::Signing | OwnCertificate::Encryption => {
            "the workspace has no such certificate, and none can be made now; `curfew doctor` says why"
        }
    };
    Error::new(NOT_FOUND, detail)
}
