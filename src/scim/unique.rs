//! Pure: the values of a resource that no other resource of its workspace may have, as the keys under which a store makes
//! them unique. Text is compared by the case rule of its attribute, instants as instants, numbers as numbers, like in a
//! filter. Only extensions have such attributes: `userName` has a column, `id` is the server's.

use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use super::attribute::{Attribute, AttributeType as Kind, Schema};
use super::matching::each;
use super::resource::Resource;
use super::schema::Definition;
use super::values;
use crate::base::canonical;

/// One value of a unique attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UniqueKey {
    /// The URN of the schema in lower case.
    pub urn: String,
    /// `badge` or `card.number`, in lower case.
    pub attribute: String,
    /// SHA-256 of the compared form.
    pub hash: [u8; 32],
    /// `URN:badge`, for details.
    pub label: String,
}

/// The keys of a resource, sorted, each once.
pub fn keys(definition: &Definition, resource: &Resource) -> Vec<UniqueKey> {
    let mut keys = Vec::new();
    for schema in &definition.extensions {
        let Some(Value::Object(parts)) = resource.get(&schema.id) else { continue };
        for attribute in &schema.attributes {
            let Some(value) = parts.get(&attribute.name) else { continue };
            for value in each(value) {
                collect(schema, attribute, &attribute.name, value, &mut keys);
                for sub in &attribute.sub_attributes {
                    let path = format!("{}.{}", attribute.name, sub.name);
                    for part in value.get(sub.name.as_str()).into_iter().flat_map(each) {
                        collect(schema, sub, &path, part, &mut keys);
                    }
                }
            }
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

/// The paths of a schema's unique attributes, as `UniqueKey::attribute` has them.
pub fn paths(schema: &Schema) -> Vec<String> {
    let mut paths = Vec::new();
    for attribute in &schema.attributes {
        if attribute.is_unique() {
            paths.push(attribute.name.to_ascii_lowercase());
        }
        for sub in attribute.sub_attributes.iter().filter(|sub| sub.is_unique()) {
            paths.push(format!("{}.{}", attribute.name, sub.name).to_ascii_lowercase());
        }
    }
    paths
}

fn collect(schema: &Schema, attribute: &Attribute, path: &str, value: &Value, keys: &mut Vec<UniqueKey>) {
    let Some(text) = comparable(attribute, value).filter(|_| attribute.is_unique()) else { return };
    keys.push(UniqueKey {
        urn: schema.id.to_ascii_lowercase(),
        attribute: path.to_ascii_lowercase(),
        hash: Sha256::digest(text.as_bytes()).into(),
        label: format!("{}:{path}", schema.id),
    });
}

fn comparable(attribute: &Attribute, value: &Value) -> Option<String> {
    match (attribute.kind, value) {
        (Kind::DateTime, Value::String(text)) => {
            values::moment(text).map(|moment| moment.timestamp_micros().to_string())
        }
        (_, Value::String(text)) if attribute.case_exact => Some(text.clone()),
        (_, Value::String(text)) => Some(canonical::fold(text)),
        (_, Value::Number(number)) => Some(plain(number)),
        _ => None,
    }
}

/// A number in one spelling: 1, 1.0 and 1e0 are one value.
fn plain(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::ResourceType;

    fn definition() -> Definition {
        let document = json!({"id": "urn:Example:E", "attributes": [
            {"name": "badge", "uniqueness": "server"},
            {"name": "code", "uniqueness": "server", "caseExact": true},
            {"name": "size", "type": "decimal", "uniqueness": "server", "multiValued": true},
            {"name": "since", "type": "dateTime", "uniqueness": "server"},
            {"name": "free"},
            {"name": "cards", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "Number", "uniqueness": "server"}, {"name": "colour"}]},
        ]});
        ResourceType::User.definition().extended([Schema::from_document(document).expect("valid")])
    }

    fn of(parts: Value) -> Vec<(String, [u8; 32])> {
        let resource = json!({"urn:Example:E": parts, "userName": "x"}).as_object().cloned().expect("object");
        keys(&definition(), &resource).into_iter().map(|key| (key.attribute, key.hash)).collect()
    }

    #[test]
    fn values_are_the_same_by_the_rule_of_their_attribute() {
        for (left, right) in [
            (json!({"badge": "Straße"}), json!({"badge": "STRASSE"})),
            (json!({"size": [1, 2.5]}), json!({"size": [2.50, 1.0, 1]})),
            (json!({"since": "2026-01-01T00:00:00Z"}), json!({"since": "2026-01-01T01:00:00+01:00"})),
            (json!({"cards": [{"Number": "a", "colour": "red"}]}), json!({"cards": [{"Number": "A"}]})),
        ] {
            assert_eq!(of(left.clone()), of(right), "{left}");
            assert!(!of(left).is_empty());
        }
        assert_ne!(of(json!({"code": "a"})), of(json!({"code": "A"})));
        assert_ne!(of(json!({"code": "a"})), of(json!({"badge": "a"})));
        assert!(of(json!({"free": "a", "cards": [{"colour": "red"}]})).is_empty());
    }

    #[test]
    fn paths_name_what_is_unique() {
        let definition = definition();
        let schema = definition.extension("urn:example:e").expect("declared");
        assert_eq!(paths(schema), ["badge", "code", "size", "since", "cards.number"]);
    }
}
