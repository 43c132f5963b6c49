//! Pure: is an assertion the client's own, meant for us, fresh, and signed with the key that was registered (RFC 7523 §3)? Nothing
//! in its header has a say but the algorithm, which must be the key's.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::key::ClientKey;
use crate::base::clock::UnixMillis;
use crate::base::secret::SecretHash;

/// Seconds ahead that an assertion may end at the most.
const LONGEST: i64 = 5 * 60;
/// Seconds that a client's clock may be ahead of ours.
const SKEW: i64 = 30;
/// Bytes of an assertion at the most.
const LONGEST_TEXT: usize = 8 * 1024;
/// Bytes of a `jti` at the most.
const LONGEST_ID: usize = 256;

/// Why an assertion proves nothing. For tests and the log; a client hears `invalid_client`.
pub type Fault = &'static str;

/// A good assertion, which may be used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genuine {
    /// SHA-256 of its `jti`.
    pub jti: SecretHash,
    /// From when on nobody can use it again.
    pub until: UnixMillis,
}

/// Which client an assertion says it is of; `None` if it says nothing. Nothing is proved by that.
pub fn claimed_client(jws: &str) -> Option<String> {
    if jws.len() > LONGEST_TEXT {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(jws.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims["iss"].as_str().map(str::to_owned)
}

/// Judges an assertion of a client. `audiences` are the names that we go by.
///
/// # Errors
/// Why it proves nothing.
pub fn judge(
    jws: &str,
    client_id: &str,
    key: &ClientKey,
    audiences: &[&str],
    now: UnixMillis,
) -> Result<Genuine, Fault> {
    let claims = genuine(jws, key)?;
    // RFC 7523 §3, 1 and 2: a client speaks for itself.
    if claims["iss"] != client_id || claims["sub"] != client_id {
        return Err("iss and sub must be the client");
    }
    // 3: to us and to nobody else.
    let named: Vec<&Value> = match &claims["aud"] {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    let ours = |name: &&Value| name.as_str().is_some_and(|name| audiences.contains(&name));
    if named.is_empty() || !named.iter().all(ours) {
        return Err("aud must be the token endpoint or the issuer");
    }
    // 4, 5 and 6: now.
    let seconds = now.div_euclid(1000);
    let end = claims["exp"].as_i64().ok_or("exp must be a whole number")?;
    if end <= seconds || end > seconds + LONGEST + SKEW {
        return Err("exp must be in the future, within five minutes");
    }
    let begun = |name: &str| match &claims[name] {
        Value::Null => true,
        value => value.as_i64().is_some_and(|at| at <= seconds + SKEW),
    };
    if !begun("iat") || !begun("nbf") {
        return Err("iat and nbf must be in the past");
    }
    // 7: once.
    let jti = claims["jti"].as_str().filter(|jti| (1..=LONGEST_ID).contains(&jti.len()));
    let jti = jti.ok_or("jti must have 1 to 256 bytes")?;
    Ok(Genuine { jti: Sha256::digest(jti.as_bytes()).into(), until: (end + 1) * 1000 })
}

/// What it says, if the key signed it (RFC 7523 §3, 8 to 10).
fn genuine(jws: &str, key: &ClientKey) -> Result<Value, Fault> {
    if jws.len() > LONGEST_TEXT {
        return Err("it is too long");
    }
    // An algorithm that the library doesn't know, such as "none", is no header to it.
    let header = decode_header(jws).map_err(|_| "it is no compact JWS of a known algorithm")?;
    if header.alg != key.algorithm() {
        return Err("it is signed by another algorithm than the key's");
    }
    if header.crit.is_some() {
        return Err("it demands that more be understood than is");
    }
    let known = |typ: &str| ["JWT", "client-authentication+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known));
    if header.typ.as_deref().is_some_and(|typ| !known(typ)) {
        return Err("it is of another type");
    }
    let mut validation = Validation::new(key.algorithm());
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    // Judged above, by the clock that was given.
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = key.decoding().ok_or("its key can't be used")?;
    let decoded = decode::<Value>(jws, &key, &validation);
    decoded.map(|decoded| decoded.claims).map_err(|_| "its signature or a required claim is missing or wrong")
}

#[cfg(test)]
mod tests {
    use openssl::pkey::{Id, PKey, Private};
    use openssl::sign::Signer;
    use serde_json::json;

    use super::*;

    const NOW: UnixMillis = 1_700_000_000_000;
    const US: [&str; 2] = ["https://id.test", "https://id.test/oauth2/token"];

    fn pair() -> (PKey<Private>, ClientKey) {
        let private = PKey::private_key_from_raw_bytes(&[7; 32], Id::ED25519).expect("Ed25519");
        let x = URL_SAFE_NO_PAD.encode(private.raw_public_key().expect("Ed25519"));
        (private, ClientKey::Ed25519 { x })
    }

    fn signed(header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(header), encode(claims));
        let (private, _) = pair();
        let mut signer = Signer::new_without_digest(&private).expect("Ed25519");
        let signature = signer.sign_oneshot_to_vec(text.as_bytes()).expect("Ed25519");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn claims() -> Value {
        let now = NOW / 1000;
        json!({"iss": "client", "sub": "client", "aud": US[1], "exp": now + 60, "iat": now, "jti": "1"})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut changed = claims();
        changed[name] = value;
        changed
    }

    fn judged(header: &Value, claims: &Value) -> Result<Genuine, Fault> {
        judge(&signed(header, claims), "client", &pair().1, &US, NOW)
    }

    #[test]
    fn a_good_assertion_is_good_once_and_for_a_while() {
        let header = json!({"alg": "EdDSA", "typ": "JWT"});
        let good = judged(&header, &claims()).expect("a good one");
        assert_eq!(good.until, NOW + 61_000);
        assert_eq!(claimed_client(&signed(&header, &claims())).as_deref(), Some("client"));
        for fine in [with("aud", json!(US[0])), with("aud", json!([US[0], US[1]])), with("nbf", json!(NOW / 1000))] {
            assert!(judged(&json!({"alg": "EdDSA"}), &fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_refused() {
        let now = NOW / 1000;
        let header = json!({"alg": "EdDSA", "typ": "JWT"});
        for (name, values) in [
            ("iss", vec![Value::Null, json!("other"), json!(["client"])]),
            ("sub", vec![Value::Null, json!("other")]),
            ("aud", vec![Value::Null, json!([]), json!("https://else.test"), json!([US[0], "https://else.test"])]),
            ("exp", vec![Value::Null, json!(now), json!(now + 331), json!((now + 60).to_string()), json!(1e300)]),
            ("iat", vec![json!(now + 31), json!("now")]),
            ("nbf", vec![json!(now + 31)]),
            ("jti", vec![Value::Null, json!(""), json!("x".repeat(257)), json!(7)]),
        ] {
            for value in values {
                assert!(judged(&header, &with(name, value.clone())).is_err(), "{name} {value} is accepted");
            }
        }
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "HS256"}),
            json!({"alg": "ES256"}),
            json!({"alg": "EdDSA", "typ": "at+jwt"}),
            json!({"alg": "EdDSA", "crit": ["b64"]}),
        ] {
            assert!(judged(&header, &claims()).is_err(), "{header} is accepted");
        }
        let mut forged = signed(&header, &claims());
        forged.replace_range(forged.len() - 8..forged.len() - 4, "AAAA");
        assert!(judge(&forged, "client", &pair().1, &US, NOW).is_err());
        assert!(judge(&"x".repeat(9_000), "client", &pair().1, &US, NOW).is_err());
    }
}
