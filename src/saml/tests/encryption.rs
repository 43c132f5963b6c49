//! Encrypted assertions: every cipher that is taken, every way of breaking one, and that all of those look alike.

use super::signer::{Sealed, Transport, USER, assertion, decryption_key, expected, keys, response, seal, trust};
use crate::saml::assertion::Identity;
use crate::saml::judge::{Trust, judge};
use crate::saml::key_pair::KeyPair;
use crate::saml::refusal::Refusal;
use crate::saml::sealed::EncryptedAssertions;

const CIPHERS: [&str; 6] = ["aes256-gcm", "aes192-gcm", "aes128-gcm", "aes256-cbc", "aes192-cbc", "aes128-cbc"];
const TRANSPORTS: [Transport; 2] = [Transport::OaepSha1, Transport::OaepSha256];

fn provider() -> Option<&'static KeyPair> {
    Some(&keys().provider)
}

fn sealed(cipher: &'static str, transport: Transport) -> Sealed {
    seal(assertion(USER, provider()).as_bytes(), cipher, transport, &keys().ours)
}

fn verdict(xml: &str) -> Result<Identity, Refusal> {
    judge(xml.as_bytes(), &trust(), &expected())
}

#[track_caller]
fn refused(xml: &str, check: &str) {
    match verdict(xml) {
        Ok(_) => panic!("accepted, where {check} was to refuse"),
        Err(refusal) => assert_eq!(refusal.check, check, "{refusal}"),
    }
}

/// The one refusal for everything between the key and the signature.
fn alike() -> Refusal {
    let stranger = assertion(USER, Some(&keys().stranger));
    let sealed = seal(stranger.as_bytes(), "aes256-gcm", Transport::OaepSha1, &keys().ours);
    verdict(&response(&sealed.xml(), None)).expect_err("signed by a stranger")
}

#[track_caller]
fn refused_alike(xml: &str, what: &str) {
    assert_eq!(verdict(xml).expect_err(what), alike(), "{what}");
}

#[test]
fn every_cipher_and_every_place_of_the_signature_is_read() {
    for cipher in CIPHERS {
        for transport in TRANSPORTS {
            for (inside, outside) in [(provider(), None), (None, provider()), (provider(), provider())] {
                let sealed = seal(assertion(USER, inside).as_bytes(), cipher, transport, &keys().ours);
                let identity = verdict(&response(&sealed.xml(), outside));
                let identity = identity.unwrap_or_else(|refusal| panic!("{cipher} {transport:?}: {refusal}"));
                assert_eq!(identity.name_id, USER);
            }
        }
    }
}

#[test]
fn both_keys_are_tried() {
    let older = seal(assertion(USER, provider()).as_bytes(), "aes256-gcm", Transport::OaepSha1, &keys().older);
    let xml = response(&older.xml(), provider());
    assert!(verdict(&xml).is_ok());
    let only_new = Trust { decryption_keys: vec![decryption_key(&keys().ours)], ..trust() };
    assert_eq!(judge(xml.as_bytes(), &only_new, &expected()).expect_err("a key that went").check, "signature.invalid");
    let none = Trust { decryption_keys: Vec::new(), ..trust() };
    assert_eq!(judge(xml.as_bytes(), &none, &expected()).expect_err("no key").check, "encryption.no-key");
}

#[test]
fn a_workspace_may_require_it() {
    let required = Trust { encrypted_assertions: EncryptedAssertions::Required, ..trust() };
    let clear = response(&assertion(USER, provider()), None);
    assert!(verdict(&clear).is_ok());
    let refusal = judge(clear.as_bytes(), &required, &expected()).expect_err("in the clear");
    assert_eq!(refusal.check, "encryption.required");
    let encrypted = response(&sealed("aes256-gcm", Transport::OaepSha1).xml(), None);
    assert!(judge(encrypted.as_bytes(), &required, &expected()).is_ok());
}

#[test]
fn without_a_signature_nothing_is_believed() {
    for cipher in CIPHERS {
        let unsigned = seal(assertion(USER, None).as_bytes(), cipher, Transport::OaepSha1, &keys().ours);
        refused_alike(&response(&unsigned.xml(), None), cipher);
    }
    // A stranger's signature on the Response is refused before the key is used, whatever is inside.
    refused(&response(&sealed("aes128-cbc", Transport::OaepSha1).xml(), Some(&keys().stranger)), "signature.invalid");
    let good = response(&sealed("aes128-cbc", Transport::OaepSha1).xml(), provider());
    refused(&good.replacen("ID=\"_r\" Version", "ID=\"_r\" Consent=\"urn:x\" Version", 1), "signature.invalid");
}

