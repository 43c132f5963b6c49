//! Statements of the audit log. There is none that changes or removes an entry.

use super::chain::{Found, Hash, START};
use super::entry::{Entry, Filter};
use crate::actor::Actor;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Row, Value, Write};
use crate::error::Result;

/// The end of a chain.
pub struct Head {
    pub sequence: i64,
    pub hash: Hash,
}

/// A new workspace's empty chain.
pub async fn create_head(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    let sql = "INSERT INTO audit_head (workspace_id, sequence, hash) VALUES ($1, 0, $2)";
    tx.execute(sql, args![workspace, &START]).await?;
    Ok(())
}

/// Locks the end of a chain until the transaction ends: two entries can't get one number.
pub async fn lock_head(tx: &mut Write, workspace: &WorkspaceId) -> Result<Head> {
    let sql = "UPDATE audit_head SET sequence = sequence WHERE workspace_id = $1 RETURNING sequence, hash";
    head(tx.one(sql, args![workspace]).await?)
}

pub async fn load_head(db: &mut Read, workspace: &WorkspaceId) -> Result<Head> {
    head(db.one("SELECT sequence, hash FROM audit_head WHERE workspace_id = $1", args![workspace]).await?)
}

fn head(row: Row) -> Result<Head> {
    Ok(Head { sequence: row.int("sequence")?, hash: row.hash("hash")? })
}

/// An entry with its place in the chain.
pub struct Link<'a> {
    pub sequence: i64,
    pub entry: &'a Entry,
    /// The canonical text that the hash covers.
    pub text: String,
    pub hash: Hash,
}

