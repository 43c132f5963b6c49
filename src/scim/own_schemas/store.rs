//! Statements of the schemas that workspaces declare, of unique values, and of what resources keep by a schema.

use serde_json::{Map, Value};

use super::model::OwnSchema;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::base::text::containing;
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};
use crate::scim::attribute::Schema;
use crate::scim::schema::ResourceType;
use crate::scim::unique::UniqueKey;

/// A resource as it is kept, without what has a column.
pub type Kept = (String, Map<String, Value>);

/// Locks the schemas of a workspace until the transaction ends.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    let sql = "UPDATE workspace SET scim_schemas_stamp = scim_schemas_stamp WHERE id = $1";
    tx.execute(sql, args![workspace]).await?;
    Ok(())
}

/// Gives the schemas of a workspace a new stamp; the empty one if there are none.
pub async fn set_stamp(tx: &mut Write, workspace: &WorkspaceId, stamp: &str) -> Result<()> {
    let sql = "UPDATE workspace SET scim_schemas_stamp = CASE WHEN EXISTS (SELECT 1 FROM scim_schema \
               WHERE workspace_id = $1 AND deleted_at IS NULL) THEN $2 ELSE '' END WHERE id = $1";
    tx.execute(sql, args![workspace, stamp]).await?;
    Ok(())
}

pub async fn load_stamp(db: &mut Read, workspace: &WorkspaceId) -> Result<String> {
    db.one("SELECT scim_schemas_stamp FROM workspace WHERE id = $1", args![workspace]).await?.text("scim_schemas_stamp")
}

/// The schemas of a workspace and their stamp, as of one moment.
pub async fn load_all(db: &mut Read, workspace: &WorkspaceId) -> Result<(String, Vec<OwnSchema>)> {
    let sql = "SELECT workspace.scim_schemas_stamp, urn, resource_type, required, document, version FROM workspace \
               LEFT JOIN scim_schema ON scim_schema.workspace_id = workspace.id AND deleted_at IS NULL \
               WHERE workspace.id = $1 ORDER BY urn_key";
    let rows = db.all(sql, args![workspace]).await?;
    let first = rows.first().ok_or_else(|| Error::internal("a workspace that has a token is missing"))?;
    let stamp = first.text("scim_schemas_stamp")?;
    let mut found = Vec::new();
    for row in &rows {
        if row.optional_text("urn")?.is_some() {
            found.push(read(row)?);
        }
    }
    Ok((stamp, found))
}

/// One schema, and since when it is being deleted.
pub async fn find(
    db: &mut Read,
    workspace: &WorkspaceId,
    urn_key: &str,
) -> Result<Option<(OwnSchema, Option<UnixMillis>)>> {
    let sql = "SELECT urn, resource_type, required, document, version, deleted_at FROM scim_schema \
               WHERE workspace_id = $1 AND urn_key = $2";
    let found = db.optional(sql, args![workspace, urn_key]).await?;
    found.map(|row| Ok((read(&row)?, row.optional_int("deleted_at")?))).transpose()
}

pub async fn insert(tx: &mut Write, workspace: &WorkspaceId, own: &OwnSchema, now: UnixMillis) -> Result<()> {
    let sql = "INSERT INTO scim_schema (workspace_id, urn_key, urn, resource_type, required, document, version, created_at, \
               updated_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)";
    let document = own.schema.document().to_string();
    let arguments = args![workspace, own.key(), &own.schema.id, own.kind.name(), own.schema.required, document, now];
    tx.execute(sql, arguments).await?;
    Ok(())
}

pub async fn update(tx: &mut Write, workspace: &WorkspaceId, own: &OwnSchema, now: UnixMillis) -> Result<()> {
    let sql = "UPDATE scim_schema SET required = $3, document = $4, version = version + 1, updated_at = $5 \
               WHERE workspace_id = $1 AND urn_key = $2 AND deleted_at IS NULL";
    let document = own.schema.document().to_string();
    tx.execute(sql, args![workspace, own.key(), own.schema.required, document, now]).await?;
    Ok(())
}

pub async fn mark_deleted(tx: &mut Write, workspace: &WorkspaceId, urn_key: &str, now: UnixMillis) -> Result<()> {
    let sql = "UPDATE scim_schema SET deleted_at = $3 WHERE workspace_id = $1 AND urn_key = $2";
    tx.execute(sql, args![workspace, urn_key, now]).await?;
    Ok(())
}

/// Locks a schema that is being deleted until the transaction ends; false if it is not.
pub async fn lock_deleted(tx: &mut Write, workspace: &WorkspaceId, urn_key: &str) -> Result<bool> {
    let sql = "UPDATE scim_schema SET deleted_at = deleted_at \
               WHERE workspace_id = $1 AND urn_key = $2 AND deleted_at IS NOT NULL";
    Ok(tx.execute(sql, args![workspace, urn_key]).await? == 1)
}

/// Removes the row of a schema that is being deleted.
pub async fn remove_deleted(tx: &mut Write, workspace: &WorkspaceId, urn_key: &str) -> Result<u64> {
    let sql = "DELETE FROM scim_schema WHERE workspace_id = $1 AND urn_key = $2 AND deleted_at IS NOT NULL";
    tx.execute(sql, args![workspace, urn_key]).await
}

