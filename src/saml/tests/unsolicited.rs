//! Who claims to have sent a response that nobody asked for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::signer::{USER, assertion, keys, response};
use crate::saml::unsolicited::issuer;

#[test]
fn the_issuer_is_read_of_what_answers_nobody() {
    let answer = response(&assertion(USER, Some(&keys().provider)), None);
    assert_eq!(issuer(&STANDARD.encode(&answer)), None, "it answers a request");
    let (before, rest) = answer.split_once(" InResponseTo=\"").expect("the Response answers");
    let (_, after) = rest.split_once('"').expect("its end");
    let unasked = format!("{before}{after}");
    assert_eq!(issuer(&STANDARD.encode(&unasked)).as_deref(), Some("https://idp.test"));
    let unsigned = response(&assertion(USER, None), None).replace(" InResponseTo=\"_q\"", "");
    let doctype = format!("<!DOCTYPE x>{unasked}");
    for other in ["", "%%%", "PGEvPg==", &STANDARD.encode(doctype), &STANDARD.encode(unsigned)] {
        assert_eq!(issuer(other), None, "{other}");
    }
}
