//! Each required check: a response that passes them all, changed in one respect.

use crate::saml::assertion::{
    Asked, Assertion, Attribute, AuthnStatement, CLOCK_SKEW_MS, Conditions, Expected, MAX_AGE_MS, SubjectConfirmation,
    check,
};
use crate::saml::gate::Envelope;
use crate::saml::{assertion_reader, xml_reader};

const NOW: i64 = 1_795_488_638_000;
const IDP: &str = "https://idp.test";
const SP: &str = "https://sp.test/metadata";
const ACS: &str = "https://sp.test/acs";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

struct Case {
    envelope: Envelope,
    assertion: Assertion,
    expected: Expected,
}

fn accepted() -> Case {
    let confirmation = SubjectConfirmation {
        method: BEARER.into(),
        not_before: None,
        not_on_or_after: Some(NOW + 300_000),
        recipient: Some(ACS.into()),
        in_response_to: Some("_q".into()),
    };
    let conditions = Conditions {
        not_before: Some(NOW - 60_000),
        not_on_or_after: Some(NOW + 240_000),
        audience_restrictions: vec![vec![SP.into()]],
        one_time_use: false,
    };
    let statement =
        AuthnStatement { authn_instant: NOW - 1_000, session_index: Some("_s".into()), ..Default::default() };
    Case {
        envelope: Envelope {
            response_id: "_r".into(),
            version: "2.0".into(),
            issue_instant: NOW,
            destination: Some(ACS.into()),
            in_response_to: Some("_q".into()),
            issuer: Some(IDP.into()),
            status_code: Some("urn:oasis:names:tc:SAML:2.0:status:Success".into()),
            response_signed: false,
            assertion_signed: true,
            assertion_id: "_a".into(),
        },
        assertion: Assertion {
            id: "_a".into(),
            version: "2.0".into(),
            issue_instant: NOW,
            issuer: IDP.into(),
            name_id: "u-17".into(),
            name_id_format: None,
            name_qualifier: None,
            sp_name_qualifier: None,
            subject_confirmations: vec![confirmation],
            conditions: Some(conditions),
            authn_statements: vec![statement],
            attributes: vec![attribute("mail", &["ann@corp.test"])],
        },
        expected: Expected {
            now: NOW,
            clock_skew_ms: CLOCK_SKEW_MS,
            acs_url: ACS.into(),
            service_provider_entity_id: SP.into(),
            identity_provider_entity_id: IDP.into(),
            request_id: "_q".into(),
            asked: Asked::default(),
        },
    }
}

fn attribute(name: &str, values: &[&str]) -> Attribute {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Attribute { name: name.to_owned(), friendly_name: None, values }
}

/// The check that refuses after `change`, or `accepted`.
fn verdict(change: impl FnOnce(&mut Case)) -> &'static str {
    let mut case = accepted();
    change(&mut case);
    check(&case.envelope, &case.assertion, &case.expected).map_or_else(|refusal| refusal.check, |_| "accepted")
}

fn audiences(restrictions: &[&[&str]]) -> Vec<Vec<String>> {
    restrictions.iter().map(|list| list.iter().map(|audience| (*audience).to_owned()).collect()).collect()
}

fn conditions(case: &mut Case) -> &mut Conditions {
    case.assertion.conditions.as_mut().expect("the case has conditions")
}

#[test]
fn an_accepted_response_gives_the_identity() {
    let case = accepted();
    let identity = check(&case.envelope, &case.assertion, &case.expected).expect("accepted");
    assert_eq!(identity.name_id, "u-17");
    assert_eq!(identity.email.as_deref(), Some("ann@corp.test"));
    assert_eq!(identity.session_index.as_deref(), Some("_s"));
    assert_eq!(identity.session_not_on_or_after, None);
    assert_eq!(identity.authn_instant, NOW - 1_000);
    assert_eq!(identity.assertion_id, "_a");
    assert_eq!(identity.replay_until, NOW + 300_000 + 2 * CLOCK_SKEW_MS);
}

