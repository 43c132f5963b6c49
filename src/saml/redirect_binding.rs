//! Pure: how a message travels in an address (Bindings §3.4.4.1): deflated, base64, percent-encoded.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The query string: `parameter` (`SAMLRequest` or `SAMLResponse`) and `RelayState`, which is left out if it is empty.
pub fn query(parameter: &str, xml: &str, relay_state: Option<&str>) -> String {
    let mut query = format!("{parameter}={}", percent_encoded(&STANDARD.encode(deflated(xml))));
    if let Some(relay_state) = relay_state.filter(|relay_state| !relay_state.is_empty()) {
        query.push_str("&RelayState=");
        query.push_str(&percent_encoded(relay_state));
    }
    query
}

/// `address` with `query` behind whatever query it has. It has no fragment.
pub fn appended(address: &str, query: &str) -> String {
    let joint = match address.split_once('?') {
        None => "?",
        Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{address}{joint}{query}")
}

/// Everything but the unreserved characters as `%XX` (RFC 3986 §2.1), a space too.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to memory does not fail");
        }
    }
    encoded
}

/// Raw DEFLATE (RFC 1951), without the header of zlib.
fn deflated(text: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}
