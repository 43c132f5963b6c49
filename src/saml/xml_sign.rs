//! Pure: our signature on a protocol message or on metadata (XML Signature 1.1; SAML Core §5.4; Metadata §3.1): enveloped, over
//! the root, exclusive canonicalisation, RSA with SHA-256.
//!
//! What we write is its own canonical form (`xml_write.rs`), so the very text is digested. It is put into that form all the same:
//! a name with an unusual character must not make a signature that nobody can verify. The tests let both verifiers judge it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::xml::NodeSet;
use bergshamra::xml::uppsala::Parser;
use sha2::{Digest, Sha256};

use super::names;
use super::signing_key::SigningKey;
use super::xml_write::attribute;
use crate::error::{Error, Result};

/// `xml`, canonical, with a signature over its root, whose `ID` is `id`: behind the Issuer of a message (Core §3.2.1), else as
/// the first child (Metadata §2.3.2). Give it no document that is signed already.
///
/// # Errors
/// 500 if `xml` is not well-formed, its root has another ID, or OpenSSL can't sign.
pub fn sign_enveloped(key: &SigningKey, xml: &str, id: &str) -> Result<String> {
    let canonical = canonical(xml, id)?;
    let place = place(&canonical).ok_or_else(|| Error::internal("a document to sign has no root"))?;
    // The digest is of the document without its signature (transform enveloped-signature).
    let digest = STANDARD.encode(Sha256::digest(canonical.as_bytes()));
    let signed_info = signed_info(id, &digest);
    let value = key.sign(signed_info.as_bytes())?;
    let (head, tail) = canonical.split_at(place);
    Ok([head, &signature(&signed_info, &value, key.certificate_der()), tail].concat())
}

/// The root in exclusive canonical form.
fn canonical(xml: &str, id: &str) -> Result<String> {
    let document = Parser::new().with_forbid_dtd(true).parse(xml).map_err(Error::internal)?;
    let root = document.document_element().ok_or_else(|| Error::internal("a document to sign has no root"))?;
    let named = document.element(root).and_then(|element| element.get_attribute("ID"));
    if named != Some(id) {
        return Err(Error::internal("a document to sign has another ID"));
    }
    let nodes = NodeSet::tree_without_comments(root, &document);
    let octets = canonicalize_doc::<&str>(&document, C14nMode::Exclusive, Some(&nodes), &[]);
    String::from_utf8(octets.map_err(Error::internal)?).map_err(Error::internal)
}

/// Where the signature belongs in a canonical document.
fn place(canonical: &str) -> Option<usize> {
    let inside = start_tag_end(canonical)?;
    let first = canonical.get(inside..)?.strip_prefix('<').unwrap_or_default();
    let name = first.split([' ', '>', '/']).next().unwrap_or_default();
    if name.rsplit(':').next() != Some("Issuer") {
        return Some(inside);
    }
    // It holds text only, in which no tag can be written.
    let end = format!("</{name}>");
    canonical.get(inside..)?.find(&end).map(|at| inside + at + end.len())
}

/// The end of the first tag. A value may hold `>`, but no double quote.
fn start_tag_end(canonical: &str) -> Option<usize> {
    let mut quoted = false;
    let end = canonical.find(|c: char| {
        quoted ^= c == '"';
        c == '>' && !quoted
    });
    end.map(|at| at + 1)
}

/// Declares its namespace, which it would inherit, because its own canonical form does.
fn signed_info(id: &str, digest: &str) -> String {
    format!(
        concat!(
            r#"<ds:SignedInfo xmlns:ds="{ds}"><ds:CanonicalizationMethod Algorithm="{c14n}">"#,
            r#"</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="{rsa_sha256}"></ds:SignatureMethod>"#,
            r##"<ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="{enveloped}"></ds:Transform>"##,
            r#"<ds:Transform Algorithm="{c14n}"></ds:Transform></ds:Transforms>"#,
            r#"<ds:DigestMethod Algorithm="{sha256}"></ds:DigestMethod>"#,
            r#"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"#,
        ),
        ds = names::XML_SIGNATURE,
        c14n = names::EXCLUSIVE_C14N,
        rsa_sha256 = names::RSA_SHA256,
        id = attribute(id),
        enveloped = names::ENVELOPED_SIGNATURE,
        sha256 = names::SHA256,
        digest = digest,
    )
}

fn signature(signed_info: &str, value: &[u8], certificate: &[u8]) -> String {
    format!(
        concat!(
            r#"<ds:Signature xmlns:ds="{ds}">{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue>"#,
            r#"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>"#,
            r#"</ds:KeyInfo></ds:Signature>"#,
        ),
        ds = names::XML_SIGNATURE,
        signed_info = signed_info,
        value = STANDARD.encode(value),
        certificate = STANDARD.encode(certificate),
    )
}
