//! Statements of the settings of provisioning, which are kept beside the policy.

use super::provisioning::Provisioning;
use crate::args;
use crate::base::ids::{GroupId, WorkspaceId};
use crate::db::{Read, Write};
use crate::error::Result;

/// Keeps changes of the settings away until the transaction ends. Others may hold them at the same time.
pub async fn share(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    if tx.is_postgres() {
        tx.one("SELECT version FROM policy WHERE workspace_id = $1 FOR SHARE", args![workspace]).await?;
    }
    // An embedded database has one writer only.
    Ok(())
}

/// As `share`; gives whether members may be taken over, and the newest change at this moment.
pub async fn share_for_newcomer(tx: &mut Write, workspace: &WorkspaceId) -> Result<(bool, i64)> {
    let sql = match tx.is_postgres() {
        true => {
            "SELECT p.link_by_verified_email, h.seq FROM policy p JOIN head h ON h.id = 1 WHERE p.workspace_id = $1 \
             FOR SHARE OF p"
        }
        false => {
            "SELECT p.link_by_verified_email, h.seq FROM policy p JOIN head h ON h.id = 1 WHERE p.workspace_id = $1"
        }
    };
    let row = tx.one(sql, args![workspace]).await?;
    Ok((row.flag("link_by_verified_email")?, row.int("seq")?))
}

pub async fn load(db: &mut Read, workspace: &WorkspaceId) -> Result<Provisioning> {
    let access_groups = list_access_groups(db, workspace).await?;
    let sql = "SELECT link_by_verified_email, deprovision_hold_count, deprovision_hold_percent FROM policy \
               WHERE workspace_id = $1";
    let row = db.one(sql, args![workspace]).await?;
    Ok(Provisioning {
        access_groups,
        link_by_verified_email: row.flag("link_by_verified_email")?,
        deprovision_hold_count: row.int("deprovision_hold_count")?,
        deprovision_hold_percent: row.int("deprovision_hold_percent")?,
    })
}

/// The number and the share of the brake.
pub async fn load_hold(db: &mut Read, workspace: &WorkspaceId) -> Result<(i64, i64)> {
    let sql = "SELECT deprovision_hold_count, deprovision_hold_percent FROM policy WHERE workspace_id = $1";
    let row = db.one(sql, args![workspace]).await?;
    Ok((row.int("deprovision_hold_count")?, row.int("deprovision_hold_percent")?))
}

pub async fn list_access_groups(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<GroupId>> {
    let sql = "SELECT group_id FROM access_group WHERE workspace_id = $1 ORDER BY group_id";
    let rows = db.all(sql, args![workspace]).await?;
    rows.iter().map(|row| row.text("group_id").map(GroupId::from_text)).collect()
}

/// Writes all but the groups.
pub async fn update(tx: &mut Write, workspace: &WorkspaceId, settings: &Provisioning) -> Result<()> {
    let sql = "UPDATE policy SET link_by_verified_email = $2, deprovision_hold_count = $3, deprovision_hold_percent = $4 \
               WHERE workspace_id = $1";
    let (count, percent) = (settings.deprovision_hold_count, settings.deprovision_hold_percent);
    tx.execute(sql, args![workspace, settings.link_by_verified_email, count, percent]).await?;
    Ok(())
}

pub async fn remove_access_groups(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    tx.execute("DELETE FROM access_group WHERE workspace_id = $1", args![workspace]).await?;
    Ok(())
}

pub async fn add_access_group(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId) -> Result<()> {
    tx.execute("INSERT INTO access_group (workspace_id, group_id) VALUES ($1, $2)", args![workspace, group]).await?;
    Ok(())
}
