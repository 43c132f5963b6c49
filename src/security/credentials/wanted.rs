//! Pure: what a new credential is to be, read from outside: its name, its end, its networks, how it is answered.

use ipnet::IpNet;

use super::model::PatchResponse;
use crate::base::clock::{UnixMillis, parse_rfc3339};
use crate::base::text::line;
use crate::error::{Error, Result};
use crate::policy::ip_allowlist::parse_network;
use crate::policy::model::MINUTE_MS;

const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Days that a credential may live at the most.
const LONGEST_DAYS: i64 = 3_650;
/// Networks of one credential at the most.
const MOST_NETWORKS: usize = 100;

/// A credential to be made.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// As it was sent.
    pub name: String,
    /// Absent: it never expires.
    pub expires_at: Option<UnixMillis>,
    /// Empty: from anywhere.
    pub networks: Vec<IpNet>,
    /// Of tokens and clients that provision.
    pub patch_response: PatchResponse,
}

/// # Errors
/// 400 naming `name`.
pub fn name(text: &str) -> Result<&str> {
    line(text, 100).ok_or_else(|| Error::invalid("name", "must have 1 to 100 characters"))
}

/// When it ends: an instant of RFC 3339, or so many days from now; neither for never.
///
/// # Errors
/// 400 naming `expires_at` or `expires_in_days`.
pub fn end(now: UnixMillis, at: Option<&str>, in_days: Option<i64>) -> Result<Option<UnixMillis>> {
    let bad = |detail: &'static str| Err(Error::invalid("expires_at", detail));
    match (at, in_days) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => bad("can't be sent together with expires_in_days"),
        (None, Some(days)) if (1..=LONGEST_DAYS).contains(&days) => Ok(Some(now + days * DAY_MS)),
        (None, Some(_)) => Err(Error::invalid("expires_in_days", "must be between 1 and 3650")),
        (Some(text), None) => match parse_rfc3339(text) {
            None => bad("must be an instant such as 2027-01-31T12:00:00Z"),
            Some(end) if end <= now || end > now + LONGEST_DAYS * DAY_MS => {
                bad("must be in the future, and within 3650 days")
            }
            Some(end) => Ok(Some(end)),
        },
    }
}

/// Networks as CIDRs or single addresses, each once.
///
/// # Errors
/// 400 naming `networks`.
pub fn networks<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<IpNet>> {
    let mut found = Vec::new();
    for text in texts {
        let bad = || Error::invalid("networks", "must be networks such as 203.0.113.0/24, or addresses");
        let network = parse_network(text).ok_or_else(bad)?;
        if !found.contains(&network) {
            found.push(network);
        }
    }
    if found.len() > MOST_NETWORKS {
        return Err(Error::invalid("networks", format!("may be {MOST_NETWORKS} at the most")));
    }
    Ok(found)
}

/// What a PATCH is answered with: `resource` if nobody says otherwise, or `no_content`.
///
/// # Errors
/// 400 naming `patch_response`.
pub fn patch_response(text: Option<&str>) -> Result<PatchResponse> {
    let Some(text) = text else { return Ok(PatchResponse::default()) };
    PatchResponse::parse(text).ok_or_else(|| Error::invalid("patch_response", "must be resource or no_content"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_in_the_future_or_never() {
        assert_eq!(end(1_000, None, None).ok(), Some(None));
        assert_eq!(end(1_000, None, Some(1)).ok(), Some(Some(1_000 + DAY_MS)));
        assert_eq!(end(1_000, Some("1970-01-01T00:00:02Z"), None).ok(), Some(Some(2_000)));
        for (at, days, field) in [
            (Some("1970-01-01T00:00:01Z"), None, "expires_at"),
            (Some("2999-01-01T00:00:00Z"), None, "expires_at"),
            (Some("tomorrow"), None, "expires_at"),
            (Some("1970-01-01T00:00:02Z"), Some(1), "expires_at"),
            (None, Some(0), "expires_in_days"),
            (None, Some(3_651), "expires_in_days"),
        ] {
            let refused = end(1_000, at, days).expect_err("no end");
            assert_eq!(refused.field(), Some(field), "{at:?} {days:?}");
        }
    }

    #[test]
    fn networks_are_what_they_map_each_once() {
        let found = networks(["10.0.0.0/8", "::ffff:10.0.0.0/104", "192.0.2.7"]).expect("networks");
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.7/32"]);
        assert!(networks(["example.com"]).is_err());
        let many: Vec<String> = (0..=100).map(|number| format!("10.0.{number}.0/24")).collect();
        assert!(networks(many.iter().map(String::as_str)).is_err());
    }
}
