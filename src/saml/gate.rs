//! Pure: the structural gate in front of signature verification, and what later checks need from the raw envelope.
//!
//! The library that verifies signatures recovers from broken documents, fetches the URIs of references before it looks
//! at a key, and accepts a signature anywhere. So only one shape gets as far as it: a `samlp:Response` with one
//! `saml:Assertion`, each signed by at most one signature of the plainest kind. What the shape of a signature is,
//! `signature_shape.rs` says. Deliberately no cryptography, and no judgement on whom or when a message is for.

use std::collections::HashSet;

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};

use super::refusal::{Refusal, quoted};
use super::xml::{Attribute, Element};
use super::xml_tag::{SPACE, is_ncname};
use super::{names, signature_shape, time, xml_reader};
use crate::base::clock::UnixMillis;

/// Longest `SAMLResponse` form value, in octets of base64.
pub const MAX_FORM_VALUE: usize = 512 * 1024;
/// Longest ID of a message, in octets.
const MAX_ID: usize = 256;

/// What a Response may hold besides its assertion (Core §3.3.3), each at most once.
const RESPONSE_CHILDREN: [(&str, &str); 4] = [
    (names::ASSERTION, "Issuer"),
    (names::XML_SIGNATURE, "Signature"),
    (names::PROTOCOL, "Extensions"),
    (names::PROTOCOL, "Status"),
];

/// The envelope of an assertion as it came. Unsigned unless `response_signed`: never take an identity from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `Response/@ID`, an NCName.
    pub response_id: String,
    /// `Response/@Version`, as written.
    pub version: String,
    /// `Response/@IssueInstant`.
    pub issue_instant: UnixMillis,
    /// `Response/@Destination`.
    pub destination: Option<String>,
    /// `Response/@InResponseTo`.
    pub in_response_to: Option<String>,
    /// Text of `Response/Issuer`.
    pub issuer: Option<String>,
    /// `Value` of the top-level status code.
    pub status_code: Option<String>,
    /// Whether the Response has a signature of its own.
    pub response_signed: bool,
    /// Whether the Assertion has a signature of its own.
    pub assertion_signed: bool,
    /// `Assertion/@ID`, an NCName. Empty while it is encrypted.
    pub assertion_id: String,
}

impl Envelope {
    /// IDs of what is signed, the outermost first.
    pub(super) fn signed_ids(&self) -> Vec<&str> {
        let parts = [(self.response_signed, &self.response_id), (self.assertion_signed, &self.assertion_id)];
        parts.into_iter().filter_map(|(signed, id)| signed.then_some(id.as_str())).collect()
    }
}

/// The message in a `SAMLResponse` form value (Bindings §3.5.4): base64, folded at will, at most 512 KiB of it.
///
/// Refuses with `gate.too-large`, `gate.base64`, or with `gate.not-well-formed` what is empty.
pub fn decode(form_value: &str) -> Result<Vec<u8>, Refusal> {
    Refusal::unless(form_value.len() <= MAX_FORM_VALUE, "gate.too-large", "the form value is longer than 512 KiB")?;
    let blank = form_value.bytes().all(|octet| octet.is_ascii_whitespace());
    Refusal::unless(!blank, "gate.not-well-formed", "the response is empty")?;
    let decoded = if form_value.bytes().any(|octet| octet.is_ascii_whitespace()) {
        let folded: Vec<u8> = form_value.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
        STANDARD.decode(folded)
    } else {
        STANDARD.decode(form_value)
    };
    decoded.map_err(|error| not_base64(&error))
}

fn not_base64(error: &DecodeError) -> Refusal {
    let why = match error {
        DecodeError::InvalidByte(_, b'=') => "there is a = where base64 has none",
        DecodeError::InvalidByte(..) => "it has a character that base64 doesn't have",
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => {
            "its length is not that of base64, as if it were cut off"
        }
        DecodeError::InvalidLastSymbol(..) => "it ends in a character that base64 can't end in",
    };
    Refusal::new("gate.base64", format!("the form value is not base64: {why}"))
}

