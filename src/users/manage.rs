//! What can happen to a user. Each function works inside the caller's transaction, so that a SCIM change, its revocation and
//! its audit entry are one; the caller acknowledges the revocation after its commit.

use serde_json::{Map, Value, json};

use super::groups::store as group_store;
use super::model::{Source, User, email_key, name_key};
use super::{access_groups, hold, search_key, single_sign_on, store};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::base::page::{Page, PageRequest};
use crate::base::text::line;
use crate::db::Write;
use crate::error::{CONFLICT, Error, LAST_OWNER, Result};
use crate::feed::EventScope;
use crate::sessions::model::{Role, Scope, Trigger, UserState};
use crate::sessions::revoke::{self, Order, Revoked};
use crate::transact;

/// A user to create.
#[derive(Default)]
pub struct NewUser<'a> {
    /// Absent: a new one.
    pub id: Option<UserId>,
    pub user_name: &'a str,
    pub email: Option<&'a str>,
    pub display_name: &'a str,
    pub role: Role,
    /// Absent: active, or invited if there is no way to sign in yet.
    pub state: Option<UserState>,
    pub source: Source,
    pub external_id: Option<&'a str>,
    pub password_hash: Option<String>,
    pub resource: Map<String, Value>,
}

/// # Errors
/// 400 for a malformed name; 409 if the name is taken.
pub async fn create_user(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    new: &NewUser<'_>,
) -> Result<User> {
    let head = crate::feed::store::load_head(tx).await?;
    let user = insert_user(tx, app, workspace, new, head).await?;
    record_created(tx, app, actor, workspace, &[&user]).await?;
    Ok(user)
}

/// As `create_user`, without the audit entry: of several, `record_created` writes them all. `head` is the newest change that is
/// known when the transaction begins. If the identity provider keeps them, the settings are held (`access_groups.rs`): whether
/// groups let them in is judged here.
///
/// # Errors
/// As `create_user`; a refusal (below 500) has written nothing, and the transaction can go on.
pub async fn insert_user(
    tx: &mut Write,
    app: &App,
    workspace: &WorkspaceId,
    new: &NewUser<'_>,
    head: i64,
) -> Result<User> {
    let now = app.clock.now();
    let key = name_key("user_name", new.user_name)?;
    let email = new.email.map(|text| email_key("email", text)).transpose()?;
    let waits = new.source == Source::Local && new.password_hash.is_none();
    let user = User {
        id: new.id.clone().unwrap_or_else(|| UserId::generate(now, app.random.as_ref())),
        workspace: workspace.clone(),
        user_name: new.user_name.to_owned(),
        email: new.email.map(str::to_owned),
        display_name: line(new.display_name, 256).unwrap_or(new.user_name).to_owned(),
        role: new.role,
        state: new.state.unwrap_or(if waits { UserState::Invited } else { UserState::Active }),
        provider_active: new.state != Some(UserState::Deprovisioned),
        source: new.source,
        external_id: new.external_id.map(str::to_owned),
        epoch: 0,
        // A sign-in that began before this person was here is none of theirs.
        epoch_seq: head,
        password_hash: new.password_hash.clone(),
        resource: new.resource.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    if store::insert(tx, &user, &key, email.as_deref()).await? == 0 {
        return Err(taken());
    }
    if new.source == Source::Scim {
        insert_search_keys(tx, &user).await?;
    }
    Ok(user)
}

/// The audit entries of users who were inserted.
pub async fn record_created(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    users: &[&User],
) -> Result<()> {
    let entry = |user: &&User| {
        let details = json!({"role": user.role, "state": user.state, "source": user.source});
        Entry::done("user.created", target(user)).with(details)
    };
    let entries: Vec<Entry> = users.iter().map(entry).collect();
    audit::append_all(tx, workspace, app.clock.now(), actor, &entries).await?;
    Ok(())
}

/// Writes changed attributes of `after`; the state is left to the functions below. The user is locked. If the role changes,
/// settle everything after the commit (`revoke::settle_all`): an owner who ceases to be one may need a group.
///
/// # Errors
/// 409 if the new name is taken, or if the last owner would lose the role.
pub async fn update_user(tx: &mut Write, app: &App, actor: &Actor, before: &User, after: &User) -> Result<()> {
    let key = name_key("user_name", &after.user_name)?;
    let email = after.email.as_deref().map(|text| email_key("email", text)).transpose()?;
    if before.role == Role::Owner && after.role != Role::Owner {
        keep_an_owner(tx, before).await?;
    }
    if before.role != after.role {
        // A link that somebody kept must not open the new role.
        store::links::use_all(tx, &before.workspace, &before.id, app.clock.now()).await?;
    }
    store::update(tx, after, &key, email.as_deref(), app.clock.now()).await.map_err(name_taken)?;
    if search_key::all(&before.resource) != search_key::all(&after.resource) {
        write_search_keys(tx, after).await?;
    }
    if (before.role == Role::Owner) != (after.role == Role::Owner) {
        // An owner needs no group.
        access_groups::hold_settings(tx, &before.workspace).await?;
        for revoked in access_groups::judge_one(tx, app, actor, before, access_groups::ROLE).await? {
            revoke::leave_to_settle(app, revoked);
        }
    }
    let shown = |user: &User| (user.user_name.clone(), user.email.clone(), user.display_name.clone(), user.role);
    if shown(before) != shown(after) {
        revoke::announce(tx, app, &before.workspace, EventScope::Profile, Some(&before.id)).await?;
    }
    let details = json!({"changed": changed_fields(before, after), "role": after.role});
    record(tx, app, actor, Entry::done("user.updated", target(after)).with(details), &before.workspace).await
}

/// Names of the fields that differ; never their values, which may be personal.
fn changed_fields(before: &User, after: &User) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, differs) in [
        ("user_name", before.user_name != after.user_name),
        ("email", before.email != after.email),
        ("display_name", before.display_name != after.display_name),
        ("role", before.role != after.role),
        ("external_id", before.external_id != after.external_id),
    ] {
        if differs {
            names.push(name.into());
        }
    }
    let keys = before.resource.keys().chain(after.resource.keys());
    let mut attributes: Vec<String> =
        keys.filter(|key| before.resource.get(*key) != after.resource.get(*key)).cloned().collect();
    attributes.sort();
    attributes.dedup();
    names.extend(attributes);
    names
}

