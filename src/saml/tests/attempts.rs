//! What is kept and said of an attempt: the list of checks, the outline, and advice for each product.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::signer::{Transport, assertion, expected, keys, response, seal, trust};
use crate::saml::advice::{Ours, advice};
use crate::saml::certificate::fingerprint;
use crate::saml::checklist::{Checklist, Outcome, STEPS, step_of};
use crate::saml::judge::{examine, judge};
use crate::saml::outline::{form, masked};
use crate::saml::product::Product;
use crate::saml::refusal::Refusal;

const USER: &str = super::signer::USER;

fn failed(list: &Checklist) -> Vec<&'static str> {
    let failed = list.steps().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
    failed.map(|(step, _)| step.name).collect()
}

#[test]
fn every_step_is_there_once() {
    let mut names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), STEPS.len());
    assert_eq!(step_of("gate.doctype").map(|step| step.name), Some("gate"));
    assert_eq!(step_of("check.audience").map(|step| step.name), Some("check.audience"));
    assert_eq!(step_of("check.unheard-of"), None);
}

#[test]
fn what_is_wrong_is_shown_at_once_and_the_first_decides() {
    let xml = response(&assertion(USER, Some(&keys().provider)), None);
    let wrong = crate::saml::assertion::Expected {
        service_provider_entity_id: "https://other.test".into(),
        acs_url: "https://other.test/acs".into(),
        ..expected()
    };
    let examined = examine(xml.as_bytes(), &trust(), &wrong);
    assert_eq!(failed(&examined.checks), ["check.destination", "check.recipient", "check.audience"]);
    assert_eq!(examined.verdict.as_ref().err().map(|refusal| refusal.check), Some("check.destination"));
    assert_eq!(judge(xml.as_bytes(), &trust(), &wrong), examined.verdict);
    let good = examine(xml.as_bytes(), &trust(), &expected());
    assert!(good.verdict.is_ok() && failed(&good.checks).is_empty());
    assert_eq!(good.certificate, Some(crate::saml::certificate::fingerprint(&keys().provider.certificate)));
    assert_eq!(good.issued_at, Some(super::signer::NOW));
}

