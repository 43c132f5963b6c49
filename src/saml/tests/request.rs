//! What we send, to the letter.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::saml::request::{Proof, authn_request_xml, post_form_fields, redirect_url, service_provider_metadata};

const NOW: i64 = 1_795_488_638_000;

#[test]
fn an_authn_request_names_where_to_answer_and_escapes_what_it_is_given() {
    let xml = authn_request_xml(
        "_q1",
        NOW,
        "https://sp.test/acs?a=1&b=\"2\"",
        "https://sp.test/<id>",
        "https://idp.test/sso",
        Proof::AnySession,
    );
    assert_eq!(
        xml,
        concat!(
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
            " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_q1\" Version=\"2.0\"",
            " IssueInstant=\"2026-11-24T02:50:38Z\" Destination=\"https://idp.test/sso\"",
            " AssertionConsumerServiceURL=\"https://sp.test/acs?a=1&amp;b=&quot;2&quot;\"",
            " ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\">",
            "<saml:Issuer>https://sp.test/&lt;id&gt;</saml:Issuer>",
            "<samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>",
        )
    );
}

#[test]
fn a_redirect_carries_the_deflated_request() {
    let url = redirect_url("https://idp.test/sso", "<a>äöü</a>", "state with spaces & more");
    let url = url::Url::parse(&url).expect("a URL");
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert_eq!(fields[0].0, "SAMLRequest");
    assert_eq!(fields[1], ("RelayState".to_owned(), "state with spaces & more".to_owned()));
    let deflated = STANDARD.decode(&fields[0].1).expect("base64");
    let mut inflated = String::new();
    std::io::Read::read_to_string(&mut flate2::read::DeflateDecoder::new(deflated.as_slice()), &mut inflated)
        .expect("raw deflate");
    assert_eq!(inflated, "<a>äöü</a>");
}

#[test]
fn a_redirect_keeps_the_query_of_the_address() {
    let begins = |sso_url: &str, start: &str| {
        let url = redirect_url(sso_url, "<a/>", "");
        assert!(url.starts_with(start), "{url}");
        assert!(!url.contains("RelayState"), "{url}");
        assert!(!url[start.len()..].contains(['+', '/', '&', '?']), "{url}");
    };
    begins("https://idp.test/sso", "https://idp.test/sso?SAMLRequest=");
    begins("https://idp.test/sso?", "https://idp.test/sso?SAMLRequest=");
    begins("https://idp.test/sso?idp=7", "https://idp.test/sso?idp=7&SAMLRequest=");
    begins("https://idp.test/sso?idp=7&", "https://idp.test/sso?idp=7&SAMLRequest=");
}

#[test]
fn a_form_carries_the_request_as_it_is() {
    assert_eq!(post_form_fields("<a/>"), "PGEvPg==");
}

#[test]
fn our_metadata_offers_one_consumer_service() {
    let xml = service_provider_metadata("https://sp.test/metadata", "https://sp.test/acs?a&b", &[]);
    assert!(!xml.contains("KeyDescriptor"), "{xml}");
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntityDescriptor "), "{xml}");
    for part in [
        "entityID=\"https://sp.test/metadata\"",
        "AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\"",
        "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
        "Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://sp.test/acs?a&amp;b\" index=\"0\"",
    ] {
        assert!(xml.contains(part), "{part} is missing in {xml}");
    }
}

#[test]
fn proving_oneself_anew_is_asked_for() {
    let xml =
        authn_request_xml("_q1", NOW, "https://sp.test/acs", "https://sp.test/", "https://idp.test/sso", Proof::Anew);
    assert!(xml.contains(" ForceAuthn=\"true\">"), "{xml}");
}

#[test]
fn our_metadata_shows_the_keys_to_encrypt_to() {
    let xml = service_provider_metadata("https://sp.test/metadata", "https://sp.test/acs", &[vec![1, 2, 3], vec![4]]);
    let root = crate::saml::xml_reader::read_metadata(&xml).expect("it is XML");
    let role = &root.children[0];
    let names: Vec<&str> = role.children.iter().map(|child| child.name.as_str()).collect();
    assert_eq!(names, ["KeyDescriptor", "KeyDescriptor", "AssertionConsumerService"]);
    for part in [
        "<md:KeyDescriptor use=\"encryption\">",
        "<ds:X509Certificate>AQID</ds:X509Certificate>",
        "xmlenc11#aes256-gcm",
        "xmlenc#aes128-cbc",
        "xmlenc#rsa-oaep-mgf1p",
        "xmlenc11#mgf1sha256",
    ] {
        assert!(xml.contains(part), "{part} is missing in {xml}");
    }
    assert!(!xml.contains("rsa-1_5"), "{xml}");
}
