//! Pure: what administrators see of a message: its elements and the names in it, line by line, and of each value only its form.
//!
//! Shown as they are: addresses, instants, algorithms and names that products and standards give, wherever they can't name a
//! person. Of everything else the length, and of an e-mail address the domain. Of signatures and of what is encrypted nothing
//! but the algorithms. Whoever wrote the message chose the names: they are quoted or cut, and the whole is bounded.

use super::assertion::Assertion;
use super::names;
use super::refusal::quoted;
use super::time::format_instant;
use super::xml::{Attribute, Element};

/// Octets of an outline after which it is broken off.
const LONGEST: usize = 12_000;
/// Characters of a name at the most.
const NAME: usize = 60;
/// Characters of a sentence at the most.
const SENTENCE: usize = 500;

/// Attributes of SAML elements that are shown as they are.
const CLEAR_ATTRIBUTES: [&str; 18] = [
    "Version",
    "IssueInstant",
    "Destination",
    "InResponseTo",
    "Value",
    "Format",
    "NotBefore",
    "NotOnOrAfter",
    "Recipient",
    "Method",
    "AuthnInstant",
    "SessionNotOnOrAfter",
    "Name",
    "NameFormat",
    "FriendlyName",
    "Consent",
    "Count",
    "Decision",
];
/// SAML elements whose text is shown as it is.
const CLEAR_TEXTS: [&str; 4] = ["Issuer", "Audience", "AuthnContextClassRef", "AuthenticatingAuthority"];
/// SAML elements that are wrong without text.
const WITH_TEXT: [&str; 5] = ["Issuer", "Audience", "AuthnContextClassRef", "NameID", "AttributeValue"];
/// What of a signature, and of something encrypted, is shown: the name, and the algorithm.
const METHODS: [&str; 15] = [
    "Signature",
    "SignedInfo",
    "CanonicalizationMethod",
    "SignatureMethod",
    "Reference",
    "Transforms",
    "Transform",
    "DigestMethod",
    "EncryptedAssertion",
    "EncryptedID",
    "EncryptedAttribute",
    "EncryptedData",
    "EncryptionMethod",
    "EncryptedKey",
    "KeyInfo",
];

/// The outline of a message as it came, whoever wrote it.
pub fn of(root: &Element) -> String {
    let mut text = String::new();
    write(&mut text, root, 0);
    text
}

/// The outline of an assertion that came encrypted.
pub fn of_assertion(assertion: &Assertion) -> String {
    let mut text = String::from("decrypted:\n");
    write(&mut text, &element_of(assertion), 0);
    text
}

/// The names of attributes in an outline that was kept: `Name`, and `FriendlyName` where there is one, each once, in order. One
/// that was cut is left out.
pub fn attribute_names(outline: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in outline.lines().filter_map(|line| line.trim_start().strip_prefix("Attribute ")) {
        for marker in ["Name=\"", "FriendlyName=\""] {
            let at_start = line.strip_prefix(marker);
            let found = at_start.or_else(|| line.split_once(&format!(" {marker}")).map(|(_, rest)| rest));
            if let Some(name) = found.and_then(unquoted)
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
    }
    names
}

/// What `quoted` wrote, up to its closing quotation mark; `None` if it was cut.
fn unquoted(text: &str) -> Option<String> {
    let mut read = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return (characters.next() != Some('…')).then_some(read),
            '\\' => read.push(characters.next()?),
            other => read.push(other),
        }
    }
}

/// A value's form: `(an address at corp.test, 17 characters)`, `(17 characters)`, `(empty)`.
pub fn form(value: &str) -> String {
    let characters = value.chars().count();
    let unit = if characters == 1 { "character" } else { "characters" };
    match value.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && is_domain(domain)) {
        _ if value.is_empty() => "(empty)".to_owned(),
        Some((_, domain)) => format!("(an address at {}, {characters} {unit})", domain.to_ascii_lowercase()),
        None => format!("({characters} {unit})"),
    }
}

/// A sentence of a refusal for keeping: whatever may be somebody's address is its form, and it is bounded.
pub fn masked(sentence: &str) -> String {
    let words: Vec<String> = sentence.split(' ').map(mask_word).collect();
    words.join(" ").chars().take(SENTENCE).collect()
}

fn mask_word(word: &str) -> String {
    if !may_be_address(word) {
        return word.to_owned();
    }
    form(word.trim_matches(|c: char| !c.is_alphanumeric()))
}

fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(plain)
}

/// The reader bounds how deep elements are nested.
fn write(text: &mut String, element: &Element, depth: usize) {
    if text.len() > LONGEST {
        if !text.ends_with("…\n") {
            text.push_str("…\n");
        }
        return;
    }
    let closed = is_closed(element);
    if closed && !METHODS.contains(&element.name.as_str()) {
        return;
    }
    text.push_str(&"  ".repeat(depth));
    text.extend(element.name.chars().take(NAME));
    for attribute in &element.attributes {
        write_attribute(text, element, attribute, closed);
    }
    if !closed {
        write_text(text, element);
    }
    text.push('\n');
    for child in &element.children {
        write(text, child, depth + 1);
    }
}

