//! Signature verification: from octets on the wire to an [`Assertion`] that the identity provider signed.
//!
//! The assertion is read from the octets that were digested, and from nothing else; the document itself is only
//! compared with them. Certificates come from configuration; what a message says about its key is ignored.
//! Two verifiers that share no line must agree on the octets: libxmlsec1 here, bergshamra in `second_verify.rs`.
//! Synchronous: run it where blocking is allowed and a panic is caught. Deliberately no decryption, and no judgement of the assertion (`assertion::check`).

use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoError, CryptoProvider, ReduceMode};

use super::assertion::Assertion;
use super::gate::{self, Envelope};
use super::refusal::{Refusal, quoted};
use super::xml::Element;
use super::{assertion_reader, names, second_verify, xml_reader};

/// The refusal when only one verifier accepts, or each accepts something else.
pub(super) const DISAGREEMENT: &str = "signature.disagreement";

/// The same list as the gate's (`names::SIGNATURE_ALGORITHMS`), once more at the library.
const ALLOWED: [AllowedSignatureAlgorithm; 6] = [
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// The assertion in `xml`, if every signature in it verifies with one of `certificates` (DER, X.509).
///
/// Refuses with `signature.…`; with `gate.…` what the gate refuses, which runs here too so that no caller can forget
/// it; with `assertion.…` what is signed but can't be read.
pub fn verify(xml: &[u8], certificates: &[Vec<u8>]) -> Result<Assertion, Refusal> {
    require_certificates(certificates)?;
    admitted(xml, &gate::admit(xml)?, certificates).map(|(assertion, _)| assertion)
}

/// [`verify`], for who has asked the gate: `envelope` is what it said of these very octets. With the assertion the place in
/// `certificates` of the one that verified it.
pub(super) fn admitted(
    xml: &[u8],
    envelope: &Envelope,
    certificates: &[Vec<u8>],
) -> Result<(Assertion, usize), Refusal> {
    require_certificates(certificates)?;
    let text = std::str::from_utf8(xml).map_err(|_| Refusal::new("gate.encoding", "the message is not UTF-8"))?;
    let (signed, certificate) = agreed_octets(text, certificates, &envelope.signed_ids())?;
    let root = xml_reader::read_message(signed.as_bytes())
        .map_err(|refusal| Refusal::new("signature.octets", refusal.to_string()))?;
    let assertion = assertion_reader::read(signed_assertion(&root, envelope)?)?;
    Refusal::unless(assertion.id == envelope.assertion_id, "signature.other-assertion", "another ID was signed")?;
    Ok((assertion, certificate))
}

/// The canonical octets of a Response that is signed itself, whose assertion is still encrypted. `sealed.rs` has admitted it,
/// and found `envelope`. With them the place of the certificate that verified it.
///
/// Refuses with `signature.…`.
pub(super) fn signed_response(
    xml: &str,
    certificates: &[Vec<u8>],
    envelope: &Envelope,
) -> Result<(String, usize), Refusal> {
    require_certificates(certificates)?;
    agreed_octets(xml, certificates, &envelope.signed_ids())
}

/// The canonical octets of a message that is signed as a whole and by nothing else, under the ID that a gate of its own found.
///
/// Refuses with `signature.…`.
pub(super) fn signed_message(xml: &str, certificates: &[Vec<u8>], id: &str) -> Result<String, Refusal> {
    require_certificates(certificates)?;
    agreed_octets(xml, certificates, &[id]).map(|(octets, _)| octets)
}

/// The library beneath takes an empty list for "nothing to verify" in places: refuse before it is asked.
fn require_certificates(certificates: &[Vec<u8>]) -> Result<(), Refusal> {
    Refusal::unless(!certificates.is_empty(), "signature.no-certificate", "no signing certificate is configured")
}

/// What both verifiers say is signed: the first of `signed`, IDs of all that the gate saw signed. With it the place of the
/// certificate that verified it. Both are always asked: one that accepts alone is wrong, or the other is.
fn agreed_octets(xml: &str, certificates: &[Vec<u8>], signed: &[&str]) -> Result<(String, usize), Refusal> {
    let first = signed_octets(xml, certificates);
    match (first, second_verify::octets_of(xml, certificates, signed)) {
        (Ok(first), Ok(second)) if first.0.as_bytes() == second.as_slice() => Ok(first),
        (Err(first), Err(_)) => Err(first),
        (Ok(_), Ok(_)) => Err(disagreement("each means other octets")),
        (Ok(_), Err(second)) => Err(disagreement(&second.detail)),
        (Err(first), Ok(_)) => Err(disagreement(&first.detail)),
    }
}

fn disagreement(detail: &str) -> Refusal {
    Refusal::new(DISAGREEMENT, format!("the two verifiers disagree: {detail}"))
}

unsafe extern "C" {
    /// xmlsec/errors.h: whether libxmlsec1 writes its errors to standard error.
    safe fn xmlSecErrorsDefaultCallbackEnableOutput(enabled: std::ffi::c_int);
}

/// The first verifier alone: the canonical octets that the signatures cover, and the place of the certificate that verified
/// them. One certificate at a time: the library gives up on a list at the first key of another type. With two signatures both
/// must verify, and the octets are those of the Response.
pub fn signed_octets(xml: &str, certificates: &[Vec<u8>]) -> Result<(String, usize), Refusal> {
    // It would write text of an attacker's choice, line by line, between the lines of our log.
    xmlSecErrorsDefaultCallbackEnableOutput(0);
    let mut failures = Vec::new();
    for (place, certificate) in certificates.iter().enumerate() {
        let certificate = [CertificateDer::from(certificate.clone())];
        let reduced = Crypto::reduce_xml_to_signed_with_allowed_algorithms(
            xml,
            &certificate,
            ReduceMode::PreDigest,
            Some(ALLOWED.as_slice()),
        );
        match reduced {
            Ok(octets) => return Ok((octets, place)),
            Err(error) => failures.push(error),
        }
    }
    Err(unverified(&failures))
}

/// Of a signature that is simply another's the library says no more than this sentence does.
fn unverified(failures: &[CryptoError]) -> Refusal {
    let plain = failures.iter().any(|error| matches!(error, CryptoError::InvalidSignature));
    let why = failures.last().filter(|_| !plain).map(|error| format!(": {}", quoted(&error.to_string())));
    let detail = format!("no configured certificate verifies it{}", why.unwrap_or_default());
    Refusal::new("signature.invalid", detail)
}

/// The assertion within what was signed: the root itself, or the only one of a signed Response whose envelope is the
/// one that the gate saw.
fn signed_assertion<'a>(root: &'a Element, envelope: &Envelope) -> Result<&'a Element, Refusal> {
    if envelope.response_signed {
        let (signed, assertion) = gate::read_response(root)?;
        // A signed Response is digested without its own signature.
        let signed = Envelope { response_signed: true, ..signed };
        Refusal::unless(signed == *envelope, "signature.other-envelope", "the signed envelope is another one")?;
        return Ok(assertion);
    }
    let assertions = root.descendants().iter().filter(|element| element.name == "Assertion").count();
    let alone = root.is(names::ASSERTION, "Assertion") && assertions == 1;
    Refusal::unless(alone, "signature.root", "what was signed is not one Assertion")?;
    Ok(root)
}
