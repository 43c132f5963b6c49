//! Pure: our signature on a message of the redirect binding (Bindings §3.4.4.1): over the octets of the query, as they are sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::names;
use super::redirect_binding::{percent_encoded, query};
use super::signing_key::SigningKey;
use crate::error::Result;

/// The query string of a signed message: `parameter` is `SAMLRequest` or `SAMLResponse`. `xml` has no signature of its own. An
/// empty relay state is left out, and isn't signed either.
///
/// # Errors
/// 500 if OpenSSL can't sign.
pub fn sign_redirect(key: &SigningKey, parameter: &str, xml: &str, relay_state: Option<&str>) -> Result<String> {
    let signed = format!("{}&SigAlg={}", query(parameter, xml, relay_state), percent_encoded(names::RSA_SHA256));
    let signature = STANDARD.encode(key.sign(signed.as_bytes())?);
    Ok(format!("{signed}&Signature={}", percent_encoded(&signature)))
}
