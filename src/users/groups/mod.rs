//! Groups of users, as identity providers push them. Membership grants nothing by itself: which groups let people in or give
//! them a role is said elsewhere (`access_groups.rs`, `group_roles.rs`), and carried out here at each change.

pub mod model;
pub mod store;

use std::collections::HashSet;

use serde_json::json;

use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::canonical;
use crate::base::ids::{GroupId, UserId, WorkspaceId, is_id};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::feed::EventScope;
use crate::sessions::{people, revoke};
use crate::users::{access_groups, group_roles};
use model::{Group, MemberChange};

/// Who came and who went. Somebody may have done both.
#[derive(Default)]
struct Moved {
    joined: Vec<UserId>,
    left: Vec<UserId>,
}

/// What being in a group means.
#[derive(Clone, Copy)]
struct Meaning {
    lets_in: bool,
    gives_role: bool,
}

/// Creates a group with its first members.
///
/// # Errors
/// 400 naming `members` if one is not a user of this workspace.
pub async fn create(tx: &mut Write, app: &App, actor: &Actor, group: &Group, members: &[String]) -> Result<()> {
    let joined = insert(tx, group, members).await?;
    announce(tx, app, group, &joined).await?;
    record(tx, app, actor, created(group, joined.len()), group).await
}

/// As `create`, and nobody is told: of several groups `record_created` tells, after all of them were inserted. Members may be
/// many, and whoever tells holds the head. Gives the members.
///
/// # Errors
/// As `create`.
pub async fn insert(tx: &mut Write, group: &Group, members: &[String]) -> Result<Vec<UserId>> {
    // A new group means nothing yet: nobody can have named it.
    store::insert(tx, group, &canonical::fold(&group.display_name)).await?;
    add(tx, &group.workspace, &group.id, members).await
}

/// Tells replicas and the audit log of groups that were inserted, each with the number of its members.
pub async fn record_created(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    groups: &[(&Group, usize)],
) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    revoke::announce(tx, app, workspace, EventScope::Profiles, None).await?;
    let entries: Vec<Entry> = groups.iter().map(|(group, members)| created(group, *members)).collect();
    audit::append_all(tx, workspace, app.clock.now(), actor, &entries).await?;
    Ok(())
}

fn created(group: &Group, members: usize) -> Entry {
    Entry::done("group.created", target(group)).with(json!({"members": members}))
}

/// Writes a group's attributes and carries out the changes of its members, in their order; gives the group as it is then. What
/// changes nothing leaves the version as it is. Whoever loses access by it has no session any more once this is committed; settle
/// everything after that (`revoke::settle_all`). The caller has locked the group.
///
/// # Errors
/// 400 naming `members` if one that is added is not a user of this workspace; 429 `deprovisioning-held`.
pub async fn change(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    group: &Group,
    changes: &[MemberChange],
) -> Result<Group> {
    let meaning = meaning(tx, group).await?;
    let before = store::find(tx, &group.workspace, &group.id).await?.ok_or_else(|| Error::not_found("group"))?;
    let renamed = before.display_name != group.display_name;
    let mut moved = Moved::default();
    for change in changes {
        match change {
            MemberChange::Add(ids) => {
                moved.joined.extend(add(tx, &group.workspace, &group.id, ids).await?);
            }
            MemberChange::Remove(ids) => {
                let gone: Vec<UserId> = ids.iter().map(UserId::from_text).collect();
                moved.left.extend(store::remove_members(tx, &group.workspace, &group.id, &gone).await?);
            }
            MemberChange::Replace(ids) => {
                let before = store::list_members(tx, &group.workspace, &group.id).await?;
                let kept: HashSet<&str> = ids.iter().map(String::as_str).collect();
                let gone: Vec<UserId> = before.into_iter().filter(|id| !kept.contains(id.as_str())).collect();
                moved.left.extend(store::remove_members(tx, &group.workspace, &group.id, &gone).await?);
                moved.joined.extend(add(tx, &group.workspace, &group.id, ids).await?);
            }
        }
    }
    let same_attributes = !renamed && before.external_id == group.external_id && before.resource == group.resource;
    if same_attributes && moved.joined.is_empty() && moved.left.is_empty() {
        return Ok(before);
    }
    let now = app.clock.now();
    store::update(tx, group, &canonical::fold(&group.display_name), now).await?;
    let details = json!({"members_added": moved.joined.len(), "members_removed": moved.left.len()});
    // Whoever stays carries the new name.
    let stay = if renamed { store::list_members(tx, &group.workspace, &group.id).await? } else { Vec::new() };
    carry_out(tx, app, actor, group, meaning, moved, stay).await?;
    record(tx, app, actor, Entry::done("group.updated", target(group)).with(details), group).await?;
    Ok(Group { version: before.version + 1, updated_at: now, ..group.clone() })
}