/// A message that nothing verifies says which certificate it carries. That is shown, and believed by nobody.
#[test]
fn a_carried_certificate_is_evidence_only() {
    let xml = response(&assertion(USER, Some(&keys().stranger)), None);
    let carrying = |certificate: &[u8]| {
        let text = STANDARD.encode(certificate);
        let info = format!(
            "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        );
        xml.replacen("</ds:SignatureValue>", &info, 1)
    };
    let refusal = |xml: &str| examine(xml.as_bytes(), &trust(), &expected()).verdict.expect_err("a stranger's");
    let (stranger, ours) = (fingerprint(&keys().stranger.certificate), fingerprint(&keys().provider.certificate));
    let plain = refusal(&xml);
    assert_eq!(plain.check, "signature.invalid");
    let said = format!(
        "no configured certificate verifies it; configured are certificates whose SHA-256 begins with {}",
        &ours[..8]
    );
    assert_eq!(plain.detail, said);
    let shown = refusal(&carrying(&keys().stranger.certificate));
    assert_eq!(shown.check, "signature.invalid");
    assert!(shown.detail.contains(&stranger) && shown.detail.contains(&ours), "{shown}");
    let claimed = refusal(&carrying(&keys().provider.certificate));
    assert_eq!(claimed.check, "signature.invalid");
    assert!(claimed.detail.contains(&ours) && claimed.detail.contains("was changed since"), "{claimed}");
}

#[test]
fn a_way_that_ends_early_reaches_nothing_behind() {
    let mut list = Checklist::default();
    list.refuse(Refusal::new("signature.invalid", "x"));
    let outcomes: Vec<&Outcome> = list.steps().map(|(_, outcome)| outcome).collect();
    assert!(outcomes[..3].iter().all(|outcome| **outcome == Outcome::Passed));
    assert!(outcomes[4..].iter().all(|outcome| **outcome == Outcome::NotReached));
    assert_eq!(list.verdict().map_err(|refusal| refusal.check), Err("signature.invalid"));
}

#[test]
fn an_issuer_is_an_entity() {
    let xml = response(&assertion(USER, Some(&keys().provider)), None);
    let verdict = |format: &str| {
        let xml = xml.replacen("<saml:Issuer>", &format!("<saml:Issuer Format=\"{format}\">"), 1);
        judge(xml.as_bytes(), &trust(), &expected()).map_or_else(|refusal| refusal.check, |_| "accepted")
    };
    assert_eq!(verdict("urn:oasis:names:tc:SAML:2.0:nameid-format:entity"), "accepted");
    assert_eq!(verdict("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"), "gate.issuer-format");
}

#[test]
fn an_outline_has_names_and_no_values() {
    let signed = assertion(USER, Some(&keys().provider));
    let clear = response(&signed, Some(&keys().provider));
    let sealed = response(&seal(signed.as_bytes(), "aes256-gcm", Transport::OaepSha1, &keys().ours).xml(), None);
    for (xml, told) in [(&clear, "Signature"), (&sealed, "EncryptedAssertion")] {
        let examined = examine(xml.as_bytes(), &trust(), &expected());
        let outline = examined.outline.expect("it is XML");
        assert!(outline.contains(told) && outline.contains("Issuer: \"https://idp.test\""), "{outline}");
        assert!(outline.contains("NameID: (an address at corp.test, 17 characters)"), "{outline}");
        for value in [USER, "mallory", "SignatureValue", "DigestValue", "CipherValue", "CipherData"] {
            assert!(!outline.contains(value), "{value}: {outline}");
        }
    }
}

#[test]
fn an_outline_is_bounded() {
    let attributes: String = (0..60).map(|number| format!(" a{number}=\"x\"")).collect();
    let elements = "<saml:Advice/>".repeat(3_000);
    let xml = response(&format!("<saml:Assertion ID=\"_a\"{attributes}>{elements}</saml:Assertion>"), None);
    let outline = examine(xml.as_bytes(), &trust(), &expected()).outline.expect("it is XML");
    assert!(outline.len() < 13_000 && outline.ends_with("…\n"), "{}", outline.len());
}

#[test]
fn forms_say_no_value() {
    assert_eq!(form("Ann@Corp.test"), "(an address at corp.test, 13 characters)");
    assert_eq!(
        (form(""), form("x"), form("@corp.test")),
        ("(empty)".into(), "(1 character)".into(), "(10 characters)".into())
    );
    assert_eq!(form("a@b c"), "(5 characters)");
    assert_eq!(masked("found \"https://x.test/?ann%40corp.test\""), "found (31 characters)");
    assert_eq!(
        masked("expected \"x\", found \"ann@corp.test\""),
        "expected \"x\", found (an address at corp.test, 13 characters)"
    );
}

#[test]
fn products_are_known_by_their_addresses() {
    for (address, product) in [
        ("https://acme.okta.com/app/x/sso/saml", Product::Okta),
        ("http://www.okta.com/exk1", Product::Okta),
        ("https://evilokta.com/app", Product::Generic),
        ("https://sts.windows.net/0000/", Product::EntraId),
        ("https://login.microsoftonline.com/0000/saml2", Product::EntraId),
        ("https://accounts.google.com/o/saml2?idpid=C0", Product::Google),
        ("https://app.onelogin.com/saml/metadata/1", Product::OneLogin),
        ("https://sso.jumpcloud.com/saml2/curfew", Product::JumpCloud),
        ("https://sso.example.com/realms/acme", Product::Keycloak),
        ("https://sso.example.com/realms/acme/protocol/saml", Product::Keycloak),
        ("https://sso.example.com/application/saml/curfew/sso/binding/redirect/", Product::Authentik),
        ("http://adfs.example.com/adfs/services/trust", Product::AdFs),
        ("https://adfs.example.com/adfs/ls/", Product::AdFs),
        ("urn:example:idp", Product::Generic),
    ] {
        assert_eq!(Product::of_address(address), product, "{address}");
    }
}

#[test]
fn every_check_has_advice_for_every_product() {
    let ours = Ours {
        acs_url: "https://sp.test/acs",
        entity_id: "https://sp.test/metadata",
        login_url: "https://sp.test/login",
    };
    let products = [
        Product::Okta,
        Product::EntraId,
        Product::Google,
        Product::Keycloak,
        Product::Authentik,
        Product::OneLogin,
        Product::JumpCloud,
        Product::AdFs,
        Product::Generic,
    ];
    let more =
        ["user.domain", "user.no-email", "user.gone", "user.owner", "gate.unsigned", "signature.invalid", "flow.used"];
    for check in STEPS.iter().map(|step| step.name).filter(|name| *name != "user").chain(more) {
        for product in products {
            let text = advice(check, product, &ours).unwrap_or_else(|| panic!("{check} has no advice for {product:?}"));
            assert!(text.ends_with('.') && !text.contains(['{', '}']), "{check}: {text}");
        }
    }
    let okta = advice("check.audience", Product::Okta, &ours);
    assert_eq!(okta.as_deref(), Some("Set Audience URI (SP Entity ID) to https://sp.test/metadata."));
}

#[test]
fn a_required_check_that_was_not_judged_refuses() {
    let mut list = Checklist::default();
    let required = STEPS.iter().map(|step| step.name).filter(|name| name.starts_with("check."));
    for name in required.filter(|name| *name != "check.audience") {
        list.note(name, Ok(()));
    }
    assert_eq!(list.verdict().map_err(|refusal| refusal.check), Err("check.audience"));
    list.note("check.audience", Ok(()));
    assert_eq!(list.verdict(), Ok(()));
    // Outside the pool nothing may panic.
    list.refuse(Refusal::new("unheard-of", "x"));
}

#[test]
#[should_panic(expected = "one of the steps")]
fn a_check_that_is_no_step_is_not_noted() {
    Checklist::default().note("check.unheard-of", Ok(()));
}

/// The name of a refusal of a sign-in, if a piece of source text is one.
fn refused_by(piece: &str) -> Option<&str> {
    let (room, rest) = piece.split_once('.')?;
    let rooms = ["flow", "gate", "encryption", "signature", "assertion", "check", "user"];
    let plain = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (rooms.contains(&room) && plain).then_some(piece)
}

#[test]
fn every_refusal_of_a_sign_in_is_a_step() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/saml");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // Messages of single logout have checks of their own.
        if !name.ends_with(".rs") || name.starts_with("logout_") || name.starts_with("redirect_") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        for check in text.split('"').filter_map(refused_by) {
            assert!(step_of(check).is_some(), "{name}: {check} is none of the steps");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen} names were found");
}
