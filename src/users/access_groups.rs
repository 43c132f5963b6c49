//! Groups that let people in. A provisioned user who is in none of them may not sign in, and loses their sessions the moment
//! they leave the last one: by whichever change of a group, of the policy or of themselves.
//!
//! Who is let in is kept with the user, so that a sign-in reads one column and a check nothing. Whoever changes what it
//! follows from holds the settings (`hold`) and the users that it is about, writes, and then asks who lost it: two changes
//! of one user are one after the other, and the second sees the first. Losing it raises the epoch in the same transaction,
//! which is what sign-ins under way are judged by.

use serde_json::json;

use super::access_groups_store as store;
pub use super::access_groups_store::Loser;
use super::groups::store as groups;
use super::hold;
use super::model::User;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::canonical;
use crate::base::ids::{GroupId, UserId, WorkspaceId};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::policy::provisioning::sorted;
use crate::policy::provisioning_store;
use crate::sessions::model::{Scope, Trigger, UserState};
use crate::sessions::people;
use crate::sessions::revoke::{self, Order, Revoked};

/// People whose loss is told and revoked one by one; of more, it is one revocation.
const ONE_BY_ONE: usize = 20;
/// Ids that one audit entry lists at the most.
const LISTED: usize = 500;

/// Why somebody loses access.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    pub trigger: Trigger,
    pub reason: &'a str,
}

/// By a change of groups at the identity provider.
pub const LEFT_LAST_GROUP: Cause<'static> =
    Cause { trigger: Trigger::Scim, reason: "the user left the last group that gives access" };
/// By a change of the policy.
pub const POLICY: Cause<'static> =
    Cause { trigger: Trigger::Policy, reason: "the user is in no group that gives access any more" };

/// By ceasing to be an owner, whom no group has to let in.
pub const ROLE: Cause<'static> =
    Cause { trigger: Trigger::Admin, reason: "the user is no owner any more, and in no group that gives access" };
/// By becoming somebody whom the identity provider keeps.
pub const LINKED: Cause<'static> =
    Cause { trigger: Trigger::Scim, reason: "the identity provider keeps the user now, in no group that gives access" };

/// Keeps the settings as they are until the transaction ends. Call it before users, the head or the audit log are locked.
pub async fn hold_settings(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    provisioning_store::share(tx, workspace).await
}

/// Whether a group lets people in. The settings are held.
pub async fn lets_in(tx: &mut Write, workspace: &WorkspaceId, group: &GroupId) -> Result<bool> {
    store::is_access_group(tx, workspace, group).await
}

/// Judges these users anew, after what let them in was changed in this transaction; whoever lost access has no session any
/// more. The settings are held and the users locked.
///
/// # Errors
/// 429 `deprovisioning-held` if more lose it by provisioning than may without approval: then nothing may be committed.
pub async fn judge(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    users: &[UserId],
    cause: Cause<'_>,
) -> Result<Vec<Revoked>> {
    store::let_in_of(tx, workspace, users).await?;
    let losers = store::list_losers_of(tx, workspace, users).await?;
    shut_out(tx, app, actor, workspace, &losers, cause).await
}

/// The same of one user, who is locked.
///
/// # Errors
/// As `judge`.
pub async fn judge_one(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    user: &User,
    cause: Cause<'_>,
) -> Result<Vec<Revoked>> {
    judge(tx, app, actor, &user.workspace, std::slice::from_ref(&user.id), cause).await
}

/// Whether somebody can sign in as far as their state and their groups go.
pub async fn has_access(tx: &mut Write, user: &User) -> Result<bool> {
    let active = matches!(user.state, UserState::Active | UserState::Invited);
    Ok(active && people::store::has_group_access(tx, &user.workspace, &user.id).await?)
}

/// Finds everybody whom changed settings shut out, and locks them. Nobody else changes the settings, or what they are about,
/// meanwhile: their row is locked.
pub async fn find_losers(tx: &mut Write, workspace: &WorkspaceId) -> Result<Vec<Loser>> {
    store::let_in(tx, workspace).await?;
    let losers = store::list_losers(tx, workspace).await?;
    people::store::lock(tx, workspace, &ids(&losers)).await?;
    Ok(losers)
}

