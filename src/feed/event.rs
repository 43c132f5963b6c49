//! Pure: a change that every replica must know of, as the feed tells it.

use serde::{Deserialize, Serialize};

use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;

/// What a change is about, and so what a replica must stop believing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventScope {
    /// Everybody's sessions ended, but the spared one.
    Workspace,
    /// A user's sessions ended, but the spared one.
    User,
    /// One session ended.
    Session,
    /// Some sessions of the workspace ended.
    Selection,
    /// Policy or allowlist changed; sessions that they refuse ended.
    Policy,
    /// What is known of a user changed: role, address, groups.
    Profile,
    /// What is known of many users of the workspace changed.
    Profiles,
    /// Every session of every workspace ended: the database lost, or may have lost, revocations.
    Everything,
}

impl EventScope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::User => "user",
            Self::Session => "session",
            Self::Selection => "selection",
            Self::Policy => "policy",
            Self::Profile => "profile",
            Self::Profiles => "profiles",
            Self::Everything => "everything",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        use EventScope::{Everything, Policy, Profile, Profiles, Selection, Session, User, Workspace};
        [Workspace, User, Session, Selection, Policy, Profile, Profiles, Everything]
            .into_iter()
            .find(|scope| scope.as_str() == text)
    }
}

/// A change with its number, which the database gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub sequence: i64,
    pub workspace: WorkspaceId,
    pub scope: EventScope,
    /// The session, for one session; the user, for a user.
    pub target: Option<String>,
    /// Whose session it was, or the user.
    pub user: Option<String>,
    /// The epoch that holds from now on, of the workspace or the user; else 0.
    pub epoch: i64,
    pub spared_session: Option<String>,
    pub cause: String,
    pub at: UnixMillis,
}
