//! Roles that groups give, by an owner's explicit word and no other way. Whoever is in such a group has the highest role that
//! theirs give, from that moment on; whoever leaves the last of them is a member. Nobody becomes an owner by it or ceases to
//! be one, and people of other sources are not touched. While any group gives a role, roles that SAML's groups give don't reach
//! people whom SCIM keeps (`saml/profile.rs`): of two words about one person, provisioning's counts.
//!
//! A change of role ends no session, as with one by an administrator: checks read the role, and so it holds at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::group_roles_store as store;
pub use super::group_roles_store::GroupRole;
use super::group_roles_store::Misfit;
use super::groups::store as groups;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::{GroupId, UserId, WorkspaceId};
use crate::db::{Read, Write};
use crate::error::{Error, FORBIDDEN, Result};
use crate::feed::EventScope;
use crate::policy::store as policies;
use crate::sessions::model::{Facts, Role};
use crate::sessions::{people, revoke};
use crate::transact;

/// Groups that give a role, at the most.
const MOST: usize = 100;
/// People whose change is told one by one; more of them share entries.
const ONE_BY_ONE: usize = 20;
/// Ids that one audit entry lists at the most.
const LISTED: usize = 500;
const FIELD: &str = "group_roles";

/// Which groups give which role.
pub async fn list(app: &App, workspace: &WorkspaceId) -> Result<Vec<GroupRole>> {
    store::list(&mut app.db.read().await?, workspace).await
}

/// Replaces which groups give which role, and gives everybody whom it is about the role that follows.
///
/// # Errors
/// 403 unless the caller is an owner; 400 naming `group_roles`.
pub async fn set(app: &App, actor: &Actor, caller: &Facts, wanted: &[GroupRole]) -> Result<()> {
    if caller.user.role != Role::Owner {
        return Err(Error::new(FORBIDDEN, "only an owner can say which groups give roles"));
    }
    validate(wanted)?;
    let workspace = &caller.workspace.id;
    transact!(app.db, |tx| {
        // Who changes a group holds the same lock: none is in between.
        policies::lock(tx, workspace).await?;
        let before = store::list(tx, workspace).await?;
        require_groups(tx, workspace, &before, wanted).await?;
        let mut concerned: BTreeSet<UserId> = store::list_members(tx, workspace).await?.into_iter().collect();
        store::remove_all(tx, workspace).await?;
        for given in wanted {
            store::add(tx, workspace, given).await?;
        }
        concerned.extend(store::list_members(tx, workspace).await?);
        let concerned: Vec<UserId> = concerned.into_iter().collect();
        people::store::lock(tx, workspace, &concerned).await?;
        // The head before the audit log, as everywhere.
        revoke::announce(tx, app, workspace, EventScope::Profiles, None).await?;
        settle(tx, app, actor, workspace, &concerned).await?;
        let target = Target::new("workspace", workspace.as_str(), &caller.workspace.slug);
        let details = json!({"before": shown(&before), "after": shown(wanted)});
        let entry = Entry::done("scim.group_roles_changed", target).with(details);
        audit::append(tx, workspace, app.clock.now(), actor, &entry).await?;
        Ok(())
    })?;
    revoke::settle_all(app).await?;
    Ok(())
}

fn validate(wanted: &[GroupRole]) -> Result<()> {
    if wanted.len() > MOST {
        return Err(Error::invalid(FIELD, format!("may have {MOST} groups at the most")));
    }
    if wanted.iter().any(|given| given.role == Role::Owner) {
        return Err(Error::invalid(FIELD, "may give the roles admin and member"));
    }
    let groups: BTreeSet<&GroupId> = wanted.iter().map(|given| &given.group).collect();
    if groups.len() < wanted.len() {
        return Err(Error::invalid(FIELD, "must name each group once"));
    }
    Ok(())
}

async fn require_groups(
    tx: &mut Write,
    workspace: &WorkspaceId,
    before: &[GroupRole],
    wanted: &[GroupRole],
) -> Result<()> {
    for given in wanted.iter().filter(|given| !before.iter().any(|known| known.group == given.group)) {
        if groups::find(tx, workspace, &given.group).await?.is_none() {
            return Err(Error::invalid(FIELD, "names a group that is not of this workspace"));
        }
    }
    Ok(())
}

fn shown(given: &[GroupRole]) -> Value {
    given.iter().map(|given| json!({"group": given.group, "role": given.role})).collect()
}

/// Whether any group gives a role: then nothing else gives one to people whom SCIM keeps.
pub async fn are_set(db: &mut Read, workspace: &WorkspaceId) -> Result<bool> {
    Ok(!store::list(db, workspace).await?.is_empty())
}

/// Whether a group gives a role. The settings are held.
pub async fn gives(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId) -> Result<bool> {
    store::gives(tx, workspace, group).await
}

/// Forgets a group that is deleted.
pub async fn forget(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId) -> Result<()> {
    store::remove(tx, workspace, group).await
}

/// Gives these users the roles that their groups give, after those were changed in this transaction. They are locked, and
/// announced already.
pub async fn settle(tx: &mut Write, app: &App, actor: &Actor, workspace: &WorkspaceId, users: &[UserId]) -> Result<()> {
    let misfits = store::list_misfits(tx, workspace, users).await?;
    for role in [Role::Admin, Role::Member] {
        let some: Vec<&Misfit> = misfits.iter().filter(|misfit| misfit.wanted == role).collect();
        if some.is_empty() {
            continue;
        }
        let ids: Vec<UserId> = some.iter().map(|misfit| misfit.id.clone()).collect();
        store::set_roles(tx, workspace, &ids, role, app.clock.now()).await?;
        store::use_links(tx, workspace, &ids, app.clock.now()).await?;
        for entry in entries(workspace, &some, role) {
            audit::append(tx, workspace, app.clock.now(), actor, &entry).await?;
        }
    }
    Ok(())
}

fn entries(workspace: &WorkspaceId, some: &[&Misfit], role: Role) -> Vec<Entry> {
    let why = "groups give this role";
    if some.len() <= ONE_BY_ONE {
        let one = |misfit: &&Misfit| {
            let target = Target::new("user", misfit.id.as_str(), &misfit.user_name);
            Entry::done("user.updated", target).because(why).with(json!({"changed": ["role"], "role": role}))
        };
        return some.iter().map(one).collect();
    }
    let many = |some: &[&Misfit]| {
        let ids: Vec<&UserId> = some.iter().map(|misfit| &misfit.id).collect();
        let target = Target::new("workspace", workspace.as_str(), "");
        Entry::done("user.roles_changed", target).because(why).with(json!({"role": role, "users": ids}))
    };
    some.chunks(LISTED).map(many).collect()
}
