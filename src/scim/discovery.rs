//! Pure: what the service provider says of itself (RFC 7644 §4, RFC 7643 §5–7): one constant of capabilities, the resource
//! types, and the schema documents as they are. Nothing is null (Entra ID refuses it). Methods, filters and media types
//! are the door's.

use serde_json::{Value, json};

use super::attribute::Schema;
use super::schema::{Definition, SERVED_DOCUMENTS};
use super::{bulk, cursor};

/// The schema of every list.
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const SERVICE_PROVIDER_CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

/// What is switched on. Clients obey it: authentik chooses PATCH or PUT by it and sizes its requests.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    pub patch: bool,
    pub bulk: bool,
    /// Operations of one bulk request at the most.
    pub bulk_operations: usize,
    /// Bytes of one bulk request at the most: of any body.
    pub bulk_bytes: u32,
    pub filter: bool,
    /// Resources of one answer at the most.
    pub results: u32,
    pub change_password: bool,
    pub sort: bool,
    pub etag: bool,
}

/// What this version does.
pub const CAPABILITIES: Capabilities = Capabilities {
    patch: true,
    bulk: true,
    bulk_operations: bulk::MOST_OPERATIONS,
    bulk_bytes: 1_048_576,
    filter: true,
    results: 200,
    change_password: true,
    sort: true,
    etag: true,
};

/// `/ServiceProviderConfig`. `base_url` is the whole address of the SCIM root, without a slash at its end.
pub fn service_provider_config(base_url: &str) -> Value {
    let on = CAPABILITIES;
    json!({
        "schemas": [SERVICE_PROVIDER_CONFIG_URN],
        "patch": { "supported": on.patch },
        "bulk": { "supported": on.bulk, "maxOperations": on.bulk_operations, "maxPayloadSize": on.bulk_bytes },
        "filter": { "supported": on.filter, "maxResults": on.results },
        "changePassword": { "supported": on.change_password },
        "sort": { "supported": on.sort },
        "etag": { "supported": on.etag },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": on.results,
            "maxPageSize": on.results,
            "cursorTimeout": cursor::TIMEOUT_SECONDS
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "SCIM token",
            "description": "A token of the workspace, sent as a bearer token.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true
        }, {
            "type": "oauth2",
            "name": "OAuth 2.0 client credentials",
            "description": "A short-lived token from the token endpoint, sent as a bearer token.",
            "specUri": "https://www.rfc-editor.org/info/rfc6749",
            "primary": false
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base_url}/ServiceProviderConfig")
        }
    })
}

/// `/ResourceTypes`, of these definitions.
pub fn resource_types(base_url: &str, definitions: &[&Definition]) -> Value {
    list(definitions.iter().map(|definition| describe(base_url, definition)).collect())
}

/// `/ResourceTypes/{id}`, of that definition.
pub fn resource_type(base_url: &str, definition: &Definition) -> Value {
    describe(base_url, definition)
}

/// `/Schemas`: ours, then those that the workspace declared.
pub fn schemas(base_url: &str, own: &[Schema]) -> Value {
    list(documents(base_url, own).collect())
}

