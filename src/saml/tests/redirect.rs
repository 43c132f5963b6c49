//! The redirect binding as it arrives: what was signed is what came, to the octet, and nothing else is taken for it.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::{X509, X509Name};

use super::signer::keys;
use crate::saml::names::SIGNATURE_ALGORITHMS;
use crate::saml::redirect_verify::verify_redirect;

const XML: &str = "<samlp:LogoutRequest>ä</samlp:LogoutRequest>";

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn deflated(octets: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(octets).expect("memory");
    encoder.finish().expect("memory")
}

pub fn private(pem: &[u8]) -> PKey<Private> {
    PKey::private_key_from_pem(pem).expect("a private key")
}

/// The signature over a query that ends with its SigAlg, as an identity provider sends it.
fn sign(signed: &str, digest: MessageDigest, key: &PKey<Private>) -> String {
    let mut signer = Signer::new(digest, key).expect("a signer");
    let signature = signer.sign_oneshot_to_vec(signed.as_bytes()).expect("a signature");
    format!("{signed}&Signature={}", escaped(&STANDARD.encode(signature)))
}

fn unsigned(message: &[u8], relay_state: Option<&str>, algorithm: &str) -> String {
    let relay_state = relay_state.map(|state| format!("&RelayState={}", escaped(state))).unwrap_or_default();
    format!("SAMLRequest={}{relay_state}&SigAlg={}", escaped(&STANDARD.encode(message)), escaped(algorithm))
}

/// A query that the provider signed.
pub fn genuine(xml: &str, relay_state: Option<&str>) -> String {
    let query = unsigned(&deflated(xml.as_bytes()), relay_state, SIGNATURE_ALGORITHMS[0]);
    sign(&query, MessageDigest::sha256(), &private(&keys().provider.private_pem))
}

fn certificates() -> Vec<Vec<u8>> {
    vec![keys().stranger.certificate.clone(), keys().provider.certificate.clone()]
}

/// Name of the check that refuses it, or `accepted`.
fn verdict(query: &str) -> &'static str {
    verify_redirect(query, "SAMLRequest", &certificates()).map_or_else(|refusal| refusal.check, |_| "accepted")
}

fn elliptic() -> (PKey<Private>, Vec<u8>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    let key = PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key");
    let mut name = X509Name::builder().expect("a name");
    name.append_entry_by_nid(Nid::COMMONNAME, "ec").expect("a name");
    let name = name.build();
    let mut builder = X509::builder().expect("a certificate");
    let serial = BigNum::from_u32(1).and_then(|one| one.to_asn1_integer()).expect("a number");
    builder.set_version(2).expect("a version");
    builder.set_serial_number(&serial).expect("a number");
    builder.set_subject_name(&name).expect("a name");
    builder.set_issuer_name(&name).expect("a name");
    builder.set_not_before(&Asn1Time::from_unix(0).expect("an instant")).expect("an instant");
    builder.set_not_after(&Asn1Time::from_unix(4_000_000_000).expect("an instant")).expect("an instant");
    builder.set_pubkey(&key).expect("a key");
    builder.sign(&key, MessageDigest::sha256()).expect("a signature");
    (key, builder.build().to_der().expect("DER"))
}

#[test]
fn what_the_provider_signed_is_read() {
    let state = "état & \"more\"";
    let message = verify_redirect(&genuine(XML, Some(state)), "SAMLRequest", &certificates()).expect("accepted");
    assert_eq!((message.xml.as_slice(), message.relay_state.as_deref()), (XML.as_bytes(), Some(state)));
    let message = verify_redirect(&genuine(XML, None), "SAMLRequest", &certificates()).expect("accepted");
    assert_eq!(message.relay_state, None);
    let answer = genuine(XML, None).replace("SAMLRequest=", "SAMLResponse=");
    let query = answer.split("&Signature=").next().expect("the signed part").to_owned();
    let answer = sign(&query, MessageDigest::sha256(), &private(&keys().provider.private_pem));
    assert!(verify_redirect(&answer, "SAMLResponse", &certificates()).is_ok());
    assert_eq!(verdict(&answer), "redirect.parameters");
}

