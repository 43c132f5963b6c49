//! The door: the only place where sessions end.
//!
//! Inside the caller's transaction it writes the state (an epoch or a row), the audit entry and the feed event together, or
//! nothing. Its cost does not grow with the number of sessions, but for a selection of them. After the commit, `acknowledge`
//! waits for the barrier and gives the signed receipt; until then nobody may be told that it happened.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use super::model::{Count, Receipt, Scope};
use super::selection::{self, Selection};
pub use super::settle::{progress, settle, settle_all};
pub use super::traces::Order;
use super::traces::{Change, entry, event, receipt};
use super::{count_store, people, rules, signed_receipt, store};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::UnixMillis;
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::base::random::{Random, bytes32};
use crate::db::{Db, Read, Write};
use crate::error::{CONFLICT, Error, Result, SESSION_ENDED};
use crate::feed::{self, Event, EventScope, replica_store, witness};
use crate::policy::model::Policy;
use crate::{mutant, transact};

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
/// 404 if the user or session is not there; 422 if a selection names a user or group that is not.
pub async fn revoke(tx: &mut Write, app: &App, actor: &Actor, order: &Order<'_>) -> Result<Revoked> {
    let started = app.clock.monotonic();
    let now = app.clock.now();
    // 1. The row that decides is locked; a workspace's and a session's is changed as well.
    let change = match &order.scope {
        Scope::Workspace { spare, include_api_keys } => {
            end_workspace(tx, order, spare.as_ref(), *include_api_keys, now).await?
        }
        Scope::User { user, spare } => end_user(tx, order, user, spare.as_ref(), now).await?,
        Scope::Users(users) => end_users(tx, order, users, now).await?,
        Scope::Session(session) => end_session(tx, order, session, now).await?,
        Scope::Selection { selection, spare } => end_selection(tx, order, selection, spare.as_ref(), now).await?,
    };
    // 2. The head, held until the commit, so that sequence and commit order are one; the feed event; and people's epochs, with
    // the number.
    let mut event = event(order, &change, now);
    event.sequence = feed::store::append(tx, known(app), &event).await?;
    let sequence = event.sequence;
    match &order.scope {
        Scope::User { user, spare } => {
            store::raise_user_epoch(tx, order.workspace, user, spare.as_ref(), sequence).await?;
        }
        Scope::Users(users) => people::store::raise_epochs(tx, order.workspace, users, sequence).await?,
        Scope::Selection { selection, .. } if selection.overtakes_sign_ins() => {
            selection::store::mark_newest(tx, order.workspace, sequence).await?;
        }
        Scope::Workspace { .. } | Scope::Selection { .. } | Scope::Session(_) => {}
    }
    // 3. The audit entry.
    let receipt = receipt(order, &change, sequence, now);
    audit::append(tx, order.workspace, now, actor, &entry(order, &receipt)).await?;
    let slug = matches!(order.scope, Scope::Workspace { .. } | Scope::Users(_) | Scope::Selection { .. })
        .then(|| order.target_label.to_owned());
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
    receipt.duration_ms = ((app.clock.monotonic() - revoked.started).as_secs_f64() * 10_000.0).round() / 10.0;
    receipt.jws = signed_receipt::sign(app, &revoked.event, revoked.slug.as_deref(), &receipt).await;
    note(app, &receipt);
    Ok(receipt)
}

/// As `acknowledge`, for several revocations that nobody wants a receipt of. Changes are applied in the order of their numbers:
/// whoever knows the newest knows them all.
///
/// # Errors
/// As `acknowledge`.
pub async fn acknowledge_all(app: &App, revoked: &[Revoked]) -> Result<()> {
    let Some(newest) = revoked.iter().max_by_key(|one| one.event.sequence) else { return Ok(()) };
    mutant::pause("after-commit-before-barrier").await;
    settle(app, &newest.event).await?;
    for one in revoked {
        note(app, &one.receipt);
    }
    Ok(())
}