/// `/Schemas/{urn}`, whatever the case of the URN. `None` if there is none.
pub fn schema(base_url: &str, own: &[Schema], urn: &str) -> Option<Value> {
    let is_it = |schema: &Value| schema["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(urn));
    documents(base_url, own).find(is_it)
}

fn documents(base_url: &str, own: &[Schema]) -> impl Iterator<Item = Value> {
    let ours = SERVED_DOCUMENTS
        .into_iter()
        .map(|document| serde_json::from_str::<Value>(document).expect("a document of ours, read by tests"));
    ours.chain(own.iter().map(Schema::document)).map(move |document| locate(base_url, document))
}

/// A ListResponse that holds all there is (RFC 7644 §3.4.2).
fn list(resources: Vec<Value>) -> Value {
    json!({
        "schemas": [LIST_URN],
        "totalResults": resources.len(),
        "itemsPerPage": resources.len(),
        "startIndex": 1,
        "Resources": resources
    })
}

fn describe(base_url: &str, definition: &Definition) -> Value {
    let kind = definition.kind;
    let extension = |schema: &Schema| json!({ "schema": schema.id, "required": schema.required });
    let extensions: Vec<Value> = definition.extensions.iter().map(extension).collect();
    let mut described = json!({
        "schemas": [RESOURCE_TYPE_URN],
        "id": kind.name(),
        "name": kind.name(),
        "description": definition.core.description,
        "endpoint": kind.endpoint(),
        "schema": definition.core.id,
        "meta": { "resourceType": "ResourceType", "location": format!("{base_url}/ResourceTypes/{}", kind.name()) }
    });
    if !extensions.is_empty() {
        described["schemaExtensions"] = Value::Array(extensions);
    }
    described
}

fn locate(base_url: &str, mut schema: Value) -> Value {
    let location = format!("{base_url}/Schemas/{}", schema["id"].as_str().unwrap_or_default());
    schema["meta"] = json!({ "resourceType": "Schema", "location": location });
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::ResourceType;

    const BASE: &str = "https://curfew.test/scim/v2";

    fn own() -> Vec<Schema> {
        let document = json!({"id": "urn:example:own:User", "name": "Own", "required": true, "attributes": [
            {"name": "badge", "canonicalValues": ["a"]},
            {"name": "home", "type": "reference", "referenceTypes": ["external"]},
            {"name": "card", "type": "complex", "subAttributes": [{"name": "number"}]},
        ]});
        vec![Schema::from_document(document).expect("valid")]
    }

    fn definitions() -> [Definition; 2] {
        [ResourceType::User.definition().extended(own()), ResourceType::Group.definition().clone()]
    }

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(has_null),
            Value::Object(parts) => parts.values().any(has_null),
            _ => false,
        }
    }

    #[test]
    fn case_52_nothing_is_null_and_everything_has_its_place() {
        let config = service_provider_config(BASE);
        let definitions = definitions();
        let types = resource_types(BASE, &definitions.each_ref());
        for body in [&config, &types, &schemas(BASE, &own())] {
            assert!(!has_null(body));
        }
        for list in [types, schemas(BASE, &own())] {
            assert_eq!((&list["schemas"], &list["startIndex"]), (&json!([LIST_URN]), &json!(1)));
            let resources = list["Resources"].as_array().expect("a list");
            assert_eq!(list["totalResults"], json!(resources.len()));
            for resource in resources {
                let location = resource["meta"]["location"].as_str().expect("a location");
                let (place, id) = location.rsplit_once('/').expect("an address");
                let of_kind = || definitions.iter().find(|definition| definition.kind.name() == id);
                let alone = match place.ends_with("Types") {
                    true => of_kind().map(|definition| resource_type(BASE, definition)),
                    false => schema(BASE, &own(), &id.to_uppercase()),
                };
                assert_eq!(alone.as_ref(), Some(resource));
            }
        }
        assert!(schema(BASE, &[], "urn:example:own:User").is_none() && schema(BASE, &own(), "urn:x").is_none());
    }

    #[test]
    fn a_resource_type_says_which_extensions_it_requires() {
        let [user, _] = definitions();
        let extensions = resource_type(BASE, &user)["schemaExtensions"].take();
        assert_eq!(extensions[1], json!({"schema": "urn:example:own:User", "required": true}));
        assert_eq!(extensions[0]["required"], false);
        let shown = schema(BASE, &own(), "urn:example:own:User").expect("listed");
        assert!(shown.get("required").is_none(), "no part of a schema document");
    }

    #[test]
    fn case_55_the_configuration_is_the_truth() {
        let config = service_provider_config(BASE);
        let supported = |name: &str| config[name]["supported"].as_bool();
        assert_eq!((supported("patch"), supported("filter"), supported("sort")), (Some(true), Some(true), Some(true)));
        assert_eq!(
            (supported("bulk"), supported("changePassword"), supported("etag")),
            (Some(true), Some(true), Some(true))
        );
        let pages = &config["pagination"];
        assert_eq!((&pages["cursor"], &pages["index"]), (&json!(true), &json!(true)));
        assert_eq!((&pages["defaultPaginationMethod"], &pages["maxPageSize"]), (&json!("index"), &json!(200)));
        assert_eq!((&config["bulk"]["maxOperations"], &config["filter"]["maxResults"]), (&json!(1_000), &json!(200)));
        assert_eq!(config["bulk"]["maxPayloadSize"], 1_048_576);
    }

    #[test]
    fn every_attribute_states_all_its_characteristics() {
        fn complete(attributes: &Value) {
            for attribute in attributes.as_array().expect("attributes") {
                for name in [
                    "name",
                    "type",
                    "description",
                    "multiValued",
                    "required",
                    "caseExact",
                    "mutability",
                    "returned",
                    "uniqueness",
                ] {
                    assert!(attribute.get(name).is_some(), "{name} of {}", attribute["name"]);
                }
                assert_eq!(attribute["type"] == "complex", attribute.get("subAttributes").is_some());
                assert_eq!(attribute["type"] == "reference", attribute.get("referenceTypes").is_some());
                if let Some(parts) = attribute.get("subAttributes") {
                    complete(parts);
                }
            }
        }
        for schema in schemas(BASE, &own())["Resources"].as_array().expect("a list") {
            complete(&schema["attributes"]);
        }
    }
}
