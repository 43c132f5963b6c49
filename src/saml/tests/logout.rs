//! Messages of single logout: what is read of them, what is required, and what hostile ones look like.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::redirect::genuine;
use super::signer::{NOW, keys, signed, template};
use crate::saml::key_pair::KeyPair;
use crate::saml::logout_check::{self, Expected, Outcome};
use crate::saml::logout_message::{self, Kind, LogoutRequest};
use crate::saml::logout_received::Received;
use crate::saml::logout_write::{self, Outer, Status};
use crate::saml::name_id::NameIdForm;
use crate::saml::refusal::Refusal;

const SLO: &str = "https://sp.test/slo";
const IDP: &str = "https://idp.test";
const HEAD: &str = concat!(
    r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol""#,
    r#" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_l" Version="2.0""#,
    r#" IssueInstant="2026-11-24T02:50:38Z" Destination="https://sp.test/slo" NotOnOrAfter="2026-11-24T02:55:38Z">"#,
    r#"<saml:Issuer>https://idp.test</saml:Issuer>"#,
);
const NAME: &str = "<saml:NameID>u-17</saml:NameID>";
const INDEX: &str = "<samlp:SessionIndex>_s1</samlp:SessionIndex>";
const END: &str = "</samlp:LogoutRequest>";

fn request(inside: &str) -> String {
    format!("{HEAD}{inside}{END}")
}

/// The request with a signature in it that `pair` made.
fn posted(xml: &str, pair: &KeyPair) -> String {
    signed(&xml.replacen("</saml:Issuer>", &format!("</saml:Issuer>{}", template("_l")), 1), pair)
}

fn certificates() -> Vec<Vec<u8>> {
    vec![keys().stranger.certificate.clone(), keys().provider.certificate.clone()]
}

fn by_post(xml: &str) -> Result<LogoutRequest, Refusal> {
    let received = Received::by_post(Kind::Request, &STANDARD.encode(xml), None)?;
    logout_message::request(&received.verified(&certificates())?)
}

fn by_redirect(xml: &str) -> Result<LogoutRequest, Refusal> {
    let received = Received::by_redirect(&genuine(xml, None))?;
    logout_message::request(&received.verified(&certificates())?)
}

/// Names of the checks that refuse it, signed properly and brought by redirect and by POST.
fn verdicts(xml: &str) -> [&'static str; 2] {
    [by_redirect(xml), by_post(&posted(xml, &keys().provider))]
        .map(|read| read.map_or_else(|refusal| refusal.check, |_| "accepted"))
}

fn expected() -> Expected {
    Expected { now: NOW, slo_url: SLO.into(), identity_provider_entity_id: IDP.into() }
}

#[test]
fn a_signed_request_is_read_from_either_binding() {
    let second = "<samlp:SessionIndex> _s2\n</samlp:SessionIndex>";
    let xml = request(&format!("{NAME}{INDEX}{second}"));
    for read in [by_redirect(&xml), by_post(&posted(&xml, &keys().provider))] {
        let read = read.expect("it is genuine");
        assert_eq!((read.name_id.as_str(), read.header.id.as_str()), ("u-17", "_l"));
        assert_eq!(read.session_indexes, ["_s1", "_s2"]);
        logout_check::request(&read, &expected()).expect("it is for us and of now");
    }
    assert!(by_redirect(&request(NAME)).expect("genuine").session_indexes.is_empty());
    for (format, verdict) in [("entity", "accepted"), ("persistent", "gate.issuer-format")] {
        let named = format!("<saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:{format}\">");
        assert_eq!(verdicts(&request(NAME).replacen("<saml:Issuer>", &named, 1)), [verdict; 2]);
    }
    let extended = format!("<samlp:Extensions><x xmlns=\"urn:x\">1</x></samlp:Extensions>{NAME}");
    assert_eq!(verdicts(&request(&extended)), ["accepted"; 2]);
}

#[test]
fn whose_word_it_is_can_be_asked_before_and_proves_nothing() {
    let xml = request(NAME);
    let received = Received::by_post(Kind::Request, &STANDARD.encode(&xml), None).expect("base64");
    assert_eq!(received.claimed_issuer().expect("it says so"), IDP);
    assert_eq!(received.verified(&certificates()).expect_err("nobody signed it").check, "gate.unsigned");
    let received = Received::by_redirect(&genuine(&xml, None)).expect("a signed query");
    assert_eq!(received.claimed_issuer().expect("it says so"), IDP);
}