/// Schemas whose deletion was begun before an instant and not ended, of all workspaces; 100 at the most.
pub async fn list_deleted(db: &mut Read, before: UnixMillis) -> Result<Vec<(WorkspaceId, OwnSchema)>> {
    let sql = "SELECT workspace_id, urn, resource_type, required, document, version FROM scim_schema \
               WHERE deleted_at < $1 ORDER BY workspace_id, urn_key LIMIT 100";
    let rows = db.all(sql, args![before]).await?;
    rows.iter().map(|row| Ok((WorkspaceId::from_text(row.text("workspace_id")?), read(row)?))).collect()
}

/// Resources that may hold something of a schema, after an id. Some may only mention its URN.
pub async fn list_resources_with(
    db: &mut Read,
    workspace: &WorkspaceId,
    own: &OwnSchema,
    after: &str,
    limit: i64,
) -> Result<Vec<Kept>> {
    let sql = match own.kind {
        ResourceType::User => {
            "SELECT id, resource FROM users WHERE workspace_id = $1 AND state <> 'deleted' AND id > $2 \
             AND resource LIKE $3 ESCAPE '!' ORDER BY id LIMIT $4"
        }
        ResourceType::Group => {
            "SELECT id, resource FROM user_group WHERE workspace_id = $1 AND id > $2 \
             AND resource LIKE $3 ESCAPE '!' ORDER BY id LIMIT $4"
        }
    };
    let pattern = containing(&format!("\"{}\"", own.schema.id));
    let rows = db.all(sql, args![workspace, after, pattern, limit]).await?;
    rows.iter().map(|row| Ok((row.text("id")?, resource(row)?))).collect()
}

/// Locks a resource until the transaction ends, and gives what it keeps.
pub async fn lock_resource(
    tx: &mut Write,
    workspace: &WorkspaceId,
    kind: ResourceType,
    id: &str,
) -> Result<Option<Map<String, Value>>> {
    let sql = match kind {
        ResourceType::User => {
            "UPDATE users SET version = version WHERE workspace_id = $1 AND id = $2 AND state <> 'deleted' RETURNING resource"
        }
        ResourceType::Group => {
            "UPDATE user_group SET version = version WHERE workspace_id = $1 AND id = $2 RETURNING resource"
        }
    };
    tx.optional(sql, args![workspace, id]).await?.as_ref().map(resource).transpose()
}

/// Writes what a resource keeps, as a new version of it.
pub async fn set_resource(
    tx: &mut Write,
    workspace: &WorkspaceId,
    kind: ResourceType,
    id: &str,
    resource: &Map<String, Value>,
    now: UnixMillis,
) -> Result<()> {
    let sql = match kind {
        ResourceType::User => {
            "UPDATE users SET resource = $3, updated_at = $4, version = version + 1 WHERE workspace_id = $1 AND id = $2"
        }
        ResourceType::Group => {
            "UPDATE user_group SET resource = $3, updated_at = $4, version = version + 1 WHERE workspace_id = $1 AND id = $2"
        }
    };
    let text = serde_json::to_string(resource).map_err(Error::internal)?;
    tx.execute(sql, args![workspace, id, text, now]).await?;
    Ok(())
}

/// Takes a unique value for a resource; 0 if another has it.
pub async fn insert_value(tx: &mut Write, workspace: &WorkspaceId, resource: &str, key: &UniqueKey) -> Result<u64> {
    let sql = "INSERT INTO scim_unique (workspace_id, urn_key, attribute_key, value_hash, resource_id) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![workspace, &key.urn, &key.attribute, &key.hash, resource]).await
}

/// Frees the unique values of a resource.
pub async fn delete_values_of(tx: &mut Write, workspace: &WorkspaceId, resource: &str) -> Result<()> {
    let sql = "DELETE FROM scim_unique WHERE workspace_id = $1 AND resource_id = $2";
    tx.execute(sql, args![workspace, resource]).await?;
    Ok(())
}

/// Frees the values of an attribute that is unique no more, or of a whole schema if `attribute_key` is empty.
pub async fn delete_values(tx: &mut Write, workspace: &WorkspaceId, urn_key: &str, attribute_key: &str) -> Result<()> {
    let sql = "DELETE FROM scim_unique WHERE workspace_id = $1 AND urn_key = $2 AND ($3 = '' OR attribute_key = $3)";
    tx.execute(sql, args![workspace, urn_key, attribute_key]).await?;
    Ok(())
}

fn resource(row: &Row) -> Result<Map<String, Value>> {
    serde_json::from_str(&row.text("resource")?).map_err(Error::internal)
}

fn read(row: &Row) -> Result<OwnSchema> {
    let kind = row.text("resource_type")?;
    let kind = ResourceType::parse(&kind).ok_or_else(|| Error::internal(format!("scim_schema holds {kind}")))?;
    let schema: Schema = serde_json::from_str(&row.text("document")?).map_err(Error::internal)?;
    let schema = Schema { required: row.flag("required")?, ..schema };
    Ok(OwnSchema { kind, schema, version: row.int("version")? })
}
