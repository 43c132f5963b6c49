//! Users over SCIM: created, read, replaced, patched, deleted. Each change is one transaction with its revocation and its
//! audit entries, and is answered when no replica accepts the sessions that it ended.

use serde_json::{Value, json};

use super::client::{Client, Failure, parted};
use super::error::ScimError;
use super::linking;
use super::own_schemas::keep;
use super::patch::{self, Operation};
use super::path::Path;
use super::resource::{self, Resource};
use super::schema::{Definition, ResourceType};
use super::version::{self, Condition};
use crate::actor::Actor;
use crate::app::App;
use crate::base::ids::UserId;
use crate::db::Write;
use crate::error::{Error, LAST_OWNER, NOT_FOUND, PRECONDITION_FAILED, Result};
use crate::policy::provisioning_store;
use crate::sessions::model::{Role, Trigger, UserState};
use crate::sessions::revoke::{self, Revoked};
use crate::transact;
use crate::users::groups::store as group_store;
use crate::users::hold;
use crate::users::manage::{self, Loss, NewUser};
use crate::users::model::{Source, User, email_key};
use crate::users::store as user_store;

/// Why a session ended, in the audit log.
pub const DEACTIVATED: &str = "the identity provider deactivated the user";
const DELETED: &str = "the identity provider deleted the user";

/// How a user is to change: a PUT's body, or a PATCH's operations.
pub enum Change {
    Replace(Resource),
    Patch(Vec<Operation>),
}

impl Change {
    /// A yes too many costs only time.
    fn may_bring_password(&self) -> bool {
        let named = |name: &str| name.to_ascii_lowercase().contains("password");
        let operations = match self {
            Self::Replace(resource) => return resource.contains_key("password"),
            Self::Patch(operations) => operations,
        };
        operations.iter().any(|operation| match (&operation.path, &operation.value) {
            (Some(Path::Attribute(attribute) | Path::Values { attribute, .. }), _) => named(&attribute.text()),
            (None, Some(Value::Object(parts))) => parts.keys().any(|name| named(name)),
            (None, _) => false,
        })
    }
}

/// A user to create, ready to be written: what takes long is done.
pub struct Newcomer {
    id: Option<UserId>,
    fields: Fields,
    password_hash: Option<String>,
    resource: Resource,
}

impl Newcomer {
    fn as_new(&self) -> NewUser<'_> {
        let active = self.fields.active.unwrap_or(true);
        NewUser {
            id: self.id.clone(),
            user_name: &self.fields.user_name,
            email: self.fields.email.as_deref(),
            display_name: &self.fields.display_name,
            state: Some(if active { UserState::Active } else { UserState::Deprovisioned }),
            source: Source::Scim,
            external_id: self.fields.external_id.as_deref(),
            password_hash: self.password_hash.clone(),
            resource: self.resource.clone(),
            ..NewUser::default()
        }
    }
}

/// Makes a user ready, with this id or a new one.
///
/// # Errors
/// 400 `invalidValue`, also without an extension that every user must have; 422 for a password that isn't good enough.
pub async fn prepare_new(client: &Client, id: Option<UserId>, mut sent: Resource) -> Result<Newcomer, Failure> {
    resource::require_extensions(client.definition(ResourceType::User), &sent, None)?;
    let password = take_password(&mut sent);
    let fields = Fields::of(&sent)?;
    let password_hash = match password {
        Some(password) => Some(client.app.passwords.hash_new(&password).await?),
        None => None,
    };
    Ok(Newcomer { id, fields, password_hash, resource: kept(&sent) })
}

/// Creates a user, or takes over the member whom the policy lets it be.
///
/// # Errors
/// 409 `uniqueness` if the user name, or a unique value, is taken: a repeated create never overwrites. 429 if that would lock
/// out too many.
pub async fn create(client: &Client, sent: Resource) -> Result<User, Failure> {
    let newcomer = prepare_new(client, None, sent).await?;
    let app = &client.app;
    let written = transact!(app.db, |tx| { create_in(tx, client, &newcomer).await });
    let (user, revoked) = hold::note(app, &client.actor, &client.workspace, written).await?;
    revoke::acknowledge_all(app, &revoked).await?;
    Ok(user)
}

/// As `create` within `tx`: the user, and what taking them over revoked, to be acknowledged after the commit.
///
/// # Errors
/// As `create`.
pub async fn create_in(tx: &mut Write, client: &Client, newcomer: &Newcomer) -> Result<(User, Vec<Revoked>)> {
    let (links, head) = hold_settings(tx, client).await?;
    if links && let Some(linked) = linking::adopt(tx, client, &newcomer.as_new()).await? {
        return Ok(linked);
    }
    let user = insert_in(tx, client, newcomer, head).await?;
    record_created(tx, client, &[&user]).await?;
    keep_new(tx, client, &user).await?;
    Ok((user, Vec::new()))
}

