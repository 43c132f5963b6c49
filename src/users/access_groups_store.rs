//! Statements about whom groups let in.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{GroupId, UserId, WorkspaceId};
use crate::db::id_list::{id_list, of_these};
use crate::db::{Read, Row, Write};
use crate::error::Result;

/// Somebody whom groups no longer let in.
pub struct Loser {
    pub id: UserId,
    pub user_name: String,
    /// Whether they could sign in until now.
    pub had_access: bool,
    pub created_at: UnixMillis,
}

// Whether groups let a user in: $1 workspace. Owners and people of other sources need none.
macro_rules! let_in {
    () => {
        "(users.source <> 'scim' OR users.role = 'owner' \
         OR NOT EXISTS (SELECT 1 FROM access_group WHERE access_group.workspace_id = $1) \
         OR EXISTS (SELECT 1 FROM group_member m JOIN access_group a \
         ON a.workspace_id = m.workspace_id AND a.group_id = m.group_id \
         WHERE m.workspace_id = $1 AND m.user_id = users.id))"
    };
}

// Those who lose it, of the users that follow.
macro_rules! losers {
    () => {
        concat!(
            "SELECT id, user_name, state, created_at FROM users WHERE workspace_id = $1 AND state <> 'deleted' AND group_access = 1 \
             AND NOT ",
            let_in!()
        )
    };
}

/// Of these users, those whom groups let in until now and no longer do.
pub async fn list_losers_of(db: &mut Read, workspace: &WorkspaceId, users: &[UserId]) -> Result<Vec<Loser>> {
    let sql = of_these!(db, concat!(losers!(), " AND id"), "$2", "ORDER BY id");
    db.all(sql, args![workspace, id_list(users.iter().map(UserId::as_str))]).await?.iter().map(loser).collect()
}

/// The same of everybody.
pub async fn list_losers(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<Loser>> {
    let sql = concat!(losers!(), " ORDER BY id");
    db.all(sql, args![workspace]).await?.iter().map(loser).collect()
}

fn loser(row: &Row) -> Result<Loser> {
    Ok(Loser {
        id: UserId::from_text(row.text("id")?),
        user_name: row.text("user_name")?,
        had_access: matches!(row.text("state")?.as_str(), "active" | "invited"),
        created_at: row.int("created_at")?,
    })
}

/// Keeps that groups don't let these users in.
pub async fn shut_out(tx: &mut Write, workspace: &WorkspaceId, users: &[UserId]) -> Result<u64> {
    let sql = of_these!(tx, "UPDATE users SET group_access = 0 WHERE workspace_id = $1 AND id", "$2", "");
    tx.execute(sql, args![workspace, id_list(users.iter().map(UserId::as_str))]).await
}

/// Keeps which of these users groups let in now.
pub async fn let_in_of(tx: &mut Write, workspace: &WorkspaceId, users: &[UserId]) -> Result<u64> {
    let sql = of_these!(
        tx,
        concat!(
            "UPDATE users SET group_access = 1 WHERE workspace_id = $1 AND group_access = 0 AND ",
            let_in!(),
            " AND id"
        ),
        "$2",
        ""
    );
    tx.execute(sql, args![workspace, id_list(users.iter().map(UserId::as_str))]).await
}

/// The same of everybody.
pub async fn let_in(tx: &mut Write, workspace: &WorkspaceId) -> Result<u64> {
    let sql = concat!("UPDATE users SET group_access = 1 WHERE workspace_id = $1 AND group_access = 0 AND ", let_in!());
    tx.execute(sql, args![workspace]).await
}

/// Whether a group lets people in.
pub async fn is_access_group(db: &mut Read, workspace: &WorkspaceId, group: &GroupId) -> Result<bool> {
    let sql = "SELECT 1 AS found FROM access_group WHERE workspace_id = $1 AND group_id = $2";
    Ok(db.optional(sql, args![workspace, group]).await?.is_some())
}

/// What people call the workspace.
pub async fn load_slug(db: &mut Read, workspace: &WorkspaceId) -> Result<String> {
    db.one("SELECT slug FROM workspace WHERE id = $1", args![workspace]).await?.text("slug")
}