/// A page of users, oldest first.
pub async fn list(app: &App, workspace: &WorkspaceId, page: &PageRequest) -> Result<Page<User>> {
    let after = page.after.as_ref().map_or("", |(_, id)| id.as_str());
    let rows = store::list(&mut app.db.read().await?, workspace, after, page.limit + 1).await?;
    Ok(page.page(rows, |user| (user.created_at, user.id.to_string())))
}

/// One user.
///
/// # Errors
/// 404 if the workspace has none with this id.
pub async fn load(app: &App, workspace: &WorkspaceId, user: &UserId) -> Result<User> {
    let found = store::find(&mut app.db.read().await?, workspace, user).await?;
    found.ok_or_else(|| Error::not_found("user"))
}

/// One user, locked until the transaction ends.
///
/// # Errors
/// 404 if the workspace has none with this id.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId, user: &UserId) -> Result<User> {
    store::lock(tx, workspace, user).await?.ok_or_else(|| Error::not_found("user"))
}

/// Locks the groups of a user who is about to be deleted. Call it before the user is locked: a change of a group locks the group
/// before its members.
pub async fn hold_groups(tx: &mut Write, workspace: &WorkspaceId, user: &UserId) -> Result<()> {
    group_store::lock_of_member(tx, workspace, user).await
}

/// How somebody loses access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Suspended,
    Deprovisioned,
    Deleted,
}

/// Takes access from a user: their sessions end in this transaction, whatever else is in it.
///
/// # Errors
/// 409 `last-owner`; 429 `deprovisioning-held` if too many lose it by provisioning.
pub async fn end_access(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    user: &User,
    loss: Loss,
    trigger: Trigger,
    reason: &str,
) -> Result<Revoked> {
    keep_an_owner(tx, user).await?;
    let now = app.clock.now();
    if loss == Loss::Deleted {
        // Groups show one member less. Here, because whoever changes a group locks it before the brake and the head as well.
        group_store::touch_of_member(tx, &user.workspace, &user.id, now).await?;
    }
    if trigger == Trigger::Scim && hold::counts(user.created_at, now) && access_groups::has_access(tx, user).await? {
        hold::admit(tx, app, &user.workspace, 1).await?;
    }
    let scope = Scope::User { user: user.id.clone(), spare: None };
    let order = Order { workspace: &user.workspace, scope, trigger, reason, target_label: user.label() };
    let revoked = revoke::revoke(tx, app, actor, &order).await?;
    store::links::use_all(tx, &user.workspace, &user.id, now).await?;
    let action = match loss {
        Loss::Suspended => {
            store::set_state(tx, &user.workspace, &user.id, UserState::Suspended, now).await?;
            "user.suspended"
        }
        Loss::Deprovisioned => {
            store::set_state(tx, &user.workspace, &user.id, UserState::Deprovisioned, now).await?;
            "user.deprovisioned"
        }
        Loss::Deleted => {
            store::bury(tx, &user.workspace, &user.id, now).await?;
            "user.deleted"
        }
    };
    record(tx, app, actor, Entry::done(action, target(user)).because(reason), &user.workspace).await?;
    Ok(revoked)
}

