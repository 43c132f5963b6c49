//! Who signs in by SAML: known by provider and NameID, else by an address of a verified domain, else created. Nobody who was
//! removed or switched off comes back by signing in, and nobody becomes an owner by setting up a provider.

use serde_json::json;

use super::assertion::Identity;
use super::profile;
use super::provider::StoredProvider;
use super::refusal::Refusal;
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

/// Who signs in.
pub struct Known {
    pub user: User,
    /// Whether something of a user who is here was changed, which replicas must learn of after the commit.
    pub announced: bool,
}

/// Who this is here: by (workspace, provider, NameID); else by an address of a verified domain, linked; else created. Their role,
/// name and address are what the provider says (`profile.rs`).
pub async fn person(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    identity: &Identity,
    origin: &Origin,
) -> Result<Result<Known, Refusal>> {
    let (provider, subject) = (&stored.entity_id, &identity.name_id);
    let linked = users::lock_by_identity(tx, &workspace.id, provider, subject).await?;
    let is_linked = linked.is_some();
    let (found, let_in) = match linked {
        Some((user, let_in)) => (Found::Here(user), let_in),
        None => match newcomer(tx, app, workspace, stored, identity, origin).await? {
            Ok(found) => {
                let (Found::Here(user) | Found::Created(user)) = &found;
                let let_in = has_group_access(tx, &workspace.id, &user.id).await?;
                (found, let_in)
            }
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    let (Found::Here(user) | Found::Created(user)) = &found;
    if let Err(refusal) = may_sign_in(stored, user, let_in) {
        return Ok(Err(refusal));
    }
    let (user, announced) = match found {
        Found::Created(user) => (user, false),
        // Before the link: the head comes before the audit log.
        Found::Here(user) => profile::refresh(tx, app, workspace, stored, identity, user, origin).await?,
    };
    if !is_linked {
        link(tx, app, workspace, provider, subject, &user, origin).await?;
    }
    Ok(Ok(Known { user, announced }))
}

/// A user who was here, or one who is from now on. Locked.
enum Found {
    Here(User),
    Created(User),
}

fn may_sign_in(stored: &StoredProvider, user: &User, let_in: bool) -> Result<(), Refusal> {
    // Whoever may set up SAML must not be able to become an owner by it.
    if user.role == Role::Owner && !stored.by_owner {
        let text = "an owner signs in only by a provider that an owner or operator set up";
        return Err(Refusal::new("user.owner", text));
    }
    if !matches!(user.state, UserState::Active | UserState::Invited) {
        return Err(Refusal::new("user.not-active", "this user is not active"));
    }
    if !let_in {
        let text = "this user is in none of the groups that give access";
        return Err(Refusal::new("user.no-access-group", text));
    }
    Ok(())
}

/// The user of an address of a verified domain, created if there is none. Nobody who was removed comes back by signing in.
async fn newcomer(
    tx: &mut Write,
    app: &App,
    workspace: &Workspace,
    stored: &StoredProvider,
    identity: &Identity,
    origin: &Origin,
) -> Result<Result<Found, Refusal>> {
    let refuse = |check, detail: &str| Ok(Err(Refusal::new(check, detail)));
    let Some(email) = identity.email.as_deref() else {
        return refuse("user.no-email", "the assertion names no e-mail address to know a new person by");
    };
    let domain = domain_of(email);
    let verified = workspaces::list_verified(tx, &workspace.id).await?;
    if domain.is_none_or(|domain| !verified.contains(&domain)) {
        return refuse("user.domain", "the address is of a domain that this workspace has not verified");
    }
    if !profile::may_name(tx, workspace, stored, email).await? {
        return refuse("user.domain", "the address is of a domain that this provider does not serve");
    }
    let key = name_key("email", email)?;
    match by_address(tx, workspace, &key).await? {
        Ok(None) => {}
        Ok(Some(_)) if !stored.settings.link_existing => {
            return refuse("user.not-linked", "this provider does not take over users by their address");
        }
        Ok(Some(user)) => {
            let user = users::lock(tx, &workspace.id, &user.id).await?.ok_or_else(|| Error::not_found("user"))?;
            return Ok(Ok(Found::Here(user)));
        }
        Err(refusal) => return Ok(Err(refusal)),
    }
    // Nobody links it meanwhile: sign-ins by one provider wait for each other, for its row is locked.
    let was_removed = users::find_identity(tx, &workspace.id, &stored.entity_id, &identity.name_id).await?.is_some();
    let buried = was_removed
        || users::is_buried(tx, &workspace.id, &key).await?
        || users::is_buried_address(tx, &workspace.id, &key).await?;
    if buried {
        return refuse("user.gone", "this user was removed: invite or provision them again");
    }
    let just_in_time = match stored.settings.just_in_time {
        Some(own) => own,
        None => crate::policy::store::load(tx, &workspace.id).await?.just_in_time,
    };
    if !just_in_time {
        return refuse("user.unknown", "users are not created at sign-in here");
    }
    Ok(Ok(Found::Created(create(tx, app, workspace, stored, identity, email, origin).await?)))
}

/// The user whose user name an address is, else the only one whose e-mail address it is: as at a sign-in with a password.
async fn by_address(tx: &mut Write, workspace: &Workspace, key: &str) -> Result<Result<Option<User>, Refusal>> {
    if let Some(user) = users::find_by_name(tx, &workspace.id, key).await? {
        return Ok(Ok(Some(user)));
    }
    let mut found = users::list_by_email(tx, &workspace.id, key).await?;
    if found.len() > 1 {
        let text = "several users have this address, and it is none of their user names: nobody can say which is meant";
        return Ok(Err(Refusal::new("user.ambiguous", text)));
    }
    Ok(Ok(found.pop()))
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
    stored: &StoredProvider,
    identity: &Identity,
    email: &str,
    origin: &Origin,
) -> Result<User> {
    let given = stored.settings.role_for(&identity.groups);
    let new = NewUser {
        user_name: email,
        email: Some(email),
        display_name: identity.display_name.as_deref().unwrap_or(email),
        role: given.unwrap_or_default(),
        state: Some(UserState::Active),
        source: Source::Saml,
        ..NewUser::default()
    };
    let user = create_user(tx, app, &Actor::anonymous(email, origin.clone()), &workspace.id, &new).await?;
    if given.is_some() {
        profile::note_giver(tx, stored, &user).await?;
    }
    Ok(user)
}
