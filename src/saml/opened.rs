//! From a Response whose assertion is encrypted to an [`Assertion`] that the identity provider signed.
//!
//! First `sealed.rs` admits the shape. The Response's own signature, if it has one, is verified before a key is touched, by both
//! verifiers, and from here on only the octets that it covers are read. Then the assertion is decrypted and put where it stood,
//! and the gate judges the result like any other Response. The assertion's own signature, if it has one, is verified like any
//! other; an assertion without one is believed only because a signature covered its ciphertext.
//!
//! Between the key and the signature everything that goes wrong is one refusal, in about one time: who sends changed
//! ciphertexts learns nothing from how they fail.

use std::ops::Range;

use super::assertion::Assertion;
use super::encryption_shape::Ciphertext;
use super::gate::{self, Envelope};
use super::judge::{Believed, Trust};
use super::refusal::Refusal;
use super::xml::Element;
use super::{assertion_reader, decrypt, names, sealed, verify, xml_reader};

/// Octets around an encrypted assertion that nobody signed, at the most. A real Response has a quarter of that.
const MAX_AROUND: usize = 8 * 1024;

/// The envelope and the assertion of a Response whose assertion is encrypted, and what verified them.
///
/// Refuses with `gate.…`, `encryption.…` or `signature.…`; with `assertion.…` what is signed but can't be read.
pub fn open(xml: &[u8], trust: &Trust) -> Result<Believed, Refusal> {
    let root = xml_reader::read_message(xml)?;
    let (envelope, ciphertext) = sealed::admit(&root)?;
    let text = std::str::from_utf8(xml).map_err(|_| Refusal::new("gate.encoding", "the message is not UTF-8"))?;
    let no_key = "the assertion is encrypted to a key that this process doesn't have";
    Refusal::unless(!trust.decryption_keys.is_empty(), "encryption.no-key", no_key)?;
    if !envelope.response_signed {
        let place = place(text)?;
        check_around(&root, text.len() - place.len())?;
        let sealed = Sealed { text, place, children: root.children.len(), ciphertext, envelope, certificate: None };
        return decrypted(&sealed, trust);
    }
    let (octets, certificate) = verify::signed_response(text, &trust.certificates, &envelope)?;
    let root = xml_reader::read_message(octets.as_bytes())?;
    let (covered, ciphertext) = sealed::admit(&root)?;
    // A signed Response is digested without its own signature.
    let covered = Envelope { response_signed: true, ..covered };
    Refusal::unless(covered == envelope, "signature.other-envelope", "the signed envelope is another one")?;
    let certificate = Some(certificate);
    let (text, place) = (octets.as_str(), place(&octets)?);
    let sealed = Sealed { text, place, children: root.children.len(), ciphertext, envelope, certificate };
    decrypted(&sealed, trust)
}

/// Where the encrypted assertion is. Of a Response that was admitted it is always found.
fn place(text: &str) -> Result<Range<usize>, Refusal> {
    sealed::place(text).ok_or_else(|| Refusal::new("encryption.shape", "the EncryptedAssertion is not found"))
}

/// Only who signs a Response may fill it: each time that a plaintext of somebody's guessing is XML, all that stands around it is
/// read once more, and that much must not be enough to be noticed from outside.
fn check_around(root: &Element, around: usize) -> Result<(), Refusal> {
    let bare = root.children_named(names::PROTOCOL, "Extensions").is_empty();
    Refusal::unless(bare, "encryption.shape", "a Response that isn't signed has Extensions beside what is encrypted")?;
    let small = around <= MAX_AROUND;
    Refusal::unless(small, "encryption.shape", "over 8 KiB around what is encrypted, in a Response that isn't signed")
}

/// A Response that may be decrypted.
struct Sealed<'a> {
    /// As it was signed, without that signature; as it came, if it has none.
    text: &'a str,
    /// Of the EncryptedAssertion in `text`.
    place: Range<usize>,
    /// Children of the root in `text`.
    children: usize,
    ciphertext: Ciphertext,
    envelope: Envelope,
    /// Of the Response's own signature.
    certificate: Option<usize>,
}

