//! Pure: what a key pair of ours is for, and what follows from it.

use crate::base::ids::WorkspaceId;

/// What a key pair is for, as metadata says it (`KeyDescriptor/@use`, Metadata §2.4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Assertions are encrypted to it.
    Encryption,
    /// We sign with it.
    Signing,
}

impl KeyUse {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encryption => "encryption",
            Self::Signing => "signing",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Encryption, Self::Signing].into_iter().find(|key_use| key_use.as_str() == text)
    }

    /// Whom the certificate names.
    pub fn common_name(self) -> &'static str {
        match self {
            Self::Encryption => "Curfew SAML encryption",
            Self::Signing => "Curfew SAML signing",
        }
    }

    /// What a private key is sealed for: it opens as that of no other workspace, use or generation.
    pub fn place(self, workspace: &WorkspaceId, generation: i64) -> String {
        format!("saml-{}-key/{workspace}/{generation}", self.as_str())
    }
}
