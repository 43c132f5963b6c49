//! Encrypted assertions: a genuine identity provider that encrypts, and one that sends what can't be decrypted, or should not
//! be. What each failure looks like from inside: `src/saml/tests/encryption.rs`.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::saml::{Flow, USER, configure, encryption_certificates, metadata};
use crate::support::{Reply, TestApp, send};

const PATH: &str = "/api/v1/security/saml";
const ROTATE: &str = "/api/v1/security/saml/encryption-key";
const CIPHERS: [&str; 6] = ["aes256-gcm", "aes192-gcm", "aes128-gcm", "aes256-cbc", "aes192-cbc", "aes128-cbc"];
const END: &str = "<xenc:CipherValue>";

/// Delivers a response that was made with these arguments of `sign.py`; gives the browser.
async fn delivered(app: &TestApp, arguments: &[&str]) -> (Flow, Reply) {
    let flow = Flow::begin(app).await;
    let reply = flow.deliver(&flow.response(USER, arguments)).await;
    (flow, reply)
}

async fn accepted(app: &TestApp, arguments: &[&str]) {
    let (flow, reply) = delivered(app, arguments).await;
    let who = flow.who().await.unwrap_or_else(|| panic!("{arguments:?}: {} {}", reply.status, reply.text));
    assert_eq!(who["user"]["email"], USER);
}

async fn refused(app: &TestApp, arguments: &[&str]) {
    let (flow, reply) = delivered(app, arguments).await;
    assert_eq!(reply.status, 403, "{arguments:?}: {}", reply.text);
    assert!(flow.who().await.is_none(), "{arguments:?} signed somebody in");
}

/// What the audit log says of refused responses: check and detail, each pair once.
async fn said(app: &TestApp, owner: &str) -> BTreeSet<(String, String)> {
    let entries = app.all_items(owner, "/api/v1/audit?action=login.saml_refused").await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries.iter().map(|entry| (text(&entry["details"]["check"]), text(&entry["details"]["detail"]))).collect()
}

/// A response whose last CipherValue has only so many octets.
fn cut(response: &str, octets: usize) -> String {
    let xml = String::from_utf8(STANDARD.decode(response).expect("base64")).expect("XML");
    let (before, rest) = xml.rsplit_once(END).expect("a CipherValue");
    let (value, after) = rest.split_once('<').expect("its end");
    let value = STANDARD.decode(value).expect("base64");
    let value = STANDARD.encode(&value[..octets.min(value.len())]);
    STANDARD.encode(format!("{before}{END}{value}<{after}"))
}

