//! Pure: what a value of an attribute may be (RFC 7643 §2.3–2.5), and the one shape in which it is kept. Create, replace and
//! PATCH all come through here. It repairs what real clients send (a boolean as text, a reference or role as bare
//! text, null for nothing) and refuses the rest, naming the attribute. It knows no resource.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value};

use super::attribute::{Attribute, AttributeType as Kind, Mutability};
use super::error::ScimError;
use crate::base::canonical;

/// The most characters of a text or reference.
pub const LONGEST_TEXT: usize = 1_024;
/// The most characters of a base64 value.
pub const LONGEST_BINARY: usize = 16_384;
/// The most values of an attribute.
pub const MOST_VALUES: usize = 100;
/// The most members that one request may carry. A group may have more.
pub const MOST_MEMBERS: usize = 10_000;

/// Where values come from: a group that is kept may have more members than one request may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Request,
    Stored,
}

/// Any value of `attribute` in the shape it is kept in. `None` is "no value": null, an empty array, an object of nothing.
pub(super) fn attribute(
    attribute: &Attribute,
    label: &str,
    value: Value,
    source: Source,
) -> Result<Option<Value>, ScimError> {
    match value {
        Value::Null => Ok(None),
        value if !attribute.multi_valued => element(attribute, label, value, source),
        Value::Array(items) => list(attribute, label, items, source),
        _ => Err(ScimError::invalid_value(format!("{label} must be an array"))),
    }
}

/// One value, of an attribute that has one or among several.
pub(super) fn element(
    attribute: &Attribute,
    label: &str,
    value: Value,
    source: Source,
) -> Result<Option<Value>, ScimError> {
    let cleaned = match (attribute.kind, value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Complex, Value::Object(parts)) => return complex(attribute, label, parts, source),
        (Kind::Complex, Value::String(text)) if attribute.sub("value").is_some() => {
            let parts = Map::from_iter([("value".to_owned(), Value::String(text))]);
            return complex(attribute, label, parts, source);
        }
        (Kind::String | Kind::Reference, Value::String(value)) => return text(label, value).map(Some),
        (Kind::Binary, Value::String(value)) => is_base64(&value, source).then_some(Value::String(value)),
        (Kind::DateTime, Value::String(value)) => moment(&value).is_some().then_some(Value::String(value)),
        (Kind::Boolean, value) => boolean(&value).map(Value::Bool),
        (Kind::Integer, Value::Number(number)) if !number.is_f64() => Some(Value::Number(number)),
        (Kind::Decimal, Value::Number(number)) => Some(Value::Number(number)),
        _ => None,
    };
    cleaned.map(Some).ok_or_else(|| ScimError::invalid_value(format!("{label} must be {}", wanted(attribute.kind))))
}

fn list(attribute: &Attribute, label: &str, items: Vec<Value>, source: Source) -> Result<Option<Value>, ScimError> {
    let most = if label == "members" { MOST_MEMBERS } else { MOST_VALUES };
    let unbounded = label == "members" && source == Source::Stored;
    if items.len() > most && !unbounded {
        return Err(ScimError::invalid_value(format!("{label} must not have more than {most} values")));
    }
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        kept.extend(element(attribute, label, item, source)?);
    }
    let mut seen = HashSet::new();
    kept.retain(|item| seen.insert(identity(attribute, item)));
    if kept.iter().filter(|item| item.get("primary") == Some(&Value::Bool(true))).count() > 1 {
        return Err(ScimError::invalid_value(format!("{label} must not have more than one primary value")));
    }
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// Members are told apart by whom they name; everything else by all it says.
fn identity(attribute: &Attribute, item: &Value) -> String {
    match item.get("value") {
        Some(Value::String(id)) if attribute.name == "members" => id.clone(),
        _ => item.to_string(),
    }
}

fn complex(
    attribute: &Attribute,
    label: &str,
    parts: Map<String, Value>,
    source: Source,
) -> Result<Option<Value>, ScimError> {
    let mut kept = Map::new();
    for (name, value) in parts {
        let Some(sub) = attribute.sub(&name).filter(|sub| sub.mutability != Mutability::ReadOnly) else { continue };
        let label = format!("{label}.{}", sub.name);
        if let Some(value) = self::attribute(sub, &label, value, source)? {
            kept.insert(sub.name.clone(), value);
        }
    }
    if kept.is_empty() {
        return Ok(None);
    }
    match attribute.sub_attributes.iter().find(|sub| sub.required && !kept.contains_key(&sub.name)) {
        Some(missing) => Err(ScimError::invalid_value(format!("{label}.{} is required", missing.name))),
        None => Ok(Some(Value::Object(kept))),
    }
}

/// A text. Names that people sign in with must have a canonical form: else no look-up could ever find them.
fn text(label: &str, text: String) -> Result<Value, ScimError> {
    if text.chars().nth(LONGEST_TEXT).is_some() {
        return Err(ScimError::invalid_value(format!("{label} must not be longer than {LONGEST_TEXT} characters")));
    }
    if text.contains('\0') {
        return Err(ScimError::invalid_value(format!("{label} must not contain U+0000")));
    }
    let is_a_name = label == "userName" || (label == "emails.value" && !text.is_empty());
    if is_a_name {
        canonical::key(&text).map_err(|reason| ScimError::invalid_value(format!("{label} {reason}")))?;
    }
    Ok(Value::String(text))
}

