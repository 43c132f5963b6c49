//! Pure: what we send to an identity provider: the AuthnRequest, how it travels, and our own metadata.
//! Requests are not signed: the answer is only believed if it names the request, whoever wrote that.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use quick_xml::escape::escape;

use super::{names, time};
use crate::base::clock::UnixMillis;

/// What the identity provider shall ask of the person (Core §3.4.1, ForceAuthn).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A session that they have there is enough.
    AnySession,
    /// They must prove again who they are.
    Anew,
}

/// An AuthnRequest (Core §3.4.1) that asks for a response by POST to `acs_url`.
///
/// `request_id` is an NCName with at least 128 random bits; `destination` the address that it is sent to.
pub fn authn_request_xml(
    request_id: &str,
    issue_instant: UnixMillis,
    acs_url: &str,
    service_provider_entity_id: &str,
    destination: &str,
    proof: Proof,
) -> String {
    format!(
        concat!(
            r#"<samlp:AuthnRequest xmlns:samlp="{protocol}" xmlns:saml="{assertion}" ID="{id}" Version="2.0""#,
            r#" IssueInstant="{instant}" Destination="{destination}" AssertionConsumerServiceURL="{acs}""#,
            r#" ProtocolBinding="{post}"{force}><saml:Issuer>{issuer}</saml:Issuer>"#,
            r#"<samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>"#,
        ),
        protocol = names::PROTOCOL,
        assertion = names::ASSERTION,
        id = escape(request_id),
        instant = time::format_instant(issue_instant),
        destination = escape(destination),
        acs = escape(acs_url),
        post = names::HTTP_POST,
        force = if proof == Proof::Anew { r#" ForceAuthn="true""# } else { "" },
        issuer = escape(service_provider_entity_id),
    )
}

/// The address to redirect a browser to (Bindings §3.4.4.1): `xml` deflated, base64, percent-encoded, appended to
/// whatever query `sso_url` has. `sso_url` has no fragment; an empty `relay_state` is left out.
pub fn redirect_url(sso_url: &str, xml: &str, relay_state: &str) -> String {
    let joint = match sso_url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let request = percent_encoded(&STANDARD.encode(deflated(xml)));
    let mut url = format!("{sso_url}{joint}SAMLRequest={request}");
    if !relay_state.is_empty() {
        url.push_str("&RelayState=");
        url.push_str(&percent_encoded(relay_state));
    }
    url
}

/// The value of the form field `SAMLRequest` for the POST binding (Bindings §3.5.4): base64, not deflated. Its
/// characters need no escaping in HTML.
pub fn post_form_fields(xml: &str) -> String {
    STANDARD.encode(xml)
}

/// Our metadata for an identity provider's administrator (Metadata §2.4.4): one consumer service, by POST, and the keys that
/// assertions may be encrypted to, X.509 in DER, the best first.
pub fn service_provider_metadata(entity_id: &str, acs_url: &str, encryption_certificates: &[Vec<u8>]) -> String {
    let keys: String = encryption_certificates.iter().map(|der| key_descriptor(der)).collect();
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            "\n",
            r#"<md:EntityDescriptor xmlns:md="{metadata}" entityID="{entity_id}">"#,
            r#"<md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true""#,
            r#" protocolSupportEnumeration="{protocol}">{keys}<md:AssertionConsumerService Binding="{post}""#,
            r#" Location="{acs}" index="0" isDefault="true"/></md:SPSSODescriptor></md:EntityDescriptor>"#,
            "\n",
        ),
        metadata = names::METADATA,
        entity_id = escape(entity_id),
        protocol = names::PROTOCOL,
        keys = keys,
        post = names::HTTP_POST,
        acs = escape(acs_url),
    )
}

/// A key to encrypt to, and what we decrypt (Metadata §2.4.1.1).
fn key_descriptor(certificate: &[u8]) -> String {
    let plain = |uri: &str| format!(r#"<md:EncryptionMethod Algorithm="{uri}"/>"#);
    let ciphers: String = names::CONTENT_CIPHERS.iter().map(|cipher| plain(cipher.uri)).collect();
    format!(
        concat!(
            r#"<md:KeyDescriptor use="encryption"><ds:KeyInfo xmlns:ds="{ds}"><ds:X509Data><ds:X509Certificate>"#,
            r#"{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{ciphers}"#,
            r#"<md:EncryptionMethod Algorithm="{oaep}"><ds:DigestMethod xmlns:ds="{ds}" Algorithm="{sha256}"/>"#,
            r#"<xenc11:MGF xmlns:xenc11="{xenc11}" Algorithm="{mgf1_sha256}"/></md:EncryptionMethod>"#,
            r#"<md:EncryptionMethod Algorithm="{oaep_mgf1p}"><ds:DigestMethod xmlns:ds="{ds}" Algorithm="{sha1}"/>"#,
            r#"</md:EncryptionMethod></md:KeyDescriptor>"#,
        ),
        ds = names::XML_SIGNATURE,
        certificate = STANDARD.encode(certificate),
        ciphers = ciphers,
        oaep = names::RSA_OAEP,
        sha256 = names::SHA256,
        xenc11 = names::XML_ENCRYPTION_11,
        mgf1_sha256 = names::MGF1_SHA256,
        oaep_mgf1p = names::RSA_OAEP_MGF1P,
        sha1 = names::SHA1,
    )
}

/// Raw DEFLATE (RFC 1951), without the header of zlib.
fn deflated(text: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

/// Everything but the unreserved characters as `%XX` (RFC 3986 §2.1), a space too.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to memory does not fail");
        }
    }
    encoded
}
