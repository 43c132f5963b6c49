//! Identifiers: UUIDv7 as text, one type for each kind of thing, so that they can't be confused.
//! They are public; a secret is something else (`secret.rs`).

use std::fmt;

use super::clock::UnixMillis;
use super::random::Random;

/// A new UUIDv7 (RFC 9562 §5.7) as 36 characters.
pub fn uuid_v7(now: UnixMillis, random: &dyn Random) -> String {
    let mut entropy = [0; 10];
    random.fill(&mut entropy);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now).unwrap_or(0), &entropy).into_uuid().to_string()
}

/// Whether a text has the form of an identifier: a UUID of 36 characters.
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new one.
            pub fn generate(now: UnixMillis, random: &dyn Random) -> Self {
                Self(uuid_v7(now, random))
            }
            /// Wraps text from outside or from the database; it need not exist.
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&$name> for crate::base::ids::IdText {
            fn from(id: &$name) -> Self {
                Self(id.0.clone())
            }
        }
    )+};
}

/// Any identifier as plain text, on its way into a statement.
pub struct IdText(pub String);

id_types! {
    /// A tenant.
    WorkspaceId,
    /// A person in one workspace.
    UserId,
    /// A group of users.
    GroupId,
    /// One signed-in browser or client.
    SessionId,
    /// A SCIM token or an API key.
    CredentialId,
    /// A running process.
    ReplicaId,
    /// A SAML identity provider of a workspace.
    ProviderId,
    /// A link by which an IT contact sets single sign-on up.
    SetupLinkId,
}
