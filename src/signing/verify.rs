//! Pure: is a compact JWS genuine? The algorithm, the type and the key's name are required, and no header but them has a say:
//! neither a key that comes with the text nor an address that it names.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::jwk::PublicKey;

/// Why a text is not what it claims to be. Reads on after "it is not genuine:".
pub type Fault = &'static str;

/// The name of the key that a text of this type says it is signed with. Nothing is proved by that yet.
///
/// # Errors
/// What is wrong with its header.
pub fn key_of(jws: &str, typ: &str) -> Result<String, Fault> {
    // An algorithm that the library doesn't know, such as "none", is no header to it.
    let header = decode_header(jws).map_err(|_| "it is no compact JWS, or signed by an algorithm that isn't EdDSA")?;
    if header.alg != Algorithm::EdDSA {
        return Err("it is signed by an algorithm that isn't EdDSA");
    }
    if header.typ.as_deref() != Some(typ) {
        return Err("it is of another type");
    }
    if header.crit.is_some() {
        return Err("it demands that more be understood than is");
    }
    header.kid.ok_or("it doesn't name its key")
}

/// What a text of this type says, signed with this key. Whether it says so in time, or to whom, is the caller's matter.
///
/// # Errors
/// Why it isn't genuine.
pub fn claims(jws: &str, typ: &str, key: &PublicKey) -> Result<Value, Fault> {
    if key_of(jws, typ)? != key.kid() {
        return Err("it names another key");
    }
    let key = DecodingKey::from_ed_components(key.x()).map_err(|_| "its key can't be used")?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["iss"]);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoded = decode::<Value>(jws, &key, &validation).map_err(|_| "its signature doesn't fit what it says")?;
    Ok(decoded.claims)
}
