//! Pure: a resource as it is kept, as it comes in and as it goes out (RFC 7643 §3, RFC 7644 §3.3, §3.5.1).
//!
//! Kept: canonical names, extensions under their URN, no `schemas`, no read-only attribute, no null. Coming in: attributes and
//! schema URNs that no definition of ours has are dropped (RFC 7644 §3.3 leaves that to us, and every client sends some);
//! read-only ones (`id`, `meta`, `groups`) too. A wrong `schemas` or none is not an error: the address says what it is.
//! Going out: only what the definition names, so nothing kept beside it can leak, and never the password.

use serde_json::{Map, Value, json};

use super::attribute::{Attribute, Mutability, Schema};
use super::error::ScimError;
pub use super::projection::Projection;
use super::schema::{Definition, ResourceType};
use super::values::{self, Source};

/// A resource as it is kept. After `parse` and `patch::apply` it may hold `password`: take it out and hash it.
pub type Resource = Map<String, Value>;

/// What the server knows of a resource (RFC 7643 §3.1): RFC 3339 times, an entity tag such as `W/"3"`, a whole address.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    pub created: &'a str,
    pub last_modified: &'a str,
    pub version: &'a str,
    pub location: &'a str,
}

/// Reads the body of a POST or PUT.
///
/// # Errors
/// 400 `invalidSyntax` as `json::object`; 400 `invalidValue` naming the attribute: a wrong type, too long, too many values, two
/// primary values, a user name without a canonical form, or a required attribute missing.
pub fn parse(kind: ResourceType, body: &[u8]) -> Result<Resource, ScimError> {
    parse_in(kind.definition(), body)
}

/// As `parse`, for a workspace's own definition.
///
/// # Errors
/// As `parse`.
pub fn parse_in(definition: &Definition, body: &[u8]) -> Result<Resource, ScimError> {
    from_object(definition, super::json::object(body)?)
}

/// As `parse`, for a workspace's own definition, and for an object that `json::object` has read (the `data` of a bulk
/// operation).
///
/// # Errors
/// 400 `invalidValue` as `parse`.
pub fn from_object(definition: &Definition, object: Resource) -> Result<Resource, ScimError> {
    clean(definition, object, Source::Request)
}

