//! Pure: the model of an assertion, and whether it signs somebody in here, now, for this request.
//!
//! The steps follow SAML Core, Profiles §4.1.4.3 (web browser sign-on) and Bindings §3.5; their numbers are those of
//! `checklist.rs`. Deliberately not decided here: whether the request is the one that this browser began (1), whether the
//! assertion was used before (31), and whether the user and the domain of the address belong to the workspace (32). They
//! need state; the caller decides them. Not looked at: `SubjectConfirmationData/@Address`, which Profiles §4.1.4.3 leaves
//! open, because behind proxies the two ends see other addresses of one browser.

use super::checklist::Checklist;
use super::gate::Envelope;
use super::refusal::{Refusal, quoted};
use super::settings::AttributeMapping;
use super::xml_tag::SPACE;
use super::{identity, names};
use crate::base::clock::UnixMillis;

/// Tolerance for clocks that differ: 3 minutes.
pub const CLOCK_SKEW_MS: i64 = 180_000;
/// How old a response may be, tolerance apart: 5 minutes.
pub const MAX_AGE_MS: i64 = 300_000;
/// Longest NameID, in octets: databases look people up by it.
const MAX_NAME_ID: usize = 1_024;

/// What an identity provider states about a subject (Core §2.3.3). Texts are as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    pub id: String,
    pub version: String,
    pub issue_instant: UnixMillis,
    pub issuer: String,
    /// Text of `Subject/NameID`.
    pub name_id: String,
    /// `Subject/NameID/@Format`.
    pub name_id_format: Option<String>,
    /// `Subject/NameID/@NameQualifier`.
    pub name_qualifier: Option<String>,
    /// `Subject/NameID/@SPNameQualifier`.
    pub sp_name_qualifier: Option<String>,
    pub subject_confirmations: Vec<SubjectConfirmation>,
    pub conditions: Option<Conditions>,
    pub authn_statements: Vec<AuthnStatement>,
    /// Of all attribute statements, in document order.
    pub attributes: Vec<Attribute>,
}

/// How the bearer may be recognised as the subject (Core §2.4.1.1), with what its data says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectConfirmation {
    pub method: String,
    pub not_before: Option<UnixMillis>,
    pub not_on_or_after: Option<UnixMillis>,
    pub recipient: Option<String>,
    pub in_response_to: Option<String>,
}

/// When and for whom the assertion is valid (Core §2.5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    pub not_before: Option<UnixMillis>,
    pub not_on_or_after: Option<UnixMillis>,
    /// Every restriction must hold; a restriction holds if one of its audiences is we.
    pub audience_restrictions: Vec<Vec<String>>,
    pub one_time_use: bool,
}

/// That and how the subject signed in at the identity provider (Core §2.7.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthnStatement {
    pub authn_instant: UnixMillis,
    pub session_index: Option<String>,
    pub session_not_on_or_after: Option<UnixMillis>,
    pub class_ref: Option<String>,
}

/// An attribute with its textual values (Core §2.7.3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub friendly_name: Option<String>,
    pub values: Vec<String>,
}

/// What an acceptable response must say. An empty text is never equal to anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub now: UnixMillis,
    /// Milliseconds, usually [`CLOCK_SKEW_MS`].
    pub clock_skew_ms: i64,
    /// URL of our assertion consumer service, to the letter.
    pub acs_url: String,
    pub service_provider_entity_id: String,
    pub identity_provider_entity_id: String,
    /// ID of the AuthnRequest that this browser was sent away with.
    pub request_id: String,
    pub asked: Asked,
}

/// What the AuthnRequest asked of the sign-in there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// RequestedAuthnContext, exact: the answer must name one of these. Empty: any.
    pub authn_contexts: Vec<String>,
    /// ForceAuthn: the sign-in there must be from then or later, tolerance apart.
    pub authn_not_before: Option<UnixMillis>,
}

/// Who signed in, as the identity provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Not empty, no control character, at most 1,024 octets.
    pub name_id: String,
    pub name_id_format: Option<String>,
    pub name_qualifier: Option<String>,
    pub sp_name_qualifier: Option<String>,
    /// One ASCII address as written, from the NameID or an attribute. Whose domain it is, is not checked.
    pub email: Option<String>,
    pub display_name: Option<String>,
    /// Values of the group attributes, each once.
    pub groups: Vec<String>,
    pub session_index: Option<String>,
    /// When the identity provider wants the session to have ended: the earliest it names.
    pub session_not_on_or_after: Option<UnixMillis>,
    /// When the subject signed in there: the earliest of several.
    pub authn_instant: UnixMillis,
    /// To be remembered until `replay_until`, and refused if met again.
    pub assertion_id: String,
    /// The latest NotOnOrAfter and twice the tolerance.
    pub replay_until: UnixMillis,
}

