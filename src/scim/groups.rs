//! Groups over SCIM: created, read, replaced, patched, deleted, found.

use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::error::ScimError;
use super::filter::{self, Filter, Lookup};
use super::http::render_group;
use super::matching::matches;
use super::members::separate;
use super::patch::{self, Operation};
use super::projection::Projection;
use super::resource::{self, Resource};
use super::schema::ResourceType;
use super::search::{Query, list_response};
use super::sort;
use crate::base::ids::{GroupId, UserId};
use crate::base::page::MAX_LIMIT;
use crate::db::Read;
use crate::error::{Error, PRECONDITION_FAILED, Result};
use crate::sessions::revoke;
use crate::transact;
use crate::users::groups::model::{Group, MemberChange};
use crate::users::groups::{self, store};

/// Groups looked at for a filter without an index, at the most.
const SCAN_LIMIT: i64 = 2_000;

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
    let mut read = client.app.db.read().await?;
    let group = store::find(&mut read, &client.workspace, &GroupId::from_text(id)).await?.ok_or_else(missing)?;
    let members = store::list_members(&mut read, &client.workspace, &group.id).await?;
    Ok((group, members))
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

/// A ListResponse of groups.
///
/// # Errors
/// 400 `invalidFilter`; 400 `tooMany`.
pub async fn list(client: &Client, query: &Query) -> Result<Value, Failure> {
    let parsed = query.filter.as_deref().filter(|text| !text.is_empty()).map(filter::parse).transpose()?;
    if let Some(parsed) = &parsed {
        filter::check(parsed, ResourceType::Group)?;
    }
    let mut read = client.app.db.read().await?;
    if parsed.is_none() && query.sort_by.is_none() {
        let total = store::count(&mut read, &client.workspace).await?;
        let (start, count) = (query.start_index.max(1), query.count.clamp(0, MAX_LIMIT));
        let found = store::list(&mut read, &client.workspace, start - 1, count).await?;
        return Ok(list_response(total, start, shown(client, &mut read, &found, query).await?));
    }
    let found = candidates(client, &mut read, parsed.as_ref()).await?;
    let by_members = query.filter.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("members"));
    let mut kept = Vec::new();
    for group in found {
        let members = match by_members {
            true => store::list_members(&mut read, &client.workspace, &group.id).await?,
            false => Vec::new(),
        };
        let whole = render_group(client, &group, &members, &Projection::default());
        if parsed.as_ref().is_none_or(|parsed| matches(parsed, ResourceType::Group, &whole)) {
            kept.push((whole, group));
        }
    }
    if let Some(path) = &query.sort_by {
        let mut order: Vec<Value> = kept.iter().map(|(whole, _)| whole.clone()).collect();
        sort::sort(&mut order, path, query.sort_order, ResourceType::Group);
        kept.sort_by_key(|(whole, _)| order.iter().position(|other| other["id"] == whole["id"]));
    }
    let total = i64::try_from(kept.len()).unwrap_or(i64::MAX);
    let (skip, take) = query.window();
    let page: Vec<Group> = kept.into_iter().map(|(_, group)| group).skip(skip).take(take).collect();
    Ok(list_response(total, query.start_index.max(1), shown(client, &mut read, &page, query).await?))
}

/// Groups among which every match is.
async fn candidates(client: &Client, read: &mut Read, parsed: Option<&Filter>) -> Result<Vec<Group>, Failure> {
    let workspace = &client.workspace;
    Ok(match parsed.and_then(filter::lookup) {
        Some(Lookup::DisplayName(key)) => store::list_by_name(read, workspace, &key).await?,
        Some(Lookup::ExternalId(external)) => store::list_by_external_id(read, workspace, &external).await?,
        Some(Lookup::Id(id)) => store::find(read, workspace, &GroupId::from_text(id)).await?.into_iter().collect(),
        _ => {
            if store::count(read, workspace).await? > SCAN_LIMIT {
                let text = format!("there are more than {SCAN_LIMIT} groups: filter by displayName or externalId");
                return Err(ScimError::too_many(text).into());
            }
            store::list(read, workspace, 0, SCAN_LIMIT).await?
        }
    })
}

async fn shown(client: &Client, read: &mut Read, found: &[Group], query: &Query) -> Result<Vec<Value>> {
    let mut shown = Vec::new();
    for group in found {
        let members = match query.projection.shows("members") {
            true => store::list_members(read, &client.workspace, &group.id).await?,
            false => Vec::new(),
        };
        shown.push(render_group(client, group, &members, &query.projection));
    }
    Ok(shown)
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