/// Lets a message through to signature verification if it has the one shape that is understood.
///
/// Refuses with `gate.…`. Passing says nothing about who wrote the message.
pub fn admit(xml: &[u8]) -> Result<Envelope, Refusal> {
    let root = xml_reader::read_message(xml)?;
    let (envelope, assertion) = read_response(&root)?;
    check_signatures(&root, assertion, &envelope)?;
    Ok(envelope)
}

/// The envelope and the one assertion of a Response, signatures apart.
pub(super) fn read_response(root: &Element) -> Result<(Envelope, &Element), Refusal> {
    Refusal::unless(root.is(names::PROTOCOL, "Response"), "gate.root", "the root element is not samlp:Response")?;
    let assertion = only_assertion(root)?;
    let envelope = read_envelope(root, assertion)?;
    let envelope = Envelope { assertion_signed: is_signed(assertion), assertion_id: own_id(assertion)?, ..envelope };
    Ok((envelope, assertion))
}

/// What surrounds the assertion, which is a child of the root: all fields but its own two.
pub(super) fn read_envelope(root: &Element, assertion: &Element) -> Result<Envelope, Refusal> {
    check_children(root, &assertion.name)?;
    check_ids(root)?;
    let issuer = root.only_child(names::ASSERTION, "Issuer")?;
    issuer.map_or(Ok(()), |issuer| check_issuer_format(issuer, "gate.issuer-format"))?;
    let issuer = issuer.map(Element::leaf_text).transpose()?;
    let instant = root.required_attribute("IssueInstant", "gate.issue-instant")?;
    Ok(Envelope {
        response_id: own_id(root)?,
        version: root.required_attribute("Version", "gate.version")?.to_owned(),
        issue_instant: time::parse_instant(instant)
            .ok_or_else(|| Refusal::new("gate.issue-instant", quoted(instant)))?,
        destination: root.attribute("Destination").map(str::to_owned),
        in_response_to: root.attribute("InResponseTo").map(str::to_owned),
        issuer: issuer.map(str::to_owned),
        status_code: status_code(root)?,
        response_signed: is_signed(root),
        assertion_signed: false,
        assertion_id: String::new(),
    })
}

/// Profiles §4.1.4.2: an issuer is an entity, said so or not.
pub(super) fn check_issuer_format(issuer: &Element, check: &'static str) -> Result<(), Refusal> {
    let format = issuer.attribute("Format").unwrap_or(names::ENTITY);
    Refusal::unless(format == names::ENTITY, check, "the Issuer's Format is not that of an entity")
}

pub(super) fn is_signed(element: &Element) -> bool {
    !element.children_named(names::XML_SIGNATURE, "Signature").is_empty()
}

/// Exactly one Assertion in the whole document, directly under the root. Names count in any namespace, so that a reader
/// by local name could not be fooled either.
fn only_assertion(root: &Element) -> Result<&Element, Refusal> {
    let all = root.descendants();
    let count = |name: &str| all.iter().filter(|element| element.name == name).count();
    refuse_encryption(&all)?;
    Refusal::unless(count("Response") == 1, "gate.nested-response", "a Response within the Response")?;
    match count("Assertion") {
        0 => Err(Refusal::new("gate.no-assertion", format!("the identity provider says: {}", statuses(&all)))),
        1 => root
            .only_child(names::ASSERTION, "Assertion")?
            .ok_or_else(|| Refusal::new("gate.assertion-place", "the Assertion is not a child of the Response")),
        several => Err(Refusal::new("gate.assertion-count", format!("{several} Assertions"))),
    }
}

/// Nothing is encrypted but a whole assertion, and that goes another way (`sealed.rs`).
fn refuse_encryption(all: &[&Element]) -> Result<(), Refusal> {
    match all.iter().find(|element| element.name.starts_with("Encrypted")) {
        None => Ok(()),
        Some(part) if part.name == "EncryptedID" => {
            let detail = "the NameID is encrypted (EncryptedID): let the identity provider encrypt the whole assertion";
            Err(Refusal::new("gate.encrypted-id", detail))
        }
        Some(part) => {
            let detail = format!("{} where nothing may be encrypted", quoted(&part.name));
            Err(Refusal::new("gate.encrypted-assertion", detail))
        }
    }
}

