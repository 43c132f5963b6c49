//! The way of a SAML response from form value to identity, over the recorded corpus in fixtures/saml, with the clock
//! standing where the corpus was made.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use curfew::saml::assertion::{CLOCK_SKEW_MS, Expected, Identity, check};
use curfew::saml::identity_provider::parse_metadata;
use curfew::saml::refusal::Refusal;
use curfew::saml::{gate, time, verify};
use serde_json::Value;

/// Hostile in what surrounds the response, not in the response: a second use, another browser, a domain that is not the
/// workspace's, a RelayState. The core accepts these; the sign-in operation and its page refuse or disarm them.
const JUDGED_ELSEWHERE: [&str; 3] = ["replay", "irt-other-browser", "tenant-foreign-domain"];
const JUDGED_ELSEWHERE_FAMILY: &str = "relaystate";

/// A certificate on P-256 that signed nothing here.
const UNRELATED_CERTIFICATE: &str = "MIIBBTCBraADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAXQwIBcNMjYwMTAxMDAwMDAwWhgPMjEyNTEyMDgwMDAwMDBaMAwxCjAIBgNVBAMMAXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASMr1kk/dKJZNTuKBrKBwPTOg20EDFXhIAo3cttL/4TId6phS3Gh6E6DO6r9SjWzIfsCnTLqrKu2dXpEhalHiKHMAoGCCqGSM49BAMCA0cAMEQCIH6ANJ39ezBArmnvy3KuhpIERM/SSf+qjYfKs8g6SCw6AiBPJocY9dOrZhNWpx9dkzlI+ylQuAzJjVmEdFVmNjNyHA==";

struct Corpus {
    manifest: Value,
    certificates: Vec<Vec<u8>>,
    expected: Expected,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/saml")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("the manifest has no {key}"))
}

impl Corpus {
    fn open() -> Self {
        let manifest = fs::read_to_string(folder().join("manifest.json")).expect("the manifest is there");
        let manifest: Value = serde_json::from_str(&manifest).expect("the manifest is JSON");
        let now = time::parse_instant(text(&manifest, "made")).expect("the manifest says when it was made");
        let metadata = fs::read_to_string(folder().join("idp-metadata.xml")).expect("the metadata is there");
        let provider = parse_metadata(&metadata, now).expect("the metadata is accepted");
        let expected = Expected {
            now,
            clock_skew_ms: CLOCK_SKEW_MS,
            acs_url: text(&manifest, "acs").to_owned(),
            service_provider_entity_id: text(&manifest, "sp_entity_id").to_owned(),
            identity_provider_entity_id: provider.entity_id,
            request_id: text(&manifest, "in_response_to").to_owned(),
        };
        Self { certificates: provider.certificates, expected, manifest }
    }

    fn cases(&self, expect: &[&str]) -> Vec<&Value> {
        let all = self.manifest["cases"].as_array().expect("the manifest lists cases");
        all.iter().filter(|case| expect.contains(&text(case, "expect"))).collect()
    }

    fn response(&self, file: &str) -> Result<Vec<u8>, Refusal> {
        gate::decode(&fs::read_to_string(folder().join(file)).expect("the fixture is there"))
    }

    fn judge(&self, case: &Value) -> Result<Identity, Refusal> {
        let xml = self.response(text(case, "file"))?;
        let envelope = gate::admit(&xml)?;
        let assertion = verify::verify(&xml, &self.certificates)?;
        check(&envelope, &assertion, &self.expected)
    }
}

fn is_judged_elsewhere(case: &Value) -> bool {
    JUDGED_ELSEWHERE.contains(&text(case, "name")) || text(case, "family") == JUDGED_ELSEWHERE_FAMILY
}