#[test]
fn broken_ciphertexts_all_look_alike() {
    for cipher in ["aes128-gcm", "aes256-gcm", "aes128-cbc", "aes256-cbc"] {
        for outside in [None, provider()] {
            for length in 0..=48 {
                let mut cut = sealed(cipher, Transport::OaepSha1);
                cut.octets.truncate(length);
                refused_alike(&response(&cut.xml(), outside), &format!("{cipher}, {length} octets"));
            }
            let mut flipped = sealed(cipher, Transport::OaepSha1);
            *flipped.octets.last_mut().expect("it has octets") ^= 1;
            refused_alike(&response(&flipped.xml(), outside), &format!("{cipher}, the last octet"));
            let mut wrong_key = sealed(cipher, Transport::OaepSha1);
            wrong_key.wrapped_key.fill(0);
            refused_alike(&response(&wrong_key.xml(), outside), &format!("{cipher}, a broken key"));
        }
    }
}

#[test]
fn broken_keys_all_look_alike() {
    for transport in TRANSPORTS {
        for length in [0, 1, 16, 32, 128, 256, 383] {
            let mut cut = sealed("aes256-gcm", transport);
            cut.wrapped_key.truncate(length);
            refused_alike(&response(&cut.xml(), None), &format!("{length} octets of the key"));
        }
        let stranger = assertion(USER, provider());
        let stranger = seal(stranger.as_bytes(), "aes256-gcm", transport, &keys().stranger);
        refused_alike(&response(&stranger.xml(), None), "encrypted to a stranger");
        let mut short = sealed("aes128-gcm", transport);
        short.cipher = "aes256-gcm";
        refused_alike(&response(&short.xml(), None), "a key of another length");
    }
    // The key is wrapped by one transport and said to be by the other.
    let mut other = sealed("aes256-gcm", Transport::OaepSha1);
    other.transport = Transport::OaepSha256;
    refused_alike(&response(&other.xml(), None), "another transport");
}

#[test]
fn what_comes_out_passes_the_gate_or_looks_like_the_rest() {
    let good = assertion(USER, provider());
    let doctype = format!("<!DOCTYPE x [<!ENTITY e \"e\">]>{good}");
    let commented = good.replace(USER, "mallory@corp.test<!---->.evil.test");
    let sealed_again = seal(good.as_bytes(), "aes256-gcm", Transport::OaepSha1, &keys().ours).xml();
    let deep = format!("{}{}", "<a>".repeat(70), "</a>".repeat(70));
    let huge = good.replace(USER, &"a".repeat(520 * 1024));
    for (what, plaintext) in [
        ("nothing", Vec::new()),
        ("not UTF-8", vec![0xff, 0xfe, 0xfd]),
        ("no XML", b"no XML".to_vec()),
        ("an unknown element", b"<x/>".to_vec()),
        ("a document type", doctype.into_bytes()),
        ("a comment", commented.into_bytes()),
        ("two assertions", format!("{good}{good}").into_bytes()),
        ("an assertion and more", format!("{good}<samlp:Extensions/>").into_bytes()),
        ("encryption within", sealed_again.into_bytes()),
        ("an end tag too many", format!("{good}</samlp:Response><samlp:Response>").into_bytes()),
        ("deep nesting", deep.into_bytes()),
        ("half an assertion", good.as_bytes()[..good.len() / 2].to_vec()),
        ("too much", huge.into_bytes()),
    ] {
        for outside in [None, provider()] {
            let sealed = seal(&plaintext, "aes256-gcm", Transport::OaepSha1, &keys().ours);
            let xml = response(&sealed.xml(), outside);
            if xml.len() > 512 * 1024 {
                refused(&xml, "gate.too-large");
            } else {
                refused_alike(&xml, what);
            }
        }
    }
}

#[test]
fn an_encrypted_name_is_refused_by_its_name() {
    let name = format!("<saml:NameID>{USER}</saml:NameID>");
    let hidden = assertion(USER, None).replace(&name, "<saml:EncryptedID/>");
    assert!(hidden.contains("EncryptedID"));
    refused(&response(&hidden, provider()), "gate.encrypted-id");
    let sealed = seal(hidden.as_bytes(), "aes256-gcm", Transport::OaepSha1, &keys().ours);
    refused(&response(&sealed.xml(), provider()), "gate.encrypted-id");
}