on_both_databases! {
    async fn every_cipher_signs_in(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let to = &encryption_certificates(&app).await[0];
        for cipher in CIPHERS {
            for transport in ["oaep-sha1", "oaep-sha256"] {
                accepted(&app, &["--encrypt", cipher, "--to", to, "--transport", transport]).await;
            }
        }
        for cipher in ["aes256-gcm", "aes128-cbc"] {
            for sign in ["assertion", "response"] {
                accepted(&app, &["--encrypt", cipher, "--to", to, "--sign", sign]).await;
            }
        }
    }

    /// Nothing that can't be decrypted, or should not be, signs anybody in; what is not plain to see in the message is one
    /// refusal in the audit log too.
    async fn what_is_broken_is_refused(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let to = &encryption_certificates(&app).await[0];
        for sign in ["assertion", "both"] {
            for flaw in ["tag", "key", "doctype", "undecodable", "nested"] {
                refused(&app, &["--encrypt", "aes256-gcm", "--to", to, "--sign", sign, "--flaw", flaw]).await;
            }
            refused(&app, &["--encrypt", "aes256-cbc", "--to", to, "--sign", sign, "--flaw", "tag"]).await;
        }
        for cipher in ["aes128-cbc", "aes256-gcm"] {
            refused(&app, &["--encrypt", cipher, "--to", to, "--sign", "none"]).await;
        }
        refused(&app, &["--encrypt", "aes256-gcm", "--to", to, "--sign", "assertion", "--key", "attacker"]).await;
        let alike = said(&app, &owner).await;
        assert_eq!(alike.len(), 1, "failures can be told apart: {alike:?}");
        assert!(alike.iter().all(|(check, _)| check == "signature.invalid"), "{alike:?}");
        for (arguments, check) in [
            (["--transport", "rsa15"], "encryption.key-transport"),
            (["--flaw", "two"], "encryption.assertion-count"),
            (["--flaw", "beside"], "encryption.assertion-beside"),
            (["--flaw", "cipher-reference"], "encryption.reference"),
            (["--flaw", "retrieval-method"], "encryption.reference"),
            (["--flaw", "huge"], "gate.too-large"),
            (["--flaw", "encrypted-id"], "gate.encrypted-id"),
        ] {
            let all = [["--encrypt", "aes256-gcm", "--to", to.as_str()].as_slice(), arguments.as_slice()].concat();
            let (flow, reply) = delivered(&app, &all).await;
            assert!(flow.who().await.is_none(), "{arguments:?} signed somebody in");
            // A form value that is too long never gets as far as a refusal of the response.
            assert!([403, 413].contains(&reply.status), "{arguments:?}: {}", reply.status);
            let known = said(&app, &owner).await.into_iter().any(|(found, _)| found == check);
            assert!(known || reply.status == 413, "{arguments:?} is not refused by {check}");
        }
    }

    /// Whatever is cut off a ciphertext, the answer is the same, and the sign-in goes on being possible.
    async fn a_truncated_ciphertext_is_refused(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let to = &encryption_certificates(&app).await[0];
        for cipher in ["aes256-gcm", "aes128-cbc"] {
            let flow = Flow::begin(&app).await;
            let response = flow.response(USER, &["--encrypt", cipher, "--to", to, "--sign", "assertion"]);
            for octets in 0..=48 {
                let reply = flow.deliver(&cut(&response, octets)).await;
                assert_eq!(reply.status, 403, "{cipher}, {octets} octets: {}", reply.text);
            }
            assert!(flow.who().await.is_none());
            assert_eq!(said(&app, &owner).await.len(), 1, "{cipher}: failures can be told apart");
            flow.deliver(&cut(&response, usize::MAX)).await;
            assert!(flow.who().await.is_some(), "{cipher}: the whole response was refused");
        }
    }

    async fn a_workspace_may_require_encryption(app: TestApp) {
        let owner = app.owner_token().await;
        let body = |setting: &str| json!({"metadata_xml": metadata(), "sessions": "keep", "encrypted_assertions": setting});
        app.put(&owner, PATH, body("sometimes")).await.expect_field("encrypted_assertions");
        assert_eq!(configure(&app, &owner).await["encrypted_assertions"], "optional");
        accepted(&app, &[]).await;
        let set = app.put(&owner, PATH, body("required")).await.expect(200).json();
        assert_eq!(set["encrypted_assertions"], "required");
        let certificates = set["encryption_certificates"].as_array().expect("a list").len();
        assert_eq!(certificates, 1, "it is required before there is a key: {set}");
        refused(&app, &[]).await;
        let to = &encryption_certificates(&app).await[0];
        accepted(&app, &["--encrypt", "aes256-gcm", "--to", to]).await;
        // Metadata that is imported again, for a new certificate, doesn't loosen it.
        assert_eq!(configure(&app, &owner).await["encrypted_assertions"], "required");
        refused(&app, &[]).await;
        app.put(&owner, PATH, body("optional")).await.expect(200);
        accepted(&app, &[]).await;
    }

    /// Two keys count: the newest, and the one before it.
    async fn keys_are_changed_without_a_gap(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let first = encryption_certificates(&app).await;
        let again = encryption_certificates(&app).await;
        assert_eq!((first.len(), &first), (1, &again), "reading the metadata makes keys");
        let member = app.provision("ana").await;
        app.post(&app.sign_in(&member.email).await, ROTATE, json!({})).await.expect(403);
        let shown = app.post(&owner, ROTATE, json!({})).await.expect(200).json();
        assert_eq!(shown["encryption_certificates"].as_array().map(Vec::len), Some(2), "{shown}");
        let both = encryption_certificates(&app).await;
        assert_eq!((both.len(), &both[1]), (2, &first[0]), "the new one comes first");
        for to in &both {
            accepted(&app, &["--encrypt", "aes256-gcm", "--to", to]).await;
        }
        app.post(&owner, ROTATE, json!({})).await.expect(200);
        let later = encryption_certificates(&app).await;
        assert_eq!((later.len(), &later[1]), (2, &both[0]));
        accepted(&app, &["--encrypt", "aes256-gcm", "--to", &later[0]]).await;
        refused(&app, &["--encrypt", "aes256-gcm", "--to", &first[0]]).await;
        let noted = app.all_items(&owner, "/api/v1/audit?action=security.saml_encryption_key_rotated").await;
        assert_eq!(noted.len(), 2);
    }

    /// The private key is in the database, sealed: a restarted process opens it, one without the sealing key doesn't.
    async fn keys_outlive_the_process(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let before = encryption_certificates(&app).await;
        let app = app.restart().await;
        assert_eq!(encryption_certificates(&app).await, before);
        accepted(&app, &["--encrypt", "aes256-gcm", "--to", &before[0]]).await;
        let (home, clock) = (app.home.data_dir().to_owned(), app.clock.clone());
        let stopped = app.stop().await;
        for entry in std::fs::read_dir(&home).expect("the data folder") {
            let bytes = std::fs::read(entry.expect("a file").path()).expect("a file");
            assert!(!bytes.windows(11).any(|part| part == b"PRIVATE KEY"), "a private key is there in clear");
        }
        std::fs::remove_file(home.join("secrets.key")).expect("the sealing key is in the data folder");
        let doctor = stopped.cli().run(&["doctor"]);
        assert!(doctor.code == Some(2) && doctor.stdout.contains("rotate-key"), "{doctor:?}");
        assert!(!home.join("secrets.key").exists(), "the doctor made another key");
        let app = TestApp::start(stopped, clock, |_| {}).await;
        refused(&app, &["--encrypt", "aes256-gcm", "--to", &before[0]]).await;
        accepted(&app, &[]).await;
        assert!(!home.join("secrets.key").exists(), "another key was made beside the one that is lost");
        assert_eq!(encryption_certificates(&app).await, before);
        // Lost for good: an administrator makes new keys, and with them a new sealing key.
        app.post(&app.owner_token().await, ROTATE, json!({})).await.expect(200);
        let after = encryption_certificates(&app).await;
        assert_eq!((after.len(), &after[1]), (2, &before[0]));
        accepted(&app, &["--encrypt", "aes256-gcm", "--to", &after[0]]).await;
    }

    /// Many read the metadata of a new workspace at once: they see one key.
    async fn the_first_key_is_made_once(app: TestApp) {
        let reads = (0..6).map(|_| async { send(app.request(Method::GET, "/saml/acme/metadata")).await.expect(200).text });
        let seen: BTreeSet<String> = futures_util::future::join_all(reads).await.into_iter().collect();
        assert_eq!(seen.len(), 1);
        assert_eq!(encryption_certificates(&app).await.len(), 1);
    }
}