/// Ends the sessions of users whom groups no longer let in. They are locked.
///
/// # Errors
/// As `judge`.
pub async fn shut_out(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    losers: &[Loser],
    cause: Cause<'_>,
) -> Result<Vec<Revoked>> {
    if losers.is_empty() {
        return Ok(Vec::new());
    }
    // Who was switched off anyway has nothing to lose today.
    let losing: Vec<&Loser> = losers.iter().filter(|loser| loser.had_access).collect();
    if cause.trigger == Trigger::Scim {
        let now = app.clock.now();
        let counted = losing.iter().filter(|loser| hold::counts(loser.created_at, now)).count();
        hold::admit(tx, app, workspace, counted).await?;
    }
    store::shut_out(tx, workspace, &ids(losers)).await?;
    if losing.len() > ONE_BY_ONE {
        return Ok(vec![end_together(tx, app, actor, workspace, &losing, cause).await?]);
    }
    let mut revoked = Vec::new();
    for loser in losing {
        let scope = Scope::User { user: loser.id.clone(), spare: None };
        let (trigger, reason) = (cause.trigger, cause.reason);
        let order = Order { workspace, scope, trigger, reason, target_label: &loser.user_name };
        revoked.push(revoke::revoke(tx, app, actor, &order).await?);
    }
    Ok(revoked)
}

/// One revocation of many, and entries that say who they were.
async fn end_together(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    losing: &[&Loser],
    cause: Cause<'_>,
) -> Result<Revoked> {
    let slug = store::load_slug(tx, workspace).await?;
    let users: Vec<UserId> = losing.iter().map(|loser| loser.id.clone()).collect();
    let (trigger, reason) = (cause.trigger, cause.reason);
    let order = Order { workspace, scope: Scope::Users(users.clone()), trigger, reason, target_label: &slug };
    let revoked = revoke::revoke(tx, app, actor, &order).await?;
    for some in users.chunks(LISTED) {
        let target = Target::new("workspace", workspace.as_str(), &slug);
        let entry = Entry::done("user.group_access_lost", target).because(reason).with(json!({"users": some}));
        audit::append(tx, workspace, app.clock.now(), actor, &entry).await?;
    }
    Ok(revoked)
}

fn ids(losers: &[Loser]) -> Vec<UserId> {
    losers.iter().map(|loser| loser.id.clone()).collect()
}

/// Access groups as a form shows them: one on each line, id and name.
pub async fn lines(app: &App, workspace: &WorkspaceId, access_groups: &[GroupId]) -> Result<String> {
    let mut read = app.db.read().await?;
    let mut lines = Vec::new();
    for id in access_groups {
        let name = groups::find(&mut read, workspace, id).await?.map(|group| group.display_name);
        let name = name.map_or("(deleted)".to_owned(), |name| name.replace(char::is_control, " "));
        lines.push(format!("{id} {name}"));
    }
    Ok(lines.join("\n"))
}

/// Reads them back; what begins with no id of a group is a group's name. Ids that are set already may be of deleted groups.
///
/// # Errors
/// 400 naming `access_groups` for a name that no group has, or two.
pub async fn read_lines(app: &App, workspace: &WorkspaceId, text: &str) -> Result<Vec<GroupId>> {
    let mut read = app.db.read().await?;
    let known = provisioning_store::list_access_groups(&mut read, workspace).await?;
    let mut found = Vec::new();
    for text in text.lines().map(str::trim).filter(|text| !text.is_empty()) {
        let id = GroupId::from_text(text.split_whitespace().next().unwrap_or_default());
        if known.contains(&id) || groups::find(&mut read, workspace, &id).await?.is_some() {
            found.push(id);
            continue;
        }
        let mut named = groups::list_by_name(&mut read, workspace, &canonical::fold(text)).await?;
        match (named.pop(), named.is_empty()) {
            (Some(group), true) => found.push(group.id),
            (Some(_), false) => {
                return Err(Error::invalid("access_groups", "several groups have that name: give the id"));
            }
            (None, _) => return Err(Error::invalid("access_groups", "there is no group of that name or id")),
        }
    }
    Ok(sorted(found))
}
