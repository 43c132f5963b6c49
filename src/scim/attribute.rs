//! Pure: the characteristics of attributes (RFC 7643 §2, §7) as a schema document states them, and look-ups by name,
//! whatever its case (§2.1). Which schemas a resource has is `schema.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::ScimError;

/// The schema of schema documents.
pub const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// RFC 7643 §2.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    #[default]
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Reference,
    Binary,
    Complex,
}

/// RFC 7643 §2.2, §7: when an attribute may be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    ReadOnly,
    #[default]
    ReadWrite,
    /// Written once.
    Immutable,
    /// Never returned, compared or sorted by.
    WriteOnly,
}

/// RFC 7643 §7: when an attribute is in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    Always,
    Never,
    #[default]
    Default,
    /// Only if it is asked for by name.
    Request,
}

/// RFC 7643 §7. The store keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    #[default]
    None,
    Server,
    Global,
}

/// One attribute or sub-attribute with its characteristics; what a document leaves out has the default of RFC 7643 §2.2.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attribute {
    /// In its canonical spelling.
    pub name: String,
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Empty unless `kind` is complex.
    pub sub_attributes: Vec<Attribute>,
    pub multi_valued: bool,
    pub description: String,
    pub required: bool,
    /// Suggestions: any other value is accepted (RFC 7643 §7).
    pub canonical_values: Vec<String>,
    pub case_exact: bool,
    pub mutability: Mutability,
    pub returned: Returned,
    pub uniqueness: Uniqueness,
    pub reference_types: Vec<String>,
}

impl Attribute {
    /// The sub-attribute of that name.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        find(&self.sub_attributes, name)
    }

    /// Whether nobody may learn its value: not from an answer, nor by a filter or an order.
    pub fn is_hidden(&self) -> bool {
        self.returned == Returned::Never || self.mutability == Mutability::WriteOnly
    }

    /// Whether two resources of a workspace may not have the same value.
    pub fn is_unique(&self) -> bool {
        self.uniqueness != Uniqueness::None
    }

    /// As a schema document states it: with every characteristic, and nothing null.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "name": self.name,
            "type": self.kind,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": self.mutability,
            "returned": self.returned,
            "uniqueness": self.uniqueness,
        });
        if !self.canonical_values.is_empty() {
            document["canonicalValues"] = json!(self.canonical_values);
        }
        if !self.reference_types.is_empty() {
            document["referenceTypes"] = json!(self.reference_types);
        }
        if !self.sub_attributes.is_empty() {
            document["subAttributes"] = self.sub_attributes.iter().map(Self::document).collect();
        }
        document
    }
}

/// A named set of attributes.
#[derive(Clone, Debug, Deserialize)]
pub struct Schema {
    /// The URN, in its canonical spelling.
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub attributes: Vec<Attribute>,
    /// Of an extension: whether every resource of its type must have it (RFC 7643 §6). No part of the served document.
    #[serde(default)]
    pub required: bool,
}

impl Schema {
    /// Reads a schema document, such as one that a workspace declares for itself.
    ///
    /// # Errors
    /// 400 `invalidValue` if it is not shaped like RFC 7643 §7.
    pub fn from_document(document: Value) -> Result<Self, ScimError> {
        serde_json::from_value(document)
            .map_err(|error| ScimError::invalid_value(format!("this is not a schema document: {error}")))
    }

    /// The attribute of that plain name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }

    /// As `/Schemas` serves it, without `meta` (RFC 7643 §7).
    pub fn document(&self) -> Value {
        json!({
            "schemas": [SCHEMA_URN],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::document).collect::<Vec<Value>>(),
        })
    }
}

/// The attribute of that name among `attributes`.
pub(super) fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_leaves_out_has_the_default_of_the_rfc() {
        let document = serde_json::json!({"id": "urn:example:extra", "attributes": [{"name": "badge"}]});
        let schema = Schema::from_document(document).expect("valid");
        let badge = schema.attribute("BADGE").expect("declared");
        assert_eq!((badge.kind, badge.mutability), (AttributeType::String, Mutability::ReadWrite));
        assert_eq!((badge.returned, badge.uniqueness), (Returned::Default, Uniqueness::None));
        assert!(!badge.multi_valued && !badge.required && !badge.case_exact);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for document in [serde_json::json!({}), serde_json::json!({"id": "urn:x", "attributes": [{"type": "blob"}]})] {
            assert_eq!(Schema::from_document(document).expect_err("no schema").scim_type, Some("invalidValue"));
        }
    }
}
