//! Where identity providers say that they take part in single logout.

use crate::saml::identity_provider::{SingleLogout, parse_metadata};
use crate::saml::settings::Binding;

const METADATA: &str = include_str!("../../../fixtures/saml/idp-metadata.xml");
const NOW: i64 = 1_795_488_638_000;
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";

fn service(binding: &str, rest: &str) -> String {
    format!(r#"<md:SingleLogoutService Binding="{binding}" {rest}/>"#)
}

fn found(services: &[String]) -> Option<SingleLogout> {
    let place = "<md:NameIDFormat>";
    assert!(METADATA.contains(place));
    let xml = METADATA.replacen(place, &format!("{}{place}", services.concat()), 1);
    parse_metadata(&xml, NOW).expect("a provider all the same").single_logout
}

#[test]
fn the_redirect_is_preferred_and_answers_may_go_elsewhere() {
    let post = service(POST, r#"Location="https://idp.test/post""#);
    let redirect =
        service(REDIRECT, r#"Location="https://idp.test/out?t=1" ResponseLocation=" https://idp.test/back ""#);
    let expected = SingleLogout {
        binding: Binding::Redirect,
        url: "https://idp.test/out?t=1".into(),
        response_url: "https://idp.test/back".into(),
    };
    assert_eq!(found(&[post.clone(), redirect]), Some(expected));
    let expected = SingleLogout {
        binding: Binding::Post,
        url: "https://idp.test/post".into(),
        response_url: "https://idp.test/post".into(),
    };
    let soap = service(SOAP, r#"Location="https://idp.test/soap""#);
    assert_eq!(found(&[soap.clone(), post]), Some(expected));
    assert_eq!((found(&[soap]), found(&[])), (None, None));
}

/// Nobody is kept from signing in because of it.
#[test]
fn what_cannot_be_used_is_not_there() {
    for rest in [
        "",
        r#"Location="""#,
        r#"Location="http://idp.test/out""#,
        r#"Location="javascript:alert(1)""#,
        r#"Location="https://user@idp.test/out""#,
        r#"Location="https://idp.test/out" ResponseLocation="javascript:alert(1)""#,
    ] {
        assert_eq!(found(&[service(REDIRECT, rest)]), None, "{rest}");
    }
}