/// Deletes a group. Its members stay users; those whom only this group let in are out. As `change`.
///
/// # Errors
/// 429 `deprovisioning-held`.
pub async fn delete(tx: &mut Write, app: &App, actor: &Actor, group: &Group) -> Result<()> {
    let meaning = meaning(tx, group).await?;
    let left = store::list_members(tx, &group.workspace, &group.id).await?;
    store::delete(tx, &group.workspace, &group.id).await?;
    group_roles::forget(tx, &group.workspace, &group.id).await?;
    carry_out(tx, app, actor, group, meaning, Moved { left, ..Moved::default() }, Vec::new()).await?;
    record(tx, app, actor, Entry::done("group.deleted", target(group)), group).await
}

/// Members whose identity headers are announced one by one; of more, the whole workspace's are.
const ONE_BY_ONE: usize = 20;

// Identity headers name groups: replicas must read again what they know of these members.
async fn announce(tx: &mut Write, app: &App, group: &Group, members: &[UserId]) -> Result<()> {
    if members.len() > ONE_BY_ONE {
        revoke::announce(tx, app, &group.workspace, EventScope::Profiles, None).await?;
        return Ok(());
    }
    for member in members {
        revoke::announce(tx, app, &group.workspace, EventScope::Profile, Some(member)).await?;
    }
    Ok(())
}

/// What the group means, held until the transaction ends.
async fn meaning(tx: &mut Write, group: &Group) -> Result<Meaning> {
    access_groups::hold_settings(tx, &group.workspace).await?;
    Ok(Meaning {
        lets_in: access_groups::lets_in(tx, &group.workspace, &group.id).await?,
        gives_role: group_roles::gives(tx, &group.workspace, &group.id).await?,
    })
}

/// Announces whom a change of the group touched: who came, who went, and who stays and is shown otherwise; and carries out what it
/// means for those who came or went.
async fn carry_out(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    group: &Group,
    meaning: Meaning,
    moved: Moved,
    stay: Vec<UserId>,
) -> Result<()> {
    let workspace = &group.workspace;
    let users = each_once([moved.joined, moved.left].concat());
    if meaning.lets_in || meaning.gives_role {
        people::store::lock(tx, workspace, &users).await?;
    }
    if meaning.lets_in {
        let cause = access_groups::LEFT_LAST_GROUP;
        for revoked in access_groups::judge(tx, app, actor, workspace, &users, cause).await? {
            revoke::leave_to_settle(app, revoked);
        }
    }
    announce(tx, app, group, &each_once([users.clone(), stay].concat())).await?;
    if meaning.gives_role {
        group_roles::settle(tx, app, actor, workspace, &users).await?;
    }
    Ok(())
}

fn each_once(mut users: Vec<UserId>) -> Vec<UserId> {
    users.sort();
    users.dedup();
    users
}

/// Gives those who weren't members yet.
async fn add(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId, ids: &[String]) -> Result<Vec<UserId>> {
    let mut joined = Vec::new();
    // An id in no form that any of ours ever had is nobody's, here or elsewhere: it is passed over.
    for id in ids.iter().filter(|id| is_id(id)) {
        let user = UserId::from_text(id);
        // Only a provisioned user of this workspace: nobody else's id may be tried out here.
        if !store::may_be_member(tx, workspace, &user).await? {
            let what = match store::find(tx, workspace, &GroupId::from_text(id)).await? {
                Some(_) => "names a group: a group can't be in a group, only users can",
                None => "names somebody who is not a user of this workspace",
            };
            return Err(Error::invalid("members", what));
        }
        if store::add_member(tx, workspace, group, &user).await? > 0 {
            joined.push(user);
        }
    }
    Ok(joined)
}

fn target(group: &Group) -> Target {
    Target::new("group", group.id.as_str(), &group.display_name)
}

async fn record(tx: &mut Write, app: &App, actor: &Actor, entry: Entry, group: &Group) -> Result<()> {
    audit::append(tx, &group.workspace, app.clock.now(), actor, &entry).await?;
    Ok(())
}
