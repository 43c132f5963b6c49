//! The door: the only place where sessions end.
//!
//! Inside the caller's transaction it writes the state (an epoch or a row), the audit entry and the feed event together, or
//! nothing. Its cost does not grow with the number of sessions. After the commit, `acknowledge` waits for the barrier and
//! gives the receipt; until then nobody may be told that it happened.

use std::time::Duration;

use serde_json::json;

use super::model::{Count, Receipt, Scope, Trigger};
use super::{rules, store};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::{UnixMillis, rfc3339};
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::db::Write;
use crate::error::{Error, Result, SESSION_ENDED};
use crate::feed::event::Event;
use crate::feed::{self, replicas};
use crate::policy::model::Policy;

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

/// A revocation that is written but not yet acknowledged.
#[must_use = "a revocation is acknowledged after its commit"]
#[derive(Clone, Debug)]
pub struct Revoked {
    receipt: Receipt,
    started: Duration,
}

impl Revoked {
    /// The receipt as far as it is known before the commit, for an answer that is to be kept.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

/// Ends the sessions of `order.scope` within `tx`.
///
/// # Errors
/// 401 `session-ended` if the caller's own session, which was to be spared, has ended meanwhile: it must not come back.
/// 404 if the user or session is not there.
pub async fn revoke(tx: &mut Write, app: &App, actor: &Actor, order: &Order<'_>) -> Result<Revoked> {
    let started = app.clock.monotonic();
    let now = app.clock.now();
    // 1. State, which locks the row that decides.
    let change = match &order.scope {
        Scope::Workspace { spare, include_api_keys } => {
            end_workspace(tx, order, spare.as_ref(), *include_api_keys, now).await?
        }
        Scope::User { user, spare } => end_user(tx, order, user, spare.as_ref(), now).await?,
        Scope::Session(session) => end_session(tx, order, session, now).await?,
    };
    // 2. The head: held until the commit, so that sequence and commit order are one.
    let sequence = feed::store::raise_head(tx).await?;
    if let Scope::User { user, .. } = &order.scope {
        store::mark_user_epoch(tx, order.workspace, user, sequence).await?;
    }
    // 3. The feed event.
    feed::store::insert(tx, sequence, &event(order, &change, now)).await?;
    // 4. The audit entry.
    let receipt = receipt(order, &change, sequence, now);
    audit::append(tx, order.workspace, now, actor, &entry(order, &receipt)).await?;
    Ok(Revoked { receipt, started })
}

/// Waits until every replica has applied a committed revocation or may not answer any more, and gives the receipt.
pub fn acknowledge(app: &App, revoked: Revoked) -> Receipt {
    let mut receipt = revoked.receipt;
    receipt.replicas = replicas::barrier(app.replica.as_str());
    receipt.duration_ms = (app.clock.monotonic() - revoked.started).as_secs_f64() * 1000.0;
    app.metrics.revocation(receipt.scope, receipt.trigger.as_str());
    tracing::info!(
        sequence = receipt.sequence,
        scope = receipt.scope,
        trigger = receipt.trigger.as_str(),
        sessions = receipt.ended.sessions,
        "sessions revoked"
    );
    receipt
}

/// Ends what a change of policy refuses, within `tx`: before the change and after it. What time or a withdrawn method has ended
/// under one policy must not come back under the next. Gives how many sessions that were; the caller writes the audit entry.
///
/// Unlike every other revocation this looks at rows, because whom a policy refuses is a matter of each one's own times.
pub async fn end_refused_by_policy(
    tx: &mut Write,
    app: &App,
    workspace: &WorkspaceId,
    policies: [&Policy; 2],
) -> Result<u64> {
    let now = app.clock.now();
    let mut ended = 0;
    for policy in policies {
        ended += store::end_refused(tx, workspace, policy, now).await?;
    }
    if ended > 0 {
        let sequence = feed::store::raise_head(tx).await?;
        let cause = Trigger::Policy.as_str();
        let event = Event { workspace, scope: "policy", target: None, epoch: 0, spared_session: None, cause, at: now };
        feed::store::insert(tx, sequence, &event).await?;
    }
    Ok(ended)
}

/// What changed, before it has a number.
struct Change {
    epoch: i64,
    ended: Count,
    api_keys: i64,
    spared: Option<SessionId>,
}

async fn end_workspace(
    tx: &mut Write,
    order: &Order<'_>,
    spare: Option<&SessionId>,
    include_api_keys: bool,
    now: UnixMillis,
) -> Result<Change> {
    store::lock_workspace_epoch(tx, order.workspace).await?;
    // Judged under the lock: a session that a concurrent revocation ended may not be spared back to life.
    require_alive(tx, order.workspace, spare, now).await?;
    let ended = store::count_live(tx, order.workspace, None, spare, now).await?;
    let cause = order.trigger.as_str();
    let epoch = store::raise_workspace_epoch(tx, order.workspace, spare, now, cause).await?;
    let api_keys = if include_api_keys { store::revoke_api_keys(tx, order.workspace, now).await? } else { 0 };
    Ok(Change { epoch, ended, api_keys, spared: spare.cloned() })
}

async fn end_user(
    tx: &mut Write,
    order: &Order<'_>,
    user: &UserId,
    spare: Option<&SessionId>,
    now: UnixMillis,
) -> Result<Change> {
    let missing = || Error::not_found("user");
    store::lock_user_epoch(tx, order.workspace, user).await?.ok_or_else(missing)?;
    require_alive(tx, order.workspace, spare, now).await?;
    let ended = store::count_live(tx, order.workspace, Some(user), spare, now).await?;
    let epoch = store::raise_user_epoch(tx, order.workspace, user, spare).await?;
    Ok(Change { epoch, ended, api_keys: 0, spared: spare.cloned() })
}

async fn end_session(tx: &mut Write, order: &Order<'_>, session: &SessionId, now: UnixMillis) -> Result<Change> {
    let facts = store::find_facts_by_id(tx, order.workspace, session).await?;
    let facts = facts.ok_or_else(|| Error::not_found("session"))?;
    let lived = rules::alive(&facts, now).is_ok();
    let ended = store::end_one(tx, order.workspace, session, now, order.trigger.as_str()).await?;
    let one = i64::from(lived && ended == 1);
    Ok(Change { epoch: 0, ended: Count { sessions: one, users: one, more: false }, api_keys: 0, spared: None })
}

async fn require_alive(
    tx: &mut Write,
    workspace: &WorkspaceId,
    spare: Option<&SessionId>,
    now: UnixMillis,
) -> Result<()> {
    let Some(session) = spare else { return Ok(()) };
    let facts = store::find_facts_by_id(tx, workspace, session).await?.ok_or_else(ended_meanwhile)?;
    rules::alive(&facts, now).map_err(|_| ended_meanwhile())
}

fn ended_meanwhile() -> Error {
    Error::new(SESSION_ENDED, "your own session has ended meanwhile; nothing was changed")
}

fn event<'a>(order: &'a Order<'_>, change: &'a Change, now: UnixMillis) -> Event<'a> {
    let target = match &order.scope {
        Scope::Workspace { .. } => None,
        Scope::User { user, .. } => Some(user.as_str()),
        Scope::Session(session) => Some(session.as_str()),
    };
    Event {
        workspace: order.workspace,
        scope: order.scope.as_str(),
        target,
        epoch: change.epoch,
        spared_session: change.spared.as_ref().map(SessionId::as_str),
        cause: order.trigger.as_str(),
        at: now,
    }
}