#[test]
fn the_envelope_must_be_for_us_from_them_and_a_success() {
    assert_eq!(verdict(|case| case.envelope.version = "1.1".into()), "check.response-version");
    assert_eq!(verdict(|case| case.assertion.version = "2.1".into()), "check.assertion-version");
    assert_eq!(verdict(|case| case.envelope.status_code = None), "check.status");
    assert_eq!(verdict(|case| case.envelope.status_code = Some("x".into())), "check.status");
    assert_eq!(verdict(|case| case.envelope.destination = None), "check.destination");
    assert_eq!(verdict(|case| case.envelope.destination = Some(format!("{ACS}/"))), "check.destination");
    assert_eq!(verdict(|case| case.envelope.issuer = None), "check.response-issuer");
    assert_eq!(verdict(|case| case.envelope.issuer = Some(IDP.to_uppercase())), "check.response-issuer");
    assert_eq!(verdict(|case| case.assertion.issuer = "https://other.test".into()), "check.assertion-issuer");
    assert_eq!(verdict(|case| case.envelope.in_response_to = None), "check.in-response-to");
    assert_eq!(verdict(|case| case.envelope.in_response_to = Some("_x".into())), "check.in-response-to");
    let nothing_expected = |case: &mut Case| {
        case.envelope.in_response_to = Some(String::new());
        case.expected.request_id = String::new();
    };
    assert_eq!(verdict(nothing_expected), "check.in-response-to");
}

#[test]
fn issue_instants_are_recent_to_the_millisecond() {
    let oldest = NOW - MAX_AGE_MS - CLOCK_SKEW_MS;
    assert_eq!(verdict(|case| case.envelope.issue_instant = NOW + CLOCK_SKEW_MS), "accepted");
    assert_eq!(verdict(|case| case.envelope.issue_instant = NOW + CLOCK_SKEW_MS + 1), "check.response-issue-instant");
    assert_eq!(verdict(|case| case.envelope.issue_instant = oldest), "accepted");
    assert_eq!(verdict(|case| case.envelope.issue_instant = oldest - 1), "check.response-issue-instant");
    assert_eq!(verdict(|case| case.assertion.issue_instant = oldest - 1), "check.assertion-issue-instant");
}

