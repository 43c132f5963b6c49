//! Metadata that is read, and metadata that would leave sign-in open.

use crate::saml::identity_provider::parse_metadata;

const METADATA: &str = include_str!("../../../fixtures/saml/idp-metadata.xml");
const NOW: i64 = 1_795_488_638_000;
const RSA_1024: &str = "MIIBjTCB96ADAgECAgEBMA0GCSqGSIb3DQEBCwUAMAwxCjAIBgNVBAMMAXQwIBcNMjYwMTAxMDAwMDAwWhgPMjEyNTEyMDgwMDAwMDBaMAwxCjAIBgNVBAMMAXQwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBALbTIfc8ujN6zLsXF9DVqNBg+ka7bhXEH7LCQn+D72D8L8laUp3ylRxX4JJEK24eBTnHFX6lYU8yQ7fY6ZGGyfDGGAipBZQjdCeCZC5BHfuW4ZxqzjHBazYJbxo2SB734GuO+bWdvik2oP99Quy5n/oukESuRNzBalcisAbLo7LNAgMBAAEwDQYJKoZIhvcNAQELBQADgYEAi3luGGX22XceDuCYyv1JkxZ2hwXcNbCQQ+q8+HBJsOE9Vdb9NkJhumdWEsmhRbmVsUc1YEen5z5UQ/yT3ssT1i+45cfzrvC28f8Si5OkFQGUaBMjTogVS0vjdipRvHi+n5BYpqPlyK22MT8RwumEhgWjWjIjE00cVxiz3G5GDlg=";
const P_256: &str = "MIIBBTCBraADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAXQwIBcNMjYwMTAxMDAwMDAwWhgPMjEyNTEyMDgwMDAwMDBaMAwxCjAIBgNVBAMMAXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASMr1kk/dKJZNTuKBrKBwPTOg20EDFXhIAo3cttL/4TId6phS3Gh6E6DO6r9SjWzIfsCnTLqrKu2dXpEhalHiKHMAoGCCqGSM49BAMCA0cAMEQCIH6ANJ39ezBArmnvy3KuhpIERM/SSf+qjYfKs8g6SCw6AiBPJocY9dOrZhNWpx9dkzlI+ylQuAzJjVmEdFVmNjNyHA==";
const ED25519: &str = "MIHFMHmgAwIBAgIBATAFBgMrZXAwDDEKMAgGA1UEAwwBdDAgFw0yNjAxMDEwMDAwMDBaGA8yMTI1MTIwODAwMDAwMFowDDEKMAgGA1UEAwwBdDAqMAUGAytlcAMhAEE2hlrhCpivWLCgzEMIq/CLV0O/Lo1R3SInF+/Ndsw5MAUGAytlcANBAPlBmWikFSPgif0M4fn/8H/tkeoXX4qbA58PxCEA387VQjDlQsZC/vdpk46Iww9F0teir9oFvY4IhDQ29eT2qgA=";

/// The metadata with every `from` replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(METADATA.contains(from), "{from} is not in the metadata");
    METADATA.replace(from, to)
}

/// The field at fault, or `accepted`.
fn verdict(xml: &str) -> &'static str {
    parse_metadata(xml, NOW).map_or_else(|error| error.field, |_| "accepted")
}

fn with_certificate(text: &str) -> String {
    let (before, rest) = METADATA.split_once("<ds:X509Certificate>").expect("the metadata has a certificate");
    let (_, after) = rest.split_once("</ds:X509Certificate>").expect("the certificate ends");
    format!("{before}<ds:X509Certificate>{text}</ds:X509Certificate>{after}")
}

#[test]
fn the_recorded_provider_is_read() {
    let provider = parse_metadata(METADATA, NOW).expect("accepted");
    assert_eq!(provider.entity_id, "http://127.0.0.1:9999/idp");
    assert_eq!(provider.sso_redirect_url.as_deref(), Some("http://127.0.0.1:9999/sso"));
    assert_eq!(provider.sso_post_url.as_deref(), Some("http://127.0.0.1:9999/sso"));
    assert_eq!(provider.certificates.len(), 4);
    assert!(!provider.want_signed_requests);
    let wants = parse_metadata(&changed("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"1\""), NOW);
    assert!(wants.expect("accepted").want_signed_requests);
}

#[test]
fn the_shapes_that_providers_publish_are_accepted() {
    for xml in [
        format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- of ours -->{METADATA}"),
        changed(" use=\"signing\"", ""),
        changed(
            "<md:IDPSSODescriptor ",
            "<md:IDPSSODescriptor cacheDuration=\"PT24H\" validUntil=\"2027-01-01T00:00:00Z\" ",
        ),
        changed("<ds:X509Certificate>", "<ds:X509Certificate>\n  "),
        changed("http://127.0.0.1:9999/sso", "https://idp.test/sso?tenant=7"),
        changed("http://127.0.0.1:9999/sso", "http://[::1]/sso"),
        changed("http://127.0.0.1:9999/sso", "http://localhost:8080/sso"),
    ] {
        assert_eq!(verdict(&xml), "accepted", "{xml}");
    }
}