/// Gives access back. Old sessions stay dead: their epoch is gone.
pub async fn restore_access(tx: &mut Write, app: &App, actor: &Actor, user: &User) -> Result<()> {
    let now = app.clock.now();
    // What an administrator lifts does not lift what the identity provider said, and the other way round.
    let state = if user.provider_active { UserState::Active } else { UserState::Deprovisioned };
    store::set_state(tx, &user.workspace, &user.id, state, now).await?;
    revoke::announce(tx, app, &user.workspace, EventScope::Profile, Some(&user.id)).await?;
    let entry = Entry::done("user.activated", target(user)).with(json!({"state": state}));
    record(tx, app, actor, entry, &user.workspace).await
}

/// Sets a new password and ends the user's other sessions.
///
/// # Errors
/// 401 if the session to spare has ended meanwhile.
pub async fn change_password(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    user: &User,
    hash: &str,
    spare: Option<SessionId>,
) -> Result<Revoked> {
    let scope = Scope::User { user: user.id.clone(), spare };
    let reason = "the password was changed";
    let trigger = Trigger::PasswordChange;
    let order = Order { workspace: &user.workspace, scope, trigger, reason, target_label: user.label() };
    let revoked = revoke::revoke(tx, app, actor, &order).await?;
    store::set_password(tx, &user.workspace, &user.id, Some(hash)).await?;
    store::links::use_all(tx, &user.workspace, &user.id, app.clock.now()).await?;
    record(tx, app, actor, Entry::done("user.password_changed", target(user)), &user.workspace).await?;
    Ok(revoked)
}

/// Refuses to leave a workspace without an owner who can sign in, or who was at least invited to. The workspace is locked, so that two owners can't remove
/// each other at the same moment.
async fn keep_an_owner(tx: &mut Write, user: &User) -> Result<()> {
    if user.role != Role::Owner {
        return Ok(());
    }
    crate::sessions::store::lock_workspace_epoch(tx, &user.workspace).await?;
    if store::count_other_owners(tx, &user.workspace, &user.id, user.state == UserState::Invited).await? == 0 {
        return Err(Error::new(LAST_OWNER, "this is the last owner: make somebody else an owner first"));
    }
    single_sign_on::keep_a_password(tx, user).await
}

/// Writes the search keys of users who were there before there were any, some hundred at once; gives how many. SQL could not fold
/// their texts.
pub async fn fill_search_keys(app: &App) -> Result<u64> {
    let unknown = store::search_keys::list_unknown(&mut app.db.read().await?, 200).await?;
    for (workspace, id) in &unknown {
        transact!(app.db, |tx| {
            match store::lock(tx, workspace, id).await? {
                Some(user) => write_search_keys(tx, &user).await,
                None => store::search_keys::delete(tx, workspace, id).await,
            }
        })?;
    }
    Ok(u64::try_from(unknown.len()).unwrap_or(u64::MAX))
}

/// What SCIM clients look a user up by, beside what has a column.
pub async fn write_search_keys(tx: &mut Write, user: &User) -> Result<()> {
    store::search_keys::delete(tx, &user.workspace, &user.id).await?;
    insert_search_keys(tx, user).await
}

async fn insert_search_keys(tx: &mut Write, user: &User) -> Result<()> {
    let keys: Vec<_> = search_key::all(&user.resource).into_iter().collect();
    store::search_keys::insert(tx, &user.workspace, &user.id, &keys).await
}

fn name_taken(error: Error) -> Error {
    if error.is_unique_violation() { taken() } else { error }
}

fn taken() -> Error {
    Error::new(CONFLICT, "there is a user of this name already").with_field("user_name")
}

fn target(user: &User) -> Target {
    Target::new("user", user.id.as_str(), user.label())
}

async fn record(tx: &mut Write, app: &App, actor: &Actor, entry: Entry, workspace: &WorkspaceId) -> Result<()> {
    audit::append(tx, workspace, app.clock.now(), actor, &entry).await?;
    Ok(())
}
