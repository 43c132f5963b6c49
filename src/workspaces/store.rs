//! Statements of workspaces and their domains.

use super::model::{Domain, Workspace};
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

fn workspace(row: &Row) -> Result<Workspace> {
    Ok(Workspace {
        id: WorkspaceId::from_text(row.text("id")?),
        slug: row.text("slug")?,
        name: row.text("name")?,
        epoch: row.int("epoch")?,
        created_at: row.int("created_at")?,
    })
}

/// Adds a domain; one that is there keeps its challenge.
pub async fn add_domain(tx: &mut Write, workspace: &WorkspaceId, domain: &str, challenge: &str) -> Result<()> {
    let sql = "INSERT INTO domain (workspace_id, domain, challenge) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![workspace, domain, challenge]).await?;
    Ok(())
}

pub async fn mark_verified(tx: &mut Write, workspace: &WorkspaceId, domain: &str, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE domain SET verified_at = $3 WHERE workspace_id = $1 AND domain = $2 AND verified_at IS NULL";
    tx.execute(sql, args![workspace, domain, now]).await
}

pub async fn list_domains(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<Domain>> {
    let sql = "SELECT domain, challenge, verified_at FROM domain WHERE workspace_id = $1 ORDER BY domain";
    let domain = |row: &Row| {
        Ok(Domain {
            domain: row.text("domain")?,
            challenge: row.text("challenge")?,
            verified_at: row.optional_int("verified_at")?,
        })
    };
    db.all(sql, args![workspace]).await?.iter().map(domain).collect()
}
