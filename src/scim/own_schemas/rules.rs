//! Pure: which changes of a schema would make wrong what is kept by it, and which resource stands in their way.
//!
//! The rule: what is kept always fits its schema, so that no change of a person fails for what they have had all along. An
//! attribute that somebody has a value of may therefore become looser (optional, not unique, shown otherwise, described
//! otherwise) and not narrower; what may be shown to nobody may not come to be shown.

use serde_json::Value;

use crate::scim::attribute::{Attribute, Mutability, Schema};
use crate::scim::resource::Resource;

/// What must be so of everything that is kept, before a change is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Nobody has a value of these.
    pub absent: Vec<String>,
    /// Whoever has the extension has a value of these.
    pub present: Vec<String>,
}

impl Conditions {
    pub fn is_empty(&self) -> bool {
        self.absent.is_empty() && self.present.is_empty()
    }

    /// The attribute that stands in the way in a resource.
    pub fn broken_by(&self, schema: &Schema, resource: &Resource) -> Option<&str> {
        let Some(Value::Object(parts)) = resource.get(&schema.id) else { return None };
        let absent = self.absent.iter().find(|name| parts.contains_key(name.as_str()));
        absent.or_else(|| self.present.iter().find(|name| !parts.contains_key(name.as_str()))).map(String::as_str)
    }
}

/// The conditions of a change.
pub fn conditions(before: &Schema, after: &Schema) -> Conditions {
    let is_lost = |old: &&Attribute| after.attribute(&old.name).is_none_or(|new| narrows(old, new));
    let is_new_demand = |new: &&Attribute| new.required && before.attribute(&new.name).is_none_or(|old| !old.required);
    let names = |attribute: &Attribute| attribute.name.clone();
    Conditions {
        absent: before.attributes.iter().filter(is_lost).map(names).collect(),
        present: after.attributes.iter().filter(is_new_demand).map(names).collect(),
    }
}

/// Whether a value of `old` may be wrong, or shown to more people, under `new`. They have the same name, whatever its case.
fn narrows(old: &Attribute, new: &Attribute) -> bool {
    let is_read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
    let becomes_unique = new.is_unique() && (!old.is_unique() || old.case_exact != new.case_exact);
    let lost = |part: &Attribute| new.sub(&part.name).is_none_or(|kept| narrows(part, kept));
    let demanded = |part: &Attribute| part.required && old.sub(&part.name).is_none_or(|before| !before.required);
    old.name != new.name
        || old.kind != new.kind
        || old.multi_valued != new.multi_valued
        || (is_read_only(new) && !is_read_only(old))
        || (old.is_hidden() && !new.is_hidden())
        || becomes_unique
        || old.sub_attributes.iter().any(lost)
        || new.sub_attributes.iter().any(demanded)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(attributes: Value) -> Schema {
        Schema::from_document(json!({"id": "urn:x:E", "attributes": attributes})).expect("valid")
    }

    fn absent(old: Value, new: Value) -> bool {
        let found = conditions(&schema(json!([old])), &schema(json!([new])));
        assert!(found.present.is_empty());
        !found.absent.is_empty()
    }

    #[test]
    fn a_schema_may_become_looser() {
        let plain = json!({"name": "a"});
        for (old, new) in [
            (plain.clone(), json!({"name": "a", "description": "d", "canonicalValues": ["x"], "caseExact": true})),
            (json!({"name": "a", "required": true}), plain.clone()),
            (json!({"name": "a", "uniqueness": "server"}), plain.clone()),
            (json!({"name": "a", "mutability": "immutable"}), json!({"name": "a", "returned": "request"})),
            (plain.clone(), json!({"name": "a", "mutability": "immutable"})),
            (plain, json!({"name": "a", "mutability": "writeOnly", "returned": "never"})),
            (
                json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b"}]}),
                json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b"}, {"name": "c"}]}),
            ),
        ] {
            assert!(!absent(old.clone(), new.clone()), "{old} to {new}");
        }
    }

    #[test]
    fn what_would_make_values_wrong_needs_that_there_are_none() {
        let plain = json!({"name": "a"});
        for (old, new) in [
            (plain.clone(), json!({"name": "b"})),
            (plain.clone(), json!({"name": "A"})),
            (plain.clone(), json!({"name": "a", "type": "integer"})),
            (plain.clone(), json!({"name": "a", "multiValued": true})),
            (plain.clone(), json!({"name": "a", "mutability": "readOnly"})),
            (plain.clone(), json!({"name": "a", "uniqueness": "server"})),
            (
                json!({"name": "a", "uniqueness": "server"}),
                json!({"name": "a", "uniqueness": "server", "caseExact": true}),
            ),
            (json!({"name": "a", "mutability": "writeOnly", "returned": "never"}), plain),
            (
                json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b"}, {"name": "c"}]}),
                json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b"}]}),
            ),
            (
                json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b"}]}),
                json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b", "required": true}]}),
            ),
        ] {
            assert!(absent(old.clone(), new.clone()), "{old} to {new}");
        }
    }

    #[test]
    fn what_becomes_required_must_be_there_already() {
        let (old, new) = (schema(json!([{"name": "a"}])), schema(json!([{"name": "a", "required": true}])));
        let found = conditions(&old, &new);
        assert_eq!(found, Conditions { absent: Vec::new(), present: vec!["a".into()] });
        let broken = |resource: Value| found.broken_by(&new, resource.as_object().expect("object")).map(str::to_owned);
        assert_eq!(broken(json!({"userName": "x"})), None);
        assert_eq!(broken(json!({"urn:x:E": {"a": "1"}})), None);
        assert_eq!(broken(json!({"urn:x:E": {"b": "1"}})), Some("a".into()));
    }
}
