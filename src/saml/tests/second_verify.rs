//! The second verifier over the recorded corpus: with the first it agrees on what is good, and nothing hostile gets past both.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::signer::{assertion, keys, response};
use crate::saml::identity_provider::parse_metadata;
use crate::saml::refusal::Refusal;
use crate::saml::{gate, second_verify, time, verify, xml_reader};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/saml")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(folder().join(file)).expect("the fixture is there")
}

/// Certificates of the corpus's provider, and every case: its name, whether it is good, and what the gate lets through.
/// Name, whether it is to be accepted, and octets.
type Case = (String, bool, Vec<u8>);

fn corpus() -> (Vec<Vec<u8>>, Vec<Case>) {
    let manifest: Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let made = time::parse_instant(&text(&manifest["made"])).expect("an instant");
    let provider = parse_metadata(&read("idp-metadata.xml"), made).expect("metadata");
    // Those of other providers, and those that a test makes because they are large, are judged in `tests/it/saml_corpus.rs`.
    let own = |case: &&Value| case["provider"].is_null() && case["file"].is_string();
    let cases = manifest["cases"].as_array().expect("cases").iter().filter(own).filter_map(|case| {
        let xml = gate::decode(&read(&text(&case["file"]))).ok()?;
        gate::admit(&xml).ok()?;
        Some((text(&case["name"]), case["expect"] == "accept", xml))
    });
    (provider.certificates, cases.collect())
}

fn second(xml: &[u8], certificates: &[Vec<u8>]) -> Result<Vec<u8>, Refusal> {
    let envelope = gate::admit(xml)?;
    second_verify::signed_octets(std::str::from_utf8(xml).expect("UTF-8"), certificates, &envelope)
}

#[test]
fn both_agree_on_every_good_response() {
    let (certificates, cases) = corpus();
    let good: Vec<_> = cases.iter().filter(|(_, good, _)| *good).collect();
    assert!(good.len() >= 8, "{} good responses", good.len());
    for (name, _, xml) in good {
        let octets = second(xml, &certificates).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        xml_reader::read_message(&octets).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        verify::verify(xml, &certificates).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    }
}

#[test]
fn nothing_that_one_refuses_is_accepted() {
    let (certificates, cases) = corpus();
    let mut refused = Vec::new();
    for (name, good, xml) in cases.iter().filter(|(_, good, _)| !good) {
        let (second, both) = (second(xml, &certificates), verify::verify(xml, &certificates));
        assert!(!good && (second.is_ok() || both.is_err()), "{name}: the second verifier was not heard");
        if second.is_err() {
            refused.push(name.as_str());
        }
    }
    for name in
        ["sig-tampered-nameid", "sig-assertion-bad-response-good", "key-self-signed", "tenant-other-key-our-issuer"]
    {
        assert!(refused.contains(&name), "{name} passes the second verifier; refused: {refused:?}");
    }
}

#[test]
fn it_answers_for_the_elements_that_the_gate_saw() {
    let signer = Some(&keys().provider);
    let certificates = [keys().provider.certificate.clone()];
    for xml in [
        response(&assertion("a@b.test", signer), None),
        response(&assertion("a@b.test", None), signer),
        response(&assertion("a@b.test", signer), signer),
    ] {
        let envelope = gate::admit(xml.as_bytes()).expect("the gate admits it");
        let octets = second_verify::signed_octets(&xml, &certificates, &envelope).expect("it verifies");
        let root = xml_reader::read_message(&octets).expect("XML");
        let outermost = if envelope.response_signed { "Response" } else { "Assertion" };
        assert_eq!(root.name, outermost);
        let stranger = [keys().stranger.certificate.clone()];
        assert!(second_verify::signed_octets(&xml, &stranger, &envelope).is_err(), "a stranger's certificate");
        assert!(second_verify::signed_octets(&xml, &[], &envelope).is_err(), "no certificate");
        let other = gate::Envelope { assertion_id: "_b".into(), response_id: "_c".into(), ..envelope.clone() };
        assert!(second_verify::signed_octets(&xml, &certificates, &other).is_err(), "other elements");
        let fewer = gate::Envelope { response_signed: !envelope.response_signed, ..envelope };
        assert!(second_verify::signed_octets(&xml, &certificates, &fewer).is_err(), "another number of signatures");
        let changed = xml.replace("a@b.test", "c@b.test");
        assert!(second(changed.as_bytes(), &certificates).is_err(), "a changed name");
    }
}
