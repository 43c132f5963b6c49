//! Statements of roles that groups give.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{GroupId, UserId, WorkspaceId};
use crate::db::id_list::{id_list, of_these};
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};
use crate::sessions::model::Role;

/// A role that a group gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRole {
    pub group: GroupId,
    /// Never owner.
    pub role: Role,
}

/// Somebody whose groups ask for another role than they have.
pub struct Misfit {
    pub id: UserId,
    pub user_name: String,
    pub wanted: Role,
}

pub async fn list(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<GroupRole>> {
    let sql = "SELECT group_id, role FROM group_role WHERE workspace_id = $1 ORDER BY group_id";
    let given =
        |row: &Row| Ok(GroupRole { group: GroupId::from_text(row.text("group_id")?), role: role(&row.text("role")?)? });
    db.all(sql, args![workspace]).await?.iter().map(given).collect()
}

fn role(text: &str) -> Result<Role> {
    Role::parse(text).ok_or_else(|| Error::internal(format!("group_role.role holds {text}")))
}

/// Whether a group gives a role.
pub async fn gives(db: &mut Read, workspace: &WorkspaceId, group: &GroupId) -> Result<bool> {
    let sql = "SELECT 1 AS found FROM group_role WHERE workspace_id = $1 AND group_id = $2";
    Ok(db.optional(sql, args![workspace, group]).await?.is_some())
}

pub async fn remove_all(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    tx.execute("DELETE FROM group_role WHERE workspace_id = $1", args![workspace]).await?;
    Ok(())
}

pub async fn remove(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId) -> Result<()> {
    tx.execute("DELETE FROM group_role WHERE workspace_id = $1 AND group_id = $2", args![workspace, group]).await?;
    Ok(())
}

pub async fn add(tx: &mut Write, workspace: &WorkspaceId, given: &GroupRole) -> Result<()> {
    let sql = "INSERT INTO group_role (workspace_id, group_id, role) VALUES ($1, $2, $3)";
    tx.execute(sql, args![workspace, &given.group, given.role.as_str()]).await?;
    Ok(())
}

/// Members of all groups that give a role.
pub async fn list_members(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<UserId>> {
    let sql = "SELECT DISTINCT m.user_id FROM group_role r JOIN group_member m \
               ON m.workspace_id = r.workspace_id AND m.group_id = r.group_id \
               WHERE r.workspace_id = $1 ORDER BY m.user_id";
    let rows = db.all(sql, args![workspace]).await?;
    rows.iter().map(|row| row.text("user_id").map(UserId::from_text)).collect()
}

/// Of these users, those whose groups ask for another role than they have. Owners and people of other sources are none.
pub async fn list_misfits(db: &mut Read, workspace: &WorkspaceId, users: &[UserId]) -> Result<Vec<Misfit>> {
    let sql = of_these!(
        db,
        "SELECT id, user_name, wanted FROM (SELECT id, user_name, role, CASE WHEN EXISTS (SELECT 1 FROM group_member m \
         JOIN group_role r ON r.workspace_id = m.workspace_id AND r.group_id = m.group_id AND r.role = 'admin' \
         WHERE m.workspace_id = $1 AND m.user_id = users.id) THEN 'admin' ELSE 'member' END AS wanted FROM users \
         WHERE workspace_id = $1 AND source = 'scim' AND role <> 'owner' AND state <> 'deleted') AS judged \
         WHERE role <> wanted AND id",
        "$2",
        "ORDER BY id"
    );
    let misfit = |row: &Row| {
        Ok(Misfit {
            id: UserId::from_text(row.text("id")?),
            user_name: row.text("user_name")?,
            wanted: role(&row.text("wanted")?)?,
        })
    };
    db.all(sql, args![workspace, id_list(users.iter().map(UserId::as_str))]).await?.iter().map(misfit).collect()
}

pub async fn set_roles(
    tx: &mut Write,
    workspace: &WorkspaceId,
    users: &[UserId],
    role: Role,
    now: UnixMillis,
) -> Result<u64> {
    let sql = of_these!(
        tx,
        "UPDATE users SET role = $3, role_given_by = NULL, updated_at = $4, version = version + 1 WHERE workspace_id = $1 AND id",
        "$2",
        ""
    );
    tx.execute(sql, args![workspace, id_list(users.iter().map(UserId::as_str)), role.as_str(), now]).await
}

/// Uses up their one-time links: one that somebody kept must not open another role.
pub async fn use_links(tx: &mut Write, workspace: &WorkspaceId, users: &[UserId], now: UnixMillis) -> Result<u64> {
    let sql = of_these!(
        tx,
        "UPDATE setup_link SET used_at = $3 WHERE workspace_id = $1 AND used_at IS NULL AND user_id",
        "$2",
        ""
    );
    tx.execute(sql, args![workspace, id_list(users.iter().map(UserId::as_str)), now]).await
}