#[test]
fn one_bearer_confirmation_must_hold_in_every_respect() {
    let refused =
        |change: fn(&mut SubjectConfirmation)| verdict(|case| change(&mut case.assertion.subject_confirmations[0]));
    assert_eq!(verdict(|case| case.assertion.subject_confirmations.clear()), "check.bearer");
    assert_eq!(refused(|data| data.method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches".into()), "check.bearer");
    assert_eq!(refused(|data| data.recipient = None), "check.recipient");
    assert_eq!(refused(|data| data.recipient = Some("https://evil.test".into())), "check.recipient");
    assert_eq!(refused(|data| data.in_response_to = None), "check.confirmation-in-response-to");
    assert_eq!(refused(|data| data.not_before = Some(0)), "check.confirmation-not-before");
    assert_eq!(refused(|data| data.not_on_or_after = None), "check.confirmation-expired");
    assert_eq!(refused(|data| data.not_on_or_after = Some(NOW - CLOCK_SKEW_MS)), "check.confirmation-expired");
    assert_eq!(refused(|data| data.not_on_or_after = Some(NOW - CLOCK_SKEW_MS + 1)), "accepted");
    let second = |case: &mut Case| {
        let wrong = SubjectConfirmation { recipient: None, ..case.assertion.subject_confirmations[0].clone() };
        case.assertion.subject_confirmations.insert(0, wrong);
    };
    assert_eq!(verdict(second), "accepted");
}

#[test]
fn conditions_are_required_and_every_audience_restriction_holds() {
    assert_eq!(verdict(|case| case.assertion.conditions = None), "check.conditions");
    assert_eq!(verdict(|case| conditions(case).not_on_or_after = None), "check.expired");
    assert_eq!(verdict(|case| conditions(case).not_on_or_after = Some(NOW - CLOCK_SKEW_MS)), "check.expired");
    assert_eq!(verdict(|case| conditions(case).not_before = Some(NOW + CLOCK_SKEW_MS)), "accepted");
    assert_eq!(verdict(|case| conditions(case).not_before = Some(NOW + CLOCK_SKEW_MS + 1)), "check.not-yet-valid");
    assert_eq!(verdict(|case| conditions(case).not_before = None), "accepted");
    let ends = |case: &mut Case, end| conditions(case).not_on_or_after = Some(end);
    assert_eq!(verdict(|case| ends(case, NOW - 60_000)), "check.period");
    assert_eq!(verdict(|case| ends(case, NOW - 59_999)), "accepted");
    for (restrictions, expected) in [
        (audiences(&[]), "check.audience"),
        (audiences(&[&[]]), "check.audience"),
        (audiences(&[&["https://other.test"]]), "check.audience"),
        (audiences(&[&["https://SP.test/metadata"]]), "check.audience"),
        (audiences(&[&["https://other.test", SP]]), "accepted"),
        (audiences(&[&[SP], &["https://other.test"]]), "check.audience"),
    ] {
        assert_eq!(verdict(|case| conditions(case).audience_restrictions = restrictions), expected);
    }
}

#[test]
fn the_subject_signed_in_and_has_a_name() {
    assert_eq!(verdict(|case| case.assertion.authn_statements.clear()), "check.authn-statement");
    let future = NOW + CLOCK_SKEW_MS + 1;
    assert_eq!(verdict(|case| case.assertion.authn_statements[0].authn_instant = future), "check.authn-instant");
    let over = Some(NOW - CLOCK_SKEW_MS);
    let session_over = |case: &mut Case| case.assertion.authn_statements[0].session_not_on_or_after = over;
    assert_eq!(verdict(session_over), "check.session-expired");
    for name_id in ["", " ", " a", "a\n", "a\u{0}b", "a\u{85}b"] {
        assert_eq!(verdict(|case| case.assertion.name_id = name_id.into()), "check.name-id", "{name_id:?}");
    }
    // In octets: a letter such as é has two.
    for (name_id, verdict_of_it) in [("é".repeat(512), "accepted"), ("é".repeat(513), "check.name-id")] {
        assert_eq!(verdict(|case| case.assertion.name_id = name_id), verdict_of_it);
    }
}

#[test]
fn what_the_request_asked_for_is_required() {
    const MULTI: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509";
    let asked = |found: &[Option<&str>], contexts: &[&str]| {
        verdict(|case| {
            let statement = case.assertion.authn_statements[0].clone();
            let named =
                |class: &Option<&str>| AuthnStatement { class_ref: class.map(str::to_owned), ..statement.clone() };
            case.assertion.authn_statements = found.iter().map(named).collect();
            case.expected.asked.authn_contexts = contexts.iter().map(|context| (*context).to_owned()).collect();
        })
    };
    assert_eq!(asked(&[None], &[]), "accepted");
    assert_eq!(asked(&[Some("urn:weak")], &[]), "accepted");
    assert_eq!(asked(&[Some(MULTI)], &["urn:other", MULTI]), "accepted");
    assert_eq!(asked(&[Some("urn:weak"), Some(MULTI)], &[MULTI]), "accepted");
    assert_eq!(asked(&[Some(" \n urn:x ")], &["urn:x"]), "accepted");
    assert_eq!(asked(&[None], &[MULTI]), "check.authn-context");
    assert_eq!(asked(&[Some("urn:weak")], &[MULTI]), "check.authn-context");
    assert_eq!(asked(&[Some("")], &[MULTI]), "check.authn-context");
    assert_eq!(asked(&[Some(MULTI.to_lowercase().as_str())], &[MULTI]), "check.authn-context");
}

#[test]
fn a_proof_anew_is_from_after_the_request() {
    let begun = NOW - 60_000;
    let anew = |instants: &[i64]| {
        verdict(|case| {
            let statement = case.assertion.authn_statements[0].clone();
            let at = |instant: &i64| AuthnStatement { authn_instant: *instant, ..statement.clone() };
            case.assertion.authn_statements = instants.iter().map(at).collect();
            case.expected.asked.authn_not_before = Some(begun);
        })
    };
    assert_eq!(anew(&[begun]), "accepted");
    assert_eq!(anew(&[begun - CLOCK_SKEW_MS]), "accepted");
    assert_eq!(anew(&[begun - CLOCK_SKEW_MS - 1]), "check.force-authn");
    assert_eq!(anew(&[begun, begun - CLOCK_SKEW_MS - 1]), "check.force-authn");
    assert_eq!(verdict(|case| case.assertion.authn_statements[0].authn_instant = 0), "accepted");
}

#[test]
fn the_address_is_one_plain_address_or_none() {
    let email = |name_id: &str, attributes: Vec<Attribute>| {
        let mut case = accepted();
        case.assertion.name_id = name_id.to_owned();
        case.assertion.attributes = attributes;
        check(&case.envelope, &case.assertion, &case.expected).expect("accepted").email
    };
    let claim = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    assert_eq!(email("Ann@Corp.test", vec![]).as_deref(), Some("Ann@Corp.test"));
    assert_eq!(email("ann", vec![attribute(claim, &["", "ann@corp.test"])]).as_deref(), Some("ann@corp.test"));
    assert_eq!(email("ann", vec![attribute("Email", &[" ann@corp.test "])]).as_deref(), Some("ann@corp.test"));
    for other in [
        "ann",
        "ann@",
        "@corp.test",
        "a@b@corp.test",
        "a b@corp.test",
        "a@corp..test",
        "a@corp.test,b@c.test",
        "ann@cörp.test",
        "\u{212a}@corp.test",
    ] {
        assert_eq!(email(other, vec![attribute("mail", &[other])]), None, "{other:?}");
    }
}

#[test]
fn groups_and_the_display_name_come_from_the_usual_attributes() {
    let mut case = accepted();
    let friendly = Attribute { friendly_name: Some("displayName".into()), ..attribute("urn:x", &["Ann Example"]) };
    let groups = attribute("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", &["b", "c"]);
    case.assertion.attributes = vec![attribute("groups", &["a", "b", " "]), groups, friendly];
    let identity = check(&case.envelope, &case.assertion, &case.expected).expect("accepted");
    assert_eq!(identity.groups, ["a", "b", "c"]);
    assert_eq!(identity.display_name.as_deref(), Some("Ann Example"));
    case.assertion.attributes = vec![attribute("firstName", &["Ann"]), attribute("lastName", &["Example"])];
    let identity = check(&case.envelope, &case.assertion, &case.expected).expect("accepted");
    assert_eq!(identity.display_name.as_deref(), Some("Ann Example"));
    assert!(identity.groups.is_empty());
}

#[test]
fn the_name_claim_is_a_display_name_unless_it_names_an_account() {
    let mut case = accepted();
    let mut name = |attributes: Vec<Attribute>| {
        case.assertion.attributes = attributes;
        check(&case.envelope, &case.assertion, &case.expected).expect("accepted").display_name
    };
    let claim = |value| attribute("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", &[value]);
    assert_eq!(name(vec![claim("Ann Example")]).as_deref(), Some("Ann Example"));
    for account in ["ann@corp.test", "CORP\\ann", " "] {
        assert_eq!(name(vec![claim(account)]), None, "{account:?}");
    }
    let given = attribute("givenName", &["Ann"]);
    assert_eq!(name(vec![claim("Another"), given]).as_deref(), Some("Ann"), "the usual names come first");
}

#[test]
fn a_session_has_one_index_or_none() {
    let read = |indexes: &[&str]| -> Result<Option<String>, &'static str> {
        let statement = |index: &&str| {
            format!(r#"<saml:AuthnStatement AuthnInstant="2026-11-24T02:50:38Z" SessionIndex="{index}"/>"#)
        };
        let xml = super::signer::assertion("u-17", None);
        let (before, rest) = xml.split_once("<saml:AuthnStatement").expect("a statement");
        let (_, after) = rest.split_once("/>").expect("its end");
        let xml = format!("{before}{}{after}", indexes.iter().map(statement).collect::<String>());
        let root = xml_reader::read_message(xml.as_bytes()).expect("XML");
        let read = assertion_reader::read(&root).map_err(|refusal| refusal.check)?;
        Ok(read.authn_statements.into_iter().find_map(|statement| statement.session_index))
    };
    let long = "x".repeat(1_025);
    assert_eq!(read(&[" _s1 "]), Ok(Some("_s1".to_owned())));
    assert_eq!(read(&["", " "]), Ok(None));
    assert_eq!(read(&["_s1", "", "_s1"]), Ok(Some("_s1".to_owned())));
    assert_eq!(read(&[&long[1..]]), Ok(Some(long[1..].to_owned())));
    assert_eq!(read(&["_s1", "_s2"]), Err("assertion.session-index"));
    assert_eq!(read(&[long.as_str()]), Err("assertion.session-index"));
}