#[test]
fn a_post_is_verified_by_both_verifiers() {
    let xml = posted(&request(&format!("{NAME}{INDEX}")), &keys().provider);
    assert!(by_post(&xml).is_ok());
    let check = |xml: &str| by_post(xml).expect_err("it is refused").check;
    assert_eq!(check(&xml.replace("u-17", "u-18")), "signature.invalid");
    assert_eq!(check(&xml.replace(INDEX, "")), "signature.invalid");
    assert_eq!(check(&posted(&request(NAME), &keys().ours)), "signature.invalid");
    assert_eq!(check(&request(NAME)), "gate.unsigned");
    let received = Received::by_post(Kind::Request, &STANDARD.encode(&xml), None).expect("base64");
    assert_eq!(received.verified(&[]).expect_err("no certificate").check, "signature.no-certificate");
    // An answer is no request, and the other way round.
    let received = Received::by_post(Kind::Response, &STANDARD.encode(&xml), None).expect("base64");
    assert_eq!(received.verified(&certificates()).expect_err("another root").check, "gate.root");
}

#[test]
fn a_signature_that_is_not_the_messages_own_is_refused() {
    let genuine = posted(&request(NAME), &keys().provider);
    let from = genuine.find("<ds:Signature").expect("a signature");
    let to = genuine.find("</ds:Signature>").expect("its end") + "</ds:Signature>".len();
    let (signature, check) = (&genuine[from..to], |xml: &str| by_post(xml).expect_err("refused").check);
    // Wrapped: the genuine message is hidden in another one, which is to be believed.
    let victim = "<saml:NameID>victim</saml:NameID>";
    let hidden = format!("<samlp:Extensions>{genuine}</samlp:Extensions>");
    assert_eq!(
        check(&request(&format!("{hidden}{victim}")).replacen("ID=\"_l\"", "ID=\"_m\"", 1)),
        "gate.nested-message"
    );
    assert_eq!(
        check(&request(&format!("<samlp:Extensions>{signature}</samlp:Extensions>{victim}"))),
        "gate.stray-signature"
    );
    let doubled = genuine.replacen(signature, &format!("{signature}{signature}"), 1);
    assert_eq!(check(&doubled), "gate.repeated-element");
    assert_eq!(check(&genuine.replace("URI=\"#_l\"", "URI=\"\"")), "gate.reference-uri");
    assert_eq!(check(&genuine.replace("URI=\"#_l\"", "URI=\"http://127.0.0.1:9/x\"")), "gate.reference-uri");
    assert_eq!(check(&genuine.replace("URI=\"#_l\"", "URI=\"file:///dev/zero\"")), "gate.reference-uri");
    // In a signed query there is no other signature.
    assert_eq!(by_redirect(&genuine).expect_err("two signatures").check, "gate.stray-signature");
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for (inside, check) in [
        (format!("{NAME}<saml:NameID>victim</saml:NameID>"), "gate.repeated-element"),
        ("<saml:NameID>u-17<!-- -->.evil.test</saml:NameID>".to_owned(), "gate.comment"),
        ("<saml:NameID>u-17<?x ?></saml:NameID>".to_owned(), "gate.processing-instruction"),
        ("<saml:NameID><![CDATA[u-17]]></saml:NameID>".to_owned(), "gate.cdata"),
        ("<saml:NameID>&who;</saml:NameID>".to_owned(), "gate.reference"),
        ("<saml:NameID>u-17<b/></saml:NameID>".to_owned(), "gate.mixed-content"),
        ("<saml:NameID></saml:NameID>".to_owned(), "logout.name-id"),
        (INDEX.to_owned(), "logout.name-id"),
        ("<saml:BaseID/>".to_owned(), "gate.unknown-element"),
        ("<saml:EncryptedID/>".to_owned(), "gate.encrypted-id"),
        (format!("{NAME}<saml:SessionIndex>_s1</saml:SessionIndex>"), "gate.unknown-element"),
        (format!("{NAME}<samlp:SessionIndex> </samlp:SessionIndex>"), "logout.session-index"),
        (format!("{NAME}<samlp:SessionIndex>{}</samlp:SessionIndex>", "x".repeat(1_025)), "logout.session-index"),
        (format!("{NAME}{}", INDEX.repeat(257)), "logout.session-index"),
        (format!("{NAME}<samlp:Extensions ID=\"_l\"/>"), "gate.duplicate-id"),
    ] {
        let xml = request(&inside);
        assert_eq!(by_redirect(&xml).expect_err(&inside).check, check, "{inside}");
        // Before any signature is looked at, or after a genuine one.
        let by_post = by_post(&xml).expect_err(&inside).check;
        assert!(by_post == check || by_post == "gate.unsigned", "{inside}: {by_post}");
    }
    let plain = request(NAME);
    for (xml, check) in [
        (format!("<!DOCTYPE x [<!ENTITY who SYSTEM \"file:///etc/passwd\">]>{plain}"), "gate.doctype"),
        (plain.replace("samlp:LogoutRequest", "saml:LogoutRequest"), "gate.root"),
        (plain.replace("<saml:Issuer>https://idp.test</saml:Issuer>", ""), "gate.issuer"),
        (format!("{plain}<x/>"), "gate.second-root"),
        (plain.replace(" ID=\"_l\"", ""), "gate.id"),
        (plain.replace(" Version=\"2.0\"", ""), "logout.version"),
        (plain.replace(" IssueInstant=\"2026-11-24T02:50:38Z\"", ""), "logout.issue-instant"),
        (plain.replace("IssueInstant=\"2026-11-24T02:50:38Z\"", "IssueInstant=\"yesterday\""), "logout.time"),
        (plain.replace("NotOnOrAfter=\"2026-11-24T02:55:38Z\"", "NotOnOrAfter=\"\""), "logout.time"),
        (format!("{}{}", " ".repeat(64 * 1024), plain), "redirect.deflate"),
    ] {
        assert_eq!(by_redirect(&xml).expect_err("refused").check, check, "{xml}");
    }
    assert_eq!(by_post(&format!("{plain}{}", " ".repeat(64 * 1024))).expect_err("long").check, "gate.too-large");
}