fn arguments(workspace: &WorkspaceId, at: UnixMillis, actor: &Actor, links: &[Link<'_>]) -> Vec<Value> {
    let mut arguments = args![workspace, at, &actor.id];
    for link in links {
        arguments.extend(args![link.sequence, link.entry.action, &link.entry.target.id, &link.text, &link.hash]);
    }
    arguments
}

macro_rules! insert {
    ($rows:literal) => {
        concat!(
            "INSERT INTO audit (workspace_id, at, actor_id, sequence, action, target_id, entry, hash) VALUES ",
            $rows
        )
    };
}

pub async fn insert(
    tx: &mut Write,
    workspace: &WorkspaceId,
    at: UnixMillis,
    actor: &Actor,
    link: &Link<'_>,
) -> Result<()> {
    let sql = insert!("($1, $2, $3, $4, $5, $6, $7, $8)");
    tx.execute(sql, arguments(workspace, at, actor, std::slice::from_ref(link))).await?;
    Ok(())
}

/// As `insert`, of eight at once.
pub async fn insert_eight(
    tx: &mut Write,
    workspace: &WorkspaceId,
    at: UnixMillis,
    actor: &Actor,
    links: &[Link<'_>; 8],
) -> Result<()> {
    let sql = insert!(
        "($1, $2, $3, $4, $5, $6, $7, $8), ($1, $2, $3, $9, $10, $11, $12, $13), \
         ($1, $2, $3, $14, $15, $16, $17, $18), ($1, $2, $3, $19, $20, $21, $22, $23), \
         ($1, $2, $3, $24, $25, $26, $27, $28), ($1, $2, $3, $29, $30, $31, $32, $33), \
         ($1, $2, $3, $34, $35, $36, $37, $38), ($1, $2, $3, $39, $40, $41, $42, $43)"
    );
    tx.execute(sql, arguments(workspace, at, actor, links)).await?;
    Ok(())
}

/// As `insert`, and makes it the end of the chain: in PostgreSQL at once, because each way there costs more than what is done.
pub async fn insert_as_head(
    tx: &mut Write,
    workspace: &WorkspaceId,
    at: UnixMillis,
    actor: &Actor,
    link: &Link<'_>,
) -> Result<()> {
    if !tx.is_postgres() {
        insert(tx, workspace, at, actor, link).await?;
        return set_head(tx, workspace, link).await;
    }
    let sql = concat!(
        "WITH entry AS (",
        insert!("($1, $2, $3, $4, $5, $6, $7, $8) RETURNING workspace_id"),
        ") UPDATE audit_head SET sequence = $4, hash = $8 FROM entry WHERE audit_head.workspace_id = entry.workspace_id"
    );
    tx.execute(sql, arguments(workspace, at, actor, std::slice::from_ref(link))).await?;
    Ok(())
}

async fn set_head(tx: &mut Write, workspace: &WorkspaceId, link: &Link<'_>) -> Result<()> {
    let sql = "UPDATE audit_head SET sequence = $2, hash = $3 WHERE workspace_id = $1";
    tx.execute(sql, args![workspace, link.sequence, &link.hash]).await?;
    Ok(())
}

/// Whether an action on this target was noted after an instant.
pub async fn was_noted(
    db: &mut Read,
    workspace: &WorkspaceId,
    action: &str,
    target: &str,
    after: UnixMillis,
) -> Result<bool> {
    let sql =
        "SELECT 1 AS found FROM audit WHERE workspace_id = $1 AND action = $2 AND target_id = $3 AND at > $4 LIMIT 1";
    Ok(db.optional(sql, args![workspace, action, target, after]).await?.is_some())
}

/// Entries after a sequence number, oldest first.
pub async fn list_forward(db: &mut Read, workspace: &WorkspaceId, after: i64, limit: i64) -> Result<Vec<Found>> {
    let sql = "SELECT sequence, at, action, actor_id, target_id, entry, hash FROM audit \
               WHERE workspace_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
    db.all(sql, args![workspace, after, limit]).await?.iter().map(found).collect()
}

/// Entries before a sequence number, newest first; an absent filter lets everything pass.
pub async fn list_backward(
    db: &mut Read,
    workspace: &WorkspaceId,
    filter: &Filter,
    before: i64,
    limit: i64,
) -> Result<Vec<Found>> {
    let sql = "SELECT sequence, at, action, actor_id, target_id, entry, hash FROM audit \
               WHERE workspace_id = $1 AND sequence < $2 \
               AND ($3 = '' OR action = $3 OR SUBSTR(action, 1, LENGTH($3) + 1) = $3 || '.') \
               AND ($4 = '' OR actor_id = $4) AND ($5 = '' OR target_id = $5) \
               AND at >= $6 AND at < $7 ORDER BY sequence DESC LIMIT $8";
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let arguments = args![
        workspace,
        before,
        text(&filter.action),
        text(&filter.actor),
        text(&filter.target),
        filter.since.unwrap_or(i64::MIN),
        filter.until.unwrap_or(i64::MAX),
        limit
    ];
    db.all(sql, arguments).await?.iter().map(found).collect()
}

/// The entry of the revocation of everybody's sessions with that number, if it is of this workspace. The pattern is one of
/// the canonical text, whose keys are sorted; a quotation mark that a person wrote has a backslash there.
pub async fn find_revocation(db: &mut Read, workspace: &WorkspaceId, revocation: i64) -> Result<Option<Found>> {
    let sql = "SELECT sequence, at, action, actor_id, target_id, entry, hash FROM audit \
               WHERE workspace_id = $1 AND action = 'session.log_all_users_out' AND entry LIKE $2 \
               ORDER BY sequence DESC LIMIT 1";
    let pattern = format!("%\"sequence\":{revocation},\"sessions\":%");
    db.optional(sql, args![workspace, pattern]).await?.as_ref().map(found).transpose()
}

fn found(row: &Row) -> Result<Found> {
    Ok(Found {
        sequence: row.int("sequence")?,
        at: row.int("at")?,
        action: row.text("action")?,
        actor_id: row.text("actor_id")?,
        target_id: row.text("target_id")?,
        text: row.text("entry")?,
        hash: row.hash("hash")?,
    })
}
