//! Pure: a sign-in under way: what it is for, and what was so when it began.

use crate::base::clock::UnixMillis;
use crate::base::ids::{ProviderId, UserId, WorkspaceId};

/// What a sign-in under way is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A session.
    #[default]
    SignIn,
    /// An administrator tries the settings: nobody is signed in.
    Test,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Test => "test",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::SignIn, Self::Test].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// One sign-in under way.
#[derive(Clone, Debug)]
pub struct Flow {
    pub workspace: WorkspaceId,
    /// ID of the AuthnRequest.
    pub request_id: String,
    pub return_to: String,
    pub workspace_epoch: i64,
    /// The head when it began: a revocation after it may not be survived.
    pub began_seq: i64,
    /// The provider that it was sent to: no other one answers it.
    pub provider: ProviderId,
    pub provider_version: i64,
    pub purpose: Purpose,
    /// The administrator who tests.
    pub begun_by: Option<UserId>,
    /// How often it began again because a revocation overtook it.
    pub restarts: i64,
    pub expires_at: UnixMillis,
    /// If the request asked for a proof anew: an earlier AuthnInstant is refused.
    pub authn_not_before: Option<UnixMillis>,
}
