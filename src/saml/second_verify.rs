//! The second verifier: bergshamra, which shares no line with libxmlsec1, verifies the same octets by itself.
//!
//! `verify.rs` compares what the two say: the same element, and the same canonical octets of it. This one gives a verdict on
//! a document and the nodes that it covers; the octets are made here, from the node that the reference led to. Certificates
//! come from configuration, and the gate has admitted the text: this library too accepts a DOCTYPE and weak algorithms.

use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::dsig::verify::verify_all_document_with_source;
use bergshamra::keys::{Key, KeysManager, loader};
use bergshamra::xml::NodeSet;
use bergshamra::xml::uppsala::{Document, NodeId, Parser};
use bergshamra::{DsigContext, VerifyResult};
use openssl::x509::X509;

use super::gate::Envelope;
use super::memory::Memory;
use super::names;
use super::refusal::{Refusal, quoted};

/// The signatures of a document that verified.
struct Covered {
    /// ID of the element that the signature covers.
    id: String,
    element: NodeId,
    signature: NodeId,
}

/// As [`octets_of`], for a response: those of the Response if it is signed, else those of the Assertion.
pub fn signed_octets(xml: &str, certificates: &[Vec<u8>], envelope: &Envelope) -> Result<Vec<u8>, Refusal> {
    octets_of(xml, certificates, &envelope.signed_ids())
}

/// The canonical octets of the first element of `expected`, IDs of all that the gate saw signed, the outermost first: if
/// those are signed, nothing else is, and every signature verifies with one of `certificates`.
///
/// Refuses with `signature.invalid`.
pub fn octets_of(xml: &str, certificates: &[Vec<u8>], expected: &[&str]) -> Result<Vec<u8>, Refusal> {
    let document = Parser::new().with_forbid_dtd(true).parse(xml).map_err(|error| invalid(&error.to_string()))?;
    let covered = verified(&document, xml, certificates)?;
    let all = expected.len() == covered.len() && expected.iter().all(|id| covered.iter().any(|one| one.id == *id));
    Refusal::unless(all, "signature.invalid", "other elements are signed than the gate saw")?;
    let outermost = expected.first().and_then(|id| covered.iter().find(|one| one.id == *id));
    canonical(&document, outermost.ok_or_else(|| invalid("nothing is signed"))?)
}

/// Each signature in the document, verified; one that doesn't verify refuses them all.
fn verified(document: &Document<'_>, xml: &str, certificates: &[Vec<u8>]) -> Result<Vec<Covered>, Refusal> {
    let context = DsigContext::new(trusted_keys(certificates));
    let verdicts = verify_all_document_with_source(&context, document, Some(xml));
    let verdicts = verdicts.map_err(|error| invalid(&error.to_string()))?;
    verdicts.into_iter().map(|verdict| covered(document, verdict)).collect()
}

fn covered(document: &Document<'_>, verdict: VerifyResult) -> Result<Covered, Refusal> {
    let (signature, references) = match verdict {
        VerifyResult::Valid { signature_node, references, .. } => (signature_node, references),
        VerifyResult::Invalid { reason } => return Err(invalid(&reason)),
    };
    let [reference] = references.as_slice() else { return Err(invalid("a signature has not one reference")) };
    let element = reference.resolved_node.filter(|_| reference.digest_verified);
    let element = element.ok_or_else(|| invalid("a reference leads nowhere"))?;
    Refusal::unless(document.parent(signature) == Some(element), "signature.invalid", "a signature covers a stranger")?;
    let id = document.element(element).and_then(|element| element.get_attribute("ID"));
    let id = id.ok_or_else(|| invalid("what is signed has no ID"))?.to_owned();
    Ok(Covered { id, element, signature })
}

/// The element without its own signature, in exclusive canonical form: what its digest is made of.
fn canonical(document: &Document<'_>, covered: &Covered) -> Result<Vec<u8>, Refusal> {
    let mut nodes = NodeSet::tree_without_comments(covered.element, document);
    nodes.remove_id(covered.signature);
    for node in document.descendants(covered.signature) {
        nodes.remove_id(node);
    }
    let prefixes = inclusive_prefixes(document, covered.signature);
    canonicalize_doc(document, C14nMode::Exclusive, Some(&nodes), &prefixes)
        .map_err(|error| invalid(&error.to_string()))
}

/// The PrefixList of the reference's canonicalisation; not that of the SignedInfo, which has its own.
fn inclusive_prefixes(document: &Document<'_>, signature: NodeId) -> Vec<String> {
    let mut place = Some(signature);
    for name in ["SignedInfo", "Reference", "Transforms"] {
        place = place.and_then(|node| document.first_child_element_by_name_ns(node, names::XML_SIGNATURE, name));
    }
    let Some(transforms) = place else { return Vec::new() };
    let transforms = document.child_elements_by_name_ns(transforms, names::XML_SIGNATURE, "Transform");
    let list = transforms.into_iter().find_map(|transform| {
        document.first_child_element_by_name_ns(transform, names::EXCLUSIVE_C14N, "InclusiveNamespaces")
    });
    let list = list.and_then(|list| document.element(list)).and_then(|list| list.get_attribute("PrefixList"));
    list.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
}

/// The keys of the certificates. One that can't be read verifies nothing; without any, nothing verifies.
fn trusted_keys(certificates: &[Vec<u8>]) -> KeysManager {
    static KEYS: Memory<Option<Key>> = Memory::empty();
    let mut keys = KeysManager::new();
    keys.add_keys(certificates.iter().filter_map(|certificate| KEYS.of(certificate, key_of)));
    keys
}

/// Metadata trusts the key, not the certificate around it: only that is handed over.
fn key_of(certificate: &[u8]) -> Option<Key> {
    let key = X509::from_der(certificate).and_then(|certificate| certificate.public_key());
    let der = key.and_then(|key| key.public_key_to_der()).ok()?;
    loader::load_spki_der(&der).ok()
}

fn invalid(detail: &str) -> Refusal {
    Refusal::new("signature.invalid", format!("the second verifier: {}", quoted(detail)))
}