/// Whether a verified assertion and its envelope sign somebody in, whom it names by the usual attributes. Refuses with
/// `check.…`, at the first step that fails.
pub fn check(envelope: &Envelope, assertion: &Assertion, expected: &Expected) -> Result<Identity, Refusal> {
    checklist(envelope, assertion, expected).verdict()?;
    Ok(identity::of(assertion, expected.clock_skew_ms, &AttributeMapping::default()))
}

/// Every required check of a verified assertion and its envelope. Each that doesn't rest on one that failed is judged.
pub fn checklist(envelope: &Envelope, assertion: &Assertion, expected: &Expected) -> Checklist {
    let mut list = Checklist::default();
    list.reach("check.response-version");
    check_envelope(&mut list, envelope, assertion, expected);
    check_confirmations(&mut list, &assertion.subject_confirmations, expected);
    check_conditions(&mut list, assertion.conditions.as_ref(), expected);
    check_statements(&mut list, &assertion.authn_statements, expected);
    // 30. Core §8.3: there is a name to know the subject by.
    list.note("check.name-id", usable_name_id(&assertion.name_id));
    list
}

fn check_envelope(list: &mut Checklist, envelope: &Envelope, assertion: &Assertion, expected: &Expected) {
    let provider = &expected.identity_provider_entity_id;
    // 6. Core §3.2.2 and 7. Core §2.3.3: both are SAML 2.0.
    list.note("check.response-version", equal(Some(envelope.version.as_str()), "2.0"));
    list.note("check.assertion-version", equal(Some(assertion.version.as_str()), "2.0"));
    // 8. Core §3.2.2.2: the top-level status is Success.
    list.note("check.status", equal(envelope.status_code.as_deref(), names::STATUS_SUCCESS));
    // 9. Bindings §3.5.5.2: the message is addressed to this consumer service.
    list.note("check.destination", equal(envelope.destination.as_deref(), &expected.acs_url));
    // 10. and 11. Profiles §4.1.4.2: both issuers are the identity provider that was asked.
    list.note("check.response-issuer", equal(envelope.issuer.as_deref(), provider));
    list.note("check.assertion-issuer", equal(Some(assertion.issuer.as_str()), provider));
    // 12. Profiles §4.1.4.3: the response answers our request.
    list.note("check.in-response-to", equal(envelope.in_response_to.as_deref(), &expected.request_id));
    // 13. Core §3.2.2 and 14. Core §2.3.3: both were issued just now.
    list.note("check.response-issue-instant", fresh(envelope.issue_instant, expected));
    list.note("check.assertion-issue-instant", fresh(assertion.issue_instant, expected));
}

/// Checks 15 to 19, Profiles §4.1.4.3: a bearer confirmation names us, our request and a time that has not passed. One that holds
/// is enough; if none does, the last is told of.
fn check_confirmations(list: &mut Checklist, confirmations: &[SubjectConfirmation], expected: &Expected) {
    let bearers = || confirmations.iter().filter(|confirmation| confirmation.method == names::BEARER);
    let holds = |data: &&SubjectConfirmation| bearer(data, expected).iter().all(|(_, result)| result.is_ok());
    let told = bearers().find(holds).or_else(|| bearers().next_back());
    list.note("check.bearer", present(told.is_some(), "bearer SubjectConfirmation"));
    for (check, result) in told.into_iter().flat_map(|data| bearer(data, expected)) {
        list.note(check, result);
    }
}

