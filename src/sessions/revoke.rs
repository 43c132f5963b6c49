//! The door: the only place where sessions end.
//!
//! Inside the caller's transaction it writes the state (an epoch or a row), the audit entry and the feed event together, or
//! nothing. Its cost does not grow with the number of sessions. After the commit, `acknowledge` waits for the barrier and
//! gives the signed receipt; until then nobody may be told that it happened.

use std::time::Duration;

use serde_json::json;

use super::model::{Count, Receipt, Scope, Trigger};
use super::{follow, rules, signed_receipt, store};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::{UnixMillis, rfc3339};
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::db::Write;
use crate::error::{CONFLICT, Error, Result, SESSION_ENDED};
use crate::feed::{self, Event, EventScope, replica_store, replicas, witness};
use crate::policy::model::Policy;
use crate::{mutant, transact};

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
    event: Event,
    /// The workspace's, if the order names it.
    slug: Option<String>,
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
    let event = event(order, &change, sequence, now);
    feed::store::insert(tx, &event).await?;
    // 4. The audit entry.
    let receipt = receipt(order, &change, sequence, now);
    audit::append(tx, order.workspace, now, actor, &entry(order, &receipt)).await?;
    let slug = matches!(order.scope, Scope::Workspace { .. }).then(|| order.target_label.to_owned());
    Ok(Revoked { receipt, event, slug, started })
}

/// Waits until every replica has applied a committed revocation or may not answer any more, and gives the signed
/// receipt.
///
/// # Errors
/// 202 `revocation-pending`: the sessions have ended, but the database doesn't say who knows.
pub async fn acknowledge(app: &App, revoked: Revoked) -> Result<Receipt> {
    let mut receipt = revoked.receipt;
    mutant::pause("after-commit-before-barrier").await;
    receipt.replicas = settle(app, &revoked.event).await?;
    receipt.duration_ms = (app.clock.monotonic() - revoked.started).as_secs_f64() * 1000.0;
    receipt.jws = signed_receipt::sign(app, &revoked.event, revoked.slug.as_deref(), &receipt).await;
    app.metrics.revocation(receipt.scope, receipt.trigger.as_str());
    tracing::info!(
        sequence = receipt.sequence,
        scope = receipt.scope,
        trigger = receipt.trigger.as_str(),
        sessions = receipt.ended.sessions,
        "sessions revoked"
    );
    Ok(receipt)
}

/// As `acknowledge`, if there is something to acknowledge.
///
/// # Errors
/// As `acknowledge`.
pub async fn acknowledge_some(app: &App, revoked: Option<Revoked>) -> Result<Option<Receipt>> {
    match revoked {
        Some(revoked) => acknowledge(app, revoked).await.map(Some),
        None => Ok(None),
    }
}

/// Applies a committed change here, and waits for every other replica.
///
/// # Errors
/// As `acknowledge`.
pub async fn settle(app: &App, event: &Event) -> Result<replicas::Applied> {
    if mutant::on("ack-before-commit") {
        return Ok(replicas::Applied::default());
    }
    if follow::apply(app, std::slice::from_ref(event)) == follow::Applying::Gap {
        // Others' changes come first; if they can't be read now, this process is waited for like any other.
        let caught_up = follow::catch_up(app, event.sequence).await;
        if let Err(error) = caught_up {
            tracing::warn!(error = error.log(), "could not catch up with the database");
        }
    }
    witness::note(&app.db, event.sequence).await;
    replicas::barrier(app, event.sequence, Some(event)).await
}

/// How a revocation that was written goes on: who knows of it by now.
///
/// # Errors
/// 404 if the workspace has no change of this number, or had it a week ago; as `acknowledge`.
pub async fn progress(app: &App, workspace: &WorkspaceId, sequence: i64) -> Result<replicas::Applied> {
    let found = feed::store::find(&mut app.db.read().await?, workspace, sequence).await?;
    let event = found.ok_or_else(|| Error::not_found("revocation"))?;
    settle(app, &event).await
}

/// Waits until every replica knows everything that is committed at this moment: for an answer that says that something is
/// so which an earlier request, perhaps without an answer, made so.
///
/// # Errors
/// As `acknowledge`.
pub async fn settle_all(app: &App) -> Result<replicas::Applied> {
    let head = feed::store::load_head(&mut app.db.read().await?).await?;
    let caught_up = follow::catch_up(app, head).await;
    if let Err(error) = caught_up {
        tracing::debug!(error = error.log(), "could not catch up with the database");
    }
    replicas::barrier(app, head, None).await
}

/// Makes every replica forget what it knows of a workspace or one of its users, within `tx`: something changed that verdicts
/// or identity headers rest on. Settle it after the commit.
pub async fn announce(
    tx: &mut Write,
    app: &App,
    workspace: &WorkspaceId,
    scope: EventScope,
    user: Option<&UserId>,
) -> Result<Event> {
    let sequence = feed::store::raise_head(tx).await?;
    let user = user.map(|user| user.as_str().to_owned());
    let event = Event {
        sequence,
        workspace: workspace.clone(),
        scope,
        target: user.clone(),
        user,
        epoch: 0,
        spared_session: None,
        cause: scope.as_str().to_owned(),
        at: app.clock.now(),
    };
    feed::store::insert(tx, &event).await?;
    feed::store::hint(tx, &event).await?;
    Ok(event)
}

/// Raises far beyond every number that a lost part of history can have had.
const LEAP: i64 = 1_000_000;

