//! The way of a SAML response from octets to an identity, or to the refusal. Synchronous: run it where blocking is allowed
//! and a panic is caught (`pool.rs`).

use super::assertion::{self, Assertion, Expected, Identity};
use super::checklist::Checklist;
use super::decrypt::DecryptionKey;
use super::gate::{self, Envelope};
use super::refusal::Refusal;
use super::sealed::{self, EncryptedAssertions};
use super::settings::AttributeMapping;
use super::xml::Element;
use super::{carried, certificate, identity, opened, outline, time, verify, xml_reader};
use crate::base::clock::UnixMillis;

/// Octets of a message that an outline is made of at the most: a real one has a few thousand.
const OUTLINED: usize = 128 * 1024;

/// Whom and what a workspace believes.
#[derive(Clone)]
pub struct Trust {
    /// X.509 certificates in DER of the identity provider.
    pub certificates: Vec<Vec<u8>>,
    /// Keys that assertions may be encrypted to. Needed only for a response that `sealed::may_be_sealed`.
    pub decryption_keys: Vec<DecryptionKey>,
    pub encrypted_assertions: EncryptedAssertions,
    /// Random octets, new for each response: see `decrypt::decrypt`.
    pub filler: [u8; 32],
    /// Under which names the identity provider says who somebody is.
    pub attributes: AttributeMapping,
}

/// What the identity provider signed, before any required check.
pub struct Believed {
    pub envelope: Envelope,
    pub assertion: Assertion,
    /// The place in `Trust::certificates` of the one that verified it.
    pub certificate: Option<usize>,
}

/// A response, its verdict, and what an administrator may see of it.
pub struct Examined {
    pub verdict: Result<Identity, Refusal>,
    /// Up to the required checks; what needs state is not reached.
    pub checks: Checklist,
    /// `Response/@IssueInstant`, signed or not.
    pub issued_at: Option<UnixMillis>,
    /// SHA-256 of the certificate that verified it, in hexadecimal.
    pub certificate: Option<String>,
    /// What it says, without a value that names a person (`outline.rs`). `None` if it is no XML that can be read.
    pub outline: Option<String>,
}

impl Examined {
    /// One that nothing else is known of.
    pub fn refused(refusal: Refusal) -> Self {
        let mut checks = Checklist::default();
        checks.refuse(refusal.clone());
        Self { verdict: Err(refusal), checks, issued_at: None, certificate: None, outline: None }
    }
}

/// Takes a response through gate, decryption, signature and checks.
pub fn judge(xml: &[u8], trust: &Trust, expected: &Expected) -> Result<Identity, Refusal> {
    let believed = believed(xml, trust)?;
    assertion::checklist(&believed.envelope, &believed.assertion, expected).verdict()?;
    Ok(identity::of(&believed.assertion, expected.clock_skew_ms, &trust.attributes))
}

/// As [`judge`], and says what became of every check.
pub fn examine(xml: &[u8], trust: &Trust, expected: &Expected) -> Examined {
    let believed = believed(xml, trust);
    let root = (xml.len() <= OUTLINED).then(|| xml_reader::read_message(xml).ok()).flatten();
    let issued_at = root.as_ref().and_then(issue_instant);
    let shown = root.as_ref().map(outline::of);
    match believed {
        Err(refusal) => {
            // Of what is encrypted nothing is added: whatever goes wrong inside has one and the same sentence.
            let clear = root.as_ref().filter(|root| !sealed::is_sealed(root));
            let refusal = match clear {
                Some(root) => carried::explained(refusal, root, &trust.certificates),
                None => refusal,
            };
            Examined { issued_at, outline: shown, ..Examined::refused(refusal) }
        }
        Ok(believed) => {
            let checks = assertion::checklist(&believed.envelope, &believed.assertion, expected);
            let encrypted = root.as_ref().is_some_and(sealed::is_sealed);
            let inside = encrypted.then(|| outline::of_assertion(&believed.assertion));
            Examined {
                verdict: checks
                    .verdict()
                    .map(|()| identity::of(&believed.assertion, expected.clock_skew_ms, &trust.attributes)),
                checks,
                issued_at: Some(believed.envelope.issue_instant),
                certificate: believed.certificate.and_then(|place| fingerprint(trust, place)),
                outline: shown.map(|shown| shown + &inside.unwrap_or_default()),
            }
        }
    }
}

fn believed(xml: &[u8], trust: &Trust) -> Result<Believed, Refusal> {
    if sealed::may_be_sealed(xml) && sealed::is_sealed(&xml_reader::read_message(xml)?) {
        return opened::open(xml, trust);
    }
    let envelope = gate::admit(xml)?;
    let clear = trust.encrypted_assertions == EncryptedAssertions::Optional;
    Refusal::unless(clear, "encryption.required", "the assertion must be encrypted, and is in the clear")?;
    let (assertion, certificate) = verify::admitted(xml, &envelope, &trust.certificates)?;
    Ok(Believed { envelope, assertion, certificate: Some(certificate) })
}

fn issue_instant(root: &Element) -> Option<UnixMillis> {
    time::parse_instant(root.attribute("IssueInstant")?)
}

fn fingerprint(trust: &Trust, place: usize) -> Option<String> {
    trust.certificates.get(place).map(|der| certificate::fingerprint(der))
}
