//! Pure: public Ed25519 keys as JSON Web Keys (RFC 8037 §2), each known by its thumbprint (RFC 7638) and by nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A public key and its thumbprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kid: String,
    /// The 32 bytes in base64url.
    x: String,
}

impl PublicKey {
    pub fn of(bytes: &[u8; 32]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(bytes);
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self { kid: URL_SAFE_NO_PAD.encode(Sha256::digest(members.as_bytes())), x }
    }

    /// Reads a JWK. `None` for a key of another kind or for another use. Whatever it says of its own name is passed over.
    pub fn from_json(jwk: &Value) -> Option<Self> {
        let member = |name: &str| jwk[name].as_str();
        let verifies = matches!(member("use"), None | Some("sig")) && matches!(member("alg"), None | Some("EdDSA"));
        if member("kty") != Some("OKP") || member("crv") != Some("Ed25519") || !verifies {
            return None;
        }
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(member("x")?).ok()?.try_into().ok()?;
        Some(Self::of(&bytes))
    }

    /// As `from_json`.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::from_json(&serde_json::from_str(text).ok()?)
    }

    /// The thumbprint: SHA-256 in base64url.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn x(&self) -> &str {
        &self.x
    }

    pub fn to_json(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": self.x, "kid": self.kid, "use": "sig", "alg": "EdDSA"})
    }
}

/// A JWK set (RFC 7517 §5).
pub fn set(keys: &[PublicKey]) -> Value {
    json!({"keys": keys.iter().map(PublicKey::to_json).collect::<Vec<_>>()})
}

/// The Ed25519 keys of a JWK set, and no others. `None` if the text is none.
pub fn read_set(text: &str) -> Option<Vec<PublicKey>> {
    let set: Value = serde_json::from_str(text).ok()?;
    Some(set["keys"].as_array()?.iter().filter_map(PublicKey::from_json).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.2 and A.3.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    #[test]
    fn the_name_of_a_key_is_its_thumbprint() {
        let key = PublicKey::from_json(&json!({"kty": "OKP", "crv": "Ed25519", "x": X})).expect("a key");
        assert_eq!(key.kid(), THUMBPRINT);
        let renamed = json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "mine", "use": "sig", "alg": "EdDSA"});
        assert_eq!(PublicKey::from_json(&renamed), Some(key.clone()));
        assert_eq!(PublicKey::from_json(&key.to_json()), Some(key));
    }

    #[test]
    fn keys_of_other_kinds_are_passed_over() {
        let mine = PublicKey::of(&[7; 32]);
        let set = json!({"keys": [
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
            {"kty": "oct", "k": X},
            {"kty": "OKP", "crv": "X25519", "x": X},
            {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
            {"kty": "OKP", "crv": "Ed25519", "x": X, "use": "enc"},
            {"kty": "OKP", "crv": "Ed25519", "x": X, "alg": "HS256"},
            "nonsense",
            mine.to_json(),
        ]});
        assert_eq!(read_set(&set.to_string()), Some(vec![mine]));
        assert_eq!(read_set("{}"), None);
        assert_eq!(read_set("no JSON"), None);
    }
}
