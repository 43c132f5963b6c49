//! Pure: the verdict on a session. Everything is required; the first rule that fails is the answer.

use std::net::IpAddr;

use super::model::{Facts, UserState};
use crate::base::clock::UnixMillis;
use crate::base::ids::SessionId;
use crate::policy::ip_allowlist::Passage;

/// Why a session is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such token.
    Unknown,
    /// Ended by itself: by its person, an administrator, a new password.
    Ended { cause: String },
    /// Everybody was logged out since.
    EverybodyLoggedOut { at: UnixMillis, cause: String },
    /// All of the user's sessions were ended since.
    UserLoggedOut,
    /// The user may have no session.
    NotActive(UserState),
    /// Too long since sign-in.
    Expired,
    /// Too long since the last request.
    Idle,
    /// The policy no longer admits how it was signed in.
    Method,
    /// The client's address is not in the allowlist.
    Address,
}

impl Refusal {
    /// A stable name for logs, audit and the page that explains it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ended { .. } => "ended",
            Self::EverybodyLoggedOut { .. } => "everybody_logged_out",
            Self::UserLoggedOut => "user_logged_out",
            Self::NotActive(_) => "user_not_active",
            Self::Expired => "expired",
            Self::Idle => "idle",
            Self::Method => "method_not_allowed",
            Self::Address => "ip_not_allowed",
        }
    }
}

/// Whether the stamps that the session was born with still hold (design: epochs, not loops).
pub fn stamps_hold(facts: &Facts) -> Result<(), Refusal> {
    let Facts { session, user, workspace, .. } = facts;
    let spared = |by: &Option<SessionId>| by.as_ref() == Some(&session.id);
    if session.workspace_epoch != workspace.epoch && !spared(&workspace.spared_session) {
        return Err(Refusal::EverybodyLoggedOut {
            at: workspace.epoch_raised_at.unwrap_or_default(),
            cause: workspace.epoch_cause.clone().unwrap_or_default(),
        });
    }
    if session.user_epoch != user.epoch && !spared(&user.spared_session) {
        return Err(Refusal::UserLoggedOut);
    }
    Ok(())
}

/// Judges a session for a client at `address`. In report mode a refused address passes; `Ok(true)` says so.
pub fn judge(facts: &Facts, address: Option<IpAddr>, now: UnixMillis) -> Result<bool, Refusal> {
    alive(facts, now)?;
    match facts.allowlist.judge(address) {
        Passage::Allowed => Ok(false),
        Passage::Reported => Ok(true),
        Passage::Refused => Err(Refusal::Address),
    }
}

/// Judges all but the address: whether the session lives, wherever it is used from.
pub fn alive(facts: &Facts, now: UnixMillis) -> Result<(), Refusal> {
    let session = &facts.session;
    if session.ended_at.is_some() {
        return Err(Refusal::Ended { cause: session.end_cause.clone().unwrap_or_default() });
    }
    if facts.user.state != UserState::Active {
        return Err(Refusal::NotActive(facts.user.state));
    }
    stamps_hold(facts)?;
    if now >= session.expires_at(&facts.policy) {
        return Err(Refusal::Expired);
    }
    if now >= session.last_seen_at + facts.policy.idle_ms {
        return Err(Refusal::Idle);
    }
    if !facts.policy.admits(session.method) {
        return Err(Refusal::Method);
    }
    Ok(())
}
