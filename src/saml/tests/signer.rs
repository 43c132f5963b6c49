//! An identity provider in a few lines: it signs with bergshamra and encrypts with OpenSSL, so that what is verified and
//! decrypted was not made by the library that does it alone.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra::keys::{KeysManager, loader};
use bergshamra::{DsigContext, sign};
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::symm;
use openssl::x509::X509;

use crate::saml::assertion::{Asked, Expected};
use crate::saml::decrypt::DecryptionKey;
use crate::saml::judge::Trust;
use crate::saml::key_pair::{self, KeyPair};
use crate::saml::key_use::KeyUse;
use crate::saml::sealed::EncryptedAssertions;
use crate::saml::settings::AttributeMapping;

pub const NOW: i64 = 1_795_488_638_000;
const INSTANT: &str = "2026-11-24T02:50:38Z";
const ACS: &str = "https://sp.test/acs";
const IDP: &str = "https://idp.test";
pub const USER: &str = "mallory@corp.test";

/// Keys of the identity provider, of ours now and before, and of a stranger.
pub struct Keys {
    pub provider: KeyPair,
    pub ours: KeyPair,
    pub older: KeyPair,
    pub stranger: KeyPair,
}

pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    let pair = || key_pair::generate(KeyUse::Encryption, NOW).expect("OpenSSL makes keys");
    KEYS.get_or_init(|| Keys { provider: pair(), ours: pair(), older: pair(), stranger: pair() })
}

pub fn decryption_key(pair: &KeyPair) -> DecryptionKey {
    DecryptionKey::from_pem(&pair.private_pem).expect("our own key")
}

pub fn trust() -> Trust {
    Trust {
        certificates: vec![keys().provider.certificate.clone()],
        decryption_keys: vec![decryption_key(&keys().ours), decryption_key(&keys().older)],
        encrypted_assertions: EncryptedAssertions::Optional,
        filler: [7; 32],
        attributes: AttributeMapping::default(),
    }
}

pub fn expected() -> Expected {
    Expected {
        now: NOW,
        clock_skew_ms: 180_000,
        acs_url: ACS.into(),
        service_provider_entity_id: "https://sp.test/metadata".into(),
        identity_provider_entity_id: IDP.into(),
        request_id: "_q".into(),
        asked: Asked::default(),
    }
}

pub fn template(id: &str) -> String {
    format!(
        concat!(
            r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>"##,
            r##"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"##,
            r##"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>"##,
            r##"<ds:Reference URI="#{}"><ds:Transforms>"##,
            r##"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"##,
            r##"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>"##,
            r##"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"##,
            r##"<ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>"##,
            r##"<ds:SignatureValue></ds:SignatureValue></ds:Signature>"##,
        ),
        id
    )
}

/// Fills in the first signature of a document.
pub fn signed(xml: &str, pair: &KeyPair) -> String {
    let mut manager = KeysManager::new();
    manager.add_key(loader::load_rsa_private_pem(&pair.private_pem).expect("a private key"));
    sign(&DsigContext::new(manager), xml).expect("it signs")
}

/// An assertion for our request, signed by `signer` if there is one.
pub fn assertion(user: &str, signer: Option<&KeyPair>) -> String {
    let signature = if signer.is_some() { template("_a") } else { String::new() };
    let xml = format!(
        concat!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0""#,
            r#" IssueInstant="{instant}"><saml:Issuer>{idp}</saml:Issuer>{signature}<saml:Subject>"#,
            r#"<saml:NameID>{user}</saml:NameID><saml:SubjectConfirmation"#,
            r#" Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData"#,
            r#" NotOnOrAfter="2026-11-24T02:55:38Z" Recipient="{acs}" InResponseTo="_q"/>"#,
            r#"</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotOnOrAfter="2026-11-24T02:55:38Z">"#,
            r#"<saml:AudienceRestriction><saml:Audience>https://sp.test/metadata</saml:Audience>"#,
            r#"</saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{instant}"/>"#,
            r#"</saml:Assertion>"#,
        ),
        instant = INSTANT,
        idp = IDP,
        signature = signature,
        user = user,
        acs = ACS,
    );
    signer.map_or(xml.clone(), |signer| signed(&xml, signer))
}

/// A response with something in the place of the assertion, signed by `signer` if there is one.
pub fn response(inside: &str, signer: Option<&KeyPair>) -> String {
    let signature = if signer.is_some() { template("_r") } else { String::new() };
    let xml = format!(
        concat!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol""#,
            r#" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0""#,
            r#" IssueInstant="{instant}" Destination="{acs}" InResponseTo="_q">"#,
            r#"<saml:Issuer>{idp}</saml:Issuer>{signature}<samlp:Status>"#,
            r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#,
            r#"{inside}</samlp:Response>"#,
        ),
        instant = INSTANT,
        acs = ACS,
        idp = IDP,
        signature = signature,
        inside = inside,
    );
    signer.map_or(xml.clone(), |signer| signed(&xml, signer))
}

