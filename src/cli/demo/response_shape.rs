//! Pure: what the answers of one product look like: the traits in which products differ. Which product has which, is in
//! `response_shapes.rs`.
//!
//! Not played, because no reader may see them: the order of XML attributes (XML 1.0 §3.1), and namespaces that are declared once
//! more below. Not played either: the entity id, which is the one in the mock identity provider's metadata whatever the shape.

use uuid::Uuid;

use super::response_shapes::SHAPES;
use super::response_traits::{Attribute, Groups, Ids, Prefixes, SessionIndex, SignatureShape, Times, Typed, Value};
use crate::base::clock::{UnixMillis, rfc3339};
use crate::saml::product::Product;
use crate::saml::product_values;
use crate::saml::time::format_instant;

/// How a product answers.
#[derive(Debug)]
pub struct Shape {
    pub product: Product,
    /// In front of the root: an XML declaration, or nothing.
    pub before: &'static str,
    /// Behind the root: a line end, or nothing.
    pub behind: &'static str,
    pub prefixes: Prefixes,
    pub typed: Typed,
    pub signature: SignatureShape,
    pub ids: Ids,
    /// Whether an Issuer says that it is an entity.
    pub issuer_format: bool,
    /// Whether the Response says `Consent`.
    pub consent: bool,
    /// Whether instants have milliseconds.
    pub milliseconds: bool,
    pub times: Times,
    /// `Format` of the NameID.
    pub name_id_format: &'static str,
    pub name_id: Value,
    pub session_index: SessionIndex,
    /// AuthnContextClassRef.
    pub context: &'static str,
    /// Whether the attributes come before the AuthnStatement.
    pub attributes_first: bool,
    pub attributes: &'static [Attribute],
    pub groups: Groups,
}

impl Shape {
    /// In the form, and in links: as the guide in docs/saml is called.
    pub fn name(&self) -> &'static str {
        product_values::of(self.product).slug
    }

    /// On the page.
    pub fn title(&self) -> &'static str {
        product_values::of(self.product).title
    }

    /// An ID of a response, of 64 hexadecimal digits that nobody can guess.
    pub fn response_id(&self, digits: &str) -> String {
        self.id(self.ids.response, digits)
    }

    /// As `response_id`, of an assertion.
    pub fn assertion_id(&self, digits: &str) -> String {
        self.id(self.ids.assertion, digits)
    }

    fn id(&self, start: &str, digits: &str) -> String {
        if self.ids.guid { format!("{start}{}", guid(digits)) } else { format!("{start}{digits}") }
    }

    /// An instant as this product writes it.
    pub fn instant(&self, at: UnixMillis) -> String {
        if self.milliseconds { rfc3339(at) } else { format_instant(at) }
    }
}

/// `8-4-4-4-12` of the first 32 digits; whatever is shorter stays as it is.
pub fn guid(digits: &str) -> String {
    let guid = digits.get(..32).and_then(|digits| Uuid::try_parse(digits).ok());
    guid.map_or_else(|| digits.to_owned(), |guid| guid.to_string())
}

/// The shape of this name.
pub fn find(name: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.name() == name)
}

/// That of no product in particular.
pub fn plain() -> &'static Shape {
    &SHAPES[SHAPES.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_with_a_guide_has_a_shape_in_the_guides_order() {
        let guides: Vec<&str> = product_values::GUIDES.iter().map(|guide| guide.slug).collect();
        let shapes: Vec<&str> = SHAPES.iter().map(Shape::name).collect();
        assert_eq!(shapes, guides);
        assert_eq!(plain().product, Product::Generic);
        assert!(find("nobody").is_none());
    }

    #[test]
    fn ids_and_instants_are_written_as_the_product_does() {
        let digits = "0123456789abcdef".repeat(4);
        let id = |name: &str| find(name).expect("a shape").response_id(&digits);
        assert_eq!(id("entra-id"), "_01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(id("okta"), format!("id{digits}"));
        let instant = |name: &str| find(name).expect("a shape").instant(1_795_488_638_007);
        assert_eq!(instant("okta"), "2026-11-24T02:50:38.007Z");
        assert_eq!(instant("authentik"), "2026-11-24T02:50:38Z");
    }
}