fn decrypted(sealed: &Sealed<'_>, trust: &Trust) -> Result<Believed, Refusal> {
    let plaintext = decrypt::decrypt(&sealed.ciphertext, &trust.decryption_keys, &trust.filler);
    let whole = plaintext.and_then(|octets| put_back(sealed, &octets));
    let admitted = whole.ok_or_else(unverified).and_then(|text| Ok((admit(&text, sealed)?, text)));
    match admitted {
        Ok((inner, text)) => {
            let (assertion, certificate) = assertion(&text, &inner, trust)?;
            let envelope = Envelope { response_signed: sealed.envelope.response_signed, ..inner };
            Ok(Believed { envelope, assertion, certificate: sealed.certificate.or(certificate) })
        }
        Err(refusal) => {
            // As long as a signature that doesn't verify would have taken.
            let _ = verify::verify(DECOY.as_bytes(), &trust.certificates);
            Err(if refusal.check == "gate.encrypted-id" { refusal } else { unverified() })
        }
    }
}

/// The text with the decrypted octets where the EncryptedAssertion stood.
fn put_back(sealed: &Sealed<'_>, octets: &[u8]) -> Option<String> {
    let (text, place) = (sealed.text, &sealed.place);
    Some([text.get(..place.start)?, std::str::from_utf8(octets).ok()?, text.get(place.end..)?].concat())
}

/// The gate, once more: it is the same Response with an Assertion in it, and nothing else came out of the ciphertext.
fn admit(text: &str, sealed: &Sealed<'_>) -> Result<Envelope, Refusal> {
    let envelope = &sealed.envelope;
    let root = xml_reader::read_message(text.as_bytes())?;
    let (inner, assertion) = gate::read_response(&root)?;
    let expected = Envelope {
        response_signed: false,
        assertion_signed: inner.assertion_signed,
        assertion_id: inner.assertion_id.clone(),
        ..envelope.clone()
    };
    let same = inner == expected && root.children.len() == sealed.children;
    Refusal::unless(same, "gate.decrypted", "the decrypted octets change the Response")?;
    if inner.assertion_signed {
        return gate::admit(text.as_bytes());
    }
    Refusal::unless(envelope.response_signed, "gate.unsigned", "neither the Response nor the Assertion is signed")?;
    let stray = gate::signature_parts(&root) + gate::signature_parts(assertion);
    Refusal::unless(stray == 0, "gate.stray-signature", "parts of a signature elsewhere")?;
    Ok(inner)
}

/// The assertion, and what verified it if it is signed itself.
fn assertion(text: &str, inner: &Envelope, trust: &Trust) -> Result<(Assertion, Option<usize>), Refusal> {
    if inner.assertion_signed {
        let verified = verify::admitted(text.as_bytes(), inner, &trust.certificates);
        return verified.map(|(assertion, place)| (assertion, Some(place))).map_err(|refusal| {
            // What is said of a signed assertion, and a quarrel of the verifiers, are no hints at the ciphertext.
            let told = refusal.check.starts_with("assertion.") || refusal.check == verify::DISAGREEMENT;
            if told { refusal } else { unverified() }
        });
    }
    let root = xml_reader::read_message(text.as_bytes())?;
    let (_, assertion) = gate::read_response(&root)?;
    Ok((assertion_reader::read(assertion)?, None))
}

/// What is said of everything that goes wrong between the key and the signature.
fn unverified() -> Refusal {
    let detail = "the assertion can't be decrypted, or no configured certificate verifies it";
    Refusal::new("signature.invalid", detail)
}

/// A Response that the gate admits and nobody signed. Its size is that of a small real one.
pub(super) const DECOY: &str = include_str!("decoy.xml");
