//! Statements about people who lose their last way to sign in by a change of identity providers.

use super::sign_in_ways::Ways;
use crate::args;
use crate::base::ids::{UserId, WorkspaceId};
use crate::db::{Read, Row};
use crate::error::Result;
use crate::sessions::model::Named;

// The words of an argument.
macro_rules! words {
    (postgres $words:literal) => {
        concat!(" (SELECT jsonb_array_elements_text(CAST(", $words, " AS jsonb))) ")
    };
    (sqlite $words:literal) => {
        concat!(" (SELECT value FROM json_each(", $words, ")) ")
    };
}

// The user u has a name, or something `$more`, of a verified domain that a word names. A domain has none of the characters that
// LIKE takes for more than themselves.
macro_rules! of_domain {
    ($database:tt $word:literal $words:literal $more:literal) => {
        concat!(
            " EXISTS (SELECT 1 FROM domain d WHERE d.workspace_id = $1 AND ('",
            $word,
            " ' || d.domain) IN",
            words!($database $words),
            "AND (u.user_name_key LIKE ('%@' || d.domain)",
            $more,
            ")) "
        )
    };
}

// The user u is known by a provider that a word names.
macro_rules! linked {
    ($database:tt $word:literal $words:literal) => {
        concat!(
            " u.id IN (SELECT i.user_id FROM identity i WHERE i.workspace_id = $1 AND ('",
            $word,
            " ' || i.provider) IN",
            words!($database $words),
            ") "
        )
    };
}

// The user u has a way to sign in: a password, or a provider, which looks people up by their names.
macro_rules! may_sign_in {
    ($database:tt $words:literal) => {
        concat!(
            " ((u.password_hash IS NOT NULL AND p.password_allowed = 1 AND (u.role = 'owner' OR NOT",
            of_domain!($database "no-password" $words " OR u.email_key LIKE ('%@' || d.domain)"),
            ")) OR (p.saml_allowed = 1 AND ((u.role <> 'owner' AND (",
            linked!($database "linked" $words),
            "OR",
            of_domain!($database "domain" $words ""),
            ")) OR (u.role = 'owner' AND (",
            linked!($database "owner-linked" $words),
            "OR",
            of_domain!($database "owner-domain" $words ""),
            "))))) "
        )
    };
}

// An active user of the workspace $1 who has a way of $2, and none of $3.
macro_rules! losers {
    ($database:tt) => {
        concat!(
            " FROM users u JOIN policy p ON p.workspace_id = u.workspace_id \
             WHERE u.workspace_id = $1 AND u.state = 'active' AND u.group_access = 1 AND",
            may_sign_in!($database "$2"),
            "AND NOT",
            may_sign_in!($database "$3")
        )
    };
}

/// Active users who could sign in before, and no more after, counted up to `limit`.
pub async fn count_losers(
    db: &mut Read,
    workspace: &WorkspaceId,
    before: &Ways,
    after: &Ways,
    limit: i64,
) -> Result<i64> {
    let sql = match db.is_postgres() {
        true => concat!("SELECT COUNT(*) AS found FROM (SELECT u.id", losers!(postgres), "LIMIT $4) AS lost"),
        false => concat!("SELECT COUNT(*) AS found FROM (SELECT u.id", losers!(sqlite), "LIMIT $4) AS lost"),
    };
    db.one(sql, args![workspace, before.to_json(), after.to_json(), limit]).await?.int("found")
}

/// The first of them by name, `limit` at the most.
pub async fn list_losers(
    db: &mut Read,
    workspace: &WorkspaceId,
    before: &Ways,
    after: &Ways,
    limit: i64,
) -> Result<Vec<Named>> {
    let sql = match db.is_postgres() {
        true => concat!(
            "SELECT u.id, u.user_name, u.display_name",
            losers!(postgres),
            "ORDER BY u.user_name_key, u.id LIMIT $4"
        ),
        false => concat!(
            "SELECT u.id, u.user_name, u.display_name",
            losers!(sqlite),
            "ORDER BY u.user_name_key, u.id LIMIT $4"
        ),
    };
    let named = |row: &Row| {
        Ok(Named {
            id: UserId::from_text(row.text("id")?),
            user_name: row.text("user_name")?,
            display_name: row.text("display_name")?,
        })
    };
    db.all(sql, args![workspace, before.to_json(), after.to_json(), limit]).await?.iter().map(named).collect()
}
