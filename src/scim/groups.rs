//! Groups over SCIM: created, read, replaced, patched, deleted. They are found by `search.rs`.

use serde_json::{Value, json};

use super::client::{Client, Failure, parted};
use super::error::ScimError;
use super::members::{only_users, separate};
use super::own_schemas::keep;
use super::patch::{self, Operation};
use super::resource::{self, Resource};
use super::schema::{Definition, ResourceType};
use super::version::{self, Condition};
use crate::base::ids::{GroupId, UserId};
use crate::db::Write;
use crate::error::{Error, NOT_FOUND, PRECONDITION_FAILED, Result};
use crate::sessions::revoke;
use crate::transact;
use crate::users::groups::model::{Group, MemberChange};
use crate::users::groups::{self, store};
use crate::users::hold;

/// How a group is to change.
pub enum Change {
    Replace(Resource),
    Patch(Vec<Operation>),
}

/// A group to create, with the ids of its members.
pub struct NewGroup {
    pub group: Group,
    members: Vec<String>,
}

/// Makes a group ready, with this id or a new one.
///
/// # Errors
/// 400 `invalidValue` if a member says that it is a group, or without an extension that every group must have.
pub fn prepare_new(client: &Client, id: Option<GroupId>, sent: &Resource) -> Result<NewGroup, ScimError> {
    only_users(sent.get("members"))?;
    resource::require_extensions(client.definition(ResourceType::Group), sent, None)?;
    let (app, now) = (&client.app, client.app.clock.now());
    let group = with_attributes(
        &Group {
            id: id.unwrap_or_else(|| GroupId::generate(now, app.random.as_ref())),
            workspace: client.workspace.clone(),
            display_name: String::new(),
            external_id: None,
            resource: Resource::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        },
        sent,
    );
    Ok(NewGroup { group, members: member_ids(sent) })
}

/// Creates a group.
///
/// # Errors
/// 400 `invalidValue` if a member is not a user of this workspace; 409 for a unique value that another group has.
pub async fn create(client: &Client, sent: &Resource) -> Result<Group, Failure> {
    let (app, new) = (&client.app, prepare_new(client, None, sent)?);
    transact!(app.db, |tx| { create_in(tx, client, &new).await })?;
    revoke::settle_all(app).await?;
    Ok(new.group)
}

/// As `create` within `tx`. The caller settles after the commit.
///
/// # Errors
/// As `create`; then what was written is to be undone.
pub async fn create_in(tx: &mut Write, client: &Client, new: &NewGroup) -> Result<Group> {
    groups::create(tx, &client.app, &client.actor, &new.group, &new.members).await?;
    keep_new(tx, client, new).await?;
    Ok(new.group.clone())
}

/// As `create` within `tx`, of one group among several: `record_created` tells of all of them, and `keep_new` of each comes after
/// it. Gives the number of its members.
///
/// # Errors
/// 400 `invalidValue` if a member is not a user of this workspace; then what was written is to be undone.
pub async fn insert_in(tx: &mut Write, new: &NewGroup) -> Result<usize> {
    Ok(groups::insert(tx, &new.group, &new.members).await?.len())
}

/// Tells replicas and the audit log of groups that were inserted, each with the number of its members.
pub async fn record_created(tx: &mut Write, client: &Client, new: &[(&NewGroup, usize)]) -> Result<()> {
    let created: Vec<(&Group, usize)> = new.iter().map(|(new, members)| (&new.group, *members)).collect();
    groups::record_created(tx, &client.app, &client.actor, &client.workspace, &created).await
}

/// Keeps what a group that was inserted has of the workspace's own schemas.
///
/// # Errors
/// As `own_schemas::keep`; then what was written is to be undone.
pub async fn keep_new(tx: &mut Write, client: &Client, new: &NewGroup) -> Result<()> {
    let group = &new.group;
    keep(tx, client, ResourceType::Group, group.id.as_str(), &Resource::new(), &group.resource).await
}

/// One group.
///
/// # Errors
/// 404.
pub async fn load(client: &Client, id: &str) -> Result<Group, Failure> {
    let mut read = client.app.db.read().await?;
    Ok(store::find(&mut read, &client.workspace, &GroupId::from_text(id)).await?.ok_or_else(missing)?)
}

/// The ids of a group's members, which may be many: nobody reads them who doesn't show them.
pub async fn members_of(client: &Client, group: &Group) -> Result<Vec<UserId>, Failure> {
    Ok(store::list_members(&mut client.app.db.read().await?, &client.workspace, &group.id).await?)
}

/// Changes a group, and gives it as it is then.
///
/// # Errors
/// 404; 412; 400 for operations that can't be applied, of which none is then; 429 if too many lose access by it.
pub async fn change(
    client: &Client,
    id: &str,
    change: &Change,
    condition: Option<&Condition>,
) -> Result<Group, Failure> {
    let (app, id) = (&client.app, GroupId::from_text(id));
    let written = transact!(app.db, |tx| { parted(change_in(tx, client, &id, change, condition).await) });
    let group = hold::note(app, &client.actor, &client.workspace, written).await??;
    revoke::settle_all(app).await?;
    Ok(group)
}

