//! What everybody who comes to a workspace's single sign-on is judged by, in one statement.

use crate::args;
use crate::db::Read;
use crate::error::Result;
use crate::policy::ip_allowlist::IpAllowlist;
use crate::policy::store as policies;
use crate::workspaces::model::Workspace;
use crate::workspaces::store as workspaces;

/// A workspace, seen by somebody who wants to sign in with SAML.
pub struct Entrance {
    pub workspace: Workspace,
    /// Whether it has an identity provider, switched on or not.
    pub has_provider: bool,
    pub saml_allowed: bool,
    pub allowlist: IpAllowlist,
}

pub async fn find(db: &mut Read, slug: &str) -> Result<Option<Entrance>> {
    let sql = "SELECT w.id, w.slug, w.name, w.epoch, w.created_at, p.saml_allowed, a.mode, a.entries, a.version, \
               (SELECT COUNT(*) FROM saml_provider s WHERE s.workspace_id = w.id) AS providers \
               FROM workspace w JOIN policy p ON p.workspace_id = w.id JOIN ip_allowlist a ON a.workspace_id = w.id \
               WHERE w.slug = $1";
    let Some(row) = db.optional(sql, args![slug]).await? else { return Ok(None) };
    Ok(Some(Entrance {
        workspace: workspaces::workspace(&row)?,
        has_provider: row.int("providers")? > 0,
        saml_allowed: row.flag("saml_allowed")?,
        allowlist: policies::allowlist(&row)?,
    }))
}
