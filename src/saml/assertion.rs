//! Pure: the model of an assertion, and whether it signs somebody in here, now, for this request.
//!
//! The steps follow SAML Core, Profiles §4.1.4.3 (web browser sign-on) and Bindings §3.5. Deliberately not decided
//! here: whether the request is the one that this browser began, whether the assertion was used before, and whether the
//! user and the domain of the address belong to the workspace. They need state; the caller decides them.

use super::gate::Envelope;
use super::identity;
use super::names;
use super::refusal::{Refusal, quoted};
use crate::base::clock::UnixMillis;

/// Tolerance for clocks that differ: 3 minutes.
pub const CLOCK_SKEW_MS: i64 = 180_000;
/// How old a response may be, tolerance apart: 5 minutes.
pub const MAX_AGE_MS: i64 = 300_000;
/// Longest NameID, in characters.
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
}

/// Who signed in, as the identity provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Not empty, no control character, at most 1,024 characters.
    pub name_id: String,
    pub name_id_format: Option<String>,
    /// One ASCII address as written, from the NameID or an attribute. Whose domain it is, is not checked.
    pub email: Option<String>,
    pub display_name: Option<String>,
    /// Values of the usual group attributes, each once.
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

/// Whether a verified assertion and its envelope sign somebody in. Refuses with `check.…`, at the first step that fails.
pub fn check(envelope: &Envelope, assertion: &Assertion, expected: &Expected) -> Result<Identity, Refusal> {
    // 1. Core §2.3.3, §3.2.2: both are SAML 2.0.
    equal(Some(envelope.version.as_str()), "2.0", "check.response-version")?;
    equal(Some(assertion.version.as_str()), "2.0", "check.assertion-version")?;
    // 2. Core §3.2.2.2: the top-level status is Success.
    equal(envelope.status_code.as_deref(), names::STATUS_SUCCESS, "check.status")?;
    // 3. Bindings §3.5.5.2: the message is addressed to this consumer service.
    equal(envelope.destination.as_deref(), &expected.acs_url, "check.destination")?;
    // 4. Profiles §4.1.4.2: both issuers are the identity provider that was asked.
    equal(envelope.issuer.as_deref(), &expected.identity_provider_entity_id, "check.response-issuer")?;
    equal(Some(assertion.issuer.as_str()), &expected.identity_provider_entity_id, "check.assertion-issuer")?;
    // 5. Profiles §4.1.4.3: the response answers our request.
    equal(envelope.in_response_to.as_deref(), &expected.request_id, "check.in-response-to")?;
    // 6. Core §3.2.2: both were issued just now.
    check_fresh(envelope.issue_instant, expected, "check.response-issue-instant")?;
    check_fresh(assertion.issue_instant, expected, "check.assertion-issue-instant")?;
    // 7. Profiles §4.1.4.3: a bearer confirmation names us, our request and a time that has not passed.
    check_confirmations(&assertion.subject_confirmations, expected)?;
    // 8. Core §2.5.1: the conditions hold.
    let conditions = assertion.conditions.as_ref();
    check_conditions(conditions.ok_or_else(|| absent("check.conditions", "Conditions"))?, expected)?;
    // 9. Profiles §4.1.4.2: the subject signed in, and that session goes on.
    check_statements(&assertion.authn_statements, expected)?;
    // 10. Core §8.3: there is a name to know the subject by.
    check_name_id(&assertion.name_id)?;
    Ok(identity::of(assertion, expected.clock_skew_ms))
}

fn check_fresh(issued: UnixMillis, expected: &Expected, check: &'static str) -> Result<(), Refusal> {
    let skew = expected.clock_skew_ms;
    Refusal::unless(issued <= expected.now + skew, check, "IssueInstant is in the future")?;
    Refusal::unless(issued >= expected.now - MAX_AGE_MS - skew, check, "IssueInstant is too long ago")
}

/// One bearer confirmation that holds is enough; the refusal is that of the last.
fn check_confirmations(confirmations: &[SubjectConfirmation], expected: &Expected) -> Result<(), Refusal> {
    let mut outcome = Err(absent("check.bearer", "bearer SubjectConfirmation"));
    for confirmation in confirmations.iter().filter(|confirmation| confirmation.method == names::BEARER) {
        outcome = check_bearer(confirmation, expected);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn check_bearer(data: &SubjectConfirmation, expected: &Expected) -> Result<(), Refusal> {
    equal(data.recipient.as_deref(), &expected.acs_url, "check.recipient")?;
    equal(data.in_response_to.as_deref(), &expected.request_id, "check.confirmation-in-response-to")?;
    Refusal::unless(data.not_before.is_none(), "check.confirmation-not-before", "a bearer must not have NotBefore")?;
    check_not_over(data.not_on_or_after, expected, "check.confirmation-expired")
}

fn check_conditions(conditions: &Conditions, expected: &Expected) -> Result<(), Refusal> {
    check_not_over(conditions.not_on_or_after, expected, "check.expired")?;
    let begun = conditions.not_before.is_none_or(|at| at <= expected.now + expected.clock_skew_ms);
    Refusal::unless(begun, "check.not-yet-valid", "NotBefore is in the future")?;
    let restrictions = &conditions.audience_restrictions;
    Refusal::unless(!restrictions.is_empty(), "check.audience", "there is no AudienceRestriction")?;
    let us = &expected.service_provider_entity_id;
    match restrictions.iter().find(|audiences| us.is_empty() || !audiences.contains(us)) {
        None => Ok(()),
        Some(others) => {
            let detail = format!("expected {}, found {}", quoted(us), quoted(&others.join(" ")));
            Err(Refusal::new("check.audience", detail))
        }
    }
}

fn check_statements(statements: &[AuthnStatement], expected: &Expected) -> Result<(), Refusal> {
    Refusal::unless(!statements.is_empty(), "check.authn-statement", "there is no AuthnStatement")?;
    for statement in statements {
        let past = statement.authn_instant <= expected.now + expected.clock_skew_ms;
        Refusal::unless(past, "check.authn-instant", "AuthnInstant is in the future")?;
        if statement.session_not_on_or_after.is_some() {
            check_not_over(statement.session_not_on_or_after, expected, "check.session-expired")?;
        }
    }
    Ok(())
}

fn check_name_id(name_id: &str) -> Result<(), Refusal> {
    let usable = !name_id.is_empty()
        && name_id.trim() == name_id
        && name_id.chars().count() <= MAX_NAME_ID
        && !name_id.chars().any(char::is_control);
    if usable { Ok(()) } else { Err(Refusal::new("check.name-id", format!("unusable NameID {}", quoted(name_id)))) }
}

/// NotOnOrAfter, required: the instant itself is too late.
fn check_not_over(end: Option<UnixMillis>, expected: &Expected, check: &'static str) -> Result<(), Refusal> {
    let end = end.ok_or_else(|| absent(check, "NotOnOrAfter"))?;
    Refusal::unless(expected.now < end + expected.clock_skew_ms, check, "NotOnOrAfter has passed")
}

fn equal(found: Option<&str>, expected: &str, check: &'static str) -> Result<(), Refusal> {
    if found == Some(expected) && !expected.is_empty() {
        return Ok(());
    }
    let found = found.map_or_else(|| "nothing".to_owned(), quoted);
    Err(Refusal::new(check, format!("expected {}, found {found}", quoted(expected))))
}

fn absent(check: &'static str, what: &str) -> Refusal {
    Refusal::new(check, format!("there is no {what}"))
}
