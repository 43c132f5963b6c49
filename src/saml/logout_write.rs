//! Pure: the LogoutRequest and the LogoutResponse that we send (Core §3.7), before they are signed, in exclusive canonical form.

use super::name_id::NameIdForm;
use super::xml_write::{attribute, text};
use super::{names, time};
use crate::base::clock::UnixMillis;

/// How long a request of ours may take to arrive: 5 minutes.
const REQUEST_MS: i64 = 300_000;

/// What every message of ours says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Outer<'a> {
    /// An NCName with at least 128 random bits.
    pub id: &'a str,
    pub issue_instant: UnixMillis,
    /// The address that it is sent to.
    pub destination: &'a str,
    /// Our entity id.
    pub issuer: &'a str,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The sessions have ended, on every replica.
    Success,
    /// Not all of them, or not everybody knows yet.
    Partial,
    /// The request was genuine, and not to be carried out.
    Refused,
}

/// Asks the identity provider to end the session that it signed somebody in with (Profiles §4.4.4.1).
pub fn request(outer: Outer<'_>, name_id: &str, form: &NameIdForm, session_index: Option<&str>) -> String {
    let part = |name: &str, value: &Option<String>| match value {
        Some(value) => format!(r#" {name}="{}""#, attribute(value)),
        None => String::new(),
    };
    let index = session_index.map(|index| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", text(index)));
    format!(
        concat!(
            r#"<samlp:LogoutRequest {start} IssueInstant="{instant}" NotOnOrAfter="{end}" Reason="{reason}""#,
            r#" Version="2.0">{issuer}<saml:NameID xmlns:saml="{assertion}"{format}{qualifier}{sp_qualifier}>"#,
            r#"{name_id}</saml:NameID>{index}</samlp:LogoutRequest>"#,
        ),
        start = start(outer),
        instant = time::format_instant(outer.issue_instant),
        end = time::format_instant(outer.issue_instant + REQUEST_MS),
        reason = names::LOGOUT_BY_USER,
        issuer = issuer(outer),
        assertion = names::ASSERTION,
        format = part("Format", &form.format),
        qualifier = part("NameQualifier", &form.name_qualifier),
        sp_qualifier = part("SPNameQualifier", &form.sp_name_qualifier),
        name_id = text(name_id),
        index = index.unwrap_or_default(),
    )
}

/// Answers a request of the identity provider.
pub fn response(outer: Outer<'_>, in_response_to: &str, status: Status) -> String {
    let code = |value: &str, inner: &str| format!(r#"<samlp:StatusCode Value="{value}">{inner}</samlp:StatusCode>"#);
    let status = match status {
        Status::Success => code(names::STATUS_SUCCESS, ""),
        Status::Partial => code(names::STATUS_RESPONDER, &code(names::STATUS_PARTIAL_LOGOUT, "")),
        Status::Refused => code(names::STATUS_REQUESTER, ""),
    };
    format!(
        concat!(
            r#"<samlp:LogoutResponse {start} InResponseTo="{request}" IssueInstant="{instant}" Version="2.0">"#,
            r#"{issuer}<samlp:Status>{status}</samlp:Status></samlp:LogoutResponse>"#,
        ),
        start = start(outer),
        request = attribute(in_response_to),
        instant = time::format_instant(outer.issue_instant),
        issuer = issuer(outer),
        status = status,
    )
}

/// What the root of either message begins with.
fn start(outer: Outer<'_>) -> String {
    let (protocol, destination, id) = (names::PROTOCOL, attribute(outer.destination), attribute(outer.id));
    format!(r#"xmlns:samlp="{protocol}" Destination="{destination}" ID="{id}""#)
}

fn issuer(outer: Outer<'_>) -> String {
    format!(r#"<saml:Issuer xmlns:saml="{}">{}</saml:Issuer>"#, names::ASSERTION, text(outer.issuer))
}
