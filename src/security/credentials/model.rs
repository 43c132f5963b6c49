//! Pure: SCIM tokens and API keys as they are stored, without their secrets.

use crate::base::clock::UnixMillis;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::secret::SecretKind;

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    ScimToken,
    ApiKey,
}

impl CredentialKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScimToken => "scim_token",
            Self::ApiKey => "api_key",
        }
    }

    /// The form of its secret.
    pub fn secret(self) -> SecretKind {
        match self {
            Self::ScimToken => SecretKind::ScimToken,
            Self::ApiKey => SecretKind::ApiKey,
        }
    }

    /// What the audit log calls its making and its end.
    pub fn actions(self) -> (&'static str, &'static str) {
        match self {
            Self::ScimToken => ("scim_token.created", "scim_token.revoked"),
            Self::ApiKey => ("api_key.created", "api_key.revoked"),
        }
    }
}

/// A credential without its secret.
#[derive(Clone, Debug)]
pub struct Credential {
    pub id: CredentialId,
    pub workspace: WorkspaceId,
    pub kind: CredentialKind,
    pub name: String,
    pub scopes: Vec<String>,
    pub created_at: UnixMillis,
    pub expires_at: Option<UnixMillis>,
    pub last_used_at: Option<UnixMillis>,
    pub revoked_at: Option<UnixMillis>,
}
