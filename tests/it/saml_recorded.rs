//! What real identity providers said, judged at the time they said it: fixtures/saml/recorded.

use std::fs;
use std::path::PathBuf;

use curfew::saml::assertion::{Asked, CLOCK_SKEW_MS, Expected, Identity};
use curfew::saml::decrypt::DecryptionKey;
use curfew::saml::identity_provider::{IdentityProvider, parse_metadata};
use curfew::saml::judge::{Trust, judge};
use curfew::saml::refusal::Refusal;
use curfew::saml::sealed::EncryptedAssertions;
use curfew::saml::settings::AttributeMapping;
use curfew::saml::{gate, time};
use serde_json::{Value, json};

const PROVIDERS: [&str; 3] = ["simplesamlphp", "lemonldap", "pysaml2"];

fn file(path: &str) -> Vec<u8> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/saml/recorded").join(path);
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn text(path: &str) -> String {
    String::from_utf8(file(path)).expect("text")
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("the manifest has no {key}"))
}

/// What one identity provider said, and to whom.
struct Recorded {
    name: &'static str,
    manifest: Value,
    metadata: String,
}

impl Recorded {
    fn open(name: &'static str) -> Self {
        let manifest = serde_json::from_str(&text(&format!("{name}/manifest.json"))).expect("JSON");
        Self { name, manifest, metadata: text(&format!("{name}/idp-metadata.xml")) }
    }

    fn cases(&self, expect: &str) -> Vec<&Value> {
        let all = self.manifest["cases"].as_array().expect("a list");
        all.iter().filter(|case| word(case, "expect") == expect).collect()
    }

    /// Judges a response some milliseconds after it was recorded.
    fn judge(&self, case: &Value, later: i64) -> Result<Identity, Refusal> {
        let made = time::parse_instant(word(case, "made")).expect("an instant");
        let provider = parse_metadata(&self.metadata, made).expect("its metadata is accepted");
        let expected = Expected {
            now: made + later,
            clock_skew_ms: CLOCK_SKEW_MS,
            acs_url: word(&self.manifest, "acs").to_owned(),
            service_provider_entity_id: word(&self.manifest, "sp_entity_id").to_owned(),
            identity_provider_entity_id: provider.entity_id.clone(),
            request_id: word(case, "in_response_to").to_owned(),
            asked: Asked::default(),
        };
        let xml = gate::decode(&text(&format!("{}/{}", self.name, word(case, "file"))))?;
        judge(&xml, &trust(provider), &expected)
    }
}

fn trust(provider: IdentityProvider) -> Trust {
    let key = DecryptionKey::from_pem(&file("decryption-key.pem")).expect("a key in PKCS #8");
    Trust {
        certificates: provider.certificates,
        decryption_keys: vec![key],
        encrypted_assertions: EncryptedAssertions::Optional,
        filler: [7; 32],
        attributes: AttributeMapping::default(),
    }
}

#[test]
fn what_real_providers_said_is_understood() {
    for recorded in PROVIDERS.map(Recorded::open) {
        let cases = recorded.cases("accept");
        assert_eq!(cases.len(), 2, "{}", recorded.name);
        for case in cases {
            let name = format!("{} {}", recorded.name, word(case, "name"));
            let identity = recorded.judge(case, 0).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            let manifest = &recorded.manifest;
            assert_eq!(identity.name_id, word(manifest, "user"), "{name}");
            assert_eq!(identity.email.as_deref(), Some(word(manifest, "user")), "{name}");
            assert_eq!(identity.display_name.as_deref(), Some(word(manifest, "display_name")), "{name}");
            let mut groups = identity.groups.clone();
            groups.sort();
            assert_eq!(json!(groups), manifest["groups"], "{name}");
            assert!(identity.session_index.is_some_and(|index| !index.is_empty()), "{name} names no session");
            assert!(identity.session_not_on_or_after.is_some(), "{name} names no end of the session");
        }
    }
}

#[test]
fn what_real_providers_do_by_default_and_must_not_is_refused() {
    let recorded = Recorded::open("pysaml2");
    let cases = recorded.cases("reject");
    assert_eq!(cases.len(), 1);
    for case in cases {
        let refusal = recorded.judge(case, 0).expect_err(word(case, "name"));
        assert_eq!(refusal.check, word(case, "check"), "{refusal}");
    }
}

/// The same responses an hour later.
#[test]
fn recorded_responses_do_not_last() {
    for recorded in PROVIDERS.map(Recorded::open) {
        for case in recorded.cases("accept") {
            let refusal = recorded.judge(case, 60 * 60 * 1000).expect_err("an hour old");
            assert_eq!(refusal.check, "check.response-issue-instant", "{}: {refusal}", recorded.name);
        }
    }
}
