//! Statements of groups and their members.

use super::model::Group;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{GroupId, UserId, WorkspaceId};
use crate::db::id_list::{id_list, of_these};
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, workspace_id, display_name, external_id, resource, version, created_at, updated_at \
             FROM user_group WHERE workspace_id = $1 AND ",
            $rest
        )
    };
}

pub async fn insert(tx: &mut Write, group: &Group, display_key: &str) -> Result<()> {
    let sql = "INSERT INTO user_group (workspace_id, id, display_name, display_key, external_id, resource, version, \
               created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)";
    tx.execute(sql, columns(group, display_key, group.created_at)?).await?;
    Ok(())
}

pub async fn update(tx: &mut Write, group: &Group, display_key: &str, now: UnixMillis) -> Result<()> {
    let sql = "UPDATE user_group SET display_name = $3, display_key = $4, external_id = $5, resource = $6, \
               updated_at = $7, version = version + 1 WHERE workspace_id = $1 AND id = $2";
    tx.execute(sql, columns(group, display_key, now)?).await?;
    Ok(())
}

fn columns(group: &Group, display_key: &str, at: UnixMillis) -> Result<Vec<crate::db::Value>> {
    let resource = serde_json::to_string(&group.resource).map_err(Error::internal)?;
    let external = group.external_id.clone();
    Ok(args![&group.workspace, &group.id, &group.display_name, display_key, external, resource, at])
}

pub async fn delete(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId) -> Result<()> {
    tx.execute("DELETE FROM group_member WHERE workspace_id = $1 AND group_id = $2", args![workspace, group]).await?;
    tx.execute("DELETE FROM user_group WHERE workspace_id = $1 AND id = $2", args![workspace, group]).await?;
    tx.execute("DELETE FROM scim_unique WHERE workspace_id = $1 AND resource_id = $2", args![workspace, group]).await?;
    Ok(())
}

/// Locks a group until the transaction ends.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId) -> Result<Option<Group>> {
    let sql = "UPDATE user_group SET version = version WHERE workspace_id = $1 AND id = $2 \
               RETURNING id, workspace_id, display_name, external_id, resource, version, created_at, updated_at";
    tx.optional(sql, args![workspace, group]).await?.as_ref().map(read).transpose()
}

/// Raises the version of every group that a user is in: it is about to show somebody less.
pub async fn touch_of_member(tx: &mut Write, workspace: &WorkspaceId, user: &UserId, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE user_group SET version = version + 1, updated_at = $3 WHERE workspace_id = $1 \
               AND id IN (SELECT group_id FROM group_member WHERE workspace_id = $1 AND user_id = $2)";
    tx.execute(sql, args![workspace, user, now]).await
}

/// Locks every group that a user is in until the transaction ends, in the order of their ids. An embedded database has one
/// writer only.
pub async fn lock_of_member(tx: &mut Write, workspace: &WorkspaceId, user: &UserId) -> Result<()> {
    if tx.is_postgres() {
        let sql = "SELECT COUNT(*) AS locked FROM (SELECT id FROM user_group WHERE workspace_id = $1 \
                   AND id IN (SELECT group_id FROM group_member WHERE workspace_id = $1 AND user_id = $2) \
                   ORDER BY id FOR NO KEY UPDATE) AS chosen";
        tx.one(sql, args![workspace, user]).await?;
    }
    Ok(())
}

pub async fn find(db: &mut Read, workspace: &WorkspaceId, group: &GroupId) -> Result<Option<Group>> {
    db.optional(select!("id = $2"), args![workspace, group]).await?.as_ref().map(read).transpose()
}

/// Groups of a name, in its compared form; two are enough to know that it is no name for one.
pub async fn list_by_name(db: &mut Read, workspace: &WorkspaceId, display_key: &str) -> Result<Vec<Group>> {
    let sql = select!("display_key = $2 ORDER BY id LIMIT 2");
    db.all(sql, args![workspace, display_key]).await?.iter().map(read).collect()
}

/// Groups by their ids, in the order of their creation.
pub async fn list_by_ids(db: &mut Read, workspace: &WorkspaceId, ids: &[String]) -> Result<Vec<Group>> {
    let sql = of_these!(db, select!("id"), "$2", "ORDER BY id");
    let listed = id_list(ids.iter().map(String::as_str));
    db.all(sql, args![workspace, listed]).await?.iter().map(read).collect()
}

pub async fn count(db: &mut Read, workspace: &WorkspaceId) -> Result<i64> {
    db.one("SELECT COUNT(*) AS found FROM user_group WHERE workspace_id = $1", args![workspace]).await?.int("found")
}

