//! Pure: the inside of a start tag: names, attributes, references, namespaces.
//! Strict after XML 1.0 (fifth edition) and Namespaces in XML 1.0, and narrower: ASCII names, absolute namespace URIs.
//! quick-xml's own attribute iterator and resolver are not used: they leave namespace URIs unexpanded, so that
//! `…xmldsig&#35;` would be another namespace here than for the library that verifies signatures.

use std::borrow::Cow;

use quick_xml::escape::{resolve_xml_entity, unescape_with};

use super::names;
use super::refusal::{Refusal, quoted};
use super::xml::{Attribute, Element};

/// White space (XML 1.0 production 3).
pub const SPACE: &[char] = &[' ', '\t', '\r', '\n'];
/// Attributes of one tag, namespace declarations among them.
const MAX_ATTRIBUTES: usize = 64;
/// Namespace declarations of one tag.
const MAX_DECLARATIONS: usize = 32;
/// Namespace declarations of a tag and all its ancestors: looking one up is a walk over them.
const MAX_DECLARATIONS_IN_SCOPE: usize = 256;

/// An attribute as written: qualified name, normalised value.
pub type RawAttribute<'a> = (&'a str, String);

/// Whether XML allows the character at all (XML 1.0 production 2).
pub fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Whether `name` is an NCName of ASCII characters.
pub fn is_ncname(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// `raw` with its character references and the five predefined entities replaced. No other entity exists.
pub fn expand(raw: &str) -> Result<String, Refusal> {
    let text = unescape_with(raw, resolve_xml_entity)
        .map_err(|error| Refusal::new("gate.reference", quoted(&error.to_string())))?;
    Refusal::unless(text.chars().all(is_xml_character), "gate.character", "a reference to a character XML forbids")?;
    Ok(text.into_owned())
}

/// Everything behind a tag's name: `(S Attribute)* S?` (XML 1.0 production 40).
pub fn attributes(raw: &str) -> Result<Vec<RawAttribute<'_>>, Refusal> {
    let mut found: Vec<RawAttribute<'_>> = Vec::new();
    let mut rest = raw;
    while !rest.trim_start_matches(SPACE).is_empty() {
        let (name, value, tail) = attribute(rest)
            .ok_or_else(|| Refusal::new("gate.not-well-formed", format!("not an attribute: {}", quoted(rest))))?;
        Refusal::unless(found.len() < MAX_ATTRIBUTES, "gate.too-many-attributes", "a tag has over 64 attributes")?;
        let twin = found.iter().any(|(other, _)| *other == name);
        Refusal::unless(!twin, "gate.duplicate-attribute", "an attribute occurs twice in a tag")?;
        found.push((name, expand(&with_plain_spaces(value))?));
        rest = tail;
    }
    Ok(found)
}

/// Cuts `S Name Eq AttValue` off the front (productions 3, 10, 25, 41): name, raw value, rest.
fn attribute(raw: &str) -> Option<(&str, &str, &str)> {
    let start = raw.trim_start_matches(SPACE);
    let (name, value) = start.split_once('=')?;
    let name = name.trim_end_matches(SPACE);
    let value = value.trim_start_matches(SPACE);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, rest) = value[1..].split_once(quote)?;
    let well_formed = start.len() < raw.len() && is_qualified_name(name) && !value.contains('<');
    well_formed.then_some((name, value, rest))
}

/// First half of attribute value normalisation (XML 1.0 §3.3.3), before references are replaced.
fn with_plain_spaces(value: &str) -> Cow<'_, str> {
    if value.contains(['\t', '\r', '\n']) {
        return Cow::Owned(value.replace("\r\n", " ").replace(['\t', '\r', '\n'], " "));
    }
    Cow::Borrowed(value)
}

fn is_qualified_name(name: &str) -> bool {
    match name.split_once(':') {
        Some((prefix, local)) => is_ncname(prefix) && is_ncname(local),
        None => is_ncname(name),
    }
}

