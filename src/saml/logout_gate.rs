//! Pure: the structural gate in front of messages of single logout, as `gate.rs` is in front of responses, and by the same
//! rules: one root, IDs that are unambiguous, a signature of the one known shape directly under the root or none at all.
//!
//! Deliberately no cryptography, and no judgement of what a message asks for (`logout_check.rs`).

use super::logout_message::Kind;
use super::refusal::{Refusal, quoted};
use super::xml::Element;
use super::{gate, names, signature_shape, xml_reader};

/// Longest message, in octets: it names one person and their sessions.
const MAX_OCTETS: usize = 64 * 1024;
/// One that names as many sessions as are read, and is signed, has fewer.
const MAX_ELEMENTS: usize = 400;

const TOO_MANY: &str = "over 400 elements";

const ISSUER: (&str, &str) = (names::ASSERTION, "Issuer");
const SIGNATURE: (&str, &str) = (names::XML_SIGNATURE, "Signature");
const EXTENSIONS: (&str, &str) = (names::PROTOCOL, "Extensions");

/// What a LogoutRequest may hold at most once (Core §3.7.1). BaseID and EncryptedID are not understood.
const IN_REQUEST: [(&str, &str); 4] = [ISSUER, SIGNATURE, EXTENSIONS, (names::ASSERTION, "NameID")];
/// What a LogoutResponse may hold at most once (Core §3.7.2).
const IN_RESPONSE: [(&str, &str); 4] = [ISSUER, SIGNATURE, EXTENSIONS, (names::PROTOCOL, "Status")];

/// What is needed to verify a message. It is whose word it is: nobody's, until that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// An NCName.
    pub id: String,
    pub issuer: String,
    /// Whether the message holds a signature of itself.
    pub signed: bool,
}

/// Reads a message if it has the one shape that is understood.
///
/// Refuses with `gate.…`. Passing says nothing about who wrote the message.
pub fn read(xml: &[u8], kind: Kind) -> Result<(Element, Head), Refusal> {
    check_size(xml)?;
    let root = xml_reader::read_message(xml)?;
    let elements = root.descendants().len();
    Refusal::unless(elements <= MAX_ELEMENTS, "gate.too-many-elements", TOO_MANY)?;
    if !root.is(names::PROTOCOL, kind.element()) {
        return Err(Refusal::new("gate.root", format!("the root element is not samlp:{}", kind.element())));
    }
    check_children(&root, kind)?;
    gate::check_ids(&root)?;
    let issuer = root.only_child(names::ASSERTION, "Issuer")?;
    let issuer = issuer.ok_or_else(|| Refusal::new("gate.issuer", "there is no Issuer"))?;
    // Profiles §4.4.4.1, as §4.1.4.2 has it of responses.
    gate::check_issuer_format(issuer, "gate.issuer-format")?;
    let issuer = issuer.leaf_text()?.to_owned();
    let head = Head { id: gate::own_id(&root)?, issuer, signed: gate::is_signed(&root) };
    check_signature(&root, &head.id)?;
    Ok((root, head))
}

/// Every element has at most two tags: what has more than that, no tree needs to be made of.
fn check_size(xml: &[u8]) -> Result<(), Refusal> {
    Refusal::unless(xml.len() <= MAX_OCTETS, "gate.too-large", "the message is longer than 64 KiB")?;
    let tags = xml.iter().filter(|octet| **octet == b'<').count();
    Refusal::unless(tags <= 2 * MAX_ELEMENTS + 1, "gate.too-many-elements", TOO_MANY)
}

fn check_children(root: &Element, kind: Kind) -> Result<(), Refusal> {
    let once = if kind == Kind::Request { IN_REQUEST } else { IN_RESPONSE };
    for child in &root.children {
        let repeatable = kind == Kind::Request && child.is(names::PROTOCOL, "SessionIndex");
        if !repeatable && !once.iter().any(|(namespace, name)| child.is(namespace, name)) {
            let check = if child.name == "EncryptedID" { "gate.encrypted-id" } else { "gate.unknown-element" };
            return Err(Refusal::new(check, format!("the {} holds {}", root.name, quoted(&child.name))));
        }
    }
    for (namespace, name) in once {
        root.only_child(namespace, name)?;
    }
    let nested = root.descendants().iter().filter(|element| element.name == root.name).count();
    Refusal::unless(nested == 1, "gate.nested-message", "a message within the message")
}

/// At most one signature, directly under the root, and no trace of one elsewhere.
fn check_signature(root: &Element, id: &str) -> Result<(), Refusal> {
    let mut understood = 0;
    if let Some(signature) = root.only_child(names::XML_SIGNATURE, "Signature")? {
        signature_shape::check(signature, id)?;
        understood = gate::signature_parts(signature);
    }
    let all = gate::signature_parts(root) == understood;
    Refusal::unless(all, "gate.stray-signature", "parts of a signature elsewhere")
}
