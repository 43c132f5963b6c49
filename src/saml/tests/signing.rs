//! What we sign, judged by both verifiers: libxmlsec1, by way of samael, and bergshamra. Neither shares a line with what signs,
//! but for bergshamra's canonical form, which the text has before: that is tested, too.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::dsig::verify::verify_all_document_with_source;
use bergshamra::keys::{KeysManager, loader};
use bergshamra::xml::NodeSet;
use bergshamra::xml::uppsala::{Document, Parser};
use bergshamra::{DsigContext, VerifyResult};
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode};

use crate::saml::key_pair::{self, KeyPair};
use crate::saml::key_use::KeyUse;
use crate::saml::logout_write::{self, Outer, Status};
use crate::saml::metadata_xml::{OwnMetadata, as_file, entity_descriptor};
use crate::saml::name_id::NameIdForm;
use crate::saml::redirect_signature::sign_redirect;
use crate::saml::request::{RequestOptions, authn_request_xml};
use crate::saml::signature_shape;
use crate::saml::signing_key::SigningKey;
use crate::saml::xml_reader::{read_message, read_metadata};
use crate::saml::xml_sign::sign_enveloped;

const NOW: i64 = 1_795_488_638_000;
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

fn pair() -> &'static KeyPair {
    static PAIR: OnceLock<KeyPair> = OnceLock::new();
    PAIR.get_or_init(|| key_pair::generate(KeyUse::Signing, NOW).expect("OpenSSL makes keys"))
}

fn key() -> SigningKey {
    SigningKey::from_pem(&pair().private_pem, pair().certificate.clone()).expect("they belong together")
}

fn request() -> String {
    let options = RequestOptions {
        sign: true,
        force_authn: true,
        authn_contexts: vec!["urn:oasis:names:tc:SAML:2.0:ac:classes:X509".into(), "urn:a&b<c>\"d'".into()],
        name_id_format: Some("urn:format?a=1&b='2'".into()),
        ..RequestOptions::plain("https://idp.test/sso?a=1&b=\"2\">'")
    };
    authn_request_xml("_q1", NOW, "https://sp.test/acs?a=1&b=2", "https://sp.test/o'brien/<metadata>", &options)
}

/// Both messages of single logout.
fn logout() -> [String; 2] {
    let (destination, issuer) = ("https://idp.test/slo?a=1&b=\"2\">'", "https://sp.test/o'brien/<metadata>");
    let outer = Outer { id: "_l1", issue_instant: NOW, destination, issuer };
    let form = NameIdForm::of(Some("urn:f\"<"), Some("q&'\t"), Some("https://sp.test/metadata"));
    let request = logout_write::request(outer, "ann & \"bob\" <x>", &form, Some("_s&1"));
    [request, logout_write::response(outer, "_q\"1>", Status::Partial)]
}

/// Metadata and its ID.
fn metadata() -> (String, String) {
    let written = entity_descriptor(&OwnMetadata {
        entity_id: "https://sp.test/metadata?a=1&b='2'",
        acs_url: "https://sp.test/acs",
        slo_url: "https://sp.test/slo",
        signing_certificates: &[pair().certificate.clone(), vec![1, 2, 3]],
        encryption_certificates: &[vec![4, 5, 6]],
        requests_signed: true,
        valid_until: Some(NOW),
    });
    (written.xml, written.id)
}

fn canonical(document: &Document<'_>) -> String {
    let root = document.document_element().expect("a root");
    let nodes = NodeSet::tree_without_comments(root, document);
    let octets = canonicalize_doc::<&str>(document, C14nMode::Exclusive, Some(&nodes), &[]);
    String::from_utf8(octets.expect("a canonical form")).expect("UTF-8")
}

/// What libxmlsec1 says is signed.
fn first(xml: &str, certificate: &[u8]) -> Option<String> {
    let certificate = [CertificateDer::from(certificate.to_vec())];
    let allowed = [AllowedSignatureAlgorithm::RsaSha256];
    let reduced = Crypto::reduce_xml_to_signed_with_allowed_algorithms(
        xml,
        &certificate,
        ReduceMode::PreDigest,
        Some(allowed.as_slice()),
    );
    reduced.ok()
}

/// How many signatures bergshamra accepts, if it accepts all.
fn second(xml: &str, certificate: &[u8]) -> Option<usize> {
    let key = X509::from_der(certificate).and_then(|certificate| certificate.public_key()).expect("a certificate");
    let mut keys = KeysManager::new();
    keys.add_key(loader::load_spki_der(&key.public_key_to_der().expect("a key")).expect("a key"));
    let document = Parser::new().with_forbid_dtd(true).parse(xml).expect("XML");
    let verdicts = verify_all_document_with_source(&DsigContext::new(keys), &document, Some(xml)).ok()?;
    verdicts.iter().all(|verdict| matches!(verdict, VerifyResult::Valid { .. })).then_some(verdicts.len())
}

#[track_caller]
fn both_accept(signed: &str, original: &str) {
    assert_eq!(first(signed, &pair().certificate).as_deref(), Some(original), "libxmlsec1: {signed}");
    assert_eq!(second(signed, &pair().certificate), Some(1), "bergshamra: {signed}");
}

#[test]
fn what_we_write_is_its_own_canonical_form() {
    for xml in [request(), metadata().0].into_iter().chain(logout()) {
        let document = Parser::new().parse(&xml).expect("XML");
        assert_eq!(canonical(&document), xml);
    }
}