/// Holds the settings that new users are judged by until the transaction ends; gives whether members may be taken over, and the
/// newest change that is known.
pub async fn hold_settings(tx: &mut Write, client: &Client) -> Result<(bool, i64)> {
    provisioning_store::share_for_newcomer(tx, &client.workspace).await
}

/// As `create` within `tx`, of one user among several: `record_created` tells the audit log of all of them. The settings are held,
/// and `head` comes with them.
///
/// # Errors
/// As `create`; after a refusal (below 500) the transaction can go on.
pub async fn insert_in(tx: &mut Write, client: &Client, new: &Newcomer, head: i64) -> Result<User> {
    manage::insert_user(tx, &client.app, &client.workspace, &new.as_new(), head).await
}

/// Keeps what a user who was just created, and told to the audit log, has of the workspace's own schemas.
///
/// # Errors
/// As `own_schemas::keep`; then what was written is to be undone.
pub async fn keep_new(tx: &mut Write, client: &Client, user: &User) -> Result<()> {
    keep(tx, client, ResourceType::User, user.id.as_str(), &Resource::new(), &user.resource).await
}

/// Tells the audit log of users who were inserted. `keep_new` of each comes after it.
pub async fn record_created(tx: &mut Write, client: &Client, users: &[&User]) -> Result<()> {
    manage::record_created(tx, &client.app, &client.actor, &client.workspace, users).await
}

/// One user.
///
/// # Errors
/// 404, also for one that is not provisioned by SCIM or of another workspace.
pub async fn load(client: &Client, id: &str) -> Result<User, Failure> {
    let found = manage::load(&client.app, &client.workspace, &UserId::from_text(id)).await?;
    if found.source == Source::Scim { Ok(found) } else { Err(missing().into()) }
}

/// Changes a user; what was revoked is acknowledged.
///
/// # Errors
/// 404; 412 if it is not the version of `If-Match`; 400 for operations that can't be applied, of which none is then.
pub async fn change(
    client: &Client,
    id: &str,
    change: &Change,
    condition: Option<&Condition>,
) -> Result<Changed, Failure> {
    let (app, id) = (&client.app, UserId::from_text(id));
    let hash = new_password(client, &id, change).await?;
    let written =
        transact!(app.db, |tx| { parted(change_in(tx, client, &id, change, hash.as_deref(), condition).await) });
    let written = hold::note(app, &client.actor, &client.workspace, written).await??;
    // A repeated request changes nothing, but its answer promises what the first one's would have.
    if written.revoked.is_empty() {
        revoke::settle_all(app).await?;
    }
    revoke::acknowledge_all(app, &written.revoked).await?;
    Ok(written)
}

/// What a change did.
pub struct Changed {
    /// The user as they are then.
    pub user: User,
    /// Their groups: id and name.
    pub groups: Vec<(String, String)>,
    pub revoked: Vec<Revoked>,
}

/// As `change` within `tx`; `hash` is from `new_password`. The caller acknowledges what was revoked after the commit.
///
/// # Errors
/// As `change`. What the protocol refuses has written nothing.
pub async fn change_in(
    tx: &mut Write,
    client: &Client,
    id: &UserId,
    change: &Change,
    hash: Option<&str>,
    condition: Option<&Condition>,
) -> Result<Changed, Failure> {
    let (app, actor) = (&client.app, &client.actor);
    let before = lock(tx, client, id, condition).await?;
    let mut after = changed(client.definition(ResourceType::User), &before, change)?;
    take_password(&mut after);
    within_reach(&before, &after, hash.is_some())?;
    // What revokes comes first: it takes the head before the audit log, like every other revocation.
    let mut revoked = Vec::new();
    if let Some(hash) = hash {
        revoked.push(manage::change_password(tx, app, actor, &before, hash, None).await?);
    }
    let is_patch = matches!(change, Change::Patch(_));
    revoked.extend(apply(tx, app, actor, &before, &after, is_patch).await?);
    keep(tx, client, ResourceType::User, id.as_str(), &before.resource, &after).await?;
    let user = user_store::find(tx, &client.workspace, id).await?.ok_or_else(missing)?;
    let groups = group_store::list_of_user(tx, &client.workspace, id).await?;
    Ok(Changed { user, groups, revoked })
}

