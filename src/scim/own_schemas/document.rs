//! Pure: a schema document as somebody writes it (RFC 7643 §7), judged whole before anything rests on it. What is wrong is
//! named by its place: `attributes[2].subAttributes[0].type`. Which other schemas a workspace has is not known here.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::model::{OwnSchema, urn_key};
use crate::base::canonical;
use crate::base::text::line;
use crate::scim::attribute::{Attribute, AttributeType as Kind, Mutability, Returned, Schema, Uniqueness};
use crate::scim::path::LONGEST_URN;
use crate::scim::schema::ResourceType;
use crate::scim::values::LONGEST_TEXT;

/// The most attributes of a schema, sub-attributes counted.
pub const MOST_ATTRIBUTES: usize = 200;
/// The most bytes of a document as it is kept.
pub const LONGEST_DOCUMENT: usize = 64 * 1_024;
/// The most characters of a name, and of a description.
const LONGEST_NAME: usize = 100;
const LONGEST_DESCRIPTION: usize = 1_000;
/// The most canonical values, and reference types, of an attribute.
const MOST_SUGGESTIONS: usize = 100;

/// What the standards keep for themselves. An extension of theirs may be declared, such as Entra ID's custom ones.
const RESERVED: [&str; 2] = ["urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:"];

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub place: String,
    pub detail: String,
}

type Judged<T> = Result<T, Wrong>;

fn wrong<T>(place: impl Into<String>, detail: impl Into<String>) -> Judged<T> {
    Err(Wrong { place: place.into(), detail: detail.into() })
}

