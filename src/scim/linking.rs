//! Taking over people who are here already: if the policy allows it, a new user of the identity provider who has the address
//! of a member, in a domain that the workspace has verified, is that member. Otherwise SCIM neither sees nor changes people
//! whom it did not create.
//!
//! What they sign in with stays as it is: name, address and password are not taken from the identity provider's first word.
//! Administrators and owners are never taken over: a SCIM token must not be a way to become one.

use serde_json::json;

use super::client::Client;
use super::linking_store;
use super::own_schemas::keep;
use super::schema::ResourceType;
use super::users::DEACTIVATED;
use crate::audit::{self, Entry, Target};
use crate::db::Write;
use crate::error::{CONFLICT, Error, Result};
use crate::sessions::model::{Role, Trigger, UserState};
use crate::sessions::revoke::Revoked;
use crate::users::access_groups;
use crate::users::manage::{self, Loss, NewUser};
use crate::users::model::{Source, User, name_key};
use crate::users::store as people;
use crate::workspaces::model::domain_of;
use crate::workspaces::store as workspaces;

/// The member whom a new user is, taken over, with what that revoked; `None` if the new user is somebody else. The settings are
/// held, and allow it.
///
/// # Errors
/// 409 if they were taken over before, or for a unique value that somebody else has; 429 `deprovisioning-held`.
pub async fn adopt(tx: &mut Write, client: &Client, new: &NewUser<'_>) -> Result<Option<(User, Vec<Revoked>)>> {
    let Some(member) = find_member(tx, client, new).await? else { return Ok(None) };
    // Under the lock: somebody may have made an administrator of them a moment ago.
    let member = manage::lock(tx, &client.workspace, &member.id).await?;
    if !is_open(&member) {
        return Ok(None);
    }
    Ok(Some(take_over(tx, client, new, &member).await?))
}

/// Whether somebody may be taken over.
fn is_open(user: &User) -> bool {
    user.source != Source::Scim && user.role == Role::Member
}

/// The one member who has an address of the new user; nobody if two people could be meant.
async fn find_member(tx: &mut Write, client: &Client, new: &NewUser<'_>) -> Result<Option<User>> {
    let workspace = &client.workspace;
    let verified = workspaces::list_verified(tx, workspace).await?;
    let is_verified = |address: &str| domain_of(address).is_some_and(|domain| verified.contains(&domain));
    let mut found: Vec<User> = Vec::new();
    for address in [Some(new.user_name), new.email].into_iter().flatten() {
        let key = name_key("userName", address)?;
        if !is_verified(&key) {
            continue;
        }
        let named = people::find_by_name(tx, workspace, &key).await?;
        for user in named.into_iter().chain(people::list_by_email(tx, workspace, &key).await?) {
            if found.iter().all(|known| known.id != user.id) {
                found.push(user);
            }
        }
    }
    let Some(only) = found.pop().filter(|_| found.is_empty()) else { return Ok(None) };
    if only.source == Source::Scim && new.external_id.is_some() && only.external_id.as_deref() == new.external_id {
        // The same request once more: whom it took over has a name of their own.
        return Err(Error::new(CONFLICT, "this person is provisioned already").with_field("externalId"));
    }
    Ok(Some(only).filter(is_open))
}

async fn take_over(tx: &mut Write, client: &Client, new: &NewUser<'_>, member: &User) -> Result<(User, Vec<Revoked>)> {
    let (app, actor) = (&client.app, &client.actor);
    let active = new.state != Some(UserState::Deprovisioned);
    let now = app.clock.now();
    linking_store::take_over(tx, member, new.external_id, &new.resource, active, now).await?;
    let mut revoked = Vec::new();
    if !active && matches!(member.state, UserState::Active | UserState::Invited) {
        revoked
            .push(manage::end_access(tx, app, actor, member, Loss::Deprovisioned, Trigger::Scim, DEACTIVATED).await?);
    }
    revoked.extend(access_groups::judge_one(tx, app, actor, member, access_groups::LINKED).await?);
    let entry = Entry::done("user.linked", Target::new("user", member.id.as_str(), member.label()));
    let entry = entry.with(json!({"source_before": member.source, "active": active}));
    audit::append(tx, &client.workspace, now, actor, &entry).await?;
    keep(tx, client, ResourceType::User, member.id.as_str(), &member.resource, &new.resource).await?;
    let user = people::find(tx, &client.workspace, &member.id).await?.ok_or_else(|| Error::not_found("user"))?;
    manage::write_search_keys(tx, &user).await?;
    Ok((user, revoked))
}
