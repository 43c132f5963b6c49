//! Pure: versions of resources as entity tags, and the conditions that clients put on them (RFC 7644 §3.14).
//!
//! A user's tag covers the groups that the user shows, which change without a write to the user.

use sha2::{Digest, Sha256};

use super::error::ScimError;
use crate::base::text::hex;
use crate::users::groups::model::Group;
use crate::users::model::User;

/// The tag of a user in these groups, given as id and name.
pub fn of_user(user: &User, groups: &[(String, String)]) -> String {
    if groups.is_empty() {
        return format!("W/\"{}\"", user.version);
    }
    let mut digest = Sha256::new();
    for (id, name) in groups {
        digest.update(format!("{id}\n{name}\0"));
    }
    let digest: [u8; 32] = digest.finalize().into();
    format!("W/\"{}.{}\"", user.version, hex(&digest[..8]))
}

/// The tag of a group.
pub fn of_group(group: &Group) -> String {
    format!("W/\"{}\"", group.version)
}

/// Tags of which a resource must have one, or a change of it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition(Vec<String>);

impl Condition {
    /// From `If-Match`, or the `version` of a bulk operation. `None` asks for nothing: nothing was sent, or `*`.
    ///
    /// # Errors
    /// 400 `invalidValue` for what can't be a tag of ours.
    pub fn parse(text: Option<&str>) -> Result<Option<Self>, ScimError> {
        let Some(text) = text else { return Ok(None) };
        let tags: Vec<&str> = text.split(',').map(bare).collect();
        if tags.contains(&"*") {
            return Ok(None);
        }
        let is_ours = |tag: &&str| {
            tag.starts_with(|first: char| first.is_ascii_digit())
                && tag.chars().all(|character| character.is_ascii_hexdigit() || character == '.')
        };
        if !tags.iter().all(is_ours) {
            return Err(ScimError::invalid_value("If-Match: is not an ETag of this resource"));
        }
        Ok(Some(Self(tags.into_iter().map(str::to_owned).collect())))
    }

    /// Whether a resource with this tag may be changed.
    pub fn admits(&self, tag: &str) -> bool {
        self.0.iter().any(|wanted| wanted == bare(tag))
    }
}

/// Whether `If-None-Match` names the tag: then the client has what it would be sent.
pub fn is_known(seen: &str, tag: &str) -> bool {
    seen.split(',').map(bare).any(|seen| seen == "*" || seen == bare(tag))
}

/// Weak comparison (RFC 9110 §8.8.3.2): what stands between the quotation marks.
fn bare(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_16_a_condition_names_tags() {
        for (text, tag, admitted) in [
            ("W/\"3\"", "W/\"3\"", true),
            ("\"3\"", "W/\"3\"", true),
            ("3", "W/\"3\"", true),
            ("W/\"2\", W/\"3\"", "W/\"3\"", true),
            ("W/\"3\"", "W/\"30\"", false),
            ("W/\"3\"", "W/\"3.0a1b\"", false),
            ("W/\"3.0a1b\"", "W/\"3.0a1b\"", true),
        ] {
            let condition = Condition::parse(Some(text)).expect("a tag").expect("a condition");
            assert_eq!(condition.admits(tag), admitted, "{text} and {tag}");
        }
        assert_eq!((Condition::parse(None), Condition::parse(Some(" * "))), (Ok(None), Ok(None)));
        for text in ["", "rubbish", "W/\"x\"", "W/\"3\", x", "\"\""] {
            assert_eq!(Condition::parse(Some(text)).expect_err(text).status, 400);
        }
    }

    #[test]
    fn case_16_what_is_known_is_not_sent_again() {
        for seen in ["*", "W/\"3\"", "\"3\"", "\"1\", W/\"3\""] {
            assert!(is_known(seen, "W/\"3\""), "{seen}");
        }
        for seen in ["", "W/\"2\"", "\"30\""] {
            assert!(!is_known(seen, "W/\"3\""), "{seen}");
        }
    }
}