/// `true`, `false`, and what Entra ID and OneLogin send for them.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The instant that a dateTime names (RFC 7643 §2.3.5). One without an offset is taken for UTC.
pub(super) fn moment(text: &str) -> Option<DateTime<Utc>> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => Some(moment.to_utc()),
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|moment| moment.and_utc()),
    }
}

/// RFC 4648 §4 or §5, with or without padding and line breaks. What is kept was judged when it came in.
fn is_base64(text: &str, source: Source) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let bytes: Vec<u8> = text.bytes().filter(|byte| !b"\r\n".contains(byte)).collect();
    let digits = bytes.iter().take_while(|byte| is_digit(byte)).count();
    let padding = &bytes[digits..];
    let is_whole = digits % 4 != 1 && (padding.is_empty() || (padding.len() <= 2 && bytes.len().is_multiple_of(4)));
    text.len() <= LONGEST_BINARY && (source == Source::Stored || (is_whole && padding.iter().all(|byte| *byte == b'=')))
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::String | Kind::Reference => "a text",
        Kind::Boolean => "true or false",
        Kind::Decimal => "a number",
        Kind::Integer => "a whole number",
        Kind::DateTime => "a date and time such as 2026-01-23T04:56:22Z",
        Kind::Binary => "base64 of at most 16,384 characters",
        Kind::Complex => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::ResourceType;

    fn clean(name: &str, value: Value) -> Result<Option<Value>, ScimError> {
        let definition = ResourceType::User.definition();
        let attribute = definition.attribute(name).or_else(|| definition.extensions[0].attribute(name)).expect("known");
        super::attribute(attribute, name, value, Source::Request)
    }

    fn refused(name: &str, value: Value) -> String {
        let error = clean(name, value).expect_err(name);
        assert_eq!((error.status, error.scim_type), (400, Some("invalidValue")));
        error.detail
    }

    #[test]
    fn case_40_a_boolean_is_read_and_never_guessed() {
        for (sent, kept) in [
            (json!("False"), false),
            (json!("FALSE"), false),
            (json!("false"), false),
            (json!("True"), true),
            (json!(true), true),
        ] {
            assert_eq!(clean("active", sent), Ok(Some(Value::Bool(kept))));
        }
        for sent in [json!("no"), json!(0), json!(""), json!("maybe"), json!([]), json!({})] {
            assert_eq!(refused("active", sent), "active must be true or false");
        }
        assert_eq!(clean("active", Value::Null), Ok(None));
    }

    #[test]
    fn case_49_bare_text_is_the_value_of_a_complex_attribute() {
        assert_eq!(clean("manager", json!("26118915")), Ok(Some(json!({"value": "26118915"}))));
        assert_eq!(
            clean("roles", json!(["admin", "{\"id\":1}"])),
            Ok(Some(json!([{"value": "admin"}, {"value": "{\"id\":1}"}])))
        );
        assert_eq!(refused("name", json!("Ann")), "name must be an object");
    }

    #[test]
    fn wrong_types_are_refused_by_name() {
        assert_eq!(refused("externalId", json!(1)), "externalId must be a text");
        assert_eq!(refused("displayName", json!({"a": 1})), "displayName must be a text");
        assert_eq!(refused("emails", json!({"value": "a@b"})), "emails must be an array");
        assert_eq!(refused("emails", json!([{"value": 1}])), "emails.value must be a text");
        assert_eq!(refused("emails", json!([[]])), "emails must be an object");
        assert!(
            refused("x509Certificates", json!([{"value": "<>"}])).starts_with("x509Certificates.value must be base64")
        );
    }

    #[test]
    fn nothing_is_no_value() {
        for nothing in [json!(null), json!([]), json!([null]), json!([{}]), json!([{"value": null, "unknown": 1}])] {
            assert_eq!(clean("emails", nothing), Ok(None));
        }
        assert_eq!(clean("manager", json!({"displayName": "read-only"})), Ok(None));
    }

    #[test]
    fn there_are_limits() {
        let sent = json!(vec![json!({"type": "work"}); MOST_VALUES + 1]);
        assert_eq!(refused("emails", sent), "emails must not have more than 100 values");
        assert!(refused("title", json!("x".repeat(LONGEST_TEXT + 1))).contains("1024"));
        assert!(clean("title", json!("ä".repeat(LONGEST_TEXT))).is_ok());
        assert!(refused("title", json!("a\u{0}b")).contains("U+0000"));
        assert!(
            refused("emails", json!([{"value": "a", "primary": true}, {"value": "b", "primary": "True"}]))
                .contains("primary")
        );
    }

    #[test]
    fn names_have_a_canonical_form_or_are_refused() {
        assert!(refused("userName", json!("adm\u{200b}in")).contains("U+200B"));
        assert!(refused("userName", json!("")).contains("empty"));
        assert!(refused("emails", json!([{"value": " ann@corp.test"}])).contains("emails.value must not begin"));
        assert_eq!(clean("userName", json!("Ann@Corp.test")), Ok(Some(json!("Ann@Corp.test"))));
    }

    #[test]
    fn dates_are_instants() {
        assert_eq!(moment("2010-01-23T04:56:22Z"), moment("2010-01-22T20:56:22-08:00"));
        assert_eq!(moment("2010-01-23T04:56:22Z"), moment("2010-01-23T04:56:22.000"));
        assert_eq!(moment("2010-01-23"), None);
    }
}