#[derive(Deserialize)]
struct Draft {
    id: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    resource_type: String,
    #[serde(default)]
    required: Option<bool>,
    attributes: Vec<DraftAttribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DraftAttribute {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    sub_attributes: Option<Vec<DraftAttribute>>,
    multi_valued: Option<bool>,
    description: Option<String>,
    required: Option<bool>,
    canonical_values: Option<Vec<String>>,
    case_exact: Option<bool>,
    mutability: Option<String>,
    returned: Option<String>,
    uniqueness: Option<String>,
    reference_types: Option<Vec<String>>,
}

/// Reads a document. What it leaves out has the default of RFC 7643 §2.2; references and binary values are case-exact, and what
/// is write-only is never returned.
///
/// # Errors
/// The first place that is wrong.
pub fn read(document: Value) -> Judged<OwnSchema> {
    let draft: Draft = match serde_json::from_value(document) {
        Ok(draft) => draft,
        Err(error) => return wrong("body", error.to_string()),
    };
    judge_urn(&draft.id)?;
    let Some(name) = line(&draft.name, LONGEST_NAME) else {
        return wrong("name", format!("must have 1 to {LONGEST_NAME} characters"));
    };
    let Some(kind) = ResourceType::parse(&draft.resource_type) else {
        return wrong("resource_type", "must be User or Group");
    };
    let schema = Schema {
        name: name.to_owned(),
        description: described(draft.description, "description")?,
        attributes: attributes(draft.attributes, "attributes", None)?,
        required: draft.required.unwrap_or(false),
        id: draft.id,
    };
    let count: usize = schema.attributes.iter().map(|attribute| 1 + attribute.sub_attributes.len()).sum();
    if count > MOST_ATTRIBUTES {
        return wrong("attributes", format!("must not have more than {MOST_ATTRIBUTES} attributes and sub-attributes"));
    }
    let own = OwnSchema { kind, schema, version: 1 };
    if own.document().to_string().len() > LONGEST_DOCUMENT {
        return wrong("body", format!("must not be longer than {LONGEST_DOCUMENT} bytes"));
    }
    Ok(own)
}

/// Whether one URN is the other or goes on where it ends: then a path could mean two things.
pub fn collide(left: &str, right: &str) -> bool {
    let (left, right) = (urn_key(left), urn_key(right));
    left == right || left.starts_with(&format!("{right}:")) || right.starts_with(&format!("{left}:"))
}

/// RFC 8141, of which paths of RFC 7644 can hold letters, digits and `: . _ -`.
fn judge_urn(urn: &str) -> Judged<()> {
    let key = urn_key(urn);
    let parts: Vec<&str> = key.split(':').collect();
    let is_plain = |part: &&str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let is_namespace = |part: &&str| {
        (2..=32).contains(&part.len())
            && !part.contains(['.', '_'])
            && !part.starts_with('-')
            && !part.ends_with('-')
            && *part != "urn"
    };
    let has_shape = parts.len() >= 3 && parts[0] == "urn" && is_namespace(&parts[1]);
    if !has_shape || !parts.iter().all(is_plain) || urn.len() > LONGEST_URN {
        let detail = "must be a URN such as urn:example:acme:User, of letters, digits and : . _ -";
        return wrong("id", format!("{detail}, {LONGEST_URN} at the most"));
    }
    let mut ours = ResourceType::ALL.into_iter().flat_map(|kind| {
        let definition = kind.definition();
        std::iter::once(&definition.core).chain(&definition.extensions).map(|schema| schema.id.as_str())
    });
    if RESERVED.iter().any(|start| key.starts_with(start)) || ours.any(|id| collide(id, urn)) {
        return wrong("id", "belongs to the standard");
    }
    Ok(())
}

fn described(text: Option<String>, place: &str) -> Judged<String> {
    let text = text.unwrap_or_default();
    let is_plain = !text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\t'));
    if text.chars().count() > LONGEST_DESCRIPTION || !is_plain {
        return wrong(
            place,
            format!("must have at most {LONGEST_DESCRIPTION} characters, none of them a control character"),
        );
    }
    Ok(text)
}

fn attributes(drafts: Vec<DraftAttribute>, place: &str, parent: Option<Kind>) -> Judged<Vec<Attribute>> {
    if drafts.is_empty() && parent.is_none_or(|kind| kind == Kind::Complex) {
        return wrong(place, "must not be empty");
    }
    if drafts.len() > MOST_ATTRIBUTES {
        return wrong(place, format!("must not have more than {MOST_ATTRIBUTES} entries"));
    }
    let mut names = HashSet::new();
    let mut found = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.into_iter().enumerate() {
        let place = format!("{place}[{index}]");
        if !is_name(&draft.name, parent.is_some()) {
            return wrong(format!("{place}.name"), "must be a letter, then letters, digits, - and _; 100 at the most");
        }
        if !names.insert(draft.name.to_ascii_lowercase()) {
            return wrong(format!("{place}.name"), "is there twice; case makes no difference");
        }
        found.push(attribute(draft, &place, parent)?);
    }
    Ok(found)
}

/// RFC 7643 §2.1, but for `$`, which no path of RFC 7644 can name; `$ref` is the exception, as everywhere.
fn is_name(name: &str, is_sub: bool) -> bool {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    name.len() <= LONGEST_NAME && (is_plain || (is_sub && name.eq_ignore_ascii_case("$ref")))
}

fn attribute(draft: DraftAttribute, place: &str, parent: Option<Kind>) -> Judged<Attribute> {
    let at = |part: &str| format!("{place}.{part}");
    let kind: Kind = word(
        draft.kind.as_deref(),
        &at("type"),
        "string, boolean, decimal, integer, dateTime, reference, binary or complex",
    )?;
    if parent.is_some() && kind == Kind::Complex {
        return wrong(at("type"), "must not be complex: a sub-attribute has no sub-attributes");
    }
    let mutability: Mutability =
        word(draft.mutability.as_deref(), &at("mutability"), "readOnly, readWrite, immutable or writeOnly")?;
    let returned = match draft.returned.as_deref() {
        None if mutability == Mutability::WriteOnly => Returned::Never,
        stated => word(stated, &at("returned"), "always, never, default or request")?,
    };
    let reference_types = match draft.reference_types {
        None if kind == Kind::Reference => vec!["external".to_owned()],
        stated => listed(stated, &at("referenceTypes"), true)?,
    };
    let case_exact = draft.case_exact.unwrap_or(matches!(kind, Kind::Reference | Kind::Binary));
    let attribute = Attribute {
        sub_attributes: match draft.sub_attributes {
            Some(drafts) if kind == Kind::Complex || !drafts.is_empty() => {
                attributes(drafts, &at("subAttributes"), Some(kind))?
            }
            _ => Vec::new(),
        },
        description: described(draft.description, &at("description"))?,
        canonical_values: listed(draft.canonical_values, &at("canonicalValues"), case_exact)?,
        uniqueness: word(draft.uniqueness.as_deref(), &at("uniqueness"), "none or server")?,
        name: draft.name,
        multi_valued: draft.multi_valued.unwrap_or(false),
        required: draft.required.unwrap_or(false),
        kind,
        case_exact,
        mutability,
        returned,
        reference_types,
    };
    match contradiction(&attribute) {
        Some((part, detail)) => wrong(at(part), detail),
        None => Ok(attribute),
    }
}

fn word<T: DeserializeOwned + Default>(text: Option<&str>, place: &str, known: &str) -> Judged<T> {
    match text.map(|text| serde_json::from_value(Value::from(text))) {
        None => Ok(T::default()),
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) => wrong(place, format!("must be {known}")),
    }
}

