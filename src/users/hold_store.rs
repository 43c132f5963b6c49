//! Statements of the brake on many users who lose access at once.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Row, Write};
use crate::error::Result;

/// How the brake of a workspace stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// Since when requests wait for approval; `None` if none does.
    pub held_since: Option<UnixMillis>,
    /// Requests that were turned away since then.
    pub held_requests: i64,
    pub last_held_at: Option<UnixMillis>,
    /// Until when an approval holds; 0 if there never was one.
    pub approved_until: UnixMillis,
    /// Users whom it still lets through; `None` for any number.
    pub approved_left: Option<i64>,
}

/// Locks a workspace's brake until the transaction ends.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId) -> Result<Hold> {
    let sql = "INSERT INTO scim_hold (workspace_id, held_requests, approved_until) VALUES ($1, 0, 0) \
               ON CONFLICT (workspace_id) DO UPDATE SET held_requests = scim_hold.held_requests \
               RETURNING held_since, held_requests, last_held_at, approved_until, approved_left";
    hold(&tx.one(sql, args![workspace]).await?)
}

pub async fn find(db: &mut Read, workspace: &WorkspaceId) -> Result<Option<Hold>> {
    let sql = "SELECT held_since, held_requests, last_held_at, approved_until, approved_left FROM scim_hold \
               WHERE workspace_id = $1";
    db.optional(sql, args![workspace]).await?.as_ref().map(hold).transpose()
}

fn hold(row: &Row) -> Result<Hold> {
    Ok(Hold {
        held_since: row.optional_int("held_since")?,
        held_requests: row.int("held_requests")?,
        last_held_at: row.optional_int("last_held_at")?,
        approved_until: row.int("approved_until")?,
        approved_left: row.optional_int("approved_left")?,
    })
}

/// Keeps that a request was turned away.
pub async fn mark_held(tx: &mut Write, workspace: &WorkspaceId, now: UnixMillis) -> Result<()> {
    let sql = "UPDATE scim_hold SET held_since = COALESCE(held_since, $2), held_requests = held_requests + 1, \
               last_held_at = $2 WHERE workspace_id = $1";
    tx.execute(sql, args![workspace, now]).await?;
    Ok(())
}

/// Lets requests through again: any number, or so many users.
pub async fn approve(tx: &mut Write, workspace: &WorkspaceId, until: UnixMillis, users: Option<i64>) -> Result<()> {
    let sql = "UPDATE scim_hold SET held_since = NULL, held_requests = 0, approved_until = $2, approved_left = $3 \
               WHERE workspace_id = $1";
    tx.execute(sql, args![workspace, until, users]).await?;
    Ok(())
}

/// Takes users off what an approval still lets through.
pub async fn spend(tx: &mut Write, workspace: &WorkspaceId, users: i64) -> Result<()> {
    let sql = "UPDATE scim_hold SET approved_left = approved_left - $2 WHERE workspace_id = $1";
    tx.execute(sql, args![workspace, users]).await?;
    Ok(())
}

/// Keeps that users lost access at this instant.
pub async fn count_in(tx: &mut Write, workspace: &WorkspaceId, now: UnixMillis, users: i64) -> Result<()> {
    let sql = "INSERT INTO scim_deprovisioned (workspace_id, at, users) VALUES ($1, $2, $3) \
               ON CONFLICT (workspace_id, at) DO UPDATE SET users = scim_deprovisioned.users + excluded.users";
    tx.execute(sql, args![workspace, now, users]).await?;
    Ok(())
}

/// Forgets those of long ago.
pub async fn forget(tx: &mut Write, workspace: &WorkspaceId, until: UnixMillis) -> Result<()> {
    tx.execute("DELETE FROM scim_deprovisioned WHERE workspace_id = $1 AND at <= $2", args![workspace, until]).await?;
    Ok(())
}

/// Users who lost access after an instant.
pub async fn count_since(db: &mut Read, workspace: &WorkspaceId, since: UnixMillis) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(users), 0) AS BIGINT) AS found FROM scim_deprovisioned \
               WHERE workspace_id = $1 AND at > $2";
    db.one(sql, args![workspace, since]).await?.int("found")
}

/// Provisioned users who may sign in.
pub async fn count_with_access(db: &mut Read, workspace: &WorkspaceId) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS found FROM users WHERE workspace_id = $1 AND source = 'scim' \
               AND state IN ('active', 'invited') AND group_access = 1";
    db.one(sql, args![workspace]).await?.int("found")
}