/// How the key of an assertion is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    OaepSha1,
    OaepSha256,
    Pkcs1,
}

/// What is encrypted: the wrapped key, and the octets with what stands before and behind.
pub struct Sealed {
    pub cipher: &'static str,
    pub transport: Transport,
    pub wrapped_key: Vec<u8>,
    pub octets: Vec<u8>,
}

/// Encrypts with `cipher`: the end of its URI, such as `aes256-gcm`.
pub fn seal(plaintext: &[u8], cipher: &'static str, transport: Transport, to: &KeyPair) -> Sealed {
    let key: Vec<u8> = (0..length(cipher)).map(|n| u8::try_from(n * 5 + 1).expect("small")).collect();
    let octets = encrypted(plaintext, cipher, &key);
    Sealed { cipher, transport, wrapped_key: wrapped(&key, transport, to), octets }
}

fn length(cipher: &str) -> usize {
    cipher[3..6].parse::<usize>().expect("aes128, aes192, aes256") / 8
}

fn encrypted(plaintext: &[u8], cipher: &str, key: &[u8]) -> Vec<u8> {
    let (gcm, cbc) = match key.len() {
        16 => (symm::Cipher::aes_128_gcm(), symm::Cipher::aes_128_cbc()),
        24 => (symm::Cipher::aes_192_gcm(), symm::Cipher::aes_192_cbc()),
        _ => (symm::Cipher::aes_256_gcm(), symm::Cipher::aes_256_cbc()),
    };
    if cipher.ends_with("cbc") {
        let mut all = vec![3; 16];
        all.extend(symm::encrypt(cbc, key, Some(&[3; 16]), plaintext).expect("CBC"));
        return all;
    }
    let (mut all, mut tag) = (vec![3; 12], [0; 16]);
    all.extend(symm::encrypt_aead(gcm, key, Some(&[3; 12]), &[], plaintext, &mut tag).expect("GCM"));
    all.extend(tag);
    all
}

fn wrapped(key: &[u8], transport: Transport, to: &KeyPair) -> Vec<u8> {
    let public = X509::from_der(&to.certificate).and_then(|certificate| certificate.public_key()).expect("a key");
    let mut encrypter = Encrypter::new(&public).expect("an RSA key");
    let padding = if transport == Transport::Pkcs1 { Padding::PKCS1 } else { Padding::PKCS1_OAEP };
    encrypter.set_rsa_padding(padding).expect("RSA");
    if transport == Transport::OaepSha256 {
        encrypter.set_rsa_oaep_md(MessageDigest::sha256()).expect("OAEP");
        encrypter.set_rsa_mgf1_md(MessageDigest::sha256()).expect("OAEP");
    }
    let mut out = vec![0; encrypter.encrypt_len(key).expect("a length")];
    let length = encrypter.encrypt(key, &mut out).expect("it encrypts");
    out.truncate(length);
    out
}

impl Sealed {
    /// The EncryptedAssertion.
    pub fn xml(&self) -> String {
        let version = if self.cipher.ends_with("gcm") { "2009/xmlenc11" } else { "2001/04/xmlenc" };
        let method = match self.transport {
            Transport::OaepSha1 => concat!(
                r#"<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p">"#,
                r#"<ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/></xenc:EncryptionMethod>"#,
            ),
            Transport::OaepSha256 => concat!(
                r#"<xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#rsa-oaep">"#,
                r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#,
                r#"<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#""#,
                r#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/></xenc:EncryptionMethod>"#,
            ),
            Transport::Pkcs1 => r#"<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-1_5"/>"#,
        };
        let (key, octets) = (STANDARD.encode(&self.wrapped_key), STANDARD.encode(&self.octets));
        let cipher = self.cipher;
        [
            r#"<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData"#,
            r#" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element">"#,
            &format!(r#"<xenc:EncryptionMethod Algorithm="http://www.w3.org/{version}#{cipher}"/>"#),
            r#"<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey>"#,
            method,
            &format!("<xenc:CipherData><xenc:CipherValue>{key}</xenc:CipherValue></xenc:CipherData>"),
            "</xenc:EncryptedKey></ds:KeyInfo>",
            &format!("<xenc:CipherData><xenc:CipherValue>{octets}</xenc:CipherValue></xenc:CipherData>"),
            "</xenc:EncryptedData></saml:EncryptedAssertion>",
        ]
        .concat()
    }
}