#[test]
fn good_responses_give_the_user() {
    let corpus = Corpus::open();
    let user = text(&corpus.manifest, "user");
    let cases = corpus.cases(&["accept"]);
    assert_eq!(cases.len(), 14);
    for case in cases {
        let name = text(case, "name");
        match corpus.judge(case) {
            Ok(identity) => {
                assert_eq!(identity.name_id, user, "{name}");
                assert_eq!(identity.email.as_deref(), Some(user), "{name}");
                assert_eq!(identity.groups, ["users"], "{name}");
            }
            Err(refusal) => {
                assert_eq!(case["optional"], Value::Bool(true), "{name}: {refusal}");
                assert_eq!(refusal.check, "gate.encrypted-assertion", "{name}");
            }
        }
    }
}

#[test]
fn hostile_responses_are_refused_or_harmless() {
    let corpus = Corpus::open();
    let victim = text(&corpus.manifest, "victim");
    let cases = corpus.cases(&["reject", "safe"]);
    assert_eq!(cases.len(), 119);
    for case in cases {
        let name = text(case, "name");
        match corpus.judge(case) {
            Ok(identity) => {
                assert!(is_judged_elsewhere(case), "{name} is accepted: {}", text(case, "why"));
                assert_ne!(identity.name_id, victim, "{name}");
                assert_ne!(identity.email.as_deref(), Some(victim), "{name}");
            }
            Err(refusal) => assert!(!is_judged_elsewhere(case), "{name} is refused here: {refusal}"),
        }
    }
}

#[test]
fn hostile_responses_are_refused_for_what_is_wrong_with_them() {
    let corpus = Corpus::open();
    let cases = corpus.cases(&["reject", "safe"]);
    for (name, check) in [
        ("xsw3", "gate.assertion-count"),
        ("xsw-enc-evil", "gate.encrypted-assertion"),
        ("root-wrong-ns", "gate.root"),
        ("sig-none", "gate.unsigned"),
        ("sig-tampered-nameid", "signature.invalid"),
        ("sig-assertion-bad-response-good", "signature.invalid"),
        ("sig-void-c14n", "gate.relative-namespace"),
        ("text-comment", "gate.comment"),
        ("dtd-benign", "gate.doctype"),
        ("enc-bom", "gate.byte-order-mark"),
        ("enc-decl-utf7", "gate.xml-declaration"),
        ("wf-trailing-root", "gate.second-root"),
        ("wf-truncated", "gate.not-well-formed"),
        ("wf-dup-attr", "gate.duplicate-attribute"),
        ("tr-ref-http", "gate.reference-uri"),
        ("key-self-signed", "signature.invalid"),
        ("key-hmac-der", "gate.signature-algorithm"),
        ("alg-digest-sha1", "gate.digest-algorithm"),
        ("chk-destination-assertion", "check.destination"),
        ("chk-audience-missing", "check.audience"),
        ("chk-no-conditions", "check.conditions"),
        ("chk-scd-noa-missing", "check.confirmation-expired"),
        ("chk-session-expired", "check.session-expired"),
        ("chk-status-missing", "check.status"),
        ("chk-issueinstant-old", "check.response-issue-instant"),
        ("irt-missing", "check.in-response-to"),
        ("tenant-other-key-our-issuer", "signature.invalid"),
        ("b64-not", "gate.base64"),
    ] {
        let case = cases.iter().find(|case| text(case, "name") == name).unwrap_or_else(|| panic!("no case {name}"));
        let refusal = corpus.judge(case).expect_err(name);
        assert_eq!(refusal.check, check, "{name}: {refusal}");
    }
}

#[test]
fn certificates_are_required_and_tried_one_by_one() {
    let corpus = Corpus::open();
    let unrelated = STANDARD.decode(UNRELATED_CERTIFICATE).expect("base64");
    let xml = corpus.response("good/valid-sign-both.b64").expect("base64");
    let refused = |certificates: &[Vec<u8>]| verify::verify(&xml, certificates).map_err(|refusal| refusal.check);
    assert_eq!(refused(&[]), Err("signature.no-certificate"));
    assert_eq!(refused(&[Vec::new()]), Err("signature.invalid"));
    assert_eq!(refused(std::slice::from_ref(&unrelated)), Err("signature.invalid"));
    let rollover = [unrelated, corpus.certificates[0].clone()];
    assert!(refused(&rollover).is_ok(), "the second certificate verifies it");
}
