//! Pure: SCIM tokens, OAuth clients and API keys as they are stored, without their secrets.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::base::clock::UnixMillis;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::secret::SecretKind;

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    ScimToken,
    /// Gets short-lived tokens for SCIM (RFC 6749 §4.4).
    ScimClient,
    ApiKey,
}

impl CredentialKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScimToken => "scim_token",
            Self::ScimClient => "scim_client",
            Self::ApiKey => "api_key",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::ScimToken, Self::ScimClient, Self::ApiKey].into_iter().find(|kind| kind.as_str() == text)
    }

    /// The form of its secret.
    pub fn secret(self) -> SecretKind {
        match self {
            Self::ScimToken => SecretKind::ScimToken,
            Self::ScimClient => SecretKind::ClientSecret,
            Self::ApiKey => SecretKind::ApiKey,
        }
    }

    /// What the audit log calls its making and its end.
    pub fn actions(self) -> (&'static str, &'static str) {
        match self {
            Self::ScimToken => ("scim_token.created", "scim_token.revoked"),
            Self::ScimClient => ("scim_client.created", "scim_client.revoked"),
            Self::ApiKey => ("api_key.created", "api_key.revoked"),
        }
    }
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// A secret, by HTTP Basic or in the body (RFC 6749 §2.3.1).
    Secret,
    /// An assertion signed with the client's key (RFC 7523 §2.2).
    PrivateKeyJwt,
}

impl AuthMethod {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Secret, Self::PrivateKeyJwt].into_iter().find(|method| method.as_str() == text)
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

/// A credential without its secret.
#[derive(Clone, Debug)]
pub struct Credential {
    pub id: CredentialId,
    pub workspace: WorkspaceId,
    pub kind: CredentialKind,
    pub name: String,
    pub scopes: Vec<String>,
    /// Networks that it may be used from; empty: from anywhere.
    pub networks: Vec<IpNet>,
    pub created_at: UnixMillis,
    /// Exclusive.
    pub expires_at: Option<UnixMillis>,
    pub last_used_at: Option<UnixMillis>,
    /// Empty if it is not known.
    pub last_used_ip: String,
    /// What took its place: until `expires_at` both work.
    pub replaced_by: Option<CredentialId>,
    /// Of clients only.
    pub auth_method: Option<AuthMethod>,
    /// A JWK; of clients that sign only.
    pub public_key: Option<String>,
    pub revoked_at: Option<UnixMillis>,
    /// Of tokens and clients that provision.
    pub patch_response: PatchResponse,
    /// Which state of the workspace's own SCIM schemas holds; empty if there are none, or if it wasn't asked for.
    pub schemas_stamp: String,
}

/// Why a known credential is not accepted. Its holder isn't told which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Revoked,
    Expired,
    /// Used from outside its networks.
    Address,
}

impl Refusal {
    /// A sentence for the workspace's administrators.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Revoked => "refused: it was revoked",
            Self::Expired => "refused: it has expired",
            Self::Address => "refused: it may not be used from this address",
        }
    }
}

impl Credential {
    /// Why it may not be used at that instant from that address; `None` if it may. An unknown address is in no network.
    pub fn refusal(&self, now: UnixMillis, address: Option<IpAddr>) -> Option<Refusal> {
        if self.revoked_at.is_some() {
            return Some(Refusal::Revoked);
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Some(Refusal::Expired);
        }
        let inside = |address: IpAddr| {
            let address = address.to_canonical();
            self.networks.iter().any(|network| network.contains(&address))
        };
        let allowed = self.networks.is_empty() || address.is_some_and(inside);
        (!allowed).then_some(Refusal::Address)
    }
}
