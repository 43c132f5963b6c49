//! Pure: a user and the form of names and addresses.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::canonical;
use crate::base::clock::UnixMillis;
use crate::base::ids::{UserId, WorkspaceId};
use crate::error::{Error, Result};
use crate::sessions::model::{Role, UserState};

/// Who keeps a user's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    #[default]
    Local,
    Scim,
    /// Created at their first SAML sign-in.
    Saml,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Scim => "scim",
            Self::Saml => "saml",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Local, Self::Scim, Self::Saml].into_iter().find(|source| source.as_str() == text)
    }
}

/// A person in one workspace.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub workspace: WorkspaceId,
    pub user_name: String,
    pub email: Option<String>,
    pub display_name: String,
    pub role: Role,
    pub state: UserState,
    /// What the identity provider says; true for whom none keeps.
    pub provider_active: bool,
    pub source: Source,
    pub external_id: Option<String>,
    pub epoch: i64,
    /// The revocation that raised the epoch last.
    pub epoch_seq: i64,
    pub password_hash: Option<String>,
    /// The SCIM resource as the identity provider keeps it, without what has a column of its own meaning.
    pub resource: Map<String, Value>,
    pub version: i64,
    pub created_at: UnixMillis,
    pub updated_at: UnixMillis,
}

impl User {
    /// What a page calls this person.
    pub fn label(&self) -> &str {
        if self.user_name.is_empty() { self.id.as_str() } else { &self.user_name }
    }
}

/// Which users a search shows; an empty member lets everybody pass.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Part of a name, display name or e-mail address, in any case.
    pub text: String,
    pub state: Option<UserState>,
}

/// A user in a list, with what their sessions say.
#[derive(Clone, Debug)]
pub struct Found {
    pub user: User,
    /// Live sessions.
    pub sessions: i64,
    /// Newest accepted check of a session that is still remembered.
    pub last_seen_at: Option<UnixMillis>,
}

/// The form under which user names are compared, for uniqueness, look-up, filters and sign-in alike.
///
/// # Errors
/// 400 naming `field`.
pub fn name_key(field: &'static str, text: &str) -> Result<String> {
    canonical::key(text).map_err(|invalid| Error::invalid(field, invalid.to_string()))
}

/// An e-mail address: something, one @, a domain. More than that only a delivered message proves.
///
/// # Errors
/// 400 naming `field`.
pub fn email_key(field: &'static str, text: &str) -> Result<String> {
    let key = name_key(field, text)?;
    let shaped = key
        .rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !local.contains('@') && domain.len() > 1);
    if shaped && !key.contains(char::is_whitespace) {
        return Ok(key);
    }
    Err(Error::invalid(field, "must be an e-mail address"))
}
