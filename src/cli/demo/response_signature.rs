//! Pure: the signature of the mock identity provider on one element of a response (XML Signature 1.1; SAML Core §5.4): enveloped,
//! exclusive canonicalisation, RSA with SHA-256.
//!
//! What is signed is put into its canonical form by the second verifier's library, so libxmlsec1, the first one, judges it alone
//! in the tests. The SignedInfo is written here, and is its own canonical form. The names of the standards are spelt out once
//! more, apart from those in `saml/`: this is the other side of the wire.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::xml::NodeSet;
use bergshamra::xml::uppsala::{NodeId, Parser};
use sha2::{Digest, Sha256};

use super::keys::{Keys, SUBJECT};
use super::response_traits::{KeyInfo, SignatureShape};
use super::response_xml::{before_name, xmlns};
use crate::error::{Error, Result};
use crate::saml::xml_write::attribute;

const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A Signature over the element of `xml` whose `ID` is `id`, which has none yet.
///
/// # Errors
/// 500 if `xml` is not well-formed or has no such element, or OpenSSL can't sign.
pub fn signature(xml: &str, id: &str, shape: &SignatureShape, keys: &Keys) -> Result<String> {
    let digest = STANDARD.encode(Sha256::digest(canonical(xml, id, shape.inclusive)?));
    // In its canonical form the SignedInfo declares its namespace, which it inherits on the wire.
    let declared = xmlns(shape.prefix, SIGNATURE);
    let value = keys.sign(signed_info(id, &digest, shape, &declared).as_bytes())?;
    Ok(format!(
        "<{d}Signature{declared}>{signed_info}<{d}SignatureValue>{value}</{d}SignatureValue>{key_info}</{d}Signature>",
        d = before_name(shape.prefix),
        signed_info = signed_info(id, &digest, shape, ""),
        value = folded(&STANDARD.encode(value), shape.folded),
        key_info = key_info(shape, keys.certificate()),
    ))
}

/// The element in exclusive canonical form, with the prefixes of a PrefixList.
fn canonical(xml: &str, id: &str, inclusive: &str) -> Result<Vec<u8>> {
    let document = Parser::new().with_forbid_dtd(true).parse(xml).map_err(Error::internal)?;
    let root = document.document_element().ok_or_else(|| Error::internal("a response has no root"))?;
    let is_meant = |node: &NodeId| document.element(*node).and_then(|element| element.get_attribute("ID")) == Some(id);
    let element = std::iter::once(root).chain(document.descendants(root)).find(is_meant);
    let element = element.ok_or_else(|| Error::internal("a response has no element with that ID"))?;
    let nodes = NodeSet::tree_without_comments(element, &document);
    let prefixes: Vec<&str> = inclusive.split_ascii_whitespace().collect();
    canonicalize_doc(&document, C14nMode::Exclusive, Some(&nodes), &prefixes).map_err(Error::internal)
}

fn signed_info(id: &str, digest: &str, shape: &SignatureShape, declared: &str) -> String {
    let inclusive = if shape.inclusive.is_empty() {
        String::new()
    } else {
        format!(
            r#"<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{}"></ec:InclusiveNamespaces>"#,
            shape.inclusive
        )
    };
    format!(
        concat!(
            r#"<{d}SignedInfo{declared}><{d}CanonicalizationMethod Algorithm="{c14n}"></{d}CanonicalizationMethod>"#,
            r#"<{d}SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></{d}SignatureMethod>"#,
            r##"<{d}Reference URI="#{id}"><{d}Transforms>"##,
            r#"<{d}Transform Algorithm="{dsig}enveloped-signature"></{d}Transform>"#,
            r#"<{d}Transform Algorithm="{c14n}">{inclusive}</{d}Transform></{d}Transforms>"#,
            r#"<{d}DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></{d}DigestMethod>"#,
            r#"<{d}DigestValue>{digest}</{d}DigestValue></{d}Reference></{d}SignedInfo>"#,
        ),
        d = before_name(shape.prefix),
        declared = declared,
        c14n = EXCLUSIVE,
        id = attribute(id),
        dsig = SIGNATURE,
        inclusive = inclusive,
        digest = digest,
    )
}

/// The certificate, and what the product puts beside it.
fn key_info(shape: &SignatureShape, certificate: &[u8]) -> String {
    let d = before_name(shape.prefix);
    let certificate = folded(&STANDARD.encode(certificate), shape.folded);
    let certificate = format!("<{d}X509Certificate>{certificate}</{d}X509Certificate>");
    match shape.key_info {
        KeyInfo::Certificate => format!("<{d}KeyInfo><{d}X509Data>{certificate}</{d}X509Data></{d}KeyInfo>"),
        KeyInfo::Subject => format!(
            "<{d}KeyInfo><{d}X509Data><{d}X509SubjectName>CN={SUBJECT}</{d}X509SubjectName>{certificate}</{d}X509Data>\
             </{d}KeyInfo>"
        ),
        KeyInfo::Name => format!(
            "<{d}KeyInfo><{d}KeyName>{SUBJECT}</{d}KeyName><{d}X509Data>{certificate}</{d}X509Data></{d}KeyInfo>"
        ),
        KeyInfo::DefaultNamespace => {
            format!(r#"<KeyInfo xmlns="{SIGNATURE}"><{d}X509Data>{certificate}</{d}X509Data></KeyInfo>"#)
        }
    }
}

/// Base64 in lines of so many columns; 0: in one.
fn folded(base64: &str, columns: usize) -> String {
    if columns == 0 {
        return base64.to_owned();
    }
    let lines: Vec<&str> =
        base64.as_bytes().chunks(columns).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.join("\n")
}
