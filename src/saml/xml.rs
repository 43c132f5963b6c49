//! Pure: a small XML tree with resolved namespaces, and how to ask it for exactly one of something.
//! `xml_reader.rs` builds it. It keeps no order between text and elements and no prefixes: nobody here may need them.

use super::refusal::Refusal;

/// An attribute. Namespace declarations are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Namespace URI; empty for an attribute without prefix.
    pub namespace: String,
    /// Local name.
    pub name: String,
    /// Value, normalised (XML 1.0 §3.3.3).
    pub value: String,
}

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Namespace URI; empty for none.
    pub namespace: String,
    /// Local name.
    pub name: String,
    /// In document order.
    pub attributes: Vec<Attribute>,
    /// In document order.
    pub children: Vec<Element>,
    /// The element's own text, without that of its children.
    pub text: String,
}

impl Element {
    /// Whether the expanded name is this one.
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// The value of an attribute without prefix.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.namespace.is_empty() && attribute.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// The value of an attribute without prefix, or a refusal by `check`.
    pub fn required_attribute(&self, name: &str, check: &'static str) -> Result<&str, Refusal> {
        self.attribute(name).ok_or_else(|| Refusal::new(check, format!("{} has no {name}", self.name)))
    }

    /// The children with this expanded name.
    pub fn children_named(&self, namespace: &str, name: &str) -> Vec<&Element> {
        self.children.iter().filter(|child| child.is(namespace, name)).collect()
    }

    /// The one child with this expanded name. Refused if there are two: which of them is meant is a guess.
    pub fn only_child(&self, namespace: &str, name: &str) -> Result<Option<&Element>, Refusal> {
        let mut found = self.children.iter().filter(|child| child.is(namespace, name));
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(Refusal::new("gate.repeated-element", format!("{} has several {name}", self.name))),
        }
    }

    /// The text of an element without children.
    pub fn leaf_text(&self) -> Result<&str, Refusal> {
        if self.children.is_empty() {
            return Ok(&self.text);
        }
        Err(Refusal::new("gate.mixed-content", format!("{} should hold text only", self.name)))
    }

    /// The element itself and everything below it, level by level.
    pub fn descendants(&self) -> Vec<&Element> {
        let mut found: Vec<&Element> = vec![self];
        let mut next = 0;
        while next < found.len() {
            let element = found[next];
            found.extend(element.children.iter());
            next += 1;
        }
        found
    }
}
