//! Pure: a revocation as it was ordered, and the traces that it leaves: feed event, receipt, audit entry.

use serde_json::json;

use super::model::{Count, Receipt, Scope, Trigger};
use crate::audit::{Entry, Target};
use crate::base::clock::{UnixMillis, rfc3339};
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::feed::replicas::Applied;
use crate::feed::{Event, EventScope};

/// A revocation to carry out.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    pub workspace: &'a WorkspaceId,
    pub scope: Scope,
    pub trigger: Trigger,
    pub reason: &'a str,
    /// What a person calls the target, for the audit log.
    pub target_label: &'a str,
}

/// What changed, before it has a number.
pub struct Change {
    /// That holds from now on; 0 if none was raised.
    pub epoch: i64,
    pub ended: Count,
    pub api_keys: i64,
    pub spared: Option<SessionId>,
    /// Whose sessions, if they are one person's.
    pub user: Option<UserId>,
}

/// What the feed tells of it.
pub fn event(order: &Order<'_>, change: &Change, now: UnixMillis) -> Event {
    let (scope, target) = match &order.scope {
        Scope::Workspace { .. } => (EventScope::Workspace, None),
        Scope::User { user, .. } => (EventScope::User, Some(user.to_string())),
        // No event names several people: whoever knows some of the workspace asks again.
        Scope::Selection { .. } | Scope::Users(_) => (EventScope::Selection, None),
        Scope::Session(session) => (EventScope::Session, Some(session.to_string())),
    };
    Event {
        // It gets its number when it is written.
        sequence: 0,
        workspace: order.workspace.clone(),
        scope,
        target,
        user: change.user.as_ref().map(UserId::to_string),
        epoch: change.epoch,
        spared_session: change.spared.as_ref().map(SessionId::to_string),
        cause: order.trigger.as_str().to_owned(),
        at: now,
    }
}

/// The receipt as far as it is known before the commit.
pub fn receipt(order: &Order<'_>, change: &Change, sequence: i64, now: UnixMillis) -> Receipt {
    Receipt {
        sequence,
        epoch: change.epoch,
        scope: order.scope.as_str(),
        trigger: order.trigger,
        reason: order.reason.to_owned(),
        ended: change.ended,
        api_keys: change.api_keys,
        spared_session: change.spared.clone(),
        replicas: Applied::default(),
        revoked_at: rfc3339(now),
        duration_ms: 0.0,
        jws: None,
    }
}

/// What the audit log keeps of it.
pub fn entry(order: &Order<'_>, receipt: &Receipt) -> Entry {
    let (action, target) = match &order.scope {
        Scope::Workspace { .. } => {
            ("session.log_all_users_out", Target::new("workspace", order.workspace.as_str(), order.target_label))
        }
        Scope::User { user, .. } => ("session.user_logged_out", Target::new("user", user.as_str(), order.target_label)),
        Scope::Selection { .. } => {
            ("session.selection_revoked", Target::new("workspace", order.workspace.as_str(), order.target_label))
        }
        Scope::Users(_) => {
            ("session.users_logged_out", Target::new("workspace", order.workspace.as_str(), order.target_label))
        }
        Scope::Session(id) if order.trigger == Trigger::Logout => {
            ("session.logout", Target::new("session", id.as_str(), order.target_label))
        }
        Scope::Session(id) => ("session.revoked", Target::new("session", id.as_str(), order.target_label)),
    };
    let mut details = json!({
        "sequence": receipt.sequence,
        "epoch": receipt.epoch,
        "trigger": receipt.trigger,
        "sessions": receipt.ended.sessions,
        "users": receipt.ended.users,
        "more": receipt.ended.more,
        "api_keys": receipt.api_keys,
        "spared_session": receipt.spared_session,
    });
    if let Scope::Selection { selection, .. } = &order.scope {
        details["filter"] = selection.to_json();
    }
    Entry::done(action, target).because(order.reason).with(details)
}