fn bearer(data: &SubjectConfirmation, expected: &Expected) -> [(&'static str, Result<(), String>); 4] {
    [
        // 16. The confirmation is for this consumer service.
        ("check.recipient", equal(data.recipient.as_deref(), &expected.acs_url)),
        // 17. It answers our request.
        ("check.confirmation-in-response-to", equal(data.in_response_to.as_deref(), &expected.request_id)),
        // 18. Profiles §4.1.4.2: a bearer has no NotBefore.
        ("check.confirmation-not-before", unless(data.not_before.is_none(), "a bearer must not have NotBefore")),
        // 19. Its time has not passed.
        ("check.confirmation-expired", not_over(data.not_on_or_after, expected)),
    ]
}

/// 20. to 24. Core §2.5.1: the conditions are there, and hold.
fn check_conditions(list: &mut Checklist, conditions: Option<&Conditions>, expected: &Expected) {
    list.note("check.conditions", present(conditions.is_some(), "Conditions"));
    let Some(conditions) = conditions else { return };
    // 21. and 22. Core §2.5.1.2: now is within their time.
    list.note("check.expired", not_over(conditions.not_on_or_after, expected));
    let begun = conditions.not_before.is_none_or(|at| at <= expected.now + expected.clock_skew_ms);
    list.note("check.not-yet-valid", unless(begun, "NotBefore is in the future"));
    // 23. Core §2.5.1.2: the beginning comes before the end.
    let ordered = conditions.not_before.zip(conditions.not_on_or_after).is_none_or(|(from, to)| from < to);
    list.note("check.period", unless(ordered, "NotBefore is not before NotOnOrAfter"));
    // 24. Core §2.5.1.4: every restriction names us.
    list.note("check.audience", for_us(&conditions.audience_restrictions, &expected.service_provider_entity_id));
}

fn for_us(restrictions: &[Vec<String>], us: &str) -> Result<(), String> {
    unless(!restrictions.is_empty(), "there is no AudienceRestriction")?;
    match restrictions.iter().find(|audiences| us.is_empty() || !audiences.iter().any(|one| one == us)) {
        None => Ok(()),
        Some(others) => Err(format!("expected {}, found {}", quoted(us), quoted(&others.join(" ")))),
    }
}

/// 25. to 29. Profiles §4.1.4.2, §4.1.4.3: the subject signed in, as the request asked for it, and that session goes on.
fn check_statements(list: &mut Checklist, statements: &[AuthnStatement], expected: &Expected) {
    list.note("check.authn-statement", present(!statements.is_empty(), "AuthnStatement"));
    if statements.is_empty() {
        return;
    }
    // 26. Core §2.7.2: signing in came before now.
    let past = statements.iter().all(|one| one.authn_instant <= expected.now + expected.clock_skew_ms);
    list.note("check.authn-instant", unless(past, "AuthnInstant is in the future"));
    // 27. Core §3.4.1: where the request has ForceAuthn, signing in came after it.
    let begun = expected.asked.authn_not_before.map(|at| at - expected.clock_skew_ms);
    let anew = begun.is_none_or(|begun| statements.iter().all(|one| one.authn_instant >= begun));
    list.note("check.force-authn", unless(anew, "AuthnInstant is before the request, which has ForceAuthn"));
    // 28. Core §3.3.2.2.1: it was in one of the ways that the request asked for.
    list.note("check.authn-context", in_one_of(&expected.asked.authn_contexts, statements));
    // 29. The session that it names has not ended.
    let ends = || statements.iter().filter(|one| one.session_not_on_or_after.is_some());
    let going_on = ends().all(|one| not_over(one.session_not_on_or_after, expected).is_ok());
    list.note("check.session-expired", unless(going_on, "SessionNotOnOrAfter has passed"));
}

fn in_one_of(contexts: &[String], statements: &[AuthnStatement]) -> Result<(), String> {
    // A class is an xs:anyURI: white space at its ends is no part of it.
    let classes = statements.iter().filter_map(|statement| statement.class_ref.as_deref());
    let classes: Vec<&str> = classes.map(|class| class.trim_matches(SPACE)).collect();
    if contexts.is_empty() || classes.iter().any(|class| contexts.iter().any(|context| context == class)) {
        return Ok(());
    }
    Err(format!("expected one of {}, found {}", quoted(&contexts.join(" ")), quoted(&classes.join(" "))))
}

fn fresh(issued: UnixMillis, expected: &Expected) -> Result<(), String> {
    let skew = expected.clock_skew_ms;
    unless(issued <= expected.now + skew, "IssueInstant is in the future")?;
    unless(issued >= expected.now - MAX_AGE_MS - skew, "IssueInstant is too long ago")
}

/// Says of which kind the fault is, and not what the name is.
fn usable_name_id(name_id: &str) -> Result<(), String> {
    unless(!name_id.is_empty(), "the NameID is empty")?;
    unless(name_id.trim() == name_id, "the NameID begins or ends with white space")?;
    unless(name_id.len() <= MAX_NAME_ID, "the NameID is longer than 1,024 octets")?;
    unless(!name_id.chars().any(char::is_control), "the NameID has a control character")
}

/// NotOnOrAfter, required: the instant itself is too late.
fn not_over(end: Option<UnixMillis>, expected: &Expected) -> Result<(), String> {
    let end = end.ok_or_else(|| "there is no NotOnOrAfter".to_owned())?;
    unless(expected.now < end + expected.clock_skew_ms, "NotOnOrAfter has passed")
}

fn equal(found: Option<&str>, expected: &str) -> Result<(), String> {
    if found == Some(expected) && !expected.is_empty() {
        return Ok(());
    }
    let found = found.map_or_else(|| "nothing".to_owned(), quoted);
    Err(format!("expected {}, found {found}", quoted(expected)))
}

fn present(there: bool, what: &str) -> Result<(), String> {
    if there { Ok(()) } else { Err(format!("there is no {what}")) }
}

fn unless(condition: bool, detail: &str) -> Result<(), String> {
    if condition { Ok(()) } else { Err(detail.to_owned()) }
}
