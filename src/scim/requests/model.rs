//! Pure: one request of an identity provider, as administrators see it.

use crate::base::clock::UnixMillis;
use crate::base::ids::{CredentialId, WorkspaceId};

/// A request and how it ended. Nothing in it is a value that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    pub id: String,
    pub workspace: WorkspaceId,
    /// The token, or the client that got it.
    pub credential: CredentialId,
    pub at: UnixMillis,
    pub method: String,
    /// Below the SCIM root, with a query of names and operators.
    pub path: String,
    pub status: i64,
    pub scim_type: Option<String>,
    /// What was wrong.
    pub detail: Option<String>,
    pub duration_ms: i64,
    pub request_id: String,
    /// Empty if it is not known.
    pub ip: String,
    pub user_agent: String,
}
