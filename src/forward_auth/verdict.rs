//! The verdict that every convention shares: one session is judged, and its identity is told in seven headers.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::app::App;
use crate::error::Result;
use crate::sessions::assertion;
use crate::sessions::check::{Verdict, check};
use crate::sessions::principal::Principal;
use crate::sessions::rules::Refusal;

/// The identity headers, all of them. Every answer has all of them, empty if there is nothing to say: what the proxy copies
/// then overwrites whatever a client made up.
pub const HEADERS: [&str; 7] = [
    "x-curfew-user",
    "x-curfew-email",
    "x-curfew-workspace",
    "x-curfew-role",
    "x-curfew-groups",
    "x-curfew-session",
    "x-curfew-assertion",
];

/// A text for each of `HEADERS`, in their order, of bytes that a header can carry.
pub type Identity<'a> = [Cow<'a, str>; HEADERS.len()];

/// Whether a request may pass.
#[derive(Debug)]
pub enum Outcome {
    /// A valid session, and the assertion for the application; empty if none was asked for.
    Pass(Principal, String),
    /// No session, or one that is not valid.
    SignIn,
    /// A valid session whose workspace does not allow this address.
    Address,
}

/// Judges the session of a request. With an `audience`, somebody who passes gets an assertion for that application; without
/// one nothing is signed.
///
/// # Errors
/// 503 if this replica can't know, or if there is no key to sign with; 400 that names `audience`.
pub async fn judge(app: &App, token: Option<&str>, address: Option<IpAddr>, audience: Option<&str>) -> Result<Outcome> {
    let Some(token) = token else { return Ok(Outcome::SignIn) };
    match check(app, token, address).await? {
        Verdict::Valid(principal) => {
            let assertion = match audience {
                Some(audience) => assertion::for_principal(app, &principal, audience).await?,
                None => String::new(),
            };
            Ok(Outcome::Pass(principal, assertion))
        }
        Verdict::Refused(Refusal::Address) => Ok(Outcome::Address),
        Verdict::Refused(_) => Ok(Outcome::SignIn),
    }
}

/// What is told of whoever passes.
pub fn identity<'a>(principal: &'a Principal, assertion: &'a str) -> Identity<'a> {
    [
        principal.user_id().into(),
        encoded(principal.email()),
        encoded(principal.workspace_slug()),
        principal.role().as_str().into(),
        // Each name is encoded already, and the commas between them must stay.
        principal.groups().into(),
        principal.session_text().into(),
        assertion.into(),
    ]
}

/// What HTTP can't carry as it is (RFC 9110 §5.5) is percent-encoded.
fn encoded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'%') {
        return text.into();
    }
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_a_header_can_carry() {
        assert_eq!(encoded("ada+curfew@corp.test"), "ada+curfew@corp.test");
        assert_eq!(encoded("zoë a@corp.test"), "zo%C3%AB%20a%40corp.test");
        assert_eq!(encoded("a\r\nX: 1"), "a%0D%0AX%3A%201");
        assert_eq!(encoded("100%"), "100%25");
    }
}