fn receipt(order: &Order<'_>, change: &Change, sequence: i64, now: UnixMillis) -> Receipt {
    Receipt {
        sequence,
        epoch: change.epoch,
        scope: order.scope.as_str(),
        trigger: order.trigger,
        reason: order.reason.to_owned(),
        ended: change.ended,
        api_keys: change.api_keys,
        spared_session: change.spared.clone(),
        replicas: replicas::Applied::default(),
        revoked_at: rfc3339(now),
        duration_ms: 0.0,
    }
}

fn entry(order: &Order<'_>, receipt: &Receipt) -> Entry {
    let (action, target) = match &order.scope {
        Scope::Workspace { .. } => {
            ("session.log_all_users_out", Target::new("workspace", order.workspace.as_str(), order.target_label))
        }
        Scope::User { user, .. } => ("session.user_logged_out", Target::new("user", user.as_str(), order.target_label)),
        Scope::Session(id) if order.trigger == Trigger::Logout => {
            ("session.logout", Target::new("session", id.as_str(), order.target_label))
        }
        Scope::Session(id) => ("session.revoked", Target::new("session", id.as_str(), order.target_label)),
    };
    Entry::done(action, target).because(order.reason).with(json!({
        "sequence": receipt.sequence,
        "epoch": receipt.epoch,
        "trigger": receipt.trigger,
        "sessions": receipt.ended.sessions,
        "users": receipt.ended.users,
        "more": receipt.ended.more,
        "api_keys": receipt.api_keys,
        "spared_session": receipt.spared_session,
    }))
}