/// Logs everybody out of every workspace if the database is another one than the head was raised on, or has forgotten
/// changes that this process knows: nobody who was revoked in what was lost may come back.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn distrust(app: &App, known: i64) -> Result<()> {
    let db = &app.feed.db();
    let granted = transact!(db, |tx| { replica_store::lock_head(tx).await })?;
    if granted.timeline == granted.known_timeline && granted.head >= known {
        return Ok(());
    }
    if granted.known_timeline.is_empty() && granted.head >= known {
        // The first time that anybody looks.
        return transact!(db, |tx| { replica_store::set_timeline(tx, &granted.timeline).await });
    }
    let done = transact!(db, |tx| {
        end_everything(tx, app, &Actor::system("failover"), "the database was replaced or restored", |found| {
            found.timeline != found.known_timeline || found.head < known
        })
        .await
    });
    match done {
        // Another replica was faster.
        Err(error) if error.problem() == CONFLICT => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Logs everybody out of every workspace, whatever was lost: the last step of restoring a backup.
///
/// # Errors
/// 503 if the database doesn't answer; 202 `revocation-pending`.
pub async fn revoke_everything(app: &App, actor: &Actor, reason: &str) -> Result<(i64, i64)> {
    let (event, workspaces) = transact!(app.db, |tx| { end_everything(tx, app, actor, reason, |_| true).await })?;
    settle(app, &event).await?;
    Ok((event.sequence, workspaces))
}

async fn end_everything(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    reason: &str,
    needed: impl Fn(&replica_store::Granted) -> bool,
) -> Result<(Event, i64)> {
    let now = app.clock.now();
    // Workspaces before the head, like every revocation.
    let workspaces = store::raise_every_epoch(tx, now, "restore").await?;
    let found = replica_store::lock_head(tx).await?;
    if !needed(&found) {
        return Err(Error::new(CONFLICT, "another replica has done it"));
    }
    let sequence = replica_store::leap(tx, LEAP).await?;
    replica_store::set_timeline(tx, &found.timeline).await?;
    let event = Event {
        sequence,
        workspace: WorkspaceId::from_text(""),
        scope: EventScope::Everything,
        target: None,
        user: None,
        epoch: 0,
        spared_session: None,
        cause: "restore".to_owned(),
        at: now,
    };
    feed::store::insert(tx, &event).await?;
    for (workspace, slug) in &workspaces {
        let target = Target::new("workspace", workspace.as_str(), slug);
        let details = json!({"sequence": sequence, "trigger": "restore"});
        let entry = Entry::done("session.log_all_users_out", target).because(reason).with(details);
        audit::append(tx, workspace, now, actor, &entry).await?;
    }
    Ok((event, i64::try_from(workspaces.len()).unwrap_or(i64::MAX)))
}

/// Ends what a change of policy refuses, within `tx`: before the change and after it. What time or a withdrawn method has ended
/// under one policy must not come back under the next. Gives how many sessions that were, and the change to settle; the
/// caller writes the audit entry.
///
/// Unlike every other revocation this looks at rows, because whom a policy refuses is a matter of each one's own times.
pub async fn end_refused_by_policy(
    tx: &mut Write,
    app: &App,
    workspace: &WorkspaceId,
    policies: [&Policy; 2],
) -> Result<(u64, Event)> {
    let now = app.clock.now();
    let mut ended = 0;
    for policy in policies {
        ended += store::end_refused(tx, workspace, policy, now).await?;
    }
    Ok((ended, announce(tx, app, workspace, EventScope::Policy, None).await?))
}

/// What changed, before it has a number.
struct Change {
    epoch: i64,
    ended: Count,
    api_keys: i64,
    spared: Option<SessionId>,
    /// Whose sessions, if they are one person's.
    user: Option<UserId>,
}

async fn end_workspace(
    tx: &mut Write,
    order: &Order<'_>,
    spare: Option<&SessionId>,
    include_api_keys: bool,
    now: UnixMillis,
) -> Result<Change> {
    let ended = store::count_for_receipt(tx, order.workspace, spare, now).await?;
    let cause = order.trigger.as_str();
    let epoch = store::raise_workspace_epoch(tx, order.workspace, spare, now, cause).await?;
    let epoch = epoch.ok_or_else(ended_meanwhile)?;
    let api_keys = if include_api_keys { store::revoke_api_keys(tx, order.workspace, now).await? } else { 0 };
    Ok(Change { epoch, ended, api_keys, spared: spare.cloned(), user: None })
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
    Ok(Change { epoch, ended, api_keys: 0, spared: spare.cloned(), user: Some(user.clone()) })
}

async fn end_session(tx: &mut Write, order: &Order<'_>, session: &SessionId, now: UnixMillis) -> Result<Change> {
    let facts = store::find_facts_by_id(tx, order.workspace, session).await?;
    let facts = facts.ok_or_else(|| Error::not_found("session"))?;
    let lived = rules::alive(&facts, now).is_ok();
    let ended = store::end_one(tx, order.workspace, session, now, order.trigger.as_str()).await?;
    let one = i64::from(lived && ended == 1);
    Ok(Change {
        epoch: 0,
        ended: Count { sessions: one, users: one, more: false },
        api_keys: 0,
        spared: None,
        user: Some(facts.user.id),
    })
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

fn event(order: &Order<'_>, change: &Change, sequence: i64, now: UnixMillis) -> Event {
    let (scope, target) = match &order.scope {
        Scope::Workspace { .. } => (EventScope::Workspace, None),
        Scope::User { user, .. } => (EventScope::User, Some(user.to_string())),
        Scope::Session(session) => (EventScope::Session, Some(session.to_string())),
    };
    Event {
        sequence,
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
        jws: None,
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