/// Deletes a user. Their name is free again; whoever gets it is somebody else.
///
/// # Errors
/// 404; 412; 409 for the last owner; 429 if too many lose access at once.
pub async fn delete(client: &Client, id: &str, condition: Option<&Condition>) -> Result<(), Failure> {
    let (app, id) = (&client.app, UserId::from_text(id));
    let written = transact!(app.db, |tx| { delete_in(tx, client, &id, condition).await });
    if written.as_ref().is_err_and(|error| error.problem() == NOT_FOUND) {
        // A repeated request: its answer promises what the first one's would have.
        revoke::settle_all(app).await?;
    }
    let revoked = hold::note(app, &client.actor, &client.workspace, written).await?;
    revoke::acknowledge(app, revoked).await?;
    Ok(())
}

/// As `delete` within `tx`. The caller acknowledges what was revoked after the commit.
///
/// # Errors
/// As `delete`.
pub async fn delete_in(tx: &mut Write, client: &Client, id: &UserId, condition: Option<&Condition>) -> Result<Revoked> {
    manage::hold_groups(tx, &client.workspace, id).await?;
    let user = lock(tx, client, id, condition).await?;
    if user.role == Role::Owner {
        return Err(owner());
    }
    manage::end_access(tx, &client.app, &client.actor, &user, Loss::Deleted, Trigger::Scim, DELETED).await
}

async fn lock(tx: &mut Write, client: &Client, id: &UserId, condition: Option<&Condition>) -> Result<User> {
    let user = manage::lock(tx, &client.workspace, id).await?;
    if user.source != Source::Scim {
        return Err(missing());
    }
    if let Some(condition) = condition {
        let groups = group_store::list_of_user(tx, &user.workspace, &user.id).await?;
        if !condition.admits(&version::of_user(&user, &groups)) {
            return Err(Error::new(PRECONDITION_FAILED, "the resource was changed since that version"));
        }
    }
    Ok(user)
}

fn changed(definition: &Definition, before: &User, change: &Change) -> Result<Resource, ScimError> {
    let mut stored = to_resource(before);
    if stored.contains_key("active") {
        // What the provider said last: an administrator's suspension is not its word.
        stored.insert("active".into(), before.provider_active.into());
    }
    stored.insert("id".into(), before.id.to_string().into());
    match change {
        Change::Replace(sent) => resource::replace(definition, &stored, sent.clone()),
        Change::Patch(operations) => patch::apply_in(definition, &stored, operations),
    }
}

/// Writes what differs between a user and a resource; gives what it revoked.
async fn apply(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    before: &User,
    after: &Resource,
    is_patch: bool,
) -> Result<Vec<Revoked>> {
    let fields = Fields::of(after).map_err(|refused| Error::invalid("resource", refused.detail))?;
    let user = User {
        user_name: fields.user_name,
        email: fields.email,
        display_name: fields.display_name,
        external_id: fields.external_id,
        resource: kept_of_change(before, after, is_patch),
        provider_active: fields.active.unwrap_or(before.provider_active),
        ..before.clone()
    };
    let mut revoked = Vec::new();
    match (before.state, user.provider_active) {
        (UserState::Active | UserState::Invited, false) => {
            let (loss, why) = (Loss::Deprovisioned, DEACTIVATED);
            revoked.push(manage::end_access(tx, app, actor, before, loss, Trigger::Scim, why).await?);
        }
        (UserState::Deprovisioned, true) => manage::restore_access(tx, app, actor, &user).await?,
        // What an administrator suspended stays so; what the identity provider says is kept for when that is lifted.
        _ => {}
    }
    if !same(before, &user) {
        manage::update_user(tx, app, actor, before, &user).await?;
    }
    Ok(revoked)
}

/// Refuses what would let whoever holds a token act as an administrator of this workspace, or remove an owner from it.
fn within_reach(before: &User, after: &Resource, password: bool) -> Result<(), ScimError> {
    let renamed = after.get("userName").and_then(Value::as_str) != Some(before.user_name.as_str());
    if before.role.administers() && (password || renamed) {
        return Err(ScimError::mutability("the name and password of an administrator can't be changed from outside"));
    }
    if before.role == Role::Owner && after.get("active") == Some(&json!(false)) {
        return Err(ScimError::mutability("an owner can't be deactivated from outside: change the role here first"));
    }
    Ok(())
}

fn owner() -> Error {
    Error::new(LAST_OWNER, "an owner can't be deleted from outside: change the role here first")
}

