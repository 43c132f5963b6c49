//! Statements of policy and allowlist.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::ip_allowlist::{IpAllowlist, Mode, Network};
use super::model::{OnChange, Policy};
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};

pub async fn create(tx: &mut Write, workspace: &WorkspaceId, policy: &Policy, now: UnixMillis) -> Result<()> {
    let sql = "INSERT INTO policy (workspace_id, absolute_ms, idle_ms, password_allowed, saml_allowed, just_in_time, \
               on_saml_change, on_ip_allowlist_change, version, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)";
    tx.execute(sql, columns(workspace, policy, now)).await?;
    let sql =
        "INSERT INTO ip_allowlist (workspace_id, mode, entries, version, updated_at) VALUES ($1, 'off', '[]', 1, $2)";
    tx.execute(sql, args![workspace, now]).await?;
    Ok(())
}

fn columns(workspace: &WorkspaceId, policy: &Policy, now: UnixMillis) -> Vec<crate::db::Value> {
    args![
        workspace,
        policy.absolute_ms,
        policy.idle_ms,
        policy.password_allowed,
        policy.saml_allowed,
        policy.just_in_time,
        policy.on_saml_change.as_str(),
        policy.on_ip_allowlist_change.as_str(),
        now
    ]
}

pub async fn load(db: &mut Read, workspace: &WorkspaceId) -> Result<Policy> {
    policy(&db.one("SELECT * FROM policy WHERE workspace_id = $1", args![workspace]).await?)
}

/// Locks the policy until the transaction ends.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId) -> Result<Policy> {
    policy(&tx.one("UPDATE policy SET version = version WHERE workspace_id = $1 RETURNING *", args![workspace]).await?)
}

pub async fn update(tx: &mut Write, workspace: &WorkspaceId, policy: &Policy, now: UnixMillis) -> Result<()> {
    let sql = "UPDATE policy SET absolute_ms = $2, idle_ms = $3, password_allowed = $4, saml_allowed = $5, \
               just_in_time = $6, on_saml_change = $7, on_ip_allowlist_change = $8, version = version + 1, updated_at = $9 \
               WHERE workspace_id = $1";
    tx.execute(sql, columns(workspace, policy, now)).await?;
    Ok(())
}

/// Reads the policy's columns from any row that has them.
pub fn policy(row: &Row) -> Result<Policy> {
    let on_change = |column| {
        let text = row.text(column)?;
        OnChange::parse(&text).ok_or_else(|| Error::internal(format!("{column} holds {text}")))
    };
    Ok(Policy {
        absolute_ms: row.int("absolute_ms")?,
        idle_ms: row.int("idle_ms")?,
        password_allowed: row.flag("password_allowed")?,
        saml_allowed: row.flag("saml_allowed")?,
        just_in_time: row.flag("just_in_time")?,
        on_saml_change: on_change("on_saml_change")?,
        on_ip_allowlist_change: on_change("on_ip_allowlist_change")?,
        version: row.int("version")?,
    })
}

pub async fn load_allowlist(db: &mut Read, workspace: &WorkspaceId) -> Result<IpAllowlist> {
    allowlist(
        &db.one("SELECT mode, entries, version FROM ip_allowlist WHERE workspace_id = $1", args![workspace]).await?,
    )
}

/// Locks the allowlist until the transaction ends.
pub async fn lock_allowlist(tx: &mut Write, workspace: &WorkspaceId) -> Result<IpAllowlist> {
    let sql = "UPDATE ip_allowlist SET version = version WHERE workspace_id = $1 RETURNING mode, entries, version";
    allowlist(&tx.one(sql, args![workspace]).await?)
}

pub async fn update_allowlist(
    tx: &mut Write,
    workspace: &WorkspaceId,
    list: &IpAllowlist,
    now: UnixMillis,
) -> Result<()> {
    let entries = serde_json::to_string(&*list.entries).map_err(Error::internal)?;
    let sql = "UPDATE ip_allowlist SET mode = $2, entries = $3, version = version + 1, updated_at = $4 WHERE workspace_id = $1";
    tx.execute(sql, args![workspace, list.mode.as_str(), entries, now]).await?;
    Ok(())
}

/// Reads the allowlist's columns. Text that can't be read is an error, never an empty list.
pub fn allowlist(row: &Row) -> Result<IpAllowlist> {
    from_columns(&row.text("mode")?, &row.text("entries")?, row.int("version")?)
}

pub fn from_columns(mode: &str, entries: &str, version: i64) -> Result<IpAllowlist> {
    let mode = Mode::parse(mode).ok_or_else(|| Error::internal(format!("allowlist mode {mode}")))?;
    Ok(IpAllowlist { mode, entries: networks(entries)?, version })
}

/// Lists that were read last, by their text: every verdict from the database brings one along, and a thousand networks take far
/// longer to read than to compare.
static READ: Mutex<VecDeque<(String, Arc<[Network]>)>> = Mutex::new(VecDeque::new());
const REMEMBERED: usize = 32;

fn networks(text: &str) -> Result<Arc<[Network]>> {
    let known = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, networks)) = known().iter().find(|(known, _)| known == text) {
        return Ok(networks.clone());
    }
    let read: Vec<Network> =
        serde_json::from_str(text).map_err(|error| Error::internal(format!("allowlist: {error}")))?;
    let networks: Arc<[Network]> = read.into();
    let mut known = known();
    known.truncate(REMEMBERED - 1);
    known.push_front((text.to_owned(), networks.clone()));
    Ok(networks)
}