#[test]
fn elements_are_counted() {
    let filled =
        |count: usize| request(&format!("<samlp:Extensions>{}</samlp:Extensions>{NAME}", "<x/>".repeat(count)));
    // Root, Issuer, Extensions and NameID are there, too.
    assert_eq!(by_redirect(&filled(396)).map_err(|refusal| refusal.check).map(|read| read.name_id), Ok("u-17".into()));
    for count in [397, 800, 5_000] {
        assert_eq!(by_redirect(&filled(count)).expect_err("many").check, "gate.too-many-elements", "{count}");
    }
}

#[test]
fn white_space_around_a_name_is_no_part_of_it() {
    let spaced = "<saml:NameID>\n  u-17\t</saml:NameID>";
    assert_eq!(by_redirect(&request(spaced)).expect("genuine").name_id, "u-17");
    let blank = "<saml:NameID> \n </saml:NameID>";
    assert_eq!(by_redirect(&request(blank)).expect_err("nobody").check, "logout.name-id");
}

#[test]
fn a_relay_state_is_signed_in_a_query_only() {
    let xml = request(NAME);
    let received = Received::by_post(Kind::Request, &STANDARD.encode(&xml), Some("x".into())).expect("base64");
    assert!(!received.relay_state_is_signed());
    assert!(Received::by_redirect(&genuine(&xml, Some("x"))).expect("a signed query").relay_state_is_signed());
}

#[test]
fn a_request_is_for_us_from_them_and_of_now() {
    let good = by_redirect(&request(NAME)).expect("genuine");
    let minute = 60_000;
    let check = |change: &dyn Fn(&mut LogoutRequest, &mut Expected)| {
        let (mut request, mut expected) = (good.clone(), expected());
        change(&mut request, &mut expected);
        logout_check::request(&request, &expected).map_or_else(|refusal| refusal.check, |()| "accepted")
    };
    assert_eq!(check(&|_, _| {}), "accepted");
    assert_eq!(check(&|request, _| request.header.version = "1.1".into()), "check.version");
    assert_eq!(check(&|request, _| request.header.issuer = "https://other.test".into()), "check.issuer");
    assert_eq!(check(&|_, expected| expected.identity_provider_entity_id = String::new()), "check.issuer");
    // Another tenant's address, with the same provider behind both.
    assert_eq!(check(&|_, expected| expected.slo_url = "https://sp.test/other/slo".into()), "check.destination");
    assert_eq!(check(&|request, _| request.header.destination = None), "check.destination");
    assert_eq!(check(&|request, _| request.header.destination = Some(format!("{SLO}/"))), "check.destination");
    assert_eq!(check(&|_, expected| expected.now -= 3 * minute), "accepted");
    assert_eq!(check(&|_, expected| expected.now -= 3 * minute + 1), "check.issue-instant");
    assert_eq!(check(&|_, expected| expected.now += 8 * minute - 1), "accepted");
    assert_eq!(check(&|_, expected| expected.now += 8 * minute), "check.expired");
    assert_eq!(check(&|request, _| request.not_on_or_after = Some(NOW - 3 * minute)), "check.expired");
    let without = |more: i64| {
        check(&move |request, expected| {
            request.not_on_or_after = None;
            expected.now += 8 * minute + more;
        })
    };
    assert_eq!((without(0), without(1)), ("accepted", "check.issue-instant"));
}

