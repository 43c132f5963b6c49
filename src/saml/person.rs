//! Who signs in by SAML: known by provider and NameID, else by an address of a verified domain, else created. Nobody who was
//! removed or switched off comes back by signing in, and nobody becomes an owner by setting up a provider.

use serde_json::json;

use super::assertion::Identity;
use super::refusal::Refusal;
use super::store::StoredProvider;
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::sessions::model::{Role, UserState};
use crate::sessions::people::store::has_group_access;
use crate::users::manage::{NewUser, create_user};
use crate::users::model::{Source, User, name_key};
use crate::users::store as users;
use crate::workspaces::model::{Workspace, domain_of};
use crate::workspaces::store as workspaces;

/// Who this is here: by (workspace, provider, NameID); else by an address of a verified domain, linked; else created.
pub async fn person(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    identity: &Identity,
    origin: &Origin,
) -> Result<Result<User, Refusal>> {
    let (provider, subject) = (&stored.entity_id, &identity.name_id);
    let known = users::find_identity(tx, &workspace.id, provider, subject).await?;
    let linked = match &known {
        Some(id) => users::lock(tx, &workspace.id, id).await?,
        None => None,
    };
    let user = match linked {
        Some(user) => user,
        None => match newcomer(tx, app, workspace, identity, known.is_some(), origin).await? {
            Ok(user) => user,
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    // Whoever may set up SAML must not be able to become an owner by it.
    if user.role == Role::Owner && !stored.by_owner {
        let text = "an owner signs in only by a provider that an owner or operator set up";
        return Ok(Err(Refusal::new("user.owner", text)));
    }
    if !matches!(user.state, UserState::Active | UserState::Invited) {
        return Ok(Err(Refusal::new("user.not-active", "this user is not active")));
    }
    if !has_group_access(tx, &workspace.id, &user.id).await? {
        let text = "this user is in none of the groups that give access";
        return Ok(Err(Refusal::new("user.no-access-group", text)));
    }
    if known.as_ref() != Some(&user.id) {
        link(tx, app, workspace, provider, subject, &user, origin).await?;
    }
    Ok(Ok(user))
}

/// The user of an address of a verified domain, created if there is none. Nobody who was removed comes back by signing in.
async fn newcomer(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    identity: &Identity,
    was_removed: bool,
    origin: &Origin,
) -> Result<Result<User, Refusal>> {
    let refuse = |check, detail: &str| Ok(Err(Refusal::new(check, detail)));
    let Some(email) = identity.email.as_deref() else {
        return refuse("user.no-email", "the assertion names no e-mail address to know a new person by");
    };
    let domain = domain_of(email);
    let domains = workspaces::list_domains(tx, &workspace.id).await?;
    let verified = domains.iter().any(|known| known.verified_at.is_some() && Some(&known.domain) == domain.as_ref());
    if !verified {
        return refuse("user.domain", "the address is of a domain that this workspace has not verified");
    }
    let key = name_key("email", email)?;
    if let Some(user) = users::find_by_name(tx, &workspace.id, &key).await? {
        return Ok(Ok(users::lock(tx, &workspace.id, &user.id).await?.ok_or_else(|| Error::not_found("user"))?));
    }
    if was_removed || users::is_buried(tx, &workspace.id, &key).await? {
        return refuse("user.gone", "this user was removed: invite or provision them again");
    }
    if !crate::policy::store::load(tx, &workspace.id).await?.just_in_time {
        return refuse("user.unknown", "this workspace does not create users at sign-in");
    }
    Ok(Ok(create(tx, app, workspace, email, identity, origin).await?))
}

async fn link(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    provider: &str,
    subject: &str,
    user: &User,
    origin: &Origin,
) -> Result<()> {
    let now = app.clock.now();
    if user.state == UserState::Invited {
        users::set_state(tx, &workspace.id, &user.id, UserState::Active, now).await?;
    }
    users::link_identity(tx, &workspace.id, provider, subject, &user.id, now).await?;
    let actor = Actor::user(&user.id, user.label(), None, origin.clone());
    let entry = Entry::done("user.identity_linked", Target::new("user", user.id.as_str(), user.label()));
    audit::append(tx, &workspace.id, now, &actor, &entry.with(json!({"identity_provider": provider}))).await?;
    Ok(())
}

async fn create(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    email: &str,
    identity: &Identity,
    origin: &Origin,
) -> Result<User> {
    let new = NewUser {
        user_name: email,
        email: Some(email),
        display_name: identity.display_name.as_deref().unwrap_or(email),
        state: Some(UserState::Active),
        source: Source::Saml,
        ..NewUser::default()
    };
    create_user(tx, app, &Actor::anonymous(email, origin.clone()), &workspace.id, &new).await
}
