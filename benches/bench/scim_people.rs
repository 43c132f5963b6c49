//! Pure: people whom an identity provider keeps, and what it says of them. All of it follows from a number.

use curfew::base::ids::GroupId;
use serde_json::{Map, Value, json};

use super::people::Crowd;

/// Users on a page: as many as a page may have.
pub const PAGE: u64 = 200;

/// A workspace that an identity provider fills.
pub struct Provisioned {
    /// They have no sessions. There are whole pages of them.
    pub crowd: Crowd,
    /// The group of the first `members` of them, and a group of five.
    pub many: GroupId,
    pub few: GroupId,
    pub members: u64,
}

/// A user as Okta sends one, without a password.
pub fn body(user_name: &str, number: u64) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "name": {"givenName": "Person", "familyName": format!("Number {number}")},
        "emails": [{"primary": true, "value": user_name, "type": "work"}],
        "displayName": format!("Person Number {number}"),
        "locale": "en-US",
        "externalId": external_id(number),
        "groups": [],
        "active": true,
    })
}

/// As long as Okta's, and no other user's.
pub fn external_id(number: u64) -> String {
    format!("00u{number:017x}")
}

/// What the product keeps of a user as it came: all that has no column.
pub fn kept(body: &Value) -> Map<String, Value> {
    let mut resource = body.as_object().cloned().unwrap_or_default();
    for name in ["schemas", "userName", "externalId", "groups", "active"] {
        resource.remove(name);
    }
    resource
}
