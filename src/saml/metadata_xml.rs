//! Pure: our metadata, for an identity provider's administrator (Metadata §2): where to answer, and our keys. In exclusive
//! canonical form, so that it can be signed as it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::xml_write::attribute;
use super::{names, time};
use crate::base::clock::UnixMillis;
use crate::base::text::hex;

/// What we say of ourselves.
#[derive(Clone, Debug)]
pub struct OwnMetadata<'a> {
    pub entity_id: &'a str,
    pub acs_url: &'a str,
    /// Single logout, by either binding.
    pub slo_url: &'a str,
    /// Keys that we sign with, X.509 in DER, the one that signs now first.
    pub signing_certificates: &'a [Vec<u8>],
    /// Keys that assertions may be encrypted to, X.509 in DER, the best first.
    pub encryption_certificates: &'a [Vec<u8>],
    /// Whether each AuthnRequest is signed, to whomever it goes.
    pub requests_signed: bool,
    /// Until when it may be believed. Absent: nothing is said.
    pub valid_until: Option<UnixMillis>,
}

/// An `EntityDescriptor`, without XML declaration.
pub struct EntityDescriptor {
    /// Its `ID`: an NCName, the same for the same content.
    pub id: String,
    pub xml: String,
}

/// Writes an EntityDescriptor with one service provider role.
pub fn entity_descriptor(own: &OwnMetadata<'_>) -> EntityDescriptor {
    let until = own.valid_until.map(|at| format!(r#" validUntil="{}""#, time::format_instant(at)));
    let rest = format!(
        r#" cacheDuration="PT24H" entityID="{}"{}>{}</md:EntityDescriptor>"#,
        attribute(own.entity_id),
        until.unwrap_or_default(),
        role(own),
    );
    let id = format!("_{}", &hex(&Sha256::digest(rest.as_bytes()))[..40]);
    let xml = format!(r#"<md:EntityDescriptor xmlns:md="{}" ID="{id}"{rest}"#, names::METADATA);
    EntityDescriptor { id, xml }
}

/// A file, rather than a message, says of itself what it is.
pub fn as_file(xml: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n")
}

/// Metadata §2.4.4: keys, single logout, formats of names, and one consumer service, in the order of the schema.
fn role(own: &OwnMetadata<'_>) -> String {
    let signing: String = own.signing_certificates.iter().map(|der| key_descriptor("signing", der, "")).collect();
    let ciphers = encryption_methods();
    let encryption = own.encryption_certificates.iter().map(|der| key_descriptor("encryption", der, &ciphers));
    format!(
        concat!(
            r#"<md:SPSSODescriptor AuthnRequestsSigned="{signed}" WantAssertionsSigned="true""#,
            r#" protocolSupportEnumeration="{protocol}">{signing}{encryption}{logout}{formats}"#,
            r#"<md:AssertionConsumerService Binding="{post}" Location="{acs}" index="0" isDefault="true">"#,
            r#"</md:AssertionConsumerService></md:SPSSODescriptor>"#,
        ),
        signed = own.requests_signed,
        protocol = names::PROTOCOL,
        signing = signing,
        encryption = encryption.collect::<String>(),
        logout = logout(own.slo_url),
        formats = formats(),
        post = names::HTTP_POST,
        acs = attribute(own.acs_url),
    )
}

fn logout(slo_url: &str) -> String {
    let location = attribute(slo_url);
    let service = |binding: &str| {
        format!(r#"<md:SingleLogoutService Binding="{binding}" Location="{location}"></md:SingleLogoutService>"#)
    };
    [service(names::HTTP_REDIRECT), service(names::HTTP_POST)].concat()
}

fn formats() -> String {
    names::NAME_ID_FORMATS.iter().map(|format| format!("<md:NameIDFormat>{format}</md:NameIDFormat>")).collect()
}

fn key_descriptor(key_use: &str, certificate: &[u8], methods: &str) -> String {
    format!(
        concat!(
            r#"<md:KeyDescriptor use="{key_use}"><ds:KeyInfo xmlns:ds="{ds}"><ds:X509Data><ds:X509Certificate>"#,
            r#"{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}</md:KeyDescriptor>"#,
        ),
        key_use = key_use,
        ds = names::XML_SIGNATURE,
        certificate = STANDARD.encode(certificate),
        methods = methods,
    )
}

/// What we decrypt (Metadata §2.4.1.1).
fn encryption_methods() -> String {
    let plain = |uri: &str| format!(r#"<md:EncryptionMethod Algorithm="{uri}"></md:EncryptionMethod>"#);
    let ciphers: String = names::CONTENT_CIPHERS.iter().map(|cipher| plain(cipher.uri)).collect();
    format!(
        concat!(
            r#"{ciphers}<md:EncryptionMethod Algorithm="{oaep}"><ds:DigestMethod xmlns:ds="{ds}""#,
            r#" Algorithm="{sha256}"></ds:DigestMethod><xenc11:MGF xmlns:xenc11="{xenc11}" Algorithm="{mgf1_sha256}">"#,
            r#"</xenc11:MGF></md:EncryptionMethod><md:EncryptionMethod Algorithm="{oaep_mgf1p}"><ds:DigestMethod"#,
            r#" xmlns:ds="{ds}" Algorithm="{sha1}"></ds:DigestMethod></md:EncryptionMethod>"#,
        ),
        ciphers = ciphers,
        oaep = names::RSA_OAEP,
        ds = names::XML_SIGNATURE,
        sha256 = names::SHA256,
        xenc11 = names::XML_ENCRYPTION_11,
        mgf1_sha256 = names::MGF1_SHA256,
        oaep_mgf1p = names::RSA_OAEP_MGF1P,
        sha1 = names::SHA1,
    )
}
