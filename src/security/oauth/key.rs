//! Pure: the public key of a client that signs, as a JSON Web Key (RFC 7517): of a kind that is known to be good, and public.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// Bits of an RSA key at the least and at the most.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// Members of a key that is not public, or not one of a pair.
const SECRET_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// A public key and the one algorithm that it verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKey {
    Ed25519 { x: String },
    P256 { x: String, y: String },
    Rsa { n: String },
}

/// The usual exponent, 65537; no other is accepted.
const EXPONENT: &str = "AQAB";

impl ClientKey {
    /// Reads a key that an administrator sent.
    ///
    /// # Errors
    /// 400 naming `public_key`, and what is wrong with it.
    pub fn parse(jwk: &Value) -> Result<Self> {
        Self::read(jwk).map_err(|fault| Error::invalid("public_key", fault))
    }

    /// Reads a key that was stored.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::read(&serde_json::from_str(text).ok()?).ok()
    }

    /// The key as it is stored: what it needs and nothing else that was sent.
    pub fn to_text(&self) -> String {
        match self {
            Self::Ed25519 { x } => json!({"kty": "OKP", "crv": "Ed25519", "x": x}),
            Self::P256 { x, y } => json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}),
            Self::Rsa { n } => json!({"kty": "RSA", "n": n, "e": EXPONENT}),
        }
        .to_string()
    }

    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519 { .. } => Algorithm::EdDSA,
            Self::P256 { .. } => Algorithm::ES256,
            Self::Rsa { .. } => Algorithm::RS256,
        }
    }

    /// The key in the form that verifies; `None` if the library can't take it.
    pub fn decoding(&self) -> Option<DecodingKey> {
        match self {
            Self::Ed25519 { x } => DecodingKey::from_ed_components(x),
            Self::P256 { x, y } => DecodingKey::from_ec_components(x, y),
            Self::Rsa { n } => DecodingKey::from_rsa_components(n, EXPONENT),
        }
        .ok()
    }

    fn read(jwk: &Value) -> std::result::Result<Self, &'static str> {
        let member = |name: &str| jwk[name].as_str().unwrap_or_default();
        if SECRET_MEMBERS.iter().any(|name| jwk.get(*name).is_some()) {
            return Err("is a private or a shared key: keep it, and send the public half");
        }
        let key = match (member("kty"), member("crv")) {
            ("OKP", "Ed25519") => Self::Ed25519 { x: sized(member("x"))? },
            ("EC", "P-256") => point(member("x"), member("y"))?,
            ("RSA", _) => modulus(member("n"), member("e"))?,
            _ => return Err("must be a JWK of kty OKP (Ed25519), EC (P-256) or RSA"),
        };
        let name = format!("{:?}", key.algorithm());
        if jwk.get("alg").is_some_and(|alg| *alg != name.as_str()) {
            return Err("must be for EdDSA, ES256 or RS256, as its kind is");
        }
        if jwk.get("use").is_some_and(|purpose| *purpose != "sig") {
            return Err("must be for signatures");
        }
        Ok(key)
    }
}

/// 32 bytes in base64url.
fn sized(text: &str) -> std::result::Result<String, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    if bytes.len() == 32 { Ok(text.to_owned()) } else { Err("has a coordinate that is not 32 bytes in base64url") }
}

fn point(x: &str, y: &str) -> std::result::Result<ClientKey, &'static str> {
    let (x, y) = (sized(x)?, sized(y)?);
    let number = |text: &str| BigNum::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap_or_default());
    let on_the_curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)
        .and_then(|group| {
            let (x, y) = (number(&x)?, number(&y)?);
            EcKey::from_public_key_affine_coordinates(&group, &x, &y)
        })
        .and_then(|key| key.check_key());
    match on_the_curve {
        Ok(()) => Ok(ClientKey::P256 { x, y }),
        Err(_) => Err("is not a point of P-256"),
    }
}

fn modulus(n: &str, e: &str) -> std::result::Result<ClientKey, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(n).map_err(|_| "has a modulus that is not base64url")?;
    let significant: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    let unused = significant.first().map_or(0, |first| first.leading_zeros() as usize);
    if !RSA_BITS.contains(&(significant.len() * 8 - unused)) {
        return Err("must have between 2048 and 8192 bits");
    }
    if e != EXPONENT {
        return Err("must have the exponent 65537 (AQAB)");
    }
    Ok(ClientKey::Rsa { n: URL_SAFE_NO_PAD.encode(significant) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.3.
    fn p256() -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
    }

    fn rsa(bytes: usize) -> Value {
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(vec![0xc5; bytes]), "e": "AQAB"})
    }

    #[test]
    fn good_keys_are_kept_without_what_they_bring_along() {
        let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        for (mut jwk, algorithm) in
            [(ed25519, Algorithm::EdDSA), (p256(), Algorithm::ES256), (rsa(256), Algorithm::RS256)]
        {
            jwk["kid"] = json!("mine");
            jwk["use"] = json!("sig");
            jwk["alg"] = json!(format!("{algorithm:?}"));
            let key = ClientKey::parse(&jwk).expect("a good key");
            assert_eq!(key.algorithm(), algorithm);
            assert!(key.decoding().is_some());
            let text = key.to_text();
            assert!(!text.contains("mine"));
            assert_eq!(ClientKey::from_text(&text), Some(key));
        }
    }

    #[test]
    fn weak_private_and_shared_keys_are_refused() {
        let with = |mut jwk: Value, name: &str, value: Value| {
            jwk[name] = value;
            jwk
        };
        for jwk in [
            json!({}),
            json!("text"),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            with(p256(), "d", json!("c2VjcmV0")),
            with(p256(), "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
            with(p256(), "crv", json!("P-384")),
            with(p256(), "alg", json!("HS256")),
            with(p256(), "use", json!("enc")),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
            json!({"kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            rsa(255),
            rsa(1_025),
            with(rsa(256), "e", json!("Aw")),
            with(rsa(256), "alg", json!("none")),
        ] {
            let refused = ClientKey::parse(&jwk).expect_err("a bad key");
            assert_eq!(refused.field(), Some("public_key"), "{jwk}");
        }
    }
}