#[test]
fn every_algorithm_of_the_list_and_no_other() {
    let key = private(&keys().provider.private_pem);
    let digests = [MessageDigest::sha256(), MessageDigest::sha384(), MessageDigest::sha512()];
    let message = deflated(XML.as_bytes());
    for (algorithm, digest) in SIGNATURE_ALGORITHMS.into_iter().zip(digests) {
        assert_eq!(verdict(&sign(&unsigned(&message, None, algorithm), digest, &key)), "accepted", "{algorithm}");
        let other = if algorithm.ends_with("256") { digests[1] } else { digests[0] };
        assert_eq!(verdict(&sign(&unsigned(&message, None, algorithm), other, &key)), "signature.invalid");
    }
    for algorithm in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
        "",
    ] {
        let query = sign(&unsigned(&message, None, algorithm), MessageDigest::sha1(), &key);
        assert_eq!(verdict(&query), "redirect.signature-algorithm", "{algorithm}");
    }
}

#[test]
fn elliptic_keys_sign_in_both_forms_and_beside_others() {
    let (key, certificate) = elliptic();
    let query = unsigned(&deflated(XML.as_bytes()), None, SIGNATURE_ALGORITHMS[3]);
    let der = sign(&query, MessageDigest::sha256(), &key);
    let signature = Signer::new(MessageDigest::sha256(), &key)
        .and_then(|mut signer| signer.sign_oneshot_to_vec(query.as_bytes()))
        .and_then(|signature| EcdsaSig::from_der(&signature))
        .expect("a signature");
    let halves = [signature.r(), signature.s()].map(|half| half.to_vec_padded(32).expect("32 octets"));
    let plain = format!("{query}&Signature={}", escaped(&STANDARD.encode(halves.concat())));
    for query in [&der, &plain] {
        let both = [keys().provider.certificate.clone(), certificate.clone()];
        assert!(verify_redirect(query, "SAMLRequest", &both).is_ok(), "{query}");
        let other = elliptic().1;
        for wrong in [vec![keys().provider.certificate.clone()], vec![other], vec![vec![1, 2, 3]]] {
            let refused = verify_redirect(query, "SAMLRequest", &wrong).expect_err("no key of these");
            assert_eq!(refused.check, "signature.invalid");
        }
    }
    // The key of one kind, the name of the other.
    let mixed =
        sign(&unsigned(&deflated(XML.as_bytes()), None, SIGNATURE_ALGORITHMS[0]), MessageDigest::sha256(), &key);
    assert!(verify_redirect(&mixed, "SAMLRequest", &[certificate]).is_err());
}

#[test]
fn unsigned_and_badly_signed_queries_are_refused() {
    let good = genuine(XML, Some("state"));
    let (signed, _) = good.split_once("&Signature=").expect("a signature");
    assert_eq!(verdict(signed), "redirect.unsigned");
    assert_eq!(verdict(&format!("{signed}&Signature=")), "signature.invalid");
    assert_eq!(verdict(&good.replacen("&SigAlg=", "&sigalgorithm=", 1)), "redirect.unsigned");
    assert_eq!(verdict("SAMLRequest=AAAA"), "redirect.unsigned");
    assert_eq!(verdict(""), "redirect.parameters");
    let stranger = sign(signed, MessageDigest::sha256(), &private(&keys().ours.private_pem));
    assert_eq!(verdict(&stranger), "signature.invalid", "somebody else's key");
    for changed in [
        good.replace("RelayState=state", "RelayState=other"),
        good.replace("&RelayState=state", ""),
        format!("SAMLRequest={}&RelayState=state&{}", escaped("AAAA"), &good[good.find("SigAlg").expect("it")..]),
    ] {
        assert_eq!(verdict(&changed), "signature.invalid", "{changed}");
    }
    assert_eq!(verdict(&genuine(XML, None).replace("&SigAlg", "&RelayState=x&SigAlg")), "signature.invalid");
    let refused = verify_redirect(&good, "SAMLRequest", &[]).expect_err("no certificate");
    assert_eq!(refused.check, "signature.no-certificate");
    assert_eq!(verdict(&format!("{signed}&Signature=%%%")), "redirect.parameters");
    assert_eq!(verdict(&format!("{signed}&Signature=AAAAA")), "redirect.base64");
}

