//! Pure: what an assertion says: who a session speaks for, to one application, for a minute. docs/assertions.md is for those
//! who verify one.

use serde::Serialize;

use crate::base::clock::UnixMillis;
use crate::error::{Error, Result};

/// The type in an assertion's header.
pub const TYPE: &str = "curfew-assertion+jwt";
/// From issue to expiry.
pub const LIFETIME_SECONDS: i64 = 60;
/// What a remembered assertion must still be good for when it is given out again.
const REST_MS: i64 = 40_000;
/// Characters of an audience at the most.
const LONGEST_AUDIENCE: usize = 255;

/// All that is signed. Times are seconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct Claims<'a> {
    pub iss: &'a str,
    pub aud: &'a str,
    /// The user's id.
    pub sub: &'a str,
    /// The session's id.
    pub sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    /// The workspace's slug.
    pub workspace: &'a str,
    pub role: &'a str,
    pub groups: Vec<String>,
    /// When the person proved last who they are.
    pub auth_time: i64,
    pub iat: i64,
    pub exp: i64,
    pub jti: &'a str,
}

/// Whether a text can name an application.
///
/// # Errors
/// 400 naming `audience`.
pub fn require_audience(audience: &str) -> Result<()> {
    let visible = audience.bytes().all(|byte| byte.is_ascii_graphic());
    if audience.is_empty() || audience.len() > LONGEST_AUDIENCE || !visible {
        let text = format!("must name the application, with 1 to {LONGEST_AUDIENCE} visible ASCII characters");
        return Err(Error::invalid("audience", text));
    }
    Ok(())
}

/// Whether an assertion that was issued then may be given out again now: it is good for 40 seconds more.
pub fn is_fresh(issued_at: UnixMillis, expires_at: UnixMillis, now: UnixMillis) -> bool {
    issued_at <= now && expires_at - now >= REST_MS
}

/// Names out of a header's list: with commas between them, each percent-encoded.
pub fn names(list: &str) -> Vec<String> {
    let decoded = |part: &str| {
        // Without `=`, `&` and `+`, which are encoded, a part is the name of one pair.
        url::form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name.into_owned())
    };
    list.split(',').filter_map(decoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_visible_ascii() {
        for good in ["a", "https://app.example.com", &"x".repeat(255)] {
            assert!(require_audience(good).is_ok(), "{good:?}");
        }
        for bad in ["", " ", "a b", "a\n", "\u{e9}", "a\u{7f}", &"x".repeat(256)] {
            assert_eq!(require_audience(bad).expect_err(bad).field(), Some("audience"));
        }
    }

    #[test]
    fn names_come_out_as_they_went_in() {
        assert_eq!(names(""), Vec::<String>::new());
        assert_eq!(names("admins"), ["admins"]);
        let list = "Night%20shift%2C%20A,a%2Bb%3Dc%26d%25,%C3%A9quipe";
        assert_eq!(names(list), ["Night shift, A", "a+b=c&d%", "équipe"]);
    }

    #[test]
    fn it_is_given_out_again_for_twenty_seconds() {
        assert!(is_fresh(1_000, 61_000, 1_000));
        assert!(is_fresh(1_000, 61_000, 21_000));
        assert!(!is_fresh(1_000, 61_000, 21_001));
        assert!(!is_fresh(1_000, 61_000, 999), "the clock went back");
    }
}
