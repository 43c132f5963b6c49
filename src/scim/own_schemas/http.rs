//! `/api/v1/scim/schemas`.

use poem::http::header;
use poem_openapi::param::{Header, Path};
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{self, Wrong};
use super::model::{OwnSchema, urn_key};
use crate::error::{Error, Result};
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body, NoContent, if_match};

/// A sub-attribute, with the characteristics of RFC 7643 §2.2 and §7.
#[derive(Deserialize, Serialize, Object)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
struct SubAttributeBody {
    name: String,
    /// `string`, `boolean`, `decimal`, `integer`, `dateTime`, `reference` or `binary`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[oai(rename = "type")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_valued: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    /// Suggestions: any other value is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical_values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_exact: Option<bool>,
    /// `readOnly`, `readWrite`, `immutable` or `writeOnly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mutability: Option<String>,
    /// `always`, `never`, `default` or `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<String>,
    /// `none` or `server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    uniqueness: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_types: Option<Vec<String>>,
}

/// An attribute, with the characteristics of RFC 7643 §2.2 and §7.
#[derive(Deserialize, Serialize, Object)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
struct AttributeBody {
    /// A letter, then letters, digits, `-` and `_`.
    name: String,
    /// `string`, `boolean`, `decimal`, `integer`, `dateTime`, `reference`, `binary` or `complex`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[oai(rename = "type")]
    kind: Option<String>,
    /// Of a complex attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_attributes: Option<Vec<SubAttributeBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_valued: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Whether whoever has the extension must have a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    /// Suggestions: any other value is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical_values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_exact: Option<bool>,
    /// `readOnly`, `readWrite`, `immutable` or `writeOnly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mutability: Option<String>,
    /// `always`, `never`, `default` or `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<String>,
    /// `none` or `server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    uniqueness: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_types: Option<Vec<String>>,
}

/// A schema document (RFC 7643 §7) for an extension of users or groups.
#[derive(Deserialize, Serialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct SchemaBody {
    /// May be there, and is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    schemas: Option<Vec<String>>,
    /// The URN.
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// `User` or `Group`.
    resource_type: String,
    /// Whether every resource of that type must have the extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    attributes: Vec<AttributeBody>,
    /// May be there, and is ignored.
    #[serde(default, skip_serializing)]
    meta: Option<Value>,
}

#[derive(Serialize, Object)]
struct SchemaPage {
    items: Vec<SchemaBody>,
    next: Option<String>,
}

pub struct SchemasApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SchemasApi {
    /// List the workspace's own SCIM schemas
    #[oai(path = "/scim/schemas", method = "get", operation_id = "listScimSchemas")]
    async fn schemas(&self, caller: Caller) -> poem::Result<Answer<SchemaPage>> {
        require_admin(&caller.facts)?;
        let found = super::list(&caller.app, &caller.facts.workspace.id).await?;
        let items: Result<Vec<SchemaBody>> = found.iter().map(view).collect();
        Ok(Answer::ok(SchemaPage { items: items?, next: None }))
    }

    /// Declare a SCIM schema
    ///
    /// From the answer on, its attributes are part of every user or group of the workspace, on every replica.
    #[oai(path = "/scim/schemas", method = "post", operation_id = "createScimSchema")]
    async fn create_schema(&self, caller: Caller, body: Body<SchemaBody>) -> poem::Result<Answer<SchemaBody>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let wanted = read(&body.0)?;
        let own = super::create(&caller.app, &caller.actor, &caller.facts.workspace.id, &wanted).await?;
        let location = format!("/api/v1/scim/schemas/{}", own.schema.id);
        Ok(Answer::created(view(&own)?).version(own.version).with_header(header::LOCATION, location))
    }

    /// One of the workspace's own SCIM schemas
    #[oai(path = "/scim/schemas/:urn", method = "get", operation_id = "getScimSchema")]
    async fn schema(&self, caller: Caller, urn: Path<String>) -> poem::Result<Answer<SchemaBody>> {
        require_admin(&caller.facts)?;
        let own = super::load(&caller.app, &caller.facts.workspace.id, &urn.0).await?;
        Ok(Answer::ok(view(&own)?).version(own.version))
    }

    /// Change a SCIM schema
    ///
    /// It gives the whole document. What would make a value wrong that somebody has is refused with 409. Send the ETag as
    /// `If-Match` to be told if somebody was faster.
    #[oai(path = "/scim/schemas/:urn", method = "put", operation_id = "putScimSchema")]
    async fn put_schema(
        &self,
        caller: Caller,
        urn: Path<String>,
        body: Body<SchemaBody>,
        #[oai(name = "If-Match")] expected: Header<Option<String>>,
    ) -> poem::Result<Answer<SchemaBody>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let version = if_match(expected.0.as_deref())?;
        let wanted = read(&body.0)?;
        if wanted.key() != urn_key(&urn.0) {
            return Err(Error::invalid("id", "must be the URN in the address").into());
        }
        let workspace = &caller.facts.workspace.id;
        let own = super::replace(&caller.app, &caller.actor, workspace, &wanted, version).await?;
        Ok(Answer::ok(view(&own)?).version(own.version))
    }

    /// Delete a SCIM schema
    ///
    /// With everything that users or groups have by it.
    #[oai(path = "/scim/schemas/:urn", method = "delete", operation_id = "deleteScimSchema")]
    async fn delete_schema(
        &self,
        caller: Caller,
        urn: Path<String>,
        #[oai(name = "If-Match")] expected: Header<Option<String>>,
    ) -> poem::Result<NoContent> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let version = if_match(expected.0.as_deref())?;
        super::delete(&caller.app, &caller.actor, &caller.facts.workspace.id, &urn.0, version).await?;
        Ok(NoContent)
    }
}

fn view(own: &OwnSchema) -> Result<SchemaBody> {
    serde_json::from_value(own.document()).map_err(Error::internal)
}

fn read(body: &SchemaBody) -> Result<OwnSchema> {
    let document = serde_json::to_value(body).map_err(Error::internal)?;
    document::read(document).map_err(|Wrong { place, detail }| Error::invalid(place, detail))
}
