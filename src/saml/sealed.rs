//! Pure: the structural gate for a Response whose assertion is encrypted, and where in its text the encrypted part is.
//!
//! As strict as `gate.rs`, which judges the same Response once more when it is decrypted: one EncryptedAssertion, in the
//! place of the Assertion, of the one shape that `encryption_shape.rs` says. Deliberately no cryptography.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::encryption_shape::{self, Ciphertext};
use super::gate::{self, Envelope};
use super::refusal::{Refusal, quoted};
use super::xml::Element;
use super::{names, signature_shape};

const NAME: &str = "EncryptedAssertion";

/// Whether assertions of an identity provider must be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptedAssertions {
    /// Taken either way.
    Optional,
    /// One in the clear is refused.
    Required,
}

impl EncryptedAssertions {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "optional" => Some(Self::Optional),
            "required" => Some(Self::Required),
            _ => None,
        }
    }
}

/// Whether the octets of a message name an encrypted assertion at all. A name can't be written in any other way.
pub fn may_be_sealed(xml: &[u8]) -> bool {
    // What is not UTF-8 is no message.
    std::str::from_utf8(xml).is_ok_and(|text| text.contains(NAME))
}

/// Whether a message has an EncryptedAssertion, wherever and in whatever namespace: then this gate judges it.
pub fn is_sealed(root: &Element) -> bool {
    root.descendants().iter().any(|element| element.name == NAME)
}

/// Lets a Response through whose one assertion is encrypted. Its signature is optional: the assertion inside may have one.
///
/// Refuses with `gate.…` or `encryption.…`. Passing says nothing about who wrote the message.
pub fn admit(root: &Element) -> Result<(Envelope, Ciphertext), Refusal> {
    Refusal::unless(root.is(names::PROTOCOL, "Response"), "gate.root", "the root element is not samlp:Response")?;
    let encrypted = only_encrypted(root)?;
    let envelope = gate::read_envelope(root, encrypted)?;
    let ciphertext = encryption_shape::read(encrypted)?;
    if let Some(signature) = root.only_child(names::XML_SIGNATURE, "Signature")? {
        signature_shape::check(signature, &envelope.response_id)?;
    }
    let elsewhere = root.children.iter().filter(|child| child.name != "Signature" && child.name != NAME);
    let stray: usize = elsewhere.map(gate::signature_parts).sum();
    Refusal::unless(stray == 0, "gate.stray-signature", "parts of a signature elsewhere")?;
    Ok((envelope, ciphertext))
}

/// Names count in any namespace, as for `gate.rs`.
fn only_encrypted(root: &Element) -> Result<&Element, Refusal> {
    let all = root.descendants();
    let count = |name: &str| all.iter().filter(|element| element.name == name).count();
    Refusal::unless(count("Response") == 1, "gate.nested-response", "a Response within the Response")?;
    Refusal::unless(count("Assertion") == 0, "encryption.assertion-beside", "an Assertion beside an encrypted one")?;
    let several = "several EncryptedAssertions";
    Refusal::unless(count(NAME) == 1, "encryption.assertion-count", several)?;
    let parts = ["EncryptedAssertion", "EncryptedData", "EncryptedKey"];
    let stranger = all.iter().find(|part| part.name.starts_with("Encrypted") && !parts.contains(&part.name.as_str()));
    if let Some(stranger) = stranger {
        return Err(Refusal::new("encryption.shape", format!("{} beside it", quoted(&stranger.name))));
    }
    root.only_child(names::ASSERTION, NAME)?
        .ok_or_else(|| Refusal::new("gate.assertion-place", "the EncryptedAssertion is not a child of the Response"))
}

/// Where the EncryptedAssertion of an admitted Response begins and ends in its text: octets, tags included. `None` if the
/// text is not that of an admitted one.
pub fn place(text: &str) -> Option<Range<usize>> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut depth = 0_usize;
    let mut begin = None;
    loop {
        let before = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        match event {
            Event::Start(tag) => {
                if depth == 1 && tag.local_name().into_inner() == NAME.as_bytes() {
                    begin = Some(before);
                }
                depth += 1;
            }
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                if let Some(begin) = begin.filter(|_| depth == 1) {
                    let range = begin..usize::try_from(reader.buffer_position()).ok()?;
                    let whole = text.get(range.clone())?;
                    return (whole.starts_with('<') && whole.ends_with('>')).then_some(range);
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}