/// The prefix that an attribute of this name declares: empty for the default namespace, `None` if it declares none.
fn declared_prefix(name: &str) -> Option<&str> {
    if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") }
}

/// The namespace declarations in force, tag by tag.
#[derive(Default)]
pub struct Scopes {
    bindings: Vec<(String, String)>,
    marks: Vec<usize>,
}

impl Scopes {
    /// Opens the scope of a tag and gives its element: names resolved, no children yet.
    pub fn enter(&mut self, name: &str, attributes: Vec<RawAttribute<'_>>) -> Result<Element, Refusal> {
        Refusal::unless(is_qualified_name(name), "gate.not-well-formed", "an element's name is not a name")?;
        self.marks.push(self.bindings.len());
        let (declarations, plain): (Vec<_>, Vec<_>) =
            attributes.into_iter().partition(|(name, _)| declared_prefix(name).is_some());
        self.declare(declarations)?;
        let (namespace, local) = self.resolve(name, self.bound("").unwrap_or_default())?;
        let mut element = Element { namespace, name: local.to_owned(), ..Element::default() };
        for (name, value) in plain {
            let (namespace, local) = self.resolve(name, "")?;
            let twin = element.attributes.iter().any(|other| other.namespace == namespace && other.name == local);
            Refusal::unless(!twin, "gate.duplicate-attribute", "an attribute occurs twice under two prefixes")?;
            element.attributes.push(Attribute { namespace, name: local.to_owned(), value });
        }
        Ok(element)
    }

    /// Closes the innermost scope.
    pub fn leave(&mut self) {
        if let Some(mark) = self.marks.pop() {
            self.bindings.truncate(mark);
        }
    }

    fn declare(&mut self, declarations: Vec<RawAttribute<'_>>) -> Result<(), Refusal> {
        let few = declarations.len() <= MAX_DECLARATIONS
            && self.bindings.len() + declarations.len() <= MAX_DECLARATIONS_IN_SCOPE;
        Refusal::unless(few, "gate.too-many-namespaces", "too many namespace declarations")?;
        for (name, uri) in declarations {
            let prefix = declared_prefix(name).unwrap_or_default();
            check_declaration(prefix, &uri)?;
            self.bindings.push((prefix.to_owned(), uri));
        }
        Ok(())
    }

    fn bound(&self, prefix: &str) -> Option<&str> {
        let binding = self.bindings.iter().rev().find(|(bound, _)| bound.as_str() == prefix);
        binding.map(|(_, uri)| uri.as_str())
    }

    /// Namespace and local name; `unprefixed` is the namespace of a name without prefix.
    fn resolve<'n>(&self, name: &'n str, unprefixed: &str) -> Result<(String, &'n str), Refusal> {
        let Some((prefix, local)) = name.split_once(':') else { return Ok((unprefixed.to_owned(), name)) };
        if prefix == "xml" {
            return Ok((names::XML.to_owned(), local));
        }
        let uri = self.bound(prefix).ok_or_else(|| Refusal::new("gate.undeclared-prefix", quoted(prefix)))?;
        Ok((uri.to_owned(), local))
    }
}

/// Namespaces in XML 1.0 §3 and §2.3; a relative URI makes canonicalisation fail (C14N 1.0 §1.3), so none is let in.
fn check_declaration(prefix: &str, uri: &str) -> Result<(), Refusal> {
    let reserved = prefix == "xmlns" || uri == names::XMLNS || (prefix == "xml") != (uri == names::XML);
    Refusal::unless(!reserved, "gate.reserved-namespace", "xml and xmlns can't be bound otherwise")?;
    let undeclares_default = prefix.is_empty() && uri.is_empty();
    let usable = undeclares_default || is_absolute_uri(uri);
    if usable { Ok(()) } else { Err(Refusal::new("gate.relative-namespace", quoted(uri))) }
}

/// `scheme ":" rest` in the characters of RFC 3986.
fn is_absolute_uri(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && rest.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&b))
}