#[test]
fn what_would_leave_sign_in_open_or_undecided_is_refused() {
    let two = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{METADATA}{METADATA}</md:EntitiesDescriptor>"
    );
    let one = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{METADATA}<md:EntityDescriptor entityID=\"urn:sp\"/></md:EntitiesDescriptor>"
    );
    let none = "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"/>".to_owned();
    for (xml, field) in [
        (one, "EntityDescriptor"),
        (two, "EntityDescriptor"),
        (none, "EntityDescriptor"),
        ("<EntityDescriptor/>".to_owned(), "EntityDescriptor"),
        (format!("<!DOCTYPE x>{METADATA}"), "metadata_xml"),
        (format!("{METADATA}{}", " ".repeat(512 * 1024)), "metadata_xml"),
        (changed("127.0.0.1:9999/idp", "&x;"), "metadata_xml"),
        (changed(" entityID=\"http://127.0.0.1:9999/idp\"", ""), "entityID"),
        (changed("md:IDPSSODescriptor", "md:SPSSODescriptor"), "IDPSSODescriptor"),
        (changed("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.1:protocol"), "IDPSSODescriptor"),
        (changed("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor validUntil=\"2026-11-24T02:50:38Z\" "), "validUntil"),
        (changed(" entityID=", " validUntil=\"tomorrow\" entityID="), "validUntil"),
        (changed("use=\"signing\"", "use=\"encryption\""), "X509Certificate"),
        (changed("use=\"signing\"", "use=\"other\""), "KeyDescriptor"),
        (changed("ds:X509Data", "ds:PGPData"), "X509Certificate"),
    ] {
        assert_eq!(verdict(&xml), field, "{}", xml.chars().take(400).collect::<String>());
    }
}

#[test]
fn people_are_sent_to_encrypted_addresses_only() {
    for url in [
        "http://idp.test/sso",
        "https://user@idp.test/sso",
        "https://idp.test/sso#x",
        "https://idp.test/s so",
        "https://",
        "/sso",
        "javascript:alert(1)",
        "http://127.0.0.1.evil.test/",
        "",
    ] {
        assert_eq!(verdict(&changed("http://127.0.0.1:9999/sso", url)), "SingleSignOnService", "{url}");
    }
    assert_eq!(verdict(&changed("bindings:HTTP-", "bindings:SOAP-")), "SingleSignOnService");
}

#[test]
fn certificates_need_a_key_that_is_strong_enough() {
    assert_eq!(verdict(&with_certificate(P_256)), "accepted");
    let short = "MIIC";
    let cut = &P_256[..P_256.len() - 8];
    let doubled = format!("{P_256}</ds:X509Certificate><ds:X509Certificate>{P_256}");
    for text in ["", "%", short, cut, RSA_1024, ED25519, doubled.as_str()] {
        assert_eq!(verdict(&with_certificate(text)), "X509Certificate", "{text}");
    }
    let error = parse_metadata(&with_certificate(RSA_1024), NOW).expect_err("the key is weak");
    assert_eq!(error.message, "the certificate's RSA key has 1024 bits; at least 2,048 are needed");
}

#[test]
fn what_was_taken_for_metadata_is_named() {
    let told = |xml: &str| parse_metadata(xml, NOW).expect_err("it is refused").message;
    let page = "this is a web page, not metadata";
    assert_eq!(told("\u{feff}\n<!doctype HTML><p>&nbsp;"), page);
    assert_eq!(told("<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"/>"), page);
    assert_eq!(told("<!DOCTYPE x><x/>"), "this is not SAML metadata: a document type declaration");
    let own = changed("md:IDPSSODescriptor", "md:SPSSODescriptor");
    assert!(told(&own).starts_with("this is metadata of a service provider, perhaps Curfew's own"), "{}", told(&own));
    let federation = |entities: &str| {
        told(&format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{entities}</md:EntitiesDescriptor>"
        ))
    };
    let numbered = |number: usize| changed("127.0.0.1:9999/idp", &format!("idp.test/{number}"));
    let seven: String = (1..=7).map(numbered).collect();
    let found = federation(&format!(
        "<md:EntityDescriptor entityID=\"urn:sp\"/><md:EntitiesDescriptor>{seven}</md:EntitiesDescriptor>"
    ));
    let listed: Vec<String> = (1..=5).map(|number| format!("\"http://idp.test/{number}\"")).collect();
    assert!(found.ends_with(&format!(" In it are {} and 2 more", listed.join(", "))), "{found}");
    let long = federation(&changed("127.0.0.1:9999/idp", &"x".repeat(5_000)));
    assert!(long.len() < 400 && long.ends_with("x\"…"), "{long}");
    assert!(federation("").ends_with("; there is none in it"));
}
