//! Pure: cursors (RFC 9865). A cursor is a place in the order of ids, so the last page costs what the first one does. It is
//! signed with a key that every replica can verify, and names the query it belongs to by a hash: in another workspace, with
//! another filter or for another kind of resource it is none. It carries no right: the workspace of the token is applied again.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::ScimError;
use super::schema::ResourceType;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;

/// The type in the header of its signature.
pub const TYPE: &str = "curfew-scim-cursor+jwt";
/// How long a cursor is good for.
pub const TIMEOUT_SECONDS: i64 = 600;
/// Characters of a cursor at the most.
pub const LONGEST: usize = 1_024;

/// A place among the results: after this resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub kind: ResourceType,
    /// Its id; empty before the first.
    pub after: String,
}

/// All that is signed. Times are seconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct Claims<'a> {
    pub iss: &'a str,
    pub exp: i64,
    pub query: &'a str,
    pub kind: &'static str,
    pub after: &'a str,
}

impl<'a> Claims<'a> {
    pub fn of(issuer: &'a str, query: &'a str, position: &'a Position, now: UnixMillis) -> Self {
        let exp = now / 1000 + TIMEOUT_SECONDS;
        Self { iss: issuer, exp, query, kind: position.kind.name(), after: &position.after }
    }
}

/// The name of a query, from all that decides which results it has and in which order.
pub fn query_name(workspace: &WorkspaceId, kinds: &[ResourceType], filter: Option<&str>) -> String {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let mut hash = Sha256::new();
    for part in [workspace.as_str(), kinds.join(" ").as_str(), filter.unwrap_or_default()] {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}

/// The place that verified claims name.
///
/// # Errors
/// 400 `invalidCursor` if they are of another query; 400 `expiredCursor`.
pub fn position(claims: &Value, query: &str, now: UnixMillis) -> Result<Position, ScimError> {
    let kind = ResourceType::ALL.into_iter().find(|kind| claims["kind"] == kind.name());
    let (Some(kind), Some(after), Some(exp)) = (kind, claims["after"].as_str(), claims["exp"].as_i64()) else {
        return Err(invalid());
    };
    if claims["query"] != query {
        return Err(invalid());
    }
    if now / 1000 >= exp {
        let text = format!("the cursor is older than {TIMEOUT_SECONDS} seconds: begin again with an empty one");
        return Err(ScimError::expired_cursor(text));
    }
    Ok(Position { kind, after: after.to_owned() })
}

/// What is no cursor of this query.
pub fn invalid() -> ScimError {
    ScimError::invalid_cursor(
        "this is no cursor of this query: begin with an empty one, and change nothing but the cursor",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = 1_700_000_000_500;

    fn workspace(id: &str) -> WorkspaceId {
        WorkspaceId::from_text(id)
    }

    #[test]
    fn case_28_a_cursor_is_a_place_in_one_query_for_ten_minutes() {
        let query = query_name(&workspace("w"), &[ResourceType::User], Some("title pr"));
        let place = Position { kind: ResourceType::User, after: "u1".into() };
        let claims = serde_json::to_value(Claims::of("https://x", &query, &place, NOW)).expect("JSON");
        assert_eq!(position(&claims, &query, NOW), Ok(place.clone()));
        assert_eq!(position(&claims, &query, NOW + 599_000), Ok(place));
        let late = position(&claims, &query, NOW + 600_000).expect_err("late");
        assert_eq!((late.status, late.scim_type), (400, Some("expiredCursor")));
        let other = position(&claims, "another", NOW + 600_000).expect_err("another query");
        assert_eq!(other.scim_type, Some("invalidCursor"));
        assert!(position(&serde_json::json!({"query": query, "after": "u1", "exp": i64::MAX}), &query, NOW).is_err());
    }

    #[test]
    fn case_28_each_query_has_a_name_of_its_own() {
        let both = ResourceType::ALL;
        let names = [
            query_name(&workspace("w"), &both, None),
            query_name(&workspace("w"), &both[..1], None),
            query_name(&workspace("w"), &both[1..], None),
            query_name(&workspace("w"), &both[..1], Some("a pr")),
            query_name(&workspace("v"), &both[..1], Some("a pr")),
            query_name(&workspace("w"), &both[..1], Some("b pr")),
        ];
        for (index, name) in names.iter().enumerate() {
            assert!(names.iter().skip(index + 1).all(|other| other != name));
        }
        assert_eq!(names[0], query_name(&workspace("w"), &both, None));
    }
}