#[test]
fn both_verifiers_accept_our_messages_and_our_metadata() {
    let xml = request();
    let signed = sign_enveloped(&key(), &xml, "_q1").expect("it signs");
    both_accept(&signed, &xml);
    for xml in logout() {
        let signed = sign_enveloped(&key(), &xml, "_l1").expect("it signs");
        both_accept(&signed, &xml);
    }
    let (xml, id) = metadata();
    let signed = sign_enveloped(&key(), &xml, &id).expect("it signs");
    both_accept(&signed, &xml);
    both_accept(&as_file(&signed), &xml);
}

#[test]
fn the_signature_has_its_place_and_the_shape_that_we_ask_of_others() {
    let signed = sign_enveloped(&key(), &request(), "_q1").expect("it signs");
    let root = read_message(signed.as_bytes()).expect("the reader that others' messages go through");
    let names: Vec<&str> = root.children.iter().map(|child| child.name.as_str()).collect();
    assert_eq!(names, ["Issuer", "Signature", "NameIDPolicy", "RequestedAuthnContext"]);
    signature_shape::check(&root.children[1], "_q1").expect("the gate's shape");
    let (xml, id) = metadata();
    let root = read_metadata(&sign_enveloped(&key(), &xml, &id).expect("it signs")).expect("XML");
    assert!(root.children[0].is(SIGNATURE, "Signature"), "{}", root.children[0].name);
    signature_shape::check(&root.children[0], &id).expect("the gate's shape");
}

#[test]
fn a_changed_document_and_another_key_are_noticed() {
    let signed = sign_enveloped(&key(), &request(), "_q1").expect("it signs");
    let stranger = key_pair::generate(KeyUse::Signing, NOW).expect("OpenSSL makes keys").certificate;
    assert_eq!((first(&signed, &stranger), second(&signed, &stranger)), (None, None), "another key");
    let changed = signed.replace("ForceAuthn=\"true\"", "ForceAuthn=\"false\"");
    assert_ne!(changed, signed);
    let verdicts = (first(&changed, &pair().certificate), second(&changed, &pair().certificate));
    assert_eq!(verdicts, (None, None), "a change");
}

/// Whoever hands over a text in another form gets a signature that verifies, too.
#[test]
fn what_is_not_canonical_is_made_so() {
    let xml = concat!(
        "<?xml version=\"1.0\"?>\n<samlp:LogoutRequest Version='2.0' ID=\"_l\" a='&apos;&gt;\"'",
        " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">",
        "<saml:Issuer>a&apos;b</saml:Issuer><saml:NameID>O&apos;Brien &#x10348;</saml:NameID><samlp:SessionIndex/>",
        "</samlp:LogoutRequest>\n",
    );
    let signed = sign_enveloped(&key(), xml, "_l").expect("it signs");
    assert_eq!(second(&signed, &pair().certificate), Some(1), "{signed}");
    let octets = first(&signed, &pair().certificate).expect("libxmlsec1 accepts it");
    assert!(
        octets.contains(
            "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">O'Brien \u{10348}</saml:NameID>"
        )
    );
    let root = read_message(signed.as_bytes()).expect("XML");
    assert_eq!((root.children[1].name.as_str(), root.attribute("a")), ("Signature", Some("'>\"")));
}

#[test]
fn only_the_root_is_signed() {
    for (xml, id) in [("<a ID=\"_b\"/>", "_a"), ("<a><b ID=\"_a\"/></a>", "_a"), ("<a ID=\"_a\">", "_a"), ("", "_a")] {
        assert!(sign_enveloped(&key(), xml, id).is_err(), "{xml}");
    }
    for (xml, signed) in
        [("<a ID=\"_a\"/>", "<a ID=\"_a\"><ds:Signature"), ("<a ID=\"_a\" b=\">\"> c</a>", "b=\">\"><ds:")]
    {
        let made = sign_enveloped(&key(), xml, "_a").expect("it signs");
        assert!(made.contains(signed), "{made}");
    }
}

#[test]
fn a_redirect_is_signed_over_the_octets_that_are_sent() {
    let accepts = |query: &str| {
        let (signed, signature) = query.split_once("&Signature=")?;
        let signature = url::form_urlencoded::parse(format!("s={signature}").as_bytes()).next()?.1.into_owned();
        let key = X509::from_der(&pair().certificate).and_then(|certificate| certificate.public_key()).ok()?;
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).ok()?;
        verifier.verify_oneshot(&STANDARD.decode(signature).ok()?, signed.as_bytes()).ok()
    };
    let query = sign_redirect(&key(), "SAMLRequest", &request(), Some("a state & more")).expect("it signs");
    let names: Vec<&str> = query.split('&').filter_map(|field| field.split('=').next()).collect();
    assert_eq!(names, ["SAMLRequest", "RelayState", "SigAlg", "Signature"]);
    assert!(query.contains("&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256&"), "{query}");
    assert_eq!(accepts(&query), Some(true));
    assert_eq!(accepts(&query.replace("a%20state", "b%20state")), Some(false));
    for nothing in [None, Some("")] {
        let query = sign_redirect(&key(), "SAMLResponse", "<a/>", nothing).expect("it signs");
        assert!(query.starts_with("SAMLResponse=") && !query.contains("RelayState"), "{query}");
        assert_eq!(accepts(&query), Some(true));
    }
}

#[test]
fn a_key_and_its_certificate_belong_together() {
    let other = key_pair::generate(KeyUse::Signing, NOW).expect("OpenSSL makes keys");
    assert!(SigningKey::from_pem(&pair().private_pem, other.certificate).is_none());
    assert!(SigningKey::from_pem(b"", pair().certificate.clone()).is_none());
    let shown = format!("{:?}", key());
    assert!(shown.len() < 100 && !shown.contains("PRIVATE"), "{shown}");
    assert_eq!(key().certificate_der(), pair().certificate);
}