/// As `change` within `tx`. The caller settles after the commit.
///
/// # Errors
/// As `change`. What the protocol refuses has written nothing.
pub async fn change_in(
    tx: &mut Write,
    client: &Client,
    id: &GroupId,
    change: &Change,
    condition: Option<&Condition>,
) -> Result<Group, Failure> {
    let before = lock(tx, client, id, condition).await?;
    let definition = client.definition(ResourceType::Group);
    let (after, changes) = match plan(definition, &before, change)? {
        Some(planned) => planned,
        None => {
            let members = store::list_members(tx, &client.workspace, id).await?;
            plan_whole(definition, &before, &members, change)?
        }
    };
    let written = groups::change(tx, &client.app, &client.actor, &after, &changes).await?;
    keep(tx, client, ResourceType::Group, id.as_str(), &before.resource, &after.resource).await?;
    Ok(written)
}

/// Deletes a group.
///
/// # Errors
/// 404; 412.
pub async fn delete(client: &Client, id: &str, condition: Option<&Condition>) -> Result<(), Failure> {
    let (app, id) = (&client.app, GroupId::from_text(id));
    let written = transact!(app.db, |tx| { delete_in(tx, client, &id, condition).await });
    if written.as_ref().is_err_and(|error| error.problem() == NOT_FOUND) {
        // A repeated request: its answer promises what the first one's would have.
        revoke::settle_all(app).await?;
    }
    hold::note(app, &client.actor, &client.workspace, written).await?;
    revoke::settle_all(app).await?;
    Ok(())
}

/// As `delete` within `tx`. The caller settles after the commit.
///
/// # Errors
/// As `delete`.
pub async fn delete_in(tx: &mut Write, client: &Client, id: &GroupId, condition: Option<&Condition>) -> Result<()> {
    let group = lock(tx, client, id, condition).await?;
    groups::delete(tx, &client.app, &client.actor, &group).await
}

async fn lock(tx: &mut Write, client: &Client, id: &GroupId, condition: Option<&Condition>) -> Result<Group> {
    let group = store::lock(tx, &client.workspace, id).await?.ok_or_else(missing)?;
    if condition.is_some_and(|condition| !condition.admits(&version::of_group(&group))) {
        return Err(Error::new(PRECONDITION_FAILED, "the resource was changed since that version"));
    }
    Ok(group)
}

type Planned = (Group, Vec<MemberChange>);

/// What a change comes to without reading the members; `None` if they have to be read.
fn plan(definition: &Definition, before: &Group, change: &Change) -> Result<Option<Planned>, ScimError> {
    match change {
        Change::Replace(sent) => {
            only_users(sent.get("members"))?;
            let sent = resource::replace(definition, &to_resource(before, &[]), sent.clone())?;
            Ok(Some((with_attributes(before, &sent), vec![MemberChange::Replace(member_ids(&sent))])))
        }
        Change::Patch(operations) => {
            let Some(parts) = separate(operations)? else { return Ok(None) };
            let mut after = to_resource(before, &[]);
            if !parts.others.is_empty() {
                after = patch::apply_in(definition, &after, &parts.others)?;
            }
            Ok(Some((with_attributes(before, &after), parts.members)))
        }
    }
}

fn plan_whole(
    definition: &Definition,
    before: &Group,
    members: &[UserId],
    change: &Change,
) -> Result<Planned, ScimError> {
    let Change::Patch(operations) = change else {
        return Err(ScimError::invalid_value("members can't be replaced like this"));
    };
    let after = patch::apply_in(definition, &to_resource(before, members), operations)?;
    only_users(after.get("members"))?;
    let ids = member_ids(&after);
    Ok((with_attributes(before, &after), vec![MemberChange::Replace(ids)]))
}

/// The resource of a group.
pub fn to_resource(group: &Group, members: &[UserId]) -> Resource {
    let mut resource = group.resource.clone();
    resource.insert("id".into(), group.id.to_string().into());
    resource.insert("displayName".into(), group.display_name.clone().into());
    if let Some(external) = &group.external_id {
        resource.insert("externalId".into(), external.clone().into());
    }
    if !members.is_empty() {
        resource.insert("members".into(), members.iter().map(|id| json!({"value": id, "type": "User"})).collect());
    }
    resource
}

fn with_attributes(group: &Group, resource: &Resource) -> Group {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut kept = resource.clone();
    for name in ["id", "displayName", "externalId", "members", "schemas", "meta"] {
        kept.remove(name);
    }
    Group {
        display_name: text("displayName").unwrap_or_default(),
        external_id: text("externalId"),
        resource: kept,
        ..group.clone()
    }
}

fn member_ids(resource: &Resource) -> Vec<String> {
    let members = resource.get("members").and_then(Value::as_array);
    members.into_iter().flatten().filter_map(|member| member["value"].as_str().map(str::to_owned)).collect()
}

fn missing() -> Error {
    Error::not_found("group")
}
