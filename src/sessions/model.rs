//! Pure: a session as it is stored, the principal that a valid one speaks for, and the receipt of a revocation.

use std::net::IpAddr;

use serde::Serialize;

use super::selection::Selection;
use crate::base::clock::UnixMillis;
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::feed::replicas::Applied;
use crate::policy::ip_allowlist::IpAllowlist;
use crate::policy::model::{Method, Policy};

/// What a user may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    #[default]
    Member,
    Admin,
    Owner,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Member, Self::Admin, Self::Owner].into_iter().find(|role| role.as_str() == text)
    }

    /// Whether this role may change security settings and other people's sessions.
    pub fn administers(self) -> bool {
        self >= Self::Admin
    }
}

/// Whether a user may have sessions: only an active one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UserState {
    Invited,
    Active,
    /// By an administrator.
    Suspended,
    /// By the identity provider.
    Deprovisioned,
    Deleted,
}

impl UserState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deprovisioned => "deprovisioned",
            Self::Deleted => "deleted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Invited, Self::Active, Self::Suspended, Self::Deprovisioned, Self::Deleted]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// A session's own facts.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub workspace: WorkspaceId,
    pub user: UserId,
    pub method: Method,
    pub workspace_epoch: i64,
    pub user_epoch: i64,
    pub created_at: UnixMillis,
    pub signed_in_at: UnixMillis,
    pub last_seen_at: UnixMillis,
    pub not_after: Option<UnixMillis>,
    pub ip: String,
    pub last_ip: String,
    pub user_agent: String,
    pub ended_at: Option<UnixMillis>,
    pub end_cause: Option<String>,
}

impl Session {
    /// When time ends it, whatever happens.
    pub fn expires_at(&self, policy: &Policy) -> UnixMillis {
        let absolute = self.created_at + policy.absolute_ms;
        self.not_after.map_or(absolute, |limit| limit.min(absolute))
    }

    /// When time ends it if no request comes.
    pub fn idle_expires_at(&self, policy: &Policy) -> UnixMillis {
        (self.last_seen_at + policy.idle_ms).min(self.expires_at(policy))
    }
}

/// The person behind a session.
#[derive(Clone, Debug)]
pub struct Holder {
    pub id: UserId,
    pub user_name: String,
    pub email: String,
    pub display_name: String,
    pub role: Role,
    pub state: UserState,
    pub source: String,
    pub epoch: i64,
    pub spared_session: Option<SessionId>,
    /// Whether the identity provider put them in any group.
    pub in_groups: bool,
}

/// The workspace of a session.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: WorkspaceId,
    pub slug: String,
    pub name: String,
    pub epoch: i64,
    pub spared_session: Option<SessionId>,
    pub epoch_raised_at: Option<UnixMillis>,
    pub epoch_cause: Option<String>,
}

/// All that a verdict on a session rests on, read together.
#[derive(Clone, Debug)]
pub struct Facts {
    pub session: Session,
    pub user: Holder,
    pub workspace: Tenant,
    pub policy: Policy,
    pub allowlist: IpAllowlist,
}

/// Whom a revocation covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody in the workspace, except one session.
    Workspace {
        spare: Option<SessionId>,
        include_api_keys: bool,
    },
    /// All sessions of a user, except one.
    User {
        user: UserId,
        spare: Option<SessionId>,
    },
    /// All sessions of several users.
    Users(Vec<UserId>),
    Session(SessionId),
    /// The live sessions of the workspace that match, except one.
    Selection {
        selection: Selection,
        spare: Option<SessionId>,
    },
}

impl Scope {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Workspace { .. } => "workspace",
            Self::User { .. } => "user",
            Self::Users(_) => "users",
            Self::Session(_) => "session",
            Self::Selection { .. } => "selection",
        }
    }
}

/// What caused a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Admin,
    Scim,
    SamlChange,
    IpAllowlistChange,
    Policy,
    PasswordChange,
    /// The person ended their own session.
    Logout,
    /// The identity provider logged the person out.
    SamlLogout,
}

impl Trigger {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Scim => "scim",
            Self::SamlChange => "saml_change",
            Self::IpAllowlistChange => "ip_allowlist_change",
            Self::Policy => "policy",
            Self::PasswordChange => "password_change",
            Self::Logout => "logout",
            Self::SamlLogout => "saml_logout",
        }
    }
}

/// How many sessions a scope covers right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub sessions: i64,
    /// Distinct users with such a session.
    pub users: i64,
    /// True if counting stopped at its limit: then there are at least so many.
    pub more: bool,
}

impl Count {
    /// Of counting that stopped after one more than `limit`.
    pub fn up_to(limit: i64, sessions: i64, users: i64) -> Self {
        Self { sessions: sessions.min(limit), users, more: sessions > limit }
    }
}

/// A person in a list that shows some of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: UserId,
    pub user_name: String,
    pub display_name: String,
}

/// A use of a session.
#[derive(Clone, Debug)]
pub struct Use {
    pub workspace: WorkspaceId,
    pub session: SessionId,
    pub at: UnixMillis,
    pub address: Option<IpAddr>,
}

/// What a revocation returns: proof of what it did.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// Number of this revocation among all of the installation's.
    pub sequence: i64,
    /// The epoch that holds since, of the workspace or the user; 0 for a single session or a selection.
    pub epoch: i64,
    pub scope: &'static str,
    pub trigger: Trigger,
    pub reason: String,
    #[serde(flatten)]
    pub ended: Count,
    pub api_keys: i64,
    pub spared_session: Option<SessionId>,
    pub replicas: Applied,
    /// RFC 3339.
    pub revoked_at: String,
    /// From the start of the operation to the end of the barrier.
    pub duration_ms: f64,
    /// The same, signed: a compact JWS. `None` until it is acknowledged, and if nothing could be signed at that moment.
    pub jws: Option<String>,
}

/// Which sessions a list shows; an absent member lets everything pass.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    pub user: Option<String>,
    /// Part of the user's name, display name or e-mail address, in any case; or the whole id.
    pub person: Option<String>,
    pub method: Option<String>,
    pub created_before: Option<UnixMillis>,
    pub seen_before: Option<UnixMillis>,
}
