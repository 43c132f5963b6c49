//! Pure: whether a message of single logout, which is signed, is from whom we expect, for us and of now (Core §3.2, §3.7;
//! Profiles §4.4.4). Deliberately not decided here: whether it was used before, and which sessions it is about.

use super::assertion::{CLOCK_SKEW_MS, MAX_AGE_MS};
use super::logout_message::{Header, LogoutRequest, LogoutResponse};
use super::names;
use super::refusal::{Refusal, quoted};
use crate::base::clock::UnixMillis;

/// What an acceptable message says. An empty text is never equal to anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub now: UnixMillis,
    /// URL of our single logout service, to the letter.
    pub slo_url: String,
    pub identity_provider_entity_id: String,
}

/// What the identity provider says of a log-out that was begun here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody is signed in there any more, nor at any other participant.
    Confirmed,
    /// It could not, or did not want to.
    NotConfirmed,
}

/// Refuses with `check.…`, at the first step that fails.
pub fn request(request: &LogoutRequest, expected: &Expected) -> Result<(), Refusal> {
    header(&request.header, expected)?;
    // Core §3.7.1 leaves NotOnOrAfter out at will: the age of the message, which is always required, bounds it then.
    let over = request.not_on_or_after.is_some_and(|end| expected.now >= end + CLOCK_SKEW_MS);
    Refusal::unless(!over, "check.expired", "NotOnOrAfter has passed")
}

/// Refuses with `check.…`, at the first step that fails; `request_id`: of what this browser was sent away with.
pub fn response(response: &LogoutResponse, request_id: &str, expected: &Expected) -> Result<Outcome, Refusal> {
    header(&response.header, expected)?;
    equal(response.in_response_to.as_deref(), request_id, "check.in-response-to")?;
    let status: Vec<&str> = response.status.iter().map(String::as_str).collect();
    match status.as_slice() {
        [] => Err(Refusal::new("check.status", "there is no Status")),
        // PartialLogout may stand below Success, too (Core §3.7.3.2): somebody wasn't reached.
        [outer, inner @ ..] if *outer == names::STATUS_SUCCESS && !inner.contains(&names::STATUS_PARTIAL_LOGOUT) => {
            Ok(Outcome::Confirmed)
        }
        _ => Ok(Outcome::NotConfirmed),
    }
}

/// How long a request that was accepted has to be remembered: so that it is accepted once, and because an assertion from
/// before it may arrive as late (Core §3.7.3.2).
pub fn remember_until(request: &LogoutRequest) -> UnixMillis {
    request.header.issue_instant + MAX_AGE_MS + 2 * CLOCK_SKEW_MS
}

fn header(header: &Header, expected: &Expected) -> Result<(), Refusal> {
    // 1. Core §3.2.1: SAML 2.0.
    equal(Some(header.version.as_str()), "2.0", "check.version")?;
    // 2. Profiles §4.4.4.1: from the identity provider whose key signed it.
    equal(Some(header.issuer.as_str()), &expected.identity_provider_entity_id, "check.issuer")?;
    // 3. Bindings §3.4.5.2, §3.5.5.2: a signed message is addressed to this service.
    equal(header.destination.as_deref(), &expected.slo_url, "check.destination")?;
    // 4. Core §3.2.1: issued just now.
    let (issued, now) = (header.issue_instant, expected.now);
    Refusal::unless(issued <= now + CLOCK_SKEW_MS, "check.issue-instant", "IssueInstant is in the future")?;
    let fresh = issued >= now - MAX_AGE_MS - CLOCK_SKEW_MS;
    Refusal::unless(fresh, "check.issue-instant", "IssueInstant is too long ago")
}

fn equal(found: Option<&str>, expected: &str, check: &'static str) -> Result<(), Refusal> {
    if found == Some(expected) && !expected.is_empty() {
        return Ok(());
    }
    let found = found.map_or_else(|| "nothing".to_owned(), quoted);
    Err(Refusal::new(check, format!("expected {}, found {found}", quoted(expected))))
}