fn note(app: &App, receipt: &Receipt) {
    app.metrics.revocation(receipt.scope, receipt.trigger.as_str());
    tracing::info!(
        sequence = receipt.sequence,
        scope = receipt.scope,
        trigger = receipt.trigger.as_str(),
        sessions = receipt.ended.sessions,
        "sessions revoked"
    );
}

/// Takes the head before anything else is written, for a transaction of several revocations: who follows the order users,
/// head, audit log one by one would take the head after the audit log from the second one on.
pub async fn hold_head(tx: &mut Write) -> Result<()> {
    replica_store::lock_head(tx).await?;
    Ok(())
}

/// Waits for sign-ins of the workspace that are ending, and keeps new ones away until the transaction ends: for one that locks
/// the workspace before it revokes. Whoever ends a sign-in lines up first and locks the workspace then; in another order the two
/// would wait for each other.
pub async fn hold_sign_ins(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    selection::store::keep_sign_ins_away(tx, workspace).await
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

/// Leaves a written revocation to `settle_all`, or to `settle` of a later change of the same transaction; one of them must
/// come after the commit. Of many in one transaction none needs a barrier or a receipt of its own.
pub fn leave_to_settle(app: &App, revoked: Revoked) {
    let Revoked { receipt, .. } = revoked;
    app.metrics.revocation(receipt.scope, receipt.trigger.as_str());
    tracing::debug!(sequence = receipt.sequence, scope = receipt.scope, "a revocation was written");
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
    let user = user.map(|user| user.as_str().to_owned());
    let mut event = Event {
        sequence: 0,
        workspace: workspace.clone(),
        scope,
        target: user.clone(),
        user,
        epoch: 0,
        spared_session: None,
        cause: scope.as_str().to_owned(),
        at: app.clock.now(),
    };
    event.sequence = feed::store::append(tx, known(app), &event).await?;
    feed::store::hint(tx, &event).await?;
    Ok(event)
}

/// Raises far beyond every number that a lost part of history can have had; and by a chance beyond that, so that two databases
/// that were made of one backup don't give the same numbers to different changes.
fn leap(random: &dyn Random) -> i64 {
    let [a, b, c, d, ..] = bytes32(random);
    1_000_000 + i64::from(u32::from_le_bytes([a, b, c, d]))
}

/// How long a database that may have lost changes may be silent, and how much more for each workspace, whose audit log gets an entry.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_PER_WORKSPACE: Duration = Duration::from_millis(20);

/// Logs everybody out of every workspace if the database is another one than the head was raised on, or has forgotten
/// changes that this process knows: nobody who was revoked in what was lost may come back.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn distrust(app: &App, known: i64) -> Result<()> {
    let way = &app.feed.leases;
    let look = |db: Db| async move {
        transact!(db, |tx| { Ok((replica_store::lock_head(tx).await?, store::count_workspaces(tx).await?)) })
    };
    let (granted, workspaces) = way.ask(PATIENCE, look).await?;
    if granted.timeline == granted.known_timeline && granted.head >= known {
        return Ok(());
    }
    if granted.known_timeline.is_empty() && granted.head >= known {
        // The first time that anybody looks.
        let timeline = &granted.timeline;
        let set = |db: Db| async move { transact!(db, |tx| { replica_store::set_timeline(tx, timeline).await }) };
        return way.ask(PATIENCE, set).await;
    }
    let (actor, why) = (&Actor::system("failover"), "the database was replaced or restored");
    let is_needed = |found: &replica_store::Granted| found.timeline != found.known_timeline || found.head < known;
    let end =
        |db: Db| async move { transact!(db, |tx| { end_everything(tx, app, known, actor, why, is_needed).await }) };
    match way.ask(PATIENCE + PATIENCE_PER_WORKSPACE * workspaces, end).await {
        // Another replica was faster.
        Err(error) if error.problem() == CONFLICT => Ok(()),
        Err(error) => Err(error),
        Ok((event, workspaces)) => {
            let (found, sequence) = (granted.head, event.sequence);
            tracing::warn!(
                workspaces,
                found,
                known,
                sequence,
                "everybody was logged out: the database was replaced or restored"
            );
            Ok(())
        }
    }
}