/// Whether it belongs to a signature, or to something encrypted: by its namespace, or by its name in any.
fn is_closed(element: &Element) -> bool {
    let namespace = element.namespace.as_str();
    [names::XML_SIGNATURE, names::XML_ENCRYPTION, names::XML_ENCRYPTION_11].contains(&namespace)
        || element.name.starts_with("Encrypted")
        || element.name == "Signature"
}

fn is_saml(element: &Element) -> bool {
    [names::PROTOCOL, names::ASSERTION].contains(&element.namespace.as_str())
}

fn write_attribute(text: &mut String, element: &Element, attribute: &Attribute, closed: bool) {
    let (name, plain) = (attribute.name.as_str(), attribute.namespace.is_empty());
    if text.len() > LONGEST || (closed && !(plain && name == "Algorithm")) {
        return;
    }
    let clear = plain && (closed || (is_saml(element) && CLEAR_ATTRIBUTES.contains(&name)));
    text.push(' ');
    text.extend(name.chars().take(NAME));
    text.push('=');
    text.push_str(&shown(&attribute.value, clear));
}

fn write_text(text: &mut String, element: &Element) {
    let (value, name) = (element.text.trim(), element.name.as_str());
    let expected = is_saml(element) && WITH_TEXT.contains(&name) && element.children.is_empty();
    if value.is_empty() && !expected {
        return;
    }
    text.push_str(": ");
    text.push_str(&shown(value, is_saml(element) && CLEAR_TEXTS.contains(&name)));
}

/// What has an `@`, plain or as an address writes it, may be somebody's address, wherever it stands.
fn may_be_address(text: &str) -> bool {
    text.contains('@') || text.contains("%40")
}

fn shown(value: &str, clear: bool) -> String {
    if clear && !value.is_empty() && !may_be_address(value) { quoted(value) } else { form(value) }
}

/// The model as the elements that it was read from; what isn't in the model is left out.
fn element_of(assertion: &Assertion) -> Element {
    let mut children = vec![element("Issuer", &[], &assertion.issuer, vec![])];
    let format = assertion.name_id_format.as_deref();
    children.push(element("NameID", &[("Format", format)], &assertion.name_id, vec![]));
    for confirmation in &assertion.subject_confirmations {
        let end = confirmation.not_on_or_after.map(format_instant);
        let about = [
            ("Method", Some(confirmation.method.as_str())),
            ("Recipient", confirmation.recipient.as_deref()),
            ("InResponseTo", confirmation.in_response_to.as_deref()),
            ("NotOnOrAfter", end.as_deref()),
        ];
        children.push(element("SubjectConfirmation", &about, "", vec![]));
    }
    children.extend(assertion.conditions.iter().map(|conditions| {
        let (from, to) = (conditions.not_before.map(format_instant), conditions.not_on_or_after.map(format_instant));
        let audiences = conditions.audience_restrictions.iter().flatten();
        let audiences = audiences.map(|audience| element("Audience", &[], audience, vec![])).collect();
        element("Conditions", &[("NotBefore", from.as_deref()), ("NotOnOrAfter", to.as_deref())], "", audiences)
    }));
    children.extend(assertion.authn_statements.iter().map(|statement| {
        let at = format_instant(statement.authn_instant);
        let class = statement.class_ref.iter().map(|class| element("AuthnContextClassRef", &[], class, vec![]));
        element("AuthnStatement", &[("AuthnInstant", Some(at.as_str()))], "", class.collect())
    }));
    children.extend(assertion.attributes.iter().map(|attribute| {
        let values = attribute.values.iter().map(|value| element("AttributeValue", &[], value, vec![])).collect();
        let about = [("Name", Some(attribute.name.as_str())), ("FriendlyName", attribute.friendly_name.as_deref())];
        element("Attribute", &about, "", values)
    }));
    let at = format_instant(assertion.issue_instant);
    let about = [("Version", Some(assertion.version.as_str())), ("IssueInstant", Some(at.as_str()))];
    element("Assertion", &about, "", children)
}

fn element(name: &str, attributes: &[(&str, Option<&str>)], text: &str, children: Vec<Element>) -> Element {
    let attribute = |name: &str, value: &str| Attribute {
        namespace: String::new(),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let attributes = attributes.iter().filter_map(|(name, value)| value.map(|value| attribute(name, value)));
    Element {
        namespace: names::ASSERTION.to_owned(),
        name: name.to_owned(),
        attributes: attributes.collect(),
        children,
        text: text.to_owned(),
    }
}
