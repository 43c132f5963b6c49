//! What we send, to the letter.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::saml::identity_provider::IdentityProvider;
use crate::saml::request::{RequestOptions, authn_request_xml, post_form_fields, redirect_url};
use crate::saml::settings::{Binding, ProviderSettings};

const NOW: i64 = 1_795_488_638_000;

fn written(options: &RequestOptions) -> String {
    authn_request_xml("_q1", NOW, "https://sp.test/acs?a=1&b=\"2\"", "https://sp.test/<id>", options)
}

#[test]
fn an_authn_request_names_where_to_answer_and_escapes_what_it_is_given() {
    assert_eq!(
        written(&RequestOptions::plain("https://idp.test/sso")),
        concat!(
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
            " AssertionConsumerServiceURL=\"https://sp.test/acs?a=1&amp;b=&quot;2&quot;\"",
            " Destination=\"https://idp.test/sso\" ID=\"_q1\" IssueInstant=\"2026-11-24T02:50:38Z\"",
            " ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Version=\"2.0\">",
            "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://sp.test/&lt;id&gt;</saml:Issuer>",
            "<samlp:NameIDPolicy AllowCreate=\"true\"></samlp:NameIDPolicy></samlp:AuthnRequest>",
        )
    );
}

#[test]
fn what_is_asked_stands_in_the_order_of_the_schema() {
    let options = RequestOptions {
        force_authn: true,
        authn_contexts: vec!["urn:a".into(), "urn:b&c".into()],
        name_id_format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".into()),
        ..RequestOptions::plain("https://idp.test/sso")
    };
    let xml = written(&options);
    assert!(xml.contains(" ForceAuthn=\"true\" ID="), "{xml}");
    assert!(
        xml.ends_with(concat!(
            "<samlp:NameIDPolicy AllowCreate=\"true\"",
            " Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\"></samlp:NameIDPolicy>",
            "<samlp:RequestedAuthnContext Comparison=\"exact\">",
            "<saml:AuthnContextClassRef xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:a",
            "</saml:AuthnContextClassRef>",
            "<saml:AuthnContextClassRef xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:b&amp;c",
            "</saml:AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>",
        )),
        "{xml}"
    );
}

#[test]
fn the_binding_is_the_one_that_is_set_if_there_is_an_address_for_it() {
    let provider = |redirect: bool, post: bool, wants: bool| IdentityProvider {
        entity_id: "https://idp.test".into(),
        sso_redirect_url: redirect.then(|| "https://idp.test/r".into()),
        sso_post_url: post.then(|| "https://idp.test/p".into()),
        certificates: Vec::new(),
        want_signed_requests: wants,
        single_logout: None,
    };
    let chosen = |binding: Binding, provider: &IdentityProvider| {
        let settings = ProviderSettings { sso_binding: binding, ..ProviderSettings::default() };
        RequestOptions::of(&settings, provider).map(|options| (options.binding, options.destination, options.sign))
    };
    let (redirect, post) = ("https://idp.test/r".to_owned(), "https://idp.test/p".to_owned());
    let both = provider(true, true, false);
    assert_eq!(chosen(Binding::Redirect, &both).ok(), Some((Binding::Redirect, redirect.clone(), false)));
    assert_eq!(chosen(Binding::Post, &both).ok(), Some((Binding::Post, post.clone(), false)));
    let only = provider(false, true, true);
    assert_eq!(chosen(Binding::Redirect, &only).ok(), Some((Binding::Post, post, true)));
    let only = provider(true, false, true);
    assert_eq!(chosen(Binding::Post, &only).ok(), Some((Binding::Redirect, redirect, true)));
    assert!(chosen(Binding::Redirect, &provider(false, false, false)).is_err());
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
