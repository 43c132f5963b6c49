//! The statement that counts who relies on a domain.

use crate::args;
use crate::base::ids::WorkspaceId;
use crate::db::Read;
use crate::error::Result;

/// People whose only way in is single sign-on by an address of this domain. Whoever was linked before is known by the
/// identity provider's identifier, and needs no domain.
pub async fn count_relying(db: &mut Read, workspace: &WorkspaceId, domain: &str) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS found FROM users u JOIN policy p ON p.workspace_id = u.workspace_id \
               WHERE u.workspace_id = $1 AND u.state IN ('active', 'invited') AND u.user_name_key LIKE $2 \
               AND p.saml_allowed = 1 AND (p.password_allowed = 0 OR u.password_hash IS NULL) \
               AND EXISTS (SELECT 1 FROM saml_provider s WHERE s.workspace_id = u.workspace_id AND s.enabled = 1) \
               AND NOT EXISTS (SELECT 1 FROM identity i WHERE i.workspace_id = u.workspace_id AND i.user_id = u.id)";
    // A domain has none of the characters that LIKE takes for more than themselves.
    db.one(sql, args![workspace, format!("%@{domain}")]).await?.int("found")
}
