//! A brake on many users who lose access by provisioning at once: what a stolen token or a slip at the identity provider
//! would do. What is past the limit is turned away as a whole, and everything like it, until an administrator approves;
//! nothing that was done is undone. The identity provider sends it again later, so nothing is lost.
//!
//! It delays the sign-out of people who really left. So it is loud, and suspending somebody here is never held.

use std::time::Duration;

use serde_json::json;

use super::access_groups_store::load_slug;
use super::hold_store as store;
pub use super::hold_store::Hold;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Write};
use crate::error::{DEPROVISIONING_HELD, Error, Result};
use crate::policy::model::MINUTE_MS;
use crate::policy::provisioning::hold_limit;
use crate::policy::provisioning_store;
use crate::transact;

/// The time in which users are counted.
pub const WINDOW_MS: i64 = 10 * MINUTE_MS;
/// Who was created so short a time ago doesn't count: nobody relies on them yet, and whoever tries provisioning out makes and
/// removes people by the dozen.
pub const NEWCOMER_MS: i64 = 24 * 60 * MINUTE_MS;
/// How long an approval holds.
pub const APPROVAL_MS: i64 = 60 * MINUTE_MS;
/// When the identity provider shall ask again.
const RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

/// How the brake stands, with what it goes by.
#[derive(Clone, Debug)]
pub struct Standing {
    pub hold: Hold,
    /// Users who lost access within the last ten minutes, those who were approved left out.
    pub recent: i64,
    /// How many may; `None` if the brake is off.
    pub limit: Option<i64>,
}

impl Hold {
    /// Whether an approval lets so many users through.
    fn approves(&self, users: i64, now: UnixMillis) -> bool {
        now < self.approved_until && self.approved_left.is_none_or(|left| users <= left)
    }
}

/// Whether losing a user who was created then is counted.
pub fn counts(created_at: UnixMillis, now: UnixMillis) -> bool {
    now - created_at >= NEWCOMER_MS
}

/// Counts users who are about to lose access in this transaction. It locks the brake: call it before the head or the audit
/// log is locked.
///
/// # Errors
/// 429 `deprovisioning-held`: nothing of the transaction may be committed, and `note` is due after it.
pub async fn admit(tx: &mut Write, app: &App, workspace: &WorkspaceId, users: usize) -> Result<()> {
    let (users, now) = (i64::try_from(users).unwrap_or(i64::MAX), app.clock.now());
    if users == 0 {
        return Ok(());
    }
    let (count, percent) = provisioning_store::load_hold(tx, workspace).await?;
    if hold_limit(count, percent, 0).is_none() {
        return Ok(());
    }
    let hold = store::lock(tx, workspace).await?;
    if hold.approves(users, now) {
        if hold.approved_left.is_some() {
            store::spend(tx, workspace, users).await?;
        }
        return Ok(());
    }
    let after = users.saturating_add(store::count_since(tx, workspace, now - WINDOW_MS).await?);
    // The share is asked for only where the number doesn't suffice: it costs what the users are many.
    let fits = hold.held_since.is_none()
        && (after <= count
            || hold_limit(count, percent, base(tx, workspace, after - users).await?)
                .is_none_or(|limit| after <= limit));
    if !fits {
        return Err(held());
    }
    store::forget(tx, workspace, now - WINDOW_MS).await?;
    store::count_in(tx, workspace, now, users).await
}

/// Locks the brake, if there is one, for a transaction in which several may lose access: `admit` for the second would come after
/// the head, which the first one's revocation has taken.
pub async fn take(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    let (count, percent) = provisioning_store::load_hold(tx, workspace).await?;
    if hold_limit(count, percent, 0).is_some() {
        store::lock(tx, workspace).await?;
    }
    Ok(())
}

/// Provisioned users, those who lost access a moment ago included.
async fn base(db: &mut Read, workspace: &WorkspaceId, recent: i64) -> Result<i64> {
    Ok(store::count_with_access(db, workspace).await?.saturating_add(recent))
}

fn held() -> Error {
    let text = "held: more people are losing access at once than may without approval. Nothing of it was done. \
                An administrator of the workspace has to approve it, under Provisioning in the console; then send it again";
    Error::new(DEPROVISIONING_HELD, text).with_retry_after(RETRY_AFTER)
}

/// Keeps that a request was held, after its transaction left nothing behind; any other outcome is passed on. Somebody has to
/// hear of it: the log, the audit log, a metric and the pages of administrators say so.
///
/// # Errors
/// The one of the request.
pub async fn note<T>(app: &App, actor: &Actor, workspace: &WorkspaceId, outcome: Result<T>) -> Result<T> {
    if matches!(&outcome, Err(error) if error.problem() == DEPROVISIONING_HELD) {
        tell(app, actor, workspace).await?;
    }
    outcome
}

/// As `note`, of a request that was held in part.
pub async fn tell(app: &App, actor: &Actor, workspace: &WorkspaceId) -> Result<()> {
    app.metrics.deprovisioning_held();
    tracing::warn!(
        %workspace,
        client = actor.label.as_str(),
        "deprovisioning is held until an administrator approves it"
    );
    transact!(app.db, |tx| { mark_held(tx, app, actor, workspace).await })
}

async fn mark_held(tx: &mut Write, app: &App, actor: &Actor, workspace: &WorkspaceId) -> Result<()> {
    let now = app.clock.now();
    let hold = store::lock(tx, workspace).await?;
    // Approved meanwhile: the next attempt passes.
    if hold.approves(i64::MAX, now) {
        return Ok(());
    }
    store::mark_held(tx, workspace, now).await?;
    if hold.held_since.is_none() {
        record(tx, app, actor, workspace, "scim.hold_began", json!({})).await?;
    }
    Ok(())
}

/// Lets what is held through, and more like it for an hour: any number of users, or so many.
///
/// # Errors
/// 400 naming `users`.
pub async fn approve(app: &App, actor: &Actor, workspace: &WorkspaceId, users: Option<i64>) -> Result<()> {
    if users.is_some_and(|users| !(1..=1_000_000).contains(&users)) {
        return Err(Error::invalid("users", "must be between 1 and 1000000"));
    }
    transact!(app.db, |tx| {
        let hold = store::lock(tx, workspace).await?;
        store::approve(tx, workspace, app.clock.now() + APPROVAL_MS, users).await?;
        let details = json!({"users": users, "held_requests": hold.held_requests});
        record(tx, app, actor, workspace, "scim.hold_approved", details).await
    })
}

/// How the brake of a workspace stands.
pub async fn standing(app: &App, workspace: &WorkspaceId) -> Result<Standing> {
    let mut read = app.db.read().await?;
    let hold = store::find(&mut read, workspace).await?.unwrap_or_default();
    let recent = store::count_since(&mut read, workspace, app.clock.now() - WINDOW_MS).await?;
    let (count, percent) = provisioning_store::load_hold(&mut read, workspace).await?;
    let limit = hold_limit(count, percent, base(&mut read, workspace, recent).await?);
    Ok(Standing { hold, recent, limit })
}

async fn record(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    action: &'static str,
    details: serde_json::Value,
) -> Result<()> {
    let slug = load_slug(tx, workspace).await?;
    let entry = Entry::done(action, Target::new("workspace", workspace.as_str(), slug)).with(details);
    audit::append(tx, workspace, app.clock.now(), actor, &entry).await?;
    Ok(())
}