#[test]
fn only_one_shape_is_read() {
    let good = sealed("aes256-gcm", Transport::OaepSha1).xml();
    let reference = "<xenc:CipherReference URI=\"http://127.0.0.1:9/\"/>";
    let method = "<ds:RetrievalMethod URI=\"#k\" Type=\"http://www.w3.org/2001/04/xmlenc#EncryptedKey\"/>";
    let data = "<xenc:CipherData><xenc:CipherValue>";
    let key = good.split("<ds:KeyInfo").nth(1).and_then(|rest| rest.split_once('>')).expect("a key").1;
    let key = key.split("</ds:KeyInfo>").next().expect("its end");
    let (two_keys, reference_first) = (format!("{key}{key}"), format!("{method}<xenc:EncryptedKey>"));
    let two_values = format!("<xenc:CipherData>{reference}<xenc:CipherValue>");
    for (from, to, check) in [
        ("#rsa-oaep-mgf1p", "#rsa-1_5", "encryption.key-transport"),
        ("xmlenc#rsa-oaep-mgf1p", "xmlenc#kw-aes128", "encryption.key-transport"),
        ("xmldsig#sha1", "xmldsig-more#md5", "encryption.key-transport"),
        ("#aes256-gcm", "#tripledes-cbc", "encryption.cipher"),
        ("<xenc:EncryptedKey>", reference_first.as_str(), "encryption.reference"),
        (key, method, "encryption.reference"),
        (key, two_keys.as_str(), "encryption.shape"),
        (key, "<ds:KeyName>k</ds:KeyName>", "encryption.shape"),
        (data, two_values.as_str(), "encryption.shape"),
        ("xmlenc#Element", "xmlenc#Content", "encryption.shape"),
        ("</xenc:EncryptedData>", "<xenc:EncryptionProperties/></xenc:EncryptedData>", "encryption.shape"),
        ("<xenc:CipherValue>", "<xenc:CipherValue>%", "encryption.shape"),
        ("</saml:EncryptedAssertion>", "<x/><y/></saml:EncryptedAssertion>", "encryption.shape"),
    ] {
        assert!(good.contains(from), "{from}");
        refused(&response(&good.replacen(from, to, 1), None), check);
    }
    let (start, end) = (good.rfind("<xenc:CipherValue>").expect("a value"), good.rfind("</xenc:CipherData>"));
    let fetched = [&good[..start], reference, &good[end.expect("its end")..]].concat();
    refused(&response(&fetched, provider()), "encryption.reference");
    refused(&response(&sealed("aes256-gcm", Transport::Pkcs1).xml(), provider()), "encryption.key-transport");
}

#[test]
fn there_is_one_encrypted_assertion_and_none_beside_it() {
    let good = sealed("aes256-gcm", Transport::OaepSha1).xml();
    let clear = assertion(USER, provider());
    for (inside, check) in [
        (format!("{good}{good}"), "encryption.assertion-count"),
        (format!("{good}{clear}"), "encryption.assertion-beside"),
        (format!("{clear}{good}"), "encryption.assertion-beside"),
        (format!("<samlp:Extensions>{good}</samlp:Extensions>"), "gate.assertion-place"),
        (format!("<samlp:Extensions><samlp:Response/></samlp:Extensions>{good}"), "gate.nested-response"),
        (good.replace("urn:oasis:names:tc:SAML:2.0:assertion", "urn:evil"), "gate.assertion-place"),
    ] {
        refused(&response(&inside, None), check);
    }
}

#[test]
fn a_key_beside_the_data_is_read_too() {
    let good = sealed("aes256-gcm", Transport::OaepSha1).xml();
    let (before, rest) =
        good.split_once("<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">").expect("a key");
    let (key, after) = rest.split_once("</ds:KeyInfo>").expect("its end");
    let key = key.replacen(
        "<xenc:EncryptedKey>",
        "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
        1,
    );
    let after = after.replace("</xenc:EncryptedData>", &format!("</xenc:EncryptedData>{key}"));
    let identity = verdict(&response(&format!("{before}{after}"), provider()));
    assert!(identity.is_ok(), "{identity:?}");
}

/// What a failure is compared with takes the whole way to the signature.
#[test]
fn the_decoy_passes_the_gate_and_no_verifier() {
    let decoy = crate::saml::opened::DECOY.as_bytes();
    assert!(crate::saml::gate::admit(decoy).is_ok_and(|envelope| envelope.assertion_signed));
    let refusal = crate::saml::verify::verify(decoy, &trust().certificates).expect_err("nobody signed it");
    assert_eq!(refusal.check, "signature.invalid");
}

/// All that stands around a plaintext that is XML is read once more, which must not take long if nobody signed it.
#[test]
fn only_who_signs_may_fill_what_stands_around() {
    let good = sealed("aes128-cbc", Transport::OaepSha1).xml();
    for octets in [0, 300 * 1024] {
        let more = format!("<samlp:Extensions><x xmlns=\"urn:x\">{}</x></samlp:Extensions>", "x".repeat(octets));
        refused(&response(&format!("{more}{good}"), None), "encryption.shape");
        let signed = verdict(&response(&format!("{more}{good}"), provider()));
        assert!(signed.is_ok(), "{octets} octets: {signed:?}");
    }
    let around = |octets: usize| {
        let message = format!("<samlp:StatusMessage>{}</samlp:StatusMessage></samlp:Status>", "x".repeat(octets));
        response(&good, None).replacen("</samlp:Status>", &message, 1)
    };
    assert!(verdict(&around(6 * 1024)).is_ok());
    refused(&around(8 * 1024), "encryption.shape");
}