/// What a PUT makes of `stored` (RFC 7644 §3.5.1). What `sent` leaves out is gone, but for immutable attributes, and write-only
/// ones, which no client can read and send again. `sent` comes from `parse`.
///
/// # Errors
/// 400 `mutability`: an immutable attribute that has another value. 400 `invalidValue`: as `require_extensions`.
pub fn replace(definition: &Definition, stored: &Resource, mut sent: Resource) -> Result<Resource, ScimError> {
    for attribute in definition.common.iter().chain(&definition.core.attributes) {
        carry_over(attribute, &attribute.name, stored, &mut sent)?;
    }
    for schema in &definition.extensions {
        let Some(Value::Object(before)) = stored.get(&schema.id) else { continue };
        let given = sent.remove(&schema.id);
        let is_left_out = given.is_none();
        let mut after = match given {
            Some(Value::Object(parts)) => parts,
            _ => Resource::new(),
        };
        for attribute in &schema.attributes {
            carry_over(attribute, &format!("{}:{}", schema.id, attribute.name), before, &mut after)?;
        }
        if after.is_empty() {
            continue;
        }
        if is_left_out {
            // What stays needs what its schema requires: nobody's deactivation fails because of a badge.
            for attribute in schema.attributes.iter().filter(|attribute| attribute.required) {
                if let Some(value) = before.get(&attribute.name) {
                    after.entry(attribute.name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        sent.insert(schema.id.clone(), Value::Object(after));
    }
    require_extensions(definition, &sent, Some(stored))?;
    Ok(sent)
}

fn carry_over(attribute: &Attribute, label: &str, before: &Resource, after: &mut Resource) -> Result<(), ScimError> {
    let Some(old) = before.get(&attribute.name) else { return Ok(()) };
    let is_immutable = attribute.mutability == Mutability::Immutable;
    let Some(new) = after.get_mut(&attribute.name) else {
        if is_immutable || attribute.mutability == Mutability::WriteOnly {
            after.insert(attribute.name.clone(), old.clone());
        }
        return Ok(());
    };
    if is_immutable && new != old {
        return Err(ScimError::mutability(format!("{label} can't be changed")));
    }
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        for sub in &attribute.sub_attributes {
            carry_over(sub, &format!("{label}.{}", sub.name), old, new)?;
        }
    }
    Ok(())
}

/// Refuses a resource without an extension that its type requires. Who lacks it since before it was required may be changed
/// without it: a new rule must not keep anybody from being deactivated. `before` is `None` for a new resource.
///
/// # Errors
/// 400 `invalidValue` naming the extension.
pub fn require_extensions(
    definition: &Definition,
    after: &Resource,
    before: Option<&Resource>,
) -> Result<(), ScimError> {
    let had_it = |schema: &&Schema| before.is_none_or(|before| before.contains_key(&schema.id));
    let mut required = definition.extensions.iter().filter(|schema| schema.required).filter(had_it);
    match required.find(|schema| !after.contains_key(&schema.id)) {
        Some(missing) => Err(ScimError::invalid_value(format!("{} is required", missing.id))),
        None => Ok(()),
    }
}

/// The resource as the client sees it. `stored` may also hold what the server worked out (`groups`, `members`).
pub fn render(stored: &Resource, kind: ResourceType, id: &str, meta: Meta<'_>, projection: &Projection) -> Value {
    render_in(stored, kind.definition(), id, meta, projection)
}

/// As `render`, for a workspace's own definition.
pub fn render_in(
    stored: &Resource,
    definition: &Definition,
    id: &str,
    meta: Meta<'_>,
    projection: &Projection,
) -> Value {
    let extensions = definition.extensions.iter().map(|schema| &schema.id);
    let present =
        extensions.filter(|urn| stored.get(*urn).and_then(Value::as_object).is_some_and(|map| !map.is_empty()));
    let schemas: Vec<&String> = std::iter::once(&definition.core.id).chain(present).collect();
    let own = Map::from_iter([
        ("schemas".to_owned(), json!(schemas)),
        ("id".to_owned(), json!(id)),
        (
            "meta".to_owned(),
            json!({
                "resourceType": definition.kind.name(),
                "created": meta.created,
                "lastModified": meta.last_modified,
                "location": meta.location,
                "version": meta.version,
            }),
        ),
    ]);
    Value::Object(projection.apply(definition, &own, stored))
}

/// The one set of rules for what may be kept: of a body, and of what a PATCH has made.
pub(super) fn clean(definition: &Definition, given: Resource, source: Source) -> Result<Resource, ScimError> {
    let mut resource = Resource::new();
    for (name, value) in given {
        if let Some(schema) = definition.extension(&name) {
            let parts = clean_extension(schema, value, source)?;
            if !parts.is_empty() {
                resource.insert(schema.id.clone(), Value::Object(parts));
            }
        } else if let Some(attribute) = definition.attribute(&name) {
            insert(&mut resource, attribute, &attribute.name, value, source)?;
        }
    }
    require(&definition.core.attributes, "", &resource)?;
    Ok(resource)
}

fn clean_extension(schema: &Schema, value: Value, source: Source) -> Result<Resource, ScimError> {
    let mut parts = Resource::new();
    match value {
        Value::Null => return Ok(parts),
        Value::Object(given) => {
            for (name, value) in given {
                let Some(attribute) = schema.attribute(&name) else { continue };
                insert(&mut parts, attribute, &format!("{}:{}", schema.id, attribute.name), value, source)?;
            }
        }
        _ => return Err(ScimError::invalid_value(format!("{} must be an object", schema.id))),
    }
    if !parts.is_empty() {
        require(&schema.attributes, &format!("{}:", schema.id), &parts)?;
    }
    Ok(parts)
}

fn insert(
    container: &mut Resource,
    attribute: &Attribute,
    label: &str,
    value: Value,
    source: Source,
) -> Result<(), ScimError> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(());
    }
    if let Some(value) = values::attribute(attribute, label, value, source)? {
        container.insert(attribute.name.clone(), value);
    }
    Ok(())
}

fn require(attributes: &[Attribute], prefix: &str, container: &Resource) -> Result<(), ScimError> {
    let is_missing = |attribute: &&Attribute| match container.get(&attribute.name) {
        None => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    match attributes.iter().filter(|attribute| attribute.required).find(is_missing) {
        Some(missing) => Err(ScimError::invalid_value(format!("{prefix}{} is required", missing.name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn user(body: Value) -> Result<Value, ScimError> {
        parse(ResourceType::User, body.to_string().as_bytes()).map(Value::Object)
    }

    #[test]
    fn case_01_a_minimal_user_and_what_is_missing() {
        assert_eq!(user(json!({"schemas": [CORE], "USERNAME": "ann"})), Ok(json!({"userName": "ann"})));
        let error = user(json!({"schemas": [CORE]})).expect_err("no name");
        assert_eq!((error.scim_type, error.detail.as_str()), (Some("invalidValue"), "userName is required"));
        assert_eq!(user(json!({"not": "a scim resource"})).expect_err("no user").status, 400);
        let group = |body: &[u8]| parse(ResourceType::Group, body);
        assert!(group(br#"{"displayName":"  "}"#).is_err() && group(br#"{"displayName":"A"}"#).is_ok());
    }

    #[test]
    fn case_51_a_body_of_entra_id() {
        let body = json!({
            "schemas": [CORE, ENTERPRISE, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User"],
            "externalId": "e1", "userName": "ann@corp.test", "active": "True", "meta": {"resourceType": "User"}, "roles": [],
            "emails": [{"primary": "True", "type": "work", "value": "ann@corp.test"}],
            ENTERPRISE.to_uppercase(): {"Department": "R&D", "manager": "u2", "unknown": 1},
        });
        let kept = json!({
            "externalId": "e1", "userName": "ann@corp.test", "active": true,
            "emails": [{"primary": true, "type": "work", "value": "ann@corp.test"}],
            ENTERPRISE: {"department": "R&D", "manager": {"value": "u2"}},
        });
        assert_eq!(user(body), Ok(kept));
    }

    #[test]
    fn case_31_and_53_bodies_of_okta_and_onelogin() {
        let okta = json!({"schemas": [CORE], "id": "u1", "userName": "a", "groups": [{"value": "g"}], "active": false, "meta": {}});
        assert_eq!(user(okta), Ok(json!({"userName": "a", "active": false})));
        let onelogin = json!({
            "schemas": ["urn:scim:schemas:core:1.0"], "id": null, "userName": "a", "active": "true",
            ENTERPRISE: {"department": null, "manager": null}
        });
        assert_eq!(user(onelogin), Ok(json!({"userName": "a", "active": true})));
    }

    #[test]
    fn case_61_and_62_nothing_that_grants_comes_in() {
        let body = json!({
            "userName": "a", "externalId": "0", "isAdmin": true, "workspace_id": "w", "role": "owner", "id": "u9",
            "urn:curfew:internal": {"role": "owner"}, "__proto__": {"x": 1}, "name.givenName": "x", "state": "active",
        });
        assert_eq!(user(body), Ok(json!({"userName": "a", "externalId": "0"})));
        assert!(user(json!({"userName": "a", "externalId": 1})).is_err());
    }

    #[test]
    fn case_12_what_is_shown_is_what_the_schema_names() {
        let stored = json!({"userName": "a", "password": "secret", "internal": 1, ENTERPRISE: {"department": "d"}});
        let meta = Meta { created: "c", last_modified: "m", version: "W/\"1\"", location: "l" };
        let stored = stored.as_object().cloned().expect("object");
        let shown = render(&stored, ResourceType::User, "u1", meta, &Projection::default());
        let expected = json!({
            "schemas": [CORE, ENTERPRISE], "id": "u1", "userName": "a", ENTERPRISE: {"department": "d"},
            "meta": {"resourceType": "User", "created": "c", "lastModified": "m", "version": "W/\"1\"", "location": "l"}
        });
        assert_eq!(shown, expected);
    }
}
