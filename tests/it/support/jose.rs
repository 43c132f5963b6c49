//! Compact JWS as a stranger verifies them: written from RFC 7515 and RFC 8037, with OpenSSL and nothing of the product.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey};
use openssl::sign::{Signer, Verifier};
use reqwest::Method;
use serde_json::{Value, json};

use super::{TestApp, send};

/// What a genuine JWS says.
#[derive(Debug, PartialEq)]
pub struct Jws {
    pub header: Value,
    pub claims: Value,
}

impl TestApp {
    /// The published keys.
    pub async fn jwks(&self) -> Value {
        let reply = send(self.request(Method::GET, "/.well-known/jwks.json")).await.expect(200);
        assert_eq!(reply.header("content-type"), Some("application/jwk-set+json"));
        assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
        for key in reply.json()["keys"].as_array().expect("keys") {
            assert!(key["d"].is_null(), "a private key is published");
        }
        reply.json()
    }
}

/// `None` unless a key of the set has signed this text, and the header names it.
pub fn verify(jws: &str, jwks: &Value) -> Option<Jws> {
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts[..] else { return None };
    let decoded: Value = serde_json::from_slice(&decode(header)?).ok()?;
    if decoded["alg"] != "EdDSA" || !decoded["kid"].is_string() {
        return None;
    }
    let keys = jwks["keys"].as_array().expect("a JWK set");
    let key = keys.iter().find(|key| key["kid"] == decoded["kid"])?;
    let key = PKey::public_key_from_raw_bytes(&x(key), Id::ED25519).expect("an Ed25519 key");
    let mut verifier = Verifier::new_without_digest(&key).expect("Ed25519");
    let signed = format!("{header}.{payload}");
    if !verifier.verify_oneshot(&decode(signature)?, signed.as_bytes()).unwrap_or(false) {
        return None;
    }
    Some(Jws { header: decoded, claims: serde_json::from_slice(&decode(payload)?).ok()? })
}

/// Fails unless it is genuine and of that type.
#[track_caller]
pub fn genuine(jws: &Value, typ: &str, jwks: &Value) -> Jws {
    let text = jws.as_str().unwrap_or_else(|| panic!("not signed: {jws}"));
    let found = verify(text, jwks).unwrap_or_else(|| panic!("{text} is not signed by one of {jwks}"));
    assert_eq!((&found.header["typ"], &found.header["alg"]), (&json!(typ), &json!("EdDSA")));
    found
}

/// The 32 bytes of a public key.
pub fn x(key: &Value) -> Vec<u8> {
    let bytes = decode(key["x"].as_str().expect("x")).expect("base64url");
    assert_eq!(bytes.len(), 32);
    bytes
}

/// A JWS with another header than the genuine one, and no signature.
pub fn unsigned(header: &Value, jws: &str) -> String {
    let payload = jws.split('.').nth(1).expect("a compact JWS");
    format!("{}.{payload}.", encode(header.to_string().as_bytes()))
}

/// A JWS signed by HMAC-SHA-256, as a forger does with a key that everybody knows.
pub fn signed_by_hmac(header: &Value, jws: &str, secret: &[u8]) -> String {
    let text = unsigned(header, jws);
    let key = PKey::hmac(secret).expect("a secret");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("HMAC");
    signer.update(text.trim_end_matches('.').as_bytes()).expect("HMAC");
    let tag = signer.sign_to_vec().expect("HMAC");
    format!("{text}{}", encode(&tag))
}

/// Every text that differs from this one in one character.
pub fn mutilated(text: &str) -> impl Iterator<Item = String> {
    let bytes = text.as_bytes().to_vec();
    (0..bytes.len()).map(move |index| {
        let mut changed = bytes.clone();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        String::from_utf8(changed).expect("ASCII stays ASCII")
    })
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
