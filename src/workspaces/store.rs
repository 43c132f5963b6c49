//! Statements of workspaces and their domains.

use super::model::{Domain, VerifiedBy, Workspace};
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Row, Write};
use crate::error::Result;

pub async fn insert(tx: &mut Write, workspace: &Workspace) -> Result<()> {
    let sql = "INSERT INTO workspace (id, slug, name, epoch, created_at) VALUES ($1, $2, $3, $4, $5)";
    let arguments = args![&workspace.id, &workspace.slug, &workspace.name, workspace.epoch, workspace.created_at];
    tx.execute(sql, arguments).await?;
    Ok(())
}

pub async fn find_by_slug(db: &mut Read, slug: &str) -> Result<Option<Workspace>> {
    let sql = "SELECT id, slug, name, epoch, created_at FROM workspace WHERE slug = $1";
    db.optional(sql, args![slug]).await?.as_ref().map(workspace).transpose()
}

pub async fn load(db: &mut Read, id: &WorkspaceId) -> Result<Workspace> {
    let sql = "SELECT id, slug, name, epoch, created_at FROM workspace WHERE id = $1";
    workspace(&db.one(sql, args![id]).await?)
}

/// The first two workspaces: enough to know whether there is only one.
pub async fn list_two(db: &mut Read) -> Result<Vec<Workspace>> {
    let sql = "SELECT id, slug, name, epoch, created_at FROM workspace ORDER BY slug LIMIT 2";
    db.all(sql, args![]).await?.iter().map(workspace).collect()
}

/// All workspaces by slug.
pub async fn list(db: &mut Read) -> Result<Vec<Workspace>> {
    let sql = "SELECT id, slug, name, epoch, created_at FROM workspace ORDER BY slug";
    db.all(sql, args![]).await?.iter().map(workspace).collect()
}

/// Reads the workspace's columns from any row that has them.
pub fn workspace(row: &Row) -> Result<Workspace> {
    Ok(Workspace {
        id: WorkspaceId::from_text(row.text("id")?),
        slug: row.text("slug")?,
        name: row.text("name")?,
        epoch: row.int("epoch")?,
        created_at: row.int("created_at")?,
    })
}

/// Locks the workspace until the transaction ends: what is counted in it stays as it is.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    tx.execute("UPDATE workspace SET name = name WHERE id = $1", args![workspace]).await?;
    Ok(())
}

/// Lines up with whoever proves a domain or vouches for it, for whatever workspace, until the transaction ends. There is no row
/// that all of them would lock.
pub async fn hold_domain(tx: &mut Write, domain: &str) -> Result<()> {
    if tx.is_postgres() {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 1)) IS NULL AS waited";
        tx.one(sql, args![format!("domain {domain}")]).await?;
    }
    Ok(())
}

/// Adds a domain; 0 for one that is there, which keeps its challenge.
pub async fn add_domain(tx: &mut Write, workspace: &WorkspaceId, domain: &str, challenge: &str) -> Result<u64> {
    let sql = "INSERT INTO domain (workspace_id, domain, challenge) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![workspace, domain, challenge]).await
}

/// Marks a domain as verified; 0 if it was. Another workspace's that was proved by DNS violates a key.
pub async fn mark_verified(
    tx: &mut Write,
    workspace: &WorkspaceId,
    domain: &str,
    by: VerifiedBy,
    now: UnixMillis,
) -> Result<u64> {
    let sql = "UPDATE domain SET verified_at = $3, verified_by = $4 \
               WHERE workspace_id = $1 AND domain = $2 AND verified_at IS NULL";
    tx.execute(sql, args![workspace, domain, now, by.as_str()]).await
}

/// Notes that DNS is asked now; 0 if it was asked after `pause`, or if the domain was removed.
pub async fn begin_check(
    tx: &mut Write,
    workspace: &WorkspaceId,
    domain: &str,
    now: UnixMillis,
    pause: UnixMillis,
) -> Result<u64> {
    let sql = "UPDATE domain SET checked_at = $3 WHERE workspace_id = $1 AND domain = $2 \
               AND (checked_at IS NULL OR checked_at <= $4 OR checked_at > $3)";
    tx.execute(sql, args![workspace, domain, now, pause]).await
}

/// Notes that DNS was asked; 0 if the domain was removed.
pub async fn mark_checked(tx: &mut Write, workspace: &WorkspaceId, domain: &str, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE domain SET checked_at = $3 WHERE workspace_id = $1 AND domain = $2";
    tx.execute(sql, args![workspace, domain, now]).await
}

pub async fn remove_domain(tx: &mut Write, workspace: &WorkspaceId, domain: &str) -> Result<u64> {
    let sql = "DELETE FROM domain WHERE workspace_id = $1 AND domain = $2";
    tx.execute(sql, args![workspace, domain]).await
}

/// The other workspaces whose verified domain it is.
pub async fn list_holders(db: &mut Read, domain: &str, except: &WorkspaceId) -> Result<Vec<WorkspaceId>> {
    let sql = "SELECT workspace_id FROM domain WHERE domain = $1 AND verified_at IS NOT NULL AND workspace_id <> $2 \
               ORDER BY workspace_id";
    let holder = |row: &Row| Ok(WorkspaceId::from_text(row.text("workspace_id")?));
    db.all(sql, args![domain, except]).await?.iter().map(holder).collect()
}

/// Names of the verified domains, in order.
pub async fn list_verified(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<String>> {
    let sql = "SELECT domain FROM domain WHERE workspace_id = $1 AND verified_at IS NOT NULL ORDER BY domain";
    db.all(sql, args![workspace]).await?.iter().map(|row| row.text("domain")).collect()
}

pub async fn list_domains(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<Domain>> {
    let sql = "SELECT domain, challenge, verified_at, verified_by, checked_at FROM domain WHERE workspace_id = $1 \
               ORDER BY domain";
    let domain = |row: &Row| {
        Ok(Domain {
            domain: row.text("domain")?,
            challenge: row.text("challenge")?,
            verified_at: row.optional_int("verified_at")?,
            verified_by: row.optional_text("verified_by")?.as_deref().and_then(VerifiedBy::from_text),
            checked_at: row.optional_int("checked_at")?,
        })
    };
    db.all(sql, args![workspace]).await?.iter().map(domain).collect()
}
