//! Statements about identity providers that people may have to sign in at.

use crate::args;
use crate::base::ids::{UserId, WorkspaceId};
use crate::db::{Read, Row};
use crate::error::Result;

/// The settings of the providers that are switched on, JSON each. A workspace has few.
pub async fn list_settings(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<String>> {
    let sql = "SELECT settings FROM saml_provider WHERE workspace_id = $1 AND enabled = 1 ORDER BY created_at, id";
    db.all(sql, args![workspace]).await?.iter().map(|row: &Row| row.text("settings")).collect()
}

/// Active owners who have a password, other than `except`; an empty id excepts nobody.
pub async fn count_owners_with_password(db: &mut Read, workspace: &WorkspaceId, except: &UserId) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS found FROM users WHERE workspace_id = $1 AND role = 'owner' AND id <> $2 \
               AND state = 'active' AND password_hash IS NOT NULL";
    db.one(sql, args![workspace, except]).await?.int("found")
}
