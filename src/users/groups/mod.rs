//! Groups of users, as identity providers push them. Membership grants nothing by itself: roles come from elsewhere.

pub mod model;
pub mod store;

use std::collections::HashSet;

use serde_json::json;

use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::canonical;
use crate::base::ids::{GroupId, UserId, WorkspaceId};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::feed::EventScope;
use crate::sessions::revoke;
use model::{Group, MemberChange};

/// Creates a group with its first members.
///
/// # Errors
/// 400 naming `members` if one is not a user of this workspace.
pub async fn create(tx: &mut Write, app: &App, actor: &Actor, group: &Group, members: &[String]) -> Result<()> {
    store::insert(tx, group, &canonical::fold(&group.display_name)).await?;
    add(tx, &group.workspace, &group.id, members).await?;
    announce(tx, app, group, members).await?;
    let details = json!({"members": members.len()});
    record(tx, app, actor, Entry::done("group.created", target(group)).with(details), group).await
}

/// Writes a group's attributes and carries out the changes of its members, in their order; gives the group as it is then. What
/// changes nothing leaves the version as it is. The caller has locked the group.
///
/// # Errors
/// 400 naming `members` if one that is added is not a user of this workspace.
pub async fn change(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    group: &Group,
    changes: &[MemberChange],
) -> Result<Group> {
    let before = store::find(tx, &group.workspace, &group.id).await?.ok_or_else(|| Error::not_found("group"))?;
    let renamed = before.display_name != group.display_name;
    let (mut added, mut removed) = (0, 0);
    let mut touched: Vec<String> = Vec::new();
    for change in changes {
        match change {
            MemberChange::Add(ids) => {
                added += add(tx, &group.workspace, &group.id, ids).await?;
                touched.extend_from_slice(ids);
            }
            MemberChange::Remove(ids) => {
                touched.extend_from_slice(ids);
                for id in ids {
                    removed += store::remove_member(tx, &group.workspace, &group.id, &UserId::from_text(id)).await?;
                }
            }
            MemberChange::Replace(ids) => {
                let before = store::list_members(tx, &group.workspace, &group.id).await?;
                touched.extend(before.iter().map(UserId::to_string));
                touched.extend_from_slice(ids);
                let kept: HashSet<&str> = ids.iter().map(String::as_str).collect();
                for id in before.iter().filter(|id| !kept.contains(id.as_str())) {
                    removed += store::remove_member(tx, &group.workspace, &group.id, id).await?;
                }
                added += add(tx, &group.workspace, &group.id, ids).await?;
            }
        }
    }
    let same_attributes = !renamed && before.external_id == group.external_id && before.resource == group.resource;
    if same_attributes && added + removed == 0 {
        return Ok(before);
    }
    let now = app.clock.now();
    store::update(tx, group, &canonical::fold(&group.display_name), now).await?;
    if renamed {
        touched.extend(store::list_members(tx, &group.workspace, &group.id).await?.iter().map(UserId::to_string));
    }
    announce(tx, app, group, &touched).await?;
    let details = json!({"members_added": added, "members_removed": removed});
    record(tx, app, actor, Entry::done("group.updated", target(group)).with(details), group).await?;
    Ok(Group { version: before.version + 1, updated_at: now, ..group.clone() })
}

/// Deletes a group. Its members stay users.
pub async fn delete(tx: &mut Write, app: &App, actor: &Actor, group: &Group) -> Result<()> {
    let members: Vec<String> =
        store::list_members(tx, &group.workspace, &group.id).await?.iter().map(UserId::to_string).collect();
    store::delete(tx, &group.workspace, &group.id).await?;
    announce(tx, app, group, &members).await?;
    record(tx, app, actor, Entry::done("group.deleted", target(group)), group).await
}

/// Members whose identity headers are announced one by one; of more, the whole workspace's are.
const ONE_BY_ONE: usize = 20;

// Identity headers name groups: replicas must read again what they know of these members.
async fn announce(tx: &mut Write, app: &App, group: &Group, members: &[String]) -> Result<()> {
    let mut members: Vec<&String> = members.iter().collect();
    members.sort_unstable();
    members.dedup();
    if members.len() > ONE_BY_ONE {
        revoke::announce(tx, app, &group.workspace, EventScope::Profiles, None).await?;
        return Ok(());
    }
    for member in members {
        let user = UserId::from_text(member);
        revoke::announce(tx, app, &group.workspace, EventScope::Profile, Some(&user)).await?;
    }
    Ok(())
}

async fn add(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId, ids: &[String]) -> Result<u64> {
    let mut added = 0;
    for id in ids {
        let user = UserId::from_text(id);
        // Only a provisioned user of this workspace: nobody else's id may be tried out here.
        if !store::may_be_member(tx, workspace, &user).await? {
            let what = match store::find(tx, workspace, &GroupId::from_text(id)).await? {
                Some(_) => "names a group: a group can't be in a group, only users can",
                None => "names somebody who is not a user of this workspace",
            };
            return Err(Error::invalid("members", what));
        }
        added += store::add_member(tx, workspace, group, &user).await?;
    }
    Ok(added)
}

fn target(group: &Group) -> Target {
    Target::new("group", group.id.as_str(), &group.display_name)
}

async fn record(tx: &mut Write, app: &App, actor: &Actor, entry: Entry, group: &Group) -> Result<()> {
    audit::append(tx, &group.workspace, app.clock.now(), actor, &entry).await?;
    Ok(())
}
