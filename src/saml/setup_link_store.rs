//! Statements of set-up links.

use super::setup_links::SetupLink;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{ProviderId, SetupLinkId, UserId, WorkspaceId};
use crate::base::secret::SecretHash;
use crate::db::{Read, Row, Write};
use crate::error::Result;

/// A link that works: not at its end, not revoked, made under the current epochs by somebody who may still administer. `$1` is
/// the moment.
macro_rules! select_open {
    ($condition:literal) => {
        concat!(
            "SELECT l.*, CAST(1 AS BIGINT) AS works FROM saml_setup_link l JOIN workspace w ON w.id = l.workspace_id \
             JOIN users u ON u.workspace_id = l.workspace_id AND u.id = l.created_by \
             WHERE l.expires_at > $1 AND l.revoked_at IS NULL AND l.workspace_epoch = w.epoch AND l.user_epoch = u.epoch \
             AND u.state = 'active' AND u.role IN ('owner', 'admin') AND ",
            $condition
        )
    };
}

pub async fn insert(tx: &mut Write, link: &SetupLink, code: &SecretHash, stamps: (i64, i64)) -> Result<()> {
    let sql = "INSERT INTO saml_setup_link (workspace_id, id, name, intent, code_hash, provider_id, created_by, \
               workspace_epoch, user_epoch, created_at, expires_at) VALUES ($1, $2, $3, 'sso', $4, $5, $6, $7, $8, $9, $10)";
    let arguments = args![
        &link.workspace,
        &link.id,
        &link.name,
        code,
        link.provider.as_ref().map(ProviderId::as_str),
        &link.created_by,
        stamps.0,
        stamps.1,
        link.created_at,
        link.expires_at
    ];
    tx.execute(sql, arguments).await?;
    Ok(())
}

/// A workspace's links, the newest first, with whether each works.
pub async fn list(db: &mut Read, workspace: &WorkspaceId, now: UnixMillis, limit: i64) -> Result<Vec<SetupLink>> {
    let sql = "SELECT l.*, CASE WHEN l.expires_at > $1 AND l.revoked_at IS NULL AND l.workspace_epoch = w.epoch \
               AND l.user_epoch = u.epoch AND u.state = 'active' AND u.role IN ('owner', 'admin') \
               THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS works \
               FROM saml_setup_link l JOIN workspace w ON w.id = l.workspace_id \
               JOIN users u ON u.workspace_id = l.workspace_id AND u.id = l.created_by \
               WHERE l.workspace_id = $2 ORDER BY l.created_at DESC, l.id DESC LIMIT $3";
    db.all(sql, args![now, workspace, limit]).await?.iter().map(link).collect()
}

/// The link that this code opens, if nobody has used it.
pub async fn find_by_code(db: &mut Read, code: &SecretHash, now: UnixMillis) -> Result<Option<SetupLink>> {
    let sql = select_open!("l.code_hash = $2 AND l.opened_at IS NULL");
    db.optional(sql, args![now, code]).await?.as_ref().map(link).transpose()
}

/// The link that was opened in this browser.
pub async fn find_by_browser(db: &mut Read, browser: &SecretHash, now: UnixMillis) -> Result<Option<SetupLink>> {
    let sql = select_open!("l.browser_hash = $2 AND l.browser_until > $1");
    db.optional(sql, args![now, browser]).await?.as_ref().map(link).transpose()
}

/// Uses the code up for a browser; 0 if another one was faster.
pub async fn open(
    tx: &mut Write,
    found: &SetupLink,
    browser: &SecretHash,
    now: UnixMillis,
    until: UnixMillis,
) -> Result<u64> {
    let sql = "UPDATE saml_setup_link SET opened_at = $3, browser_hash = $4, browser_until = $5 \
               WHERE workspace_id = $1 AND id = $2 AND opened_at IS NULL";
    tx.execute(sql, args![&found.workspace, &found.id, now, browser, until]).await
}

/// Locks a link that works until the transaction ends, and binds it to a provider; 0 if it doesn't work, or is bound to another
/// one.
pub async fn bind(
    tx: &mut Write,
    workspace: &WorkspaceId,
    id: &SetupLinkId,
    provider: &ProviderId,
    now: UnixMillis,
) -> Result<u64> {
    let sql = "UPDATE saml_setup_link SET provider_id = $3 WHERE workspace_id = $1 AND id = $2 \
               AND (provider_id IS NULL OR provider_id = $3) AND revoked_at IS NULL AND expires_at > $4 \
               AND browser_until > $4 AND workspace_epoch = (SELECT epoch FROM workspace WHERE id = $1) \
               AND user_epoch = (SELECT epoch FROM users WHERE users.workspace_id = $1 \
               AND users.id = saml_setup_link.created_by AND state = 'active' AND role IN ('owner', 'admin'))";
    tx.execute(sql, args![workspace, id, provider, now]).await
}

/// Ends a link before its time; `None` if there is none that has not ended.
pub async fn revoke(
    tx: &mut Write,
    workspace: &WorkspaceId,
    id: &SetupLinkId,
    now: UnixMillis,
) -> Result<Option<String>> {
    let sql = "UPDATE saml_setup_link SET revoked_at = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL \
               AND expires_at > $3 RETURNING name";
    tx.optional(sql, args![workspace, id, now]).await?.map(|row| row.text("name")).transpose()
}

/// Forgets links that ended before.
pub async fn tidy(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM saml_setup_link WHERE expires_at < $1", args![before]).await
}

fn link(row: &Row) -> Result<SetupLink> {
    Ok(SetupLink {
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        id: SetupLinkId::from_text(row.text("id")?),
        name: row.text("name")?,
        provider: row.optional_text("provider_id")?.map(ProviderId::from_text),
        created_by: UserId::from_text(row.text("created_by")?),
        created_at: row.int("created_at")?,
        expires_at: row.int("expires_at")?,
        opened_at: row.optional_int("opened_at")?,
        revoked_at: row.optional_int("revoked_at")?,
        works: row.flag("works")?,
    })
}
