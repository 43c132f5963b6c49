//! What we say of ourselves.

use crate::saml::metadata_xml::{OwnMetadata, as_file, entity_descriptor};
use crate::saml::xml::Element;
use crate::saml::xml_reader::read_metadata;

const NOW: i64 = 1_795_488_638_000;

fn own<'a>(signing: &'a [Vec<u8>], encryption: &'a [Vec<u8>]) -> OwnMetadata<'a> {
    OwnMetadata {
        entity_id: "https://sp.test/metadata",
        acs_url: "https://sp.test/acs?a&b",
        slo_url: "https://sp.test/slo",
        signing_certificates: signing,
        encryption_certificates: encryption,
        requests_signed: false,
        valid_until: None,
    }
}

fn role_of(xml: &str) -> Element {
    let root = read_metadata(&as_file(xml)).expect("it is XML");
    assert_eq!(root.name, "EntityDescriptor");
    root.children.into_iter().next().expect("a role")
}

#[test]
fn one_consumer_service_and_single_logout() {
    let xml = entity_descriptor(&own(&[], &[])).xml;
    assert!(!xml.contains("KeyDescriptor") && !xml.contains("validUntil"), "{xml}");
    let names: Vec<String> = role_of(&xml).children.into_iter().map(|child| child.name).collect();
    let [service, format] = ["SingleLogoutService", "NameIDFormat"];
    assert_eq!(names, [service, service, format, format, format, "AssertionConsumerService"]);
    for part in [
        "cacheDuration=\"PT24H\" entityID=\"https://sp.test/metadata\"",
        "AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\"",
        "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
        "Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://sp.test/acs?a&amp;b\" index=\"0\"",
        "Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://sp.test/slo\"",
    ] {
        assert!(xml.contains(part), "{part} is missing in {xml}");
    }
}

#[test]
fn keys_to_verify_with_and_keys_to_encrypt_to() {
    let xml = entity_descriptor(&own(&[vec![9], vec![8]], &[vec![1, 2, 3]])).xml;
    let role = role_of(&xml);
    let uses: Vec<_> = role.children.iter().filter_map(|child| child.attribute("use")).collect();
    assert_eq!(uses, ["signing", "signing", "encryption"]);
    for part in [
        "<ds:X509Certificate>CQ==</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
        "<ds:X509Certificate>AQID</ds:X509Certificate></ds:X509Data></ds:KeyInfo><md:EncryptionMethod",
        "xmlenc11#aes256-gcm",
        "xmlenc#aes128-cbc",
        "xmlenc#rsa-oaep-mgf1p",
        "xmlenc11#mgf1sha256",
    ] {
        assert!(xml.contains(part), "{part} is missing in {xml}");
    }
    assert!(!xml.contains("rsa-1_5"), "{xml}");
}

#[test]
fn its_id_is_that_of_its_content() {
    let plain = entity_descriptor(&own(&[], &[]));
    assert_eq!(plain.id, entity_descriptor(&own(&[], &[])).id);
    assert!(plain.xml.contains(&format!(" ID=\"{}\" ", plain.id)), "{}", plain.xml);
    let signed = OwnMetadata { requests_signed: true, ..own(&[], &[]) };
    let ending = OwnMetadata { valid_until: Some(NOW), ..own(&[], &[]) };
    assert!(entity_descriptor(&signed).xml.contains("AuthnRequestsSigned=\"true\""));
    assert!(entity_descriptor(&ending).xml.contains(" validUntil=\"2026-11-24T02:50:38Z\""));
    for other in [signed, ending] {
        assert_ne!(entity_descriptor(&other).id, plain.id);
    }
}
