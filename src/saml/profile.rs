//! What the identity provider says of somebody who is here already: their name, their address, their role. It is written in the
//! transaction of the sign-in, before the session is issued, by the same operation as every other change of a person.
//!
//! Whom SCIM keeps stays as provisioning says; only their role may come from here, as long as no group of SCIM's gives roles.
//! An owner's role neither comes from here nor goes. A role that somebody gave by hand stays until a group gives another; one
//! that this provider gave goes with the last of its groups.

use super::assertion::Identity;
use super::provider::{Outline, StoredProvider, serves};
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::base::text::line;
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::sessions::model::Role;
use crate::users::model::{Source, User, email_key, name_key};
use crate::users::{group_roles, manage, store as users};
use crate::workspaces::model::{Workspace, domain_of};
use crate::workspaces::store as workspaces;

/// Longest display name of a user, in characters.
const MAX_DISPLAY_NAME: usize = 256;

/// The user after what the identity provider says, and whether anything was changed, which replicas must learn of. The user is
/// locked.
pub(super) async fn refresh(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    identity: &Identity,
    before: User,
    origin: &Origin,
) -> Result<(User, bool)> {
    let mut after = before.clone();
    if before.source != Source::Scim {
        let said = identity.display_name.as_deref().and_then(|name| line(name, MAX_DISPLAY_NAME));
        after.display_name = said.unwrap_or(&before.display_name).to_owned();
    }
    if before.source == Source::Saml {
        move_to_address(tx, workspace, stored, identity, &mut after).await?;
    }
    let given = role(tx, stored, identity, &before).await?;
    after.role = given.unwrap_or(before.role);
    let said = |user: &User| (user.user_name.clone(), user.email.clone(), user.display_name.clone(), user.role);
    if said(&before) == said(&after) {
        return Ok((before, false));
    }
    let actor = Actor { origin: origin.clone(), ..Actor::system("saml") };
    manage::update_user(tx, app, &actor, &before, &after).await?;
    if before.role != after.role && stored.settings.role_for(&identity.groups).is_some() {
        note_giver(tx, stored, &after).await?;
    }
    let user = users::find(tx, &workspace.id, &before.id).await?.ok_or_else(|| Error::not_found("user"))?;
    Ok((user, true))
}

/// Notes that this provider gave the role: it can take it back.
pub(super) async fn note_giver(tx: &mut Write, stored: &StoredProvider, user: &User) -> Result<()> {
    users::note_role_giver(tx, &user.workspace, &user.id, stored.id.as_str()).await?;
    Ok(())
}

/// The role that follows; `None`: it stays.
async fn role(db: &mut Read, stored: &StoredProvider, identity: &Identity, user: &User) -> Result<Option<Role>> {
    if stored.settings.roles.is_empty() || user.role == Role::Owner {
        return Ok(None);
    }
    if user.source == Source::Scim && group_roles::are_set(db, &user.workspace).await? {
        return Ok(None);
    }
    if let Some(role) = stored.settings.role_for(&identity.groups) {
        return Ok(Some(role));
    }
    let giver = users::find_role_giver(db, &user.workspace, &user.id).await?;
    Ok((giver.as_deref() == Some(stored.id.as_str())).then_some(Role::Member))
}

/// Gives a person the address that the provider names, if it may vouch for it and nobody else has it. Their user name follows if
/// it was the address.
async fn move_to_address(
    db: &mut Read,
    workspace: &Workspace,
    stored: &StoredProvider,
    identity: &Identity,
    user: &mut User,
) -> Result<()> {
    let Some(email) = identity.email.as_deref() else { return Ok(()) };
    let key = email_key("email", email)?;
    let old = user.email.as_deref().map(|old| email_key("email", old)).transpose()?;
    if old.as_ref() == Some(&key) || !may_name(db, workspace, stored, email).await? {
        return Ok(());
    }
    let by_name = users::find_by_name(db, &workspace.id, &key).await?;
    let by_email = users::list_by_email(db, &workspace.id, &key).await?;
    if by_name.iter().chain(&by_email).any(|other| other.id != user.id) {
        tracing::info!(user = %user.id, "the identity provider names an address that another user has: it is not taken over");
        return Ok(());
    }
    if old == Some(name_key("user_name", &user.user_name)?) {
        email.clone_into(&mut user.user_name);
    }
    user.email = Some(email.to_owned());
    Ok(())
}

/// Whether the provider may make people of this address known: its domain is verified, and the provider serves it.
pub(super) async fn may_name(
    db: &mut Read,
    workspace: &Workspace,
    stored: &StoredProvider,
    email: &str,
) -> Result<bool> {
    let Some(domain) = domain_of(email) else { return Ok(false) };
    let known: Vec<Outline> = super::provider_store::list_outlines(db, &workspace.id).await?;
    let verified = workspaces::list_verified(db, &workspace.id).await?;
    Ok(verified.contains(&domain) && serves(&known, &stored.id, &domain))
}