#[test]
fn a_request_is_remembered_for_as_long_as_it_could_be_accepted() {
    let request = by_redirect(&request(NAME)).expect("genuine");
    let until = logout_check::remember_until(&request);
    let late = Expected { now: until, ..expected() };
    let forever = LogoutRequest { not_on_or_after: Some(i64::MAX / 2), ..request };
    assert!(logout_check::request(&forever, &late).is_err(), "a request outlives the memory of it");
}

fn answered(status: &str) -> Result<Outcome, Refusal> {
    let xml = request(&format!("<samlp:Status>{status}</samlp:Status>"))
        .replace("LogoutRequest", "LogoutResponse")
        .replace(" NotOnOrAfter=\"2026-11-24T02:55:38Z\"", " InResponseTo=\"_q\"");
    let xml =
        signed(&xml.replacen("</saml:Issuer>", &format!("</saml:Issuer>{}", template("_l")), 1), &keys().provider);
    let received = Received::by_post(Kind::Response, &STANDARD.encode(xml), None)?;
    let response = logout_message::response(&received.verified(&certificates())?)?;
    assert_eq!(
        logout_check::response(&response, "_other", &expected()).expect_err("another request").check,
        "check.in-response-to"
    );
    logout_check::response(&response, "_q", &expected())
}

#[test]
fn only_success_confirms() {
    let code = |name: &str, inner: &str| {
        format!(r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{name}">{inner}</samlp:StatusCode>"#)
    };
    assert_eq!(answered(&code("Success", "")), Ok(Outcome::Confirmed));
    for other in [
        code("Success", &code("PartialLogout", "")),
        code("Responder", &code("PartialLogout", "")),
        code("Requester", ""),
        code("success", ""),
    ] {
        assert_eq!(answered(&other), Ok(Outcome::NotConfirmed), "{other}");
    }
    assert_eq!(answered("").expect_err("no status").check, "check.status");
    assert_eq!(answered("<samlp:StatusCode/>").expect_err("no value").check, "check.status");
}

#[test]
fn what_we_write_is_what_was_meant() {
    let outer =
        Outer { id: "_l", issue_instant: NOW, destination: "https://idp.test/slo?a&b", issuer: "https://sp.test/<m>" };
    let form = NameIdForm::of(Some("urn:f\"<"), Some("q&"), None);
    let xml = logout_write::request(outer, "ann & \"bob\" <x>", &form, Some("_s&1"));
    let read = by_redirect(&xml).expect("our own dialect");
    assert_eq!(
        (read.name_id.as_str(), read.session_indexes.as_slice()),
        ("ann & \"bob\" <x>", ["_s&1".to_owned()].as_slice())
    );
    assert_eq!(read.header.destination.as_deref(), Some("https://idp.test/slo?a&b"));
    assert_eq!((read.header.issuer.as_str(), read.not_on_or_after), ("https://sp.test/<m>", Some(NOW + 300_000)));
    for part in
        [r#"Format="urn:f&quot;&lt;" NameQualifier="q&amp;""#, r#"Reason="urn:oasis:names:tc:SAML:2.0:logout:user""#]
    {
        assert!(xml.contains(part), "{part} is missing in {xml}");
    }
    assert!(!xml.contains("SPNameQualifier"), "{xml}");
    let plain = logout_write::request(outer, "u", &NameIdForm::default(), None);
    assert!(plain.contains(">u</saml:NameID></samlp:LogoutRequest>"), "{plain}");
    for (status, codes) in [
        (Status::Success, vec!["Success"]),
        (Status::Partial, vec!["Responder", "PartialLogout"]),
        (Status::Refused, vec!["Requester"]),
    ] {
        let xml = logout_write::response(outer, "_q", status);
        let root = crate::saml::xml_reader::read_message(xml.as_bytes()).expect("XML");
        let read = logout_message::response(&root).expect("a LogoutResponse");
        let codes: Vec<String> =
            codes.iter().map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}")).collect();
        assert_eq!((read.status, read.in_response_to.as_deref()), (codes, Some("_q")));
    }
}
