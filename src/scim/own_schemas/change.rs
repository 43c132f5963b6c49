//! Declaring and changing a schema. The order within the transaction matters: first the workspace's row, then the audit log,
//! whose lock every change of a user or group takes. Whoever held it before has committed, and is seen when the data are
//! looked at; whoever gets it afterwards finds another stamp (`keep.rs`).

use serde_json::json;

use super::document::collide;
use super::model::{OwnSchema, urn_key};
use super::rules::conditions;
use super::{MOST_SCHEMAS, delete, living, missing, store};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::{WorkspaceId, uuid_v7};
use crate::db::Write;
use crate::error::{CONFLICT, Error, PRECONDITION_FAILED, Result};
use crate::scim::attribute::{Attribute, Schema};
use crate::scim::unique;
use crate::transact;

/// Resources that are looked at for a change which not everything may fit, at the most: no revocation waits behind it for long.
const MOST_LOOKED_AT: usize = 10_000;
const BATCH: i64 = 500;

/// Declares a schema.
///
/// # Errors
/// 409 if there are too many, or one with this URN, or one whose URN goes on where the other's ends.
pub async fn create(app: &App, actor: &Actor, workspace: &WorkspaceId, own: &OwnSchema) -> Result<OwnSchema> {
    delete::finish(app, workspace, &own.key()).await?;
    let now = app.clock.now();
    let stamp = uuid_v7(now, app.random.as_ref());
    transact!(app.db, |tx| {
        store::lock(tx, workspace).await?;
        let (_, found) = store::load_all(tx, workspace).await?;
        if found.len() >= MOST_SCHEMAS {
            return Err(Error::new(CONFLICT, format!("a workspace has at most {MOST_SCHEMAS} schemas of its own")));
        }
        if found.iter().any(|other| collide(&other.schema.id, &own.schema.id)) {
            let text = "there is a schema with this URN, or one whose URN goes on where the other's ends";
            return Err(Error::new(CONFLICT, text).with_field("id"));
        }
        if store::find(tx, workspace, &own.key()).await?.is_some() {
            let text = "what was kept by the deleted schema of this URN is still being removed; try again";
            return Err(Error::new(CONFLICT, text).with_field("id"));
        }
        let details = json!({"resource_type": own.kind.name(), "attributes": names(&own.schema)});
        let entry = Entry::done("scim_schema.created", target(own)).with(details);
        audit::append(tx, workspace, now, actor, &entry).await?;
        store::insert(tx, workspace, own, now).await?;
        store::set_stamp(tx, workspace, &stamp).await
    })?;
    Ok(own.clone())
}

/// Changes a schema. `wanted` has its URN, whatever the case; the one it was declared with stays.
///
/// # Errors
/// 404; 412 if it is not the version of `If-Match`; 400 for another resource type; 409 if what somebody has would be wrong.
pub async fn replace(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    wanted: &OwnSchema,
    if_version: Option<i64>,
) -> Result<OwnSchema> {
    let now = app.clock.now();
    let stamp = uuid_v7(now, app.random.as_ref());
    transact!(app.db, |tx| {
        store::lock(tx, workspace).await?;
        let before = required(tx, workspace, &wanted.key(), if_version).await?;
        if before.kind != wanted.kind {
            return Err(Error::invalid("resource_type", "can't be changed"));
        }
        let schema = Schema { id: before.schema.id.clone(), ..wanted.schema.clone() };
        let after = OwnSchema { kind: before.kind, schema, version: before.version + 1 };
        let details = json!({"changed": changed(&before.schema, &after.schema), "required": after.schema.required});
        let entry = Entry::done("scim_schema.updated", target(&after)).with(details);
        audit::append(tx, workspace, now, actor, &entry).await?;
        everything_fits(tx, workspace, &before, &after).await?;
        store::update(tx, workspace, &after, now).await?;
        let kept = unique::paths(&after.schema);
        for path in unique::paths(&before.schema).iter().filter(|path| !kept.contains(path)) {
            store::delete_values(tx, workspace, &after.key(), path).await?;
        }
        store::set_stamp(tx, workspace, &stamp).await?;
        Ok(after)
    })
}

/// The schema as it is, if it is the version that is wanted.
pub(super) async fn required(
    tx: &mut Write,
    workspace: &WorkspaceId,
    urn_key: &str,
    if_version: Option<i64>,
) -> Result<OwnSchema> {
    let found = living(store::find(tx, workspace, urn_key).await?).ok_or_else(missing)?;
    if if_version.is_some_and(|version| version != found.version) {
        return Err(Error::new(PRECONDITION_FAILED, "the schema was changed since you read it"));
    }
    Ok(found)
}

async fn everything_fits(tx: &mut Write, workspace: &WorkspaceId, before: &OwnSchema, after: &OwnSchema) -> Result<()> {
    let conditions = conditions(&before.schema, &after.schema);
    if conditions.is_empty() {
        return Ok(());
    }
    let refuse = |text: String| Err(Error::new(CONFLICT, text).with_field("attributes"));
    let (mut last, mut looked_at) = (String::new(), 0);
    loop {
        let found = store::list_resources_with(tx, workspace, before, &last, BATCH).await?;
        let Some((id, _)) = found.last() else { return Ok(()) };
        last.clone_from(id);
        looked_at += found.len();
        if looked_at > MOST_LOOKED_AT {
            return refuse(format!(
                "more than {MOST_LOOKED_AT} {}s have this schema: it can become looser, but not narrower",
                before.kind.name().to_ascii_lowercase()
            ));
        }
        if let Some(name) = found.iter().find_map(|(_, resource)| conditions.broken_by(&before.schema, resource)) {
            return refuse(format!("what somebody has, or has not, as {name} would be wrong then: change that first"));
        }
    }
}

pub(super) fn target(own: &OwnSchema) -> Target {
    Target::new("scim_schema", urn_key(&own.schema.id), &own.schema.id)
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.attributes.iter().map(|attribute| attribute.name.as_str()).collect()
}

/// Names of attributes that were added, removed, or are otherwise than before.
fn changed(before: &Schema, after: &Schema) -> Vec<String> {
    let differs = |attribute: &&Attribute, other: &Schema| {
        other.attribute(&attribute.name).is_none_or(|twin| twin.document() != attribute.document())
    };
    let removed = before.attributes.iter().filter(|old| after.attribute(&old.name).is_none());
    let new = after.attributes.iter().filter(|new| differs(new, before));
    removed.chain(new).map(|attribute| attribute.name.clone()).collect()
}
