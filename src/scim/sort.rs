//! Pure: the order of a list (RFC 7644 §3.4.2.3). Which resources are in it is the filter's business.

use std::cmp::{Ordering, Reverse};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::attribute::{Attribute, AttributeType};
use super::error::ScimError;
use super::matching;
use super::schema::{Definition, Place, ResourceType, Target};
use super::values;
use crate::base::canonical;

/// `sortOrder`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    #[default]
    Ascending,
    Descending,
}

impl SortOrder {
    /// Reads the parameter; ascending if there is none.
    ///
    /// # Errors
    /// 400 `invalidValue` for anything else.
    pub fn parse(text: Option<&str>) -> Result<Self, ScimError> {
        match text.map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "ascending") => Ok(Self::Ascending),
            Some("descending") => Ok(Self::Descending),
            Some(_) => Err(ScimError::invalid_value("sortOrder must be ascending or descending")),
        }
    }
}

/// Sorts by the attribute that `path` names, keeping the order of equals. Of several values the primary or else the first one
/// counts. Resources without one come last, or first when descending. A path that names nothing, or what nobody may
/// learn, leaves the order as it is.
pub fn sort(resources: &mut [Value], path: &str, order: SortOrder, kind: ResourceType) {
    sort_in(resources, path, order, kind.definition());
}

/// As `sort`, for a workspace's own definition.
pub fn sort_in(resources: &mut [Value], path: &str, order: SortOrder, definition: &Definition) {
    match order {
        SortOrder::Ascending => resources.sort_by_cached_key(|resource| key_in(path, definition, resource)),
        SortOrder::Descending => resources.sort_by_cached_key(|resource| Reverse(key_in(path, definition, resource))),
    }
}

/// What a resource is sorted by. Keys of one path can be compared, also between kinds of resource.
pub fn key_in(path: &str, definition: &Definition, resource: &Value) -> Key {
    match definition.resolve(path) {
        Some(Target::Attribute(place)) if !place.attribute.is_hidden() && !leaf(&place).is_hidden() => {
            find_key(&place, resource).unwrap_or(Key::Absent)
        }
        _ => Key::Absent,
    }
}

/// What is compared: of a complex attribute its `value`.
fn leaf<'a>(place: &Place<'a>) -> &'a Attribute {
    place.sub.or_else(|| place.attribute.sub("value")).unwrap_or(place.attribute)
}

fn find_key(place: &Place<'_>, resource: &Value) -> Option<Key> {
    let values = matching::each(place.read(resource.as_object()?)?);
    let value = values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true))).or(values.first())?;
    let leaf = leaf(place);
    let value = if place.attribute.kind == AttributeType::Complex { value.get(leaf.name.as_str())? } else { value };
    let value = matching::each(value).first()?;
    match value {
        Value::Bool(flag) => Some(Key::Flag(*flag)),
        Value::Number(number) => number.as_f64().map(Key::Number),
        Value::String(text) if leaf.kind == AttributeType::DateTime => values::moment(text).map(Key::Moment),
        Value::String(text) if leaf.case_exact => Some(Key::Text(text.clone())),
        Value::String(text) => Some(Key::Text(canonical::fold(text))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a resource is sorted by. All of one attribute are of one variant, or absent.
#[derive(Clone, Debug)]
pub enum Key {
    Flag(bool),
    Number(f64),
    Moment(DateTime<Utc>),
    Text(String),
    Absent,
}

impl Key {
    fn rank(&self) -> u8 {
        match self {
            Self::Flag(_) => 0,
            Self::Number(_) => 1,
            Self::Moment(_) => 2,
            Self::Text(_) => 3,
            Self::Absent => 4,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Flag(left), Self::Flag(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Moment(left), Self::Moment(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(path: &str, order: SortOrder) -> String {
        let mut users = [
            json!({"id": "a", "userName": "Bo", "emails": [{"value": "z@x"}, {"value": "a@x", "primary": true}], "active": true}),
            json!({"id": "b", "userName": "ann", "meta": {"created": "2026-01-01T00:00:00+14:00"}, "active": false}),
            json!({"id": "c", "userName": "CY", "emails": [{"value": "B@x"}], "meta": {"created": "2025-12-31T23:00:00Z"}}),
        ];
        sort(&mut users, path, order, ResourceType::User);
        users.iter().filter_map(|user| user["id"].as_str()).collect()
    }

    #[test]
    fn case_13_by_type_and_case_rule_with_the_absent_last() {
        assert_eq!(sorted("userName", SortOrder::Ascending), "bac");
        assert_eq!(sorted("USERNAME", SortOrder::Descending), "cab");
        assert_eq!(sorted("emails", SortOrder::Ascending), "acb");
        assert_eq!(sorted("emails.value", SortOrder::Descending), "bca");
        assert_eq!(sorted("meta.created", SortOrder::Ascending), "bca");
        assert_eq!(sorted("active", SortOrder::Ascending), "bac");
    }

    #[test]
    fn case_13_what_cannot_be_sorted_by_keeps_the_order() {
        for path in ["unknown", "password", "name", "", "title"] {
            assert_eq!(sorted(path, SortOrder::Descending), "abc", "{path}");
        }
        assert_eq!(SortOrder::parse(Some("Descending")), Ok(SortOrder::Descending));
        assert_eq!(SortOrder::parse(None), Ok(SortOrder::Ascending));
        assert!(SortOrder::parse(Some("sideways")).is_err());
    }
}