/// Every status code of an answer without assertion, outermost first.
fn statuses(all: &[&Element]) -> String {
    let codes = all.iter().filter(|element| element.is(names::PROTOCOL, "StatusCode"));
    let values: Vec<String> = codes.filter_map(|code| code.attribute("Value")).map(quoted).collect();
    if values.is_empty() { "nothing".to_owned() } else { values.join(", ") }
}

fn status_code(root: &Element) -> Result<Option<String>, Refusal> {
    let Some(status) = root.only_child(names::PROTOCOL, "Status")? else { return Ok(None) };
    let code = status.only_child(names::PROTOCOL, "StatusCode")?;
    Ok(code.and_then(|code| code.attribute("Value")).map(str::to_owned))
}

fn check_children(root: &Element, assertion: &str) -> Result<(), Refusal> {
    let children = RESPONSE_CHILDREN.into_iter().chain([(names::ASSERTION, assertion)]);
    let known = |child: &Element| children.clone().any(|(namespace, name)| child.is(namespace, name));
    if let Some(stranger) = root.children.iter().find(|child| !known(child)) {
        return Err(Refusal::new("gate.unknown-element", format!("the Response holds {}", quoted(&stranger.name))));
    }
    for (namespace, name) in children {
        root.only_child(namespace, name)?;
    }
    Ok(())
}

/// What some XML library takes for an ID: `ID`, `Id`, `id`, `xml:id`, and those of SAML 1.1 (Core §2.3.2, §3.2.1, §3.4.1).
const IDS: [&str; 4] = ["id", "assertionid", "requestid", "responseid"];

/// In any namespace, in any spelling.
fn is_id(attribute: &Attribute) -> bool {
    IDS.iter().any(|name| attribute.name.eq_ignore_ascii_case(name))
}

/// No two IDs of any spelling are alike, so that a reference finds one element, whoever resolves it.
pub(super) fn check_ids(root: &Element) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for element in root.descendants() {
        for attribute in element.attributes.iter().filter(|attribute| is_id(attribute)) {
            // xml:id is normalised further than other attributes (xml:id §4): spaces at its ends don't count.
            let id = attribute.value.trim_matches(SPACE);
            Refusal::unless(seen.insert(id), "gate.duplicate-id", "two elements have the same ID")?;
        }
    }
    Ok(())
}

/// The ID of a message: one attribute, spelt `ID`, an NCName (which leaves nothing to escape in a reference to it).
pub(super) fn own_id(element: &Element) -> Result<String, Refusal> {
    let spellings: Vec<&Attribute> = element.attributes.iter().filter(|attribute| is_id(attribute)).collect();
    match spellings.as_slice() {
        [id] if id.namespace.is_empty() && id.name == "ID" && id.value.len() <= MAX_ID && is_ncname(&id.value) => {
            Ok(id.value.clone())
        }
        _ => Err(Refusal::new("gate.id", format!("{} needs exactly one ID, an NCName", element.name))),
    }
}

/// At least one signature, at most one each directly under Response and Assertion, and no trace of one elsewhere.
fn check_signatures(root: &Element, assertion: &Element, envelope: &Envelope) -> Result<(), Refusal> {
    let mut understood = 0;
    for (parent, id) in [(root, &envelope.response_id), (assertion, &envelope.assertion_id)] {
        if let Some(signature) = parent.only_child(names::XML_SIGNATURE, "Signature")? {
            signature_shape::check(signature, id)?;
            understood += signature_parts(signature);
        }
    }
    Refusal::unless(signature_parts(root) == understood, "gate.stray-signature", "parts of a signature elsewhere")?;
    Refusal::unless(understood > 0, "gate.unsigned", "neither the Response nor the Assertion is signed")
}

/// Elements that belong to a signature, or could be taken for one.
pub(super) fn signature_parts(element: &Element) -> usize {
    let all = element.descendants();
    all.iter().filter(|part| part.namespace == names::XML_SIGNATURE || part.name == "Signature").count()
}
