//! Statements that find provisioned users: their ids after one, in order. A filter's index is read, never the order of ids, which
//! `id || ''` hides from the planner: it would rather walk through everybody than sort what an index finds.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Value};
use crate::error::Result;

/// Where a list goes on, and how long it may be.
#[derive(Clone, Copy)]
pub struct After<'a> {
    pub workspace: &'a WorkspaceId,
    /// The id before the first; empty for the beginning.
    pub id: &'a str,
    pub limit: i64,
}

impl After<'_> {
    /// `$1` to `$3`, and what follows.
    pub fn arguments(&self, more: Vec<Value>) -> Vec<Value> {
        let mut arguments = args![self.workspace, self.id, self.limit];
        arguments.extend(more);
        arguments
    }
}

macro_rules! found {
    ($condition:literal) => {
        concat!(
            "SELECT id FROM users WHERE workspace_id = $1 AND source = 'scim' AND state <> 'deleted' AND id || '' > $2 AND ",
            $condition,
            " ORDER BY id || '' LIMIT $3"
        )
    };
}

async fn list(db: &mut Read, sql: &'static str, arguments: Vec<Value>) -> Result<Vec<String>> {
    db.all(sql, arguments).await?.iter().map(|row| row.text("id")).collect()
}

pub async fn every(db: &mut Read, after: After<'_>) -> Result<Vec<String>> {
    let sql = "SELECT id FROM users WHERE workspace_id = $1 AND source = 'scim' AND state <> 'deleted' AND id > $2 \
               ORDER BY id LIMIT $3";
    list(db, sql, after.arguments(Vec::new())).await
}

pub async fn by_id(db: &mut Read, after: After<'_>, id: &str) -> Result<Vec<String>> {
    list(db, found!("id = $4"), after.arguments(args![id])).await
}

pub async fn by_name(db: &mut Read, after: After<'_>, key: &str) -> Result<Vec<String>> {
    list(db, found!("user_name_key = $4"), after.arguments(args![key])).await
}

/// Names from one to another, which is not included.
pub async fn by_name_range(db: &mut Read, after: After<'_>, from: &str, to: &str) -> Result<Vec<String>> {
    list(db, found!("user_name_key >= $4 AND user_name_key < $5"), after.arguments(args![from, to])).await
}

pub async fn by_external_id(db: &mut Read, after: After<'_>, external: &str) -> Result<Vec<String>> {
    list(db, found!("external_id = $4"), after.arguments(args![external])).await
}

/// Users with that search key, and those whose keys are not known.
pub async fn by_search_key(db: &mut Read, after: After<'_>, attribute: &str, key: &str) -> Result<Vec<String>> {
    let sql = found!(
        "id IN (SELECT user_id FROM user_search_key WHERE workspace_id = $1 AND attribute = $4 AND value = $5 UNION ALL \
         SELECT user_id FROM user_search_key WHERE workspace_id = $1 AND attribute = 'unknown')"
    );
    list(db, sql, after.arguments(args![attribute, key])).await
}

/// Search keys from one to another, which is not included, and users whose keys are not known.
pub async fn by_search_key_range(
    db: &mut Read,
    after: After<'_>,
    attribute: &str,
    from: &str,
    to: &str,
) -> Result<Vec<String>> {
    let sql = found!(
        "id IN (SELECT user_id FROM user_search_key WHERE workspace_id = $1 AND attribute = $4 AND value >= $5 AND value < $6 \
         UNION ALL SELECT user_id FROM user_search_key WHERE workspace_id = $1 AND attribute = 'unknown')"
    );
    list(db, sql, after.arguments(args![attribute, from, to])).await
}

pub async fn by_group(db: &mut Read, after: After<'_>, group: &str) -> Result<Vec<String>> {
    let sql = found!("id IN (SELECT user_id FROM group_member WHERE workspace_id = $1 AND group_id = $4)");
    list(db, sql, after.arguments(args![group])).await
}

/// Users created from one instant to another, both included.
pub async fn by_creation(db: &mut Read, after: After<'_>, from: UnixMillis, to: UnixMillis) -> Result<Vec<String>> {
    list(db, found!("created_at >= $4 AND created_at <= $5"), after.arguments(args![from, to])).await
}

/// Users changed last from one instant to another, both included.
pub async fn by_change(db: &mut Read, after: After<'_>, from: UnixMillis, to: UnixMillis) -> Result<Vec<String>> {
    list(db, found!("updated_at >= $4 AND updated_at <= $5"), after.arguments(args![from, to])).await
}
