//! Statements that find groups: their ids after one, in order, as `user_store.rs` finds users.

use super::user_store::After;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Value};
use crate::error::Result;

macro_rules! found {
    ($condition:literal) => {
        concat!(
            "SELECT id FROM user_group WHERE workspace_id = $1 AND id || '' > $2 AND ",
            $condition,
            " ORDER BY id || '' LIMIT $3"
        )
    };
}

async fn list(db: &mut Read, sql: &'static str, arguments: Vec<Value>) -> Result<Vec<String>> {
    db.all(sql, arguments).await?.iter().map(|row| row.text("id")).collect()
}

/// Ids of groups, oldest first, from a position on.
pub async fn list_ids(db: &mut Read, workspace: &WorkspaceId, offset: i64, limit: i64) -> Result<Vec<String>> {
    let sql = "SELECT id FROM user_group WHERE workspace_id = $1 ORDER BY id LIMIT $3 OFFSET $2";
    list(db, sql, args![workspace, offset, limit]).await
}

pub async fn every(db: &mut Read, after: After<'_>) -> Result<Vec<String>> {
    let sql = "SELECT id FROM user_group WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    list(db, sql, after.arguments(Vec::new())).await
}

pub async fn by_id(db: &mut Read, after: After<'_>, id: &str) -> Result<Vec<String>> {
    list(db, found!("id = $4"), after.arguments(args![id])).await
}

pub async fn by_name(db: &mut Read, after: After<'_>, key: &str) -> Result<Vec<String>> {
    list(db, found!("display_key = $4"), after.arguments(args![key])).await
}

/// Names from one to another, which is not included.
pub async fn by_name_range(db: &mut Read, after: After<'_>, from: &str, to: &str) -> Result<Vec<String>> {
    list(db, found!("display_key >= $4 AND display_key < $5"), after.arguments(args![from, to])).await
}

pub async fn by_external_id(db: &mut Read, after: After<'_>, external: &str) -> Result<Vec<String>> {
    list(db, found!("external_id = $4"), after.arguments(args![external])).await
}

pub async fn by_member(db: &mut Read, after: After<'_>, user: &str) -> Result<Vec<String>> {
    let sql = found!("id IN (SELECT group_id FROM group_member WHERE workspace_id = $1 AND user_id = $4)");
    list(db, sql, after.arguments(args![user])).await
}

/// Groups created from one instant to another, both included.
pub async fn by_creation(db: &mut Read, after: After<'_>, from: UnixMillis, to: UnixMillis) -> Result<Vec<String>> {
    list(db, found!("created_at >= $4 AND created_at <= $5"), after.arguments(args![from, to])).await
}

/// Groups changed last from one instant to another, both included.
pub async fn by_change(db: &mut Read, after: After<'_>, from: UnixMillis, to: UnixMillis) -> Result<Vec<String>> {
    list(db, found!("updated_at >= $4 AND updated_at <= $5"), after.arguments(args![from, to])).await
}
