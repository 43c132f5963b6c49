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

/// What a PATCH over SCIM is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatchResponse {
    /// 200 with the resource.
    #[default]
    Resource,
    /// 204 without a body: for tenants with very large groups.
    NoContent,
}

impl PatchResponse {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::NoContent => "no_content",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Resource, Self::NoContent].into_iter().find(|known| known.as_str() == text)
    }
}

/// A credential to make.
#[derive(Clone, Copy, Debug)]
pub struct NewCredential<'a> {
    pub kind: CredentialKind,
    pub name: &'a str,
    /// Of API keys.
    pub scopes: &'a [String],
    pub expires_in_days: Option<i64>,
    /// Of SCIM tokens.
    pub patch_response: PatchResponse,
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
    pub patch_response: PatchResponse,
    /// Which state of the workspace's own SCIM schemas holds; empty if there are none, or if it wasn't asked for.
    pub schemas_stamp: String,
}