fn same(before: &User, after: &User) -> bool {
    let key = |user: &User| {
        (
            user.user_name.clone(),
            user.email.clone(),
            user.display_name.clone(),
            user.external_id.clone(),
            user.resource.clone(),
        )
    };
    let same_at_provider = before.provider_active == after.provider_active;
    key(before) == key(after) && same_at_provider
}

/// The hash of a password that the change brings and the user doesn't have yet; their sessions end with it. Hashing takes
/// long, and so happens before anything is locked.
///
/// # Errors
/// 404; 400 for operations that can't be applied; 422 for a password that isn't good enough.
pub async fn new_password(client: &Client, id: &UserId, change: &Change) -> Result<Option<String>, Failure> {
    if !change.may_bring_password() {
        return Ok(None);
    }
    let user = load(client, id.as_str()).await?;
    let mut after = changed(client.definition(ResourceType::User), &user, change)?;
    let Some(password) = take_password(&mut after) else { return Ok(None) };
    // Clients that send the whole resource repeat the password they once made up.
    let passwords = &client.app.passwords;
    if passwords.verify(&password, user.password_hash.as_deref()).await? {
        return Ok(None);
    }
    Ok(Some(passwords.hash_new(&password).await?))
}

/// The groups of a user: id and name.
pub async fn groups_of(client: &Client, user: &User) -> Result<Vec<(String, String)>, Failure> {
    Ok(group_store::list_of_user(&mut client.app.db.read().await?, &user.workspace, &user.id).await?)
}

/// The resource of a user, as patches and answers see it. Columns of our own win over what was stored.
pub fn to_resource(user: &User) -> Resource {
    let mut resource = user.resource.clone();
    resource.insert("userName".into(), user.user_name.clone().into());
    if resource.remove(UNSAID).is_none() {
        resource.insert("active".into(), is_active(user).into());
    }
    if let Some(external) = &user.external_id {
        resource.insert("externalId".into(), external.clone().into());
    }
    resource
}

fn is_active(user: &User) -> bool {
    matches!(user.state, UserState::Active | UserState::Invited)
}

/// What is kept as it came: all but what has a column, and the password.
fn kept(sent: &Resource) -> Resource {
    let mut resource = sent.clone();
    for name in ["userName", "active", "externalId", "password", "schemas", "id", "meta", "groups"] {
        resource.remove(name);
    }
    resource
}

/// Stands in a kept resource whose `active` a client took away, or left out of a PUT: then nothing is said of it, and nothing
/// follows from that. That somebody is not active is said all the same, unless a PATCH removed just that.
const UNSAID: &str = "active";

/// As `kept`, of what a change has made.
fn kept_of_change(before: &User, after: &Resource, is_patch: bool) -> Resource {
    let mut resource = kept(after);
    if !after.contains_key(UNSAID) && (is_patch || is_active(before)) {
        resource.insert(UNSAID.into(), Value::Null);
    }
    resource
}

fn take_password(sent: &mut Resource) -> Option<String> {
    sent.remove("password").and_then(|value| value.as_str().map(str::to_owned)).filter(|text| !text.is_empty())
}

/// The attributes that mean something here.
struct Fields {
    user_name: String,
    email: Option<String>,
    display_name: String,
    external_id: Option<String>,
    /// `None` changes nothing: nobody is reactivated by leaving it out.
    active: Option<bool>,
}

impl Fields {
    fn of(resource: &Resource) -> Result<Self, ScimError> {
        let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
        let user_name = text("userName").ok_or_else(|| ScimError::invalid_value("userName is required"))?;
        Ok(Self {
            display_name: display_name(resource).unwrap_or_else(|| user_name.clone()),
            email: email(resource),
            external_id: text("externalId"),
            active: resource.get("active").and_then(Value::as_bool),
            user_name,
        })
    }
}

fn display_name(resource: &Resource) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = resource.get("name").unwrap_or(&Value::Null);
    let both = || {
        let parts: Vec<String> = ["givenName", "familyName"].iter().filter_map(|part| text(&name[*part])).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    resource.get("displayName").and_then(text).or_else(|| text(&name["formatted"])).or_else(both)
}

/// The work address, else the primary one, else the first. One that is none of ours to use is kept in the resource only.
fn email(resource: &Resource) -> Option<String> {
    let addresses = resource.get("emails").and_then(Value::as_array)?;
    let work =
        addresses.iter().find(|address| address["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("work")));
    let primary = || addresses.iter().find(|address| address["primary"] == json!(true));
    let address = work.or_else(primary).or_else(|| addresses.first())?["value"].as_str()?;
    email_key("emails", address).is_ok().then(|| address.to_owned())
}

fn missing() -> Error {
    Error::not_found("user")
}