/// Bindings §3.4.4.1: the signature is over the standard's order, whatever order they arrive in.
#[test]
fn the_order_that_is_signed_is_the_standards() {
    let good = genuine(XML, Some("state"));
    let mut parts: Vec<&str> = good.split('&').collect();
    parts.reverse();
    assert_eq!(verdict(&parts.join("&")), "accepted");
    let message = escaped(&STANDARD.encode(deflated(XML.as_bytes())));
    let algorithm = escaped(SIGNATURE_ALGORITHMS[0]);
    let key = private(&keys().provider.private_pem);
    for signed in [
        format!("RelayState=state&SAMLRequest={message}&SigAlg={algorithm}"),
        format!("SAMLRequest={message}&SigAlg={algorithm}&RelayState=state"),
        format!("SAMLRequest={message}&SAMLEncoding=x&SigAlg={algorithm}").replace("&SAMLEncoding=x", "&"),
    ] {
        assert_eq!(verdict(&sign(&signed, MessageDigest::sha256(), &key)), "signature.invalid", "{signed}");
    }
}

#[test]
fn the_octets_that_came_are_verified_however_they_are_escaped() {
    let key = private(&keys().provider.private_pem);
    let upper = unsigned(&deflated(XML.as_bytes()), Some("a/b"), SIGNATURE_ALGORITHMS[0]);
    let lower = upper.replace("%2F", "%2f").replace("%3A", "%3a");
    assert_ne!(upper, lower);
    assert_eq!(verdict(&sign(&lower, MessageDigest::sha256(), &key)), "accepted");
    let (_, signature) = sign(&upper, MessageDigest::sha256(), &key).split_once("&Signature=").map(owned).expect("it");
    assert_eq!(verdict(&format!("{lower}&Signature={signature}")), "signature.invalid");
}

fn owned((left, right): (&str, &str)) -> (String, String) {
    (left.to_owned(), right.to_owned())
}

#[test]
fn a_parameter_is_there_once_and_plainly_written() {
    let good = genuine(XML, Some("state"));
    let other = genuine("<other/>", None);
    let twin = |name: &str| other.split('&').find(|part| part.starts_with(name)).expect("it is there").to_owned();
    for extra in [
        twin("SAMLRequest="),
        twin("Signature="),
        twin("SigAlg="),
        "RelayState=other".to_owned(),
        "SAMLResponse=AAAA".to_owned(),
        "SAML%52equest=AAAA".to_owned(),
        "samlrequest=AAAA".to_owned(),
        "%53igAlg=x".to_owned(),
        "RelayState".to_owned(),
        "%ff=x".to_owned(),
        "%2=x".to_owned(),
    ] {
        for query in [format!("{good}&{extra}"), format!("{extra}&{good}")] {
            assert_eq!(verdict(&query), "redirect.parameters", "{query}");
        }
    }
    assert_eq!(verdict(&format!("{good}&utm_source=mail&&x")), "accepted", "what has no meaning is nobody's");
}

#[test]
fn only_deflate_and_only_so_much_of_it() {
    let key = private(&keys().provider.private_pem);
    let signed =
        |message: &[u8]| sign(&unsigned(message, None, SIGNATURE_ALGORITHMS[0]), MessageDigest::sha256(), &key);
    let encoding = |uri: &str| format!("{}&SAMLEncoding={}", genuine(XML, None), escaped(uri));
    assert_eq!(verdict(&encoding("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE")), "accepted");
    for other in ["urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:GZIP", "deflate", ""] {
        assert_eq!(verdict(&encoding(other)), "redirect.encoding", "{other}");
    }
    assert_eq!(verdict(&signed(&deflated(&vec![b'x'; 64 * 1024]))), "accepted");
    let bomb = deflated(&vec![b'x'; 10_000_000]);
    assert!(bomb.len() < 20_000, "{}", bomb.len());
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(XML.as_bytes()).expect("memory");
    let whole = deflated(XML.as_bytes());
    let trailing = [whole.as_slice(), b"more"].concat();
    for message in [
        deflated(&vec![b'x'; 64 * 1024 + 1]),
        bomb,
        zlib.finish().expect("memory"),
        whole[..whole.len() - 3].to_vec(),
        trailing,
        XML.as_bytes().to_vec(),
        Vec::new(),
    ] {
        assert_eq!(verdict(&signed(&message)), "redirect.deflate", "{} octets", message.len());
    }
    assert_eq!(verdict(&format!("SAMLRequest={}", "A".repeat(70_000))), "redirect.too-large");
}

#[test]
fn a_relay_state_is_short() {
    assert_eq!(verdict(&genuine(XML, Some(&"x".repeat(1_024)))), "accepted");
    assert_eq!(verdict(&genuine(XML, Some(&"x".repeat(1_025)))), "redirect.relay-state");
}
