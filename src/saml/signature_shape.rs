//! Pure: the one shape of an XML Signature that is let through (XML Signature 1.1; SAML Core §5.4): one reference to
//! the parent, enveloped, exclusive canonicalisation, SHA-2. Deliberately no cryptography.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::names;
use super::refusal::{Refusal, quoted};
use super::xml::Element;

/// Children of KeyInfo. It is a hint that nobody here follows: no RetrievalMethod, nothing to fetch.
const KEY_INFO_CHILDREN: [&str; 3] = ["X509Data", "KeyValue", "KeyName"];

/// Everything that may stand below those, so that nothing can hide in a KeyInfo.
const KEY_INFO_PARTS: [&str; 17] = [
    "KeyName",
    "X509Data",
    "X509Certificate",
    "X509IssuerSerial",
    "X509IssuerName",
    "X509SerialNumber",
    "X509SubjectName",
    "X509SKI",
    "X509CRL",
    "X509Digest",
    "KeyValue",
    "RSAKeyValue",
    "Modulus",
    "Exponent",
    "ECKeyValue",
    "NamedCurve",
    "PublicKey",
];

/// Longest PrefixList: canonicalisation looks up each of its prefixes at each element, before any key is looked at.
const MAX_PREFIX_LIST: usize = 100;

/// Refuses a signature that is not `SignedInfo, SignatureValue, KeyInfo?` over the element whose ID is `parent_id`.
pub fn check(signature: &Element, parent_id: &str) -> Result<(), Refusal> {
    let [signed_info, value, key_info @ ..] = signature.children.as_slice() else {
        return Err(Refusal::new("gate.signature", "a Signature needs SignedInfo and SignatureValue"));
    };
    check_signed_info(signed_info, parent_id)?;
    expect(value, "SignatureValue")?;
    let length = base64_length(value)?;
    Refusal::unless(length > 0, "gate.signature-value", "the SignatureValue is empty")?;
    match key_info {
        [] => Ok(()),
        [key_info] => check_key_info(key_info),
        _ => Err(Refusal::new("gate.signature", "a Signature holds SignedInfo, SignatureValue and KeyInfo only")),
    }
}

fn check_signed_info(signed_info: &Element, parent_id: &str) -> Result<(), Refusal> {
    expect(signed_info, "SignedInfo")?;
    let [canonicalisation, method, reference] = signed_info.children.as_slice() else {
        return Err(Refusal::new("gate.signed-info", "a SignedInfo needs two methods and exactly one Reference"));
    };
    expect(canonicalisation, "CanonicalizationMethod")?;
    check_exclusive_c14n(canonicalisation)?;
    expect(method, "SignatureMethod")?;
    let algorithm = algorithm_of(method)?;
    if !names::SIGNATURE_ALGORITHMS.contains(&algorithm) {
        return Err(Refusal::new("gate.signature-algorithm", quoted(algorithm)));
    }
    Refusal::unless(method.children.is_empty(), "gate.signature-algorithm", "SignatureMethod has parameters")?;
    check_reference(reference, parent_id)
}

fn check_reference(reference: &Element, parent_id: &str) -> Result<(), Refusal> {
    expect(reference, "Reference")?;
    let uri = reference.required_attribute("URI", "gate.reference-uri")?;
    if uri.strip_prefix('#') != Some(parent_id) {
        return Err(Refusal::new("gate.reference-uri", format!("{} is not the signature's parent", quoted(uri))));
    }
    let [transforms, digest_method, digest_value] = reference.children.as_slice() else {
        return Err(Refusal::new("gate.signature-reference", "a Reference holds Transforms and a digest"));
    };
    check_transforms(transforms)?;
    expect(digest_method, "DigestMethod")?;
    let algorithm = algorithm_of(digest_method)?;
    let known = names::DIGEST_ALGORITHMS.iter().find(|(uri, _)| *uri == algorithm);
    let (_, length) = known.ok_or_else(|| Refusal::new("gate.digest-algorithm", quoted(algorithm)))?;
    Refusal::unless(digest_method.children.is_empty(), "gate.digest-algorithm", "DigestMethod has parameters")?;
    expect(digest_value, "DigestValue")?;
    let whole = base64_length(digest_value)? == *length;
    Refusal::unless(whole, "gate.digest-value", "the DigestValue has the wrong length")
}

/// Exactly `enveloped-signature`, then exclusive canonicalisation (Core §5.4.4).
fn check_transforms(transforms: &Element) -> Result<(), Refusal> {
    expect(transforms, "Transforms")?;
    let [enveloped, canonicalisation] = transforms.children.as_slice() else {
        return Err(Refusal::new("gate.transforms", "there must be two transforms"));
    };
    expect(enveloped, "Transform")?;
    let plain = algorithm_of(enveloped)? == names::ENVELOPED_SIGNATURE && enveloped.children.is_empty();
    Refusal::unless(plain, "gate.transforms", "the first transform is not enveloped-signature")?;
    expect(canonicalisation, "Transform")?;
    check_exclusive_c14n(canonicalisation)
}

/// Exclusive canonicalisation without comments, with an InclusiveNamespaces prefix list at will.
fn check_exclusive_c14n(element: &Element) -> Result<(), Refusal> {
    let algorithm = algorithm_of(element)?;
    if algorithm != names::EXCLUSIVE_C14N {
        return Err(Refusal::new("gate.canonicalisation", quoted(algorithm)));
    }
    let plain = match element.children.as_slice() {
        [] => true,
        [list] => {
            let prefixes = list.attribute("PrefixList").unwrap_or_default();
            list.is(names::EXCLUSIVE_C14N, "InclusiveNamespaces")
                && list.children.is_empty()
                && prefixes.len() <= MAX_PREFIX_LIST
        }
        _ => false,
    };
    Refusal::unless(plain, "gate.canonicalisation", "parameters other than one short InclusiveNamespaces")
}

/// A KeyInfo that holds hints only.
pub(super) fn check_key_info(key_info: &Element) -> Result<(), Refusal> {
    expect(key_info, "KeyInfo")?;
    for child in &key_info.children {
        let known = child.namespace == names::XML_SIGNATURE && KEY_INFO_CHILDREN.contains(&child.name.as_str());
        let harmless = child.descendants().iter().all(|part| KEY_INFO_PARTS.contains(&part.name.as_str()));
        Refusal::unless(known && harmless, "gate.key-info", "KeyInfo holds more than certificates, keys and names")?;
    }
    Ok(())
}

fn expect(element: &Element, name: &str) -> Result<(), Refusal> {
    if element.is(names::XML_SIGNATURE, name) {
        return Ok(());
    }
    Err(Refusal::new("gate.signature", format!("{} stands where {name} belongs", quoted(&element.name))))
}

fn algorithm_of(element: &Element) -> Result<&str, Refusal> {
    element.required_attribute("Algorithm", "gate.signature")
}

/// Octets that an element's base64 text stands for, white space folded.
fn base64_length(element: &Element) -> Result<usize, Refusal> {
    let folded: Vec<u8> = element.leaf_text()?.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let octets = STANDARD.decode(folded).map_err(|_| Refusal::new("gate.signature", "a value is not base64"))?;
    Ok(octets.len())
}