fn listed(values: Option<Vec<String>>, place: &str, case_exact: bool) -> Judged<Vec<String>> {
    let values = values.unwrap_or_default();
    if values.len() > MOST_SUGGESTIONS {
        return wrong(place, format!("must not have more than {MOST_SUGGESTIONS} values"));
    }
    let mut seen = HashSet::new();
    for (index, value) in values.iter().enumerate() {
        if line(value, LONGEST_TEXT).is_none_or(|trimmed| trimmed != value) {
            return wrong(format!("{place}[{index}]"), "must be a text without white space around it");
        }
        if !seen.insert(if case_exact { value.clone() } else { canonical::fold(value) }) {
            return wrong(format!("{place}[{index}]"), "is there twice");
        }
    }
    Ok(values)
}

/// Characteristics that don't go together: the one to blame, and why.
fn contradiction(attribute: &Attribute) -> Option<(&'static str, &'static str)> {
    let Attribute { kind, sub_attributes: subs, .. } = attribute;
    let is_text = matches!(kind, Kind::String | Kind::Reference);
    let is_complex = *kind == Kind::Complex;
    let is_unique = attribute.is_unique();
    let is_write_only = attribute.mutability == Mutability::WriteOnly;
    let bad_primary = |sub: &Attribute| sub.name.eq_ignore_ascii_case("primary") && sub.kind != Kind::Boolean;
    let told = "must be none for what is never returned: a refusal would tell it";
    let rules = [
        (is_complex && subs.is_empty(), "subAttributes", "must be there for a complex attribute"),
        (!is_complex && !subs.is_empty(), "subAttributes", "belong to a complex attribute"),
        (attribute.multi_valued && subs.iter().any(bad_primary), "subAttributes", "must have primary as a boolean"),
        (!is_text && !attribute.canonical_values.is_empty(), "canonicalValues", "belong to a string or reference"),
        (*kind != Kind::Reference && !attribute.reference_types.is_empty(), "referenceTypes", "belong to a reference"),
        (attribute.case_exact && !is_text && *kind != Kind::Binary, "caseExact", "must be false for what is no text"),
        (
            !attribute.case_exact && matches!(kind, Kind::Reference | Kind::Binary),
            "caseExact",
            "must be true for references and binary values",
        ),
        (
            attribute.uniqueness == Uniqueness::Global,
            "uniqueness",
            "must be none or server: what another workspace holds is not told here",
        ),
        (
            is_unique && matches!(kind, Kind::Boolean | Kind::Binary | Kind::Complex),
            "uniqueness",
            "must be none for this type",
        ),
        (is_unique && attribute.is_hidden(), "uniqueness", told),
        (attribute.is_hidden() && subs.iter().any(Attribute::is_unique), "uniqueness", told),
        (
            is_write_only && attribute.returned != Returned::Never,
            "returned",
            "must be never for a write-only attribute",
        ),
        (
            attribute.required && attribute.mutability == Mutability::ReadOnly,
            "required",
            "must be false for a read-only attribute: nobody could set it",
        ),
    ];
    rules.into_iter().find(|(is_broken, ..)| *is_broken).map(|(_, part, detail)| (part, detail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(attributes: Value) -> Value {
        json!({"id": "urn:example:acme:User", "name": "Acme", "resource_type": "User", "attributes": attributes})
    }

    fn place(document: Value) -> String {
        let shown = document.to_string();
        match read(document) {
            Ok(_) => panic!("accepted: {shown}"),
            Err(wrong) => wrong.place,
        }
    }

    #[test]
    fn a_urn_is_a_urn_and_nobody_elses() {
        let id = |urn: &str| {
            let mut document = with(json!([{"name": "a"}]));
            document["id"] = urn.into();
            document
        };
        for bad in [
            "",
            "acme",
            "urn:acme",
            "urn::x",
            "urn:example:",
            "urn:example:a b",
            "urn:example:a/b",
            "urn:e:x",
            "urn:-ex:x",
            "urn:urn:x",
            "http://example.com/x",
            "urn:example:é",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "URN:ietf:params:scim:schemas:CORE:2.0:Team",
            "urn:ietf:params:scim:api:messages:2.0:Error",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:more",
            &format!("urn:example:{}", "x".repeat(LONGEST_URN)),
        ] {
            assert_eq!(place(id(bad)), "id", "{bad}");
        }
        for good in
            ["urn:example:acme:2.0", "URN:Example:a.b_c-d:User", "urn:ietf:params:scim:schemas:extension:acme:2.0:User"]
        {
            assert!(read(id(good)).is_ok(), "{good}");
        }
        assert!(collide("urn:example:a", "URN:example:A") && collide("urn:example:a:b", "urn:example:a"));
        assert!(!collide("urn:example:a", "urn:example:ab"));
    }

    #[test]
    fn every_fault_is_named_by_its_place() {
        let complex = |subs: Value| json!([{"name": "a", "type": "complex", "subAttributes": subs}]);
        for (attributes, wanted) in [
            (json!([]), "attributes"),
            (json!([{"name": ""}]), "attributes[0].name"),
            (json!([{"name": "ok"}, {"name": "1a"}]), "attributes[1].name"),
            (json!([{"name": "a.b"}]), "attributes[0].name"),
            (json!([{"name": "$ref"}]), "attributes[0].name"),
            (json!([{"name": "a"}, {"name": "A"}]), "attributes[1].name"),
            (json!([{"name": "a", "type": "text"}]), "attributes[0].type"),
            (json!([{"name": "a", "mutability": "never"}]), "attributes[0].mutability"),
            (json!([{"name": "a", "returned": "sometimes"}]), "attributes[0].returned"),
            (json!([{"name": "a", "uniqueness": "global"}]), "attributes[0].uniqueness"),
            (json!([{"name": "a", "type": "boolean", "uniqueness": "server"}]), "attributes[0].uniqueness"),
            (json!([{"name": "a", "returned": "never", "uniqueness": "server"}]), "attributes[0].uniqueness"),
            (json!([{"name": "a", "mutability": "writeOnly", "returned": "default"}]), "attributes[0].returned"),
            (json!([{"name": "a", "mutability": "readOnly", "required": true}]), "attributes[0].required"),
            (json!([{"name": "a", "type": "integer", "caseExact": true}]), "attributes[0].caseExact"),
            (json!([{"name": "a", "type": "reference", "caseExact": false}]), "attributes[0].caseExact"),
            (json!([{"name": "a", "referenceTypes": ["User"]}]), "attributes[0].referenceTypes"),
            (json!([{"name": "a", "type": "integer", "canonicalValues": ["1"]}]), "attributes[0].canonicalValues"),
            (json!([{"name": "a", "canonicalValues": ["x", "X"]}]), "attributes[0].canonicalValues[1]"),
            (json!([{"name": "a", "canonicalValues": [" x"]}]), "attributes[0].canonicalValues[0]"),
            (json!([{"name": "a", "description": "a\u{0}b"}]), "attributes[0].description"),
            (json!([{"name": "a", "type": "complex"}]), "attributes[0].subAttributes"),
            (complex(json!([])), "attributes[0].subAttributes"),
            (json!([{"name": "a", "subAttributes": [{"name": "b"}]}]), "attributes[0].subAttributes"),
            (complex(json!([{"name": "b"}, {"name": "B"}])), "attributes[0].subAttributes[1].name"),
            (complex(json!([{"name": "b", "type": "complex"}])), "attributes[0].subAttributes[0].type"),
            (complex(json!([{"name": "b", "type": "blob"}])), "attributes[0].subAttributes[0].type"),
        ] {
            assert_eq!(place(with(attributes.clone())), wanted, "{attributes}");
        }
        let many: Vec<Value> = (0..=MOST_ATTRIBUTES).map(|number| json!({"name": format!("a{number}")})).collect();
        assert_eq!(place(with(json!(many))), "attributes");
        let long: Vec<Value> =
            (0..100).map(|n| json!({"name": format!("a{n}"), "description": "d".repeat(900)})).collect();
        assert_eq!(place(with(json!(long))), "body");
    }

    #[test]
    fn what_is_accepted_is_stated_whole_and_reads_as_itself() {
        let own = read(with(json!([
            {"name": "badge", "uniqueness": "server", "required": true},
            {"name": "home", "type": "reference"},
            {"name": "pin", "mutability": "writeOnly"},
            {"name": "cards", "type": "complex", "multiValued": true,
             "subAttributes": [{"name": "$ref", "type": "reference"}, {"name": "primary", "type": "boolean"}]},
        ])))
        .expect("valid");
        let document = own.document();
        assert_eq!(document["attributes"][1]["caseExact"], true);
        assert_eq!(document["attributes"][1]["referenceTypes"], json!(["external"]));
        assert_eq!(document["attributes"][2]["returned"], "never");
        assert_eq!((&document["resource_type"], &document["required"]), (&json!("User"), &json!(false)));
        assert_eq!(read(document.clone()).expect("valid").document(), document);
    }
}