/// Logs everybody out of every workspace, whatever was lost: the last step of restoring a backup.
///
/// # Errors
/// 503 if the database doesn't answer; 202 `revocation-pending`.
pub async fn revoke_everything(app: &App, actor: &Actor, reason: &str) -> Result<(i64, i64)> {
    let known = known(app).max(witness::seen(&app.db).await);
    let (event, workspaces) =
        transact!(app.db, |tx| { end_everything(tx, app, known, actor, reason, |_| true).await })?;
    settle(app, &event).await?;
    Ok((event.sequence, workspaces))
}

/// The newest change that this process knows of; 0 if it is no replica.
fn known(app: &App) -> i64 {
    app.cache.applied().unwrap_or_default()
}

async fn end_everything(
    tx: &mut Write,
    app: &App,
    known: i64,
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
    let sequence = replica_store::leap(tx, known, leap(app.random.as_ref())).await?;
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
    feed::store::insert(tx, sequence, &event).await?;
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
/// Like a selection, and unlike every other revocation, this looks at rows, because whom a policy refuses is a matter of each one's own times.
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

async fn end_workspace(
    tx: &mut Write,
    order: &Order<'_>,
    spare: Option<&SessionId>,
    include_api_keys: bool,
    now: UnixMillis,
) -> Result<Change> {
    selection::store::keep_sign_ins_away(tx, order.workspace).await?;
    let ended = count_store::count_for_receipt(tx, order.workspace, spare, now).await?;
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
    let epoch = store::lock_user_epoch(tx, order.workspace, user).await?.ok_or_else(missing)?;
    require_alive(tx, order.workspace, spare, now).await?;
    let ended = count_store::count_live(tx, order.workspace, Some(user), spare, now).await?;
    Ok(Change { epoch: epoch + 1, ended, api_keys: 0, spared: spare.cloned(), user: Some(user.clone()) })
}

/// Costs one statement, however many they are.
async fn end_users(tx: &mut Write, order: &Order<'_>, users: &[UserId], now: UnixMillis) -> Result<Change> {
    people::store::lock(tx, order.workspace, users).await?;
    let ended = people::store::count_live(tx, order.workspace, users, now, count_store::COUNT_LIMIT).await?;
    Ok(Change { epoch: 0, ended, api_keys: 0, spared: None, user: None })
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

/// Unlike the others this looks at rows: no number tells which sessions match.
async fn end_selection(
    tx: &mut Write,
    order: &Order<'_>,
    selection: &Selection,
    spare: Option<&SessionId>,
    now: UnixMillis,
) -> Result<Change> {
    selection::store::keep_sign_ins_away(tx, order.workspace).await?;
    // A sign-in under way ends before this lock is given, and its session is seen below; or it finds, when it gets the lock,
    // that it was overtaken (`issue.rs`).
    store::lock_workspace_epoch(tx, order.workspace).await?;
    require_alive(tx, order.workspace, spare, now).await?;
    require_known(tx, order.workspace, selection).await?;
    selection::store::lock(tx, order.workspace, selection, spare, now).await?;
    let cause = order.trigger.as_str();
    let ended = selection::store::end_selected(tx, order.workspace, selection, spare, now, cause).await?;
    let users: HashSet<&UserId> = ended.iter().collect();
    let number = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let ended = Count { sessions: number(ended.len()), users: number(users.len()), more: false };
    Ok(Change { epoch: 0, ended, api_keys: 0, spared: spare.cloned(), user: None })
}

/// Refuses a selection that names what isn't there: a misspelt id would end nothing, and look like success.
///
/// # Errors
/// 422 naming `filter.user` or `filter.group`.
pub async fn require_known(db: &mut Read, workspace: &WorkspaceId, selection: &Selection) -> Result<()> {
    match selection::store::find_unknown(db, workspace, selection).await? {
        Some(name) => Err(Error::unprocessable(format!("filter.{name}"), format!("there is no {name} with this id"))),
        None => Ok(()),
    }
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
