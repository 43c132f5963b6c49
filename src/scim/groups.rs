//! Groups over SCIM: created, read, replaced, patched, deleted. They are found by `search.rs`.

use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::error::ScimError;
use super::members::separate;
use super::patch::{self, Operation};
use super::resource::{self, Resource};
use super::schema::ResourceType;
use crate::base::ids::{GroupId, UserId};
use crate::error::{Error, PRECONDITION_FAILED, Result};
use crate::sessions::revoke;
use crate::transact;
use crate::users::groups::model::{Group, MemberChange};
use crate::users::groups::{self, store};

/// How a group is to change.
pub enum Change {
    Replace(Resource),
    Patch(Vec<Operation>),
}

/// Creates a group.
///
/// # Errors
/// 400 `invalidValue` if a member is not a user of this workspace.
pub async fn create(client: &Client, sent: &Resource) -> Result<Group, Failure> {
    let (app, now) = (&client.app, client.app.clock.now());
    let group = with_attributes(
        &Group {
            id: GroupId::generate(now, app.random.as_ref()),
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
    let members = member_ids(sent);
    transact!(app.db, |tx| { groups::create(tx, app, &client.actor, &group, &members).await })?;
    revoke::settle_all(app).await?;
    Ok(group)
}

/// One group with the ids of its members.
///
/// # Errors
/// 404.
pub async fn load(client: &Client, id: &str) -> Result<(Group, Vec<UserId>), Failure> {
    let group = load_without_members(client, id).await?;
    let members = store::list_members(&mut client.app.db.read().await?, &client.workspace, &group.id).await?;
    Ok((group, members))
}

/// One group, for an answer that doesn't show its members: they may be many.
///
/// # Errors
/// 404.
pub async fn load_without_members(client: &Client, id: &str) -> Result<Group, Failure> {
    let found = store::find(&mut client.app.db.read().await?, &client.workspace, &GroupId::from_text(id)).await?;
    Ok(found.ok_or_else(missing)?)
}

/// Changes a group.
///
/// # Errors
/// 404; 412; 400 for operations that can't be applied, of which none is then.
pub async fn change(client: &Client, id: &str, change: &Change, version: Option<i64>) -> Result<(), Failure> {
    let (app, id) = (&client.app, GroupId::from_text(id));
    let written: Result<(), Failure> = transact!(app.db, |tx| {
        let before = store::lock(tx, &client.workspace, &id).await?.ok_or_else(missing)?;
        require(&before, version)?;
        let planned = match plan(&before, change) {
            Ok(Some(planned)) => Ok(planned),
            Ok(None) => {
                let members = store::list_members(tx, &client.workspace, &id).await?;
                plan_whole(&before, &members, change)
            }
            Err(refused) => Err(refused),
        };
        match planned {
            Ok((after, changes)) => Ok(Ok(groups::change(tx, app, &client.actor, &after, &changes).await?)),
            Err(refused) => Ok(Err(Failure::Scim(refused))),
        }
    })?;
    written?;
    Ok(revoke::settle_all(app).await.map(|_| ())?)
}

/// Deletes a group.
///
/// # Errors
/// 404; 412.
pub async fn delete(client: &Client, id: &str, version: Option<i64>) -> Result<(), Failure> {
    let (app, id) = (&client.app, GroupId::from_text(id));
    transact!(app.db, |tx| {
        let group = store::lock(tx, &client.workspace, &id).await?.ok_or_else(missing)?;
        require(&group, version)?;
        groups::delete(tx, app, &client.actor, &group).await
    })?;
    revoke::settle_all(app).await?;
    Ok(())
}

fn require(group: &Group, version: Option<i64>) -> Result<()> {
    if version.is_some_and(|version| version != group.version) {
        return Err(Error::new(PRECONDITION_FAILED, "the resource was changed since that version"));
    }
    Ok(())
}

type Planned = (Group, Vec<MemberChange>);

/// What a change comes to without reading the members; `None` if they have to be read.
fn plan(before: &Group, change: &Change) -> Result<Option<Planned>, ScimError> {
    match change {
        Change::Replace(sent) => {
            let sent = resource::replace(ResourceType::Group.definition(), &to_resource(before, &[]), sent.clone())?;
            Ok(Some((with_attributes(before, &sent), vec![MemberChange::Replace(member_ids(&sent))])))
        }
        Change::Patch(operations) => {
            let Some(parts) = separate(operations)? else { return Ok(None) };
            let mut after = to_resource(before, &[]);
            if !parts.others.is_empty() {
                after = patch::apply(ResourceType::Group, &after, &parts.others)?;
            }
            Ok(Some((with_attributes(before, &after), parts.members)))
        }
    }
}

fn plan_whole(before: &Group, members: &[UserId], change: &Change) -> Result<Planned, ScimError> {
    let Change::Patch(operations) = change else {
        return Err(ScimError::invalid_value("members can't be replaced like this"));
    };
    let after = patch::apply(ResourceType::Group, &to_resource(before, members), operations)?;
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
        resource.insert("members".into(), members.iter().map(|id| json!({"value": id})).collect());
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