/// Ids of a group's members.
pub async fn list_members(db: &mut Read, workspace: &WorkspaceId, group: &GroupId) -> Result<Vec<UserId>> {
    let sql = "SELECT user_id FROM group_member WHERE workspace_id = $1 AND group_id = $2 ORDER BY user_id";
    let rows = db.all(sql, args![workspace, group]).await?;
    rows.iter().map(|row| row.text("user_id").map(UserId::from_text)).collect()
}

/// Members of several groups: the ids of the group and of the user.
pub async fn list_members_of(
    db: &mut Read,
    workspace: &WorkspaceId,
    groups: &[String],
) -> Result<Vec<(String, UserId)>> {
    let sql = of_these!(
        db,
        "SELECT group_id, user_id FROM group_member WHERE workspace_id = $1 AND group_id",
        "$2",
        "ORDER BY group_id, user_id"
    );
    let listed = id_list(groups.iter().map(String::as_str));
    db.all(sql, args![workspace, listed]).await?.iter().map(read_member).collect()
}

/// Which of several groups a user is a member of: the ids of the group and of the user.
pub async fn list_membership(
    db: &mut Read,
    workspace: &WorkspaceId,
    groups: &[String],
    user: &str,
) -> Result<Vec<(String, UserId)>> {
    let sql = of_these!(
        db,
        "SELECT group_id, user_id FROM group_member WHERE workspace_id = $1 AND user_id = $3 AND group_id",
        "$2",
        "ORDER BY group_id"
    );
    let listed = id_list(groups.iter().map(String::as_str));
    db.all(sql, args![workspace, listed, user]).await?.iter().map(read_member).collect()
}

fn read_member(row: &Row) -> Result<(String, UserId)> {
    Ok((row.text("group_id")?, row.text("user_id").map(UserId::from_text)?))
}

/// The groups of several users: the user's id, the group's id and name.
pub async fn list_of_users(
    db: &mut Read,
    workspace: &WorkspaceId,
    users: &[String],
) -> Result<Vec<(String, String, String)>> {
    let sql = of_these!(
        db,
        "SELECT m.user_id, g.id, g.display_name FROM group_member m \
         JOIN user_group g ON g.workspace_id = m.workspace_id AND g.id = m.group_id \
         WHERE m.workspace_id = $1 AND m.user_id",
        "$2",
        "ORDER BY m.user_id, g.id"
    );
    let listed = id_list(users.iter().map(String::as_str));
    let rows = db.all(sql, args![workspace, listed]).await?;
    rows.iter().map(|row| Ok((row.text("user_id")?, row.text("id")?, row.text("display_name")?))).collect()
}

/// The groups of a user: id and name.
pub async fn list_of_user(db: &mut Read, workspace: &WorkspaceId, user: &UserId) -> Result<Vec<(String, String)>> {
    let sql = "SELECT g.id, g.display_name FROM group_member m \
               JOIN user_group g ON g.workspace_id = m.workspace_id AND g.id = m.group_id \
               WHERE m.workspace_id = $1 AND m.user_id = $2 ORDER BY g.id LIMIT 1000";
    let rows = db.all(sql, args![workspace, user]).await?;
    rows.iter().map(|row| Ok((row.text("id")?, row.text("display_name")?))).collect()
}

/// Whether this is a provisioned user who was not deleted.
pub async fn may_be_member(db: &mut Read, workspace: &WorkspaceId, user: &UserId) -> Result<bool> {
    let sql =
        "SELECT 1 AS found FROM users WHERE workspace_id = $1 AND id = $2 AND source = 'scim' AND state <> 'deleted'";
    Ok(db.optional(sql, args![workspace, user]).await?.is_some())
}

/// Adds a member; 0 if they were one.
pub async fn add_member(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId, user: &UserId) -> Result<u64> {
    let sql = "INSERT INTO group_member (workspace_id, group_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![workspace, group, user]).await
}

/// Removes members, however many, and gives those who were some.
pub async fn remove_members(
    tx: &mut Write,
    workspace: &WorkspaceId,
    group: &GroupId,
    users: &[UserId],
) -> Result<Vec<UserId>> {
    let sql = of_these!(
        tx,
        "DELETE FROM group_member WHERE workspace_id = $1 AND group_id = $2 AND user_id",
        "$3",
        "RETURNING user_id"
    );
    let rows = tx.all(sql, args![workspace, group, id_list(users.iter().map(UserId::as_str))]).await?;
    rows.iter().map(|row| row.text("user_id").map(UserId::from_text)).collect()
}

fn read(row: &Row) -> Result<Group> {
    Ok(Group {
        id: GroupId::from_text(row.text("id")?),
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        display_name: row.text("display_name")?,
        external_id: row.optional_text("external_id")?,
        resource: serde_json::from_str(&row.text("resource")?).map_err(Error::internal)?,
        version: row.int("version")?,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}
