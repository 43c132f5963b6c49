//! Pure: the SCIM error (RFC 7644 §3.12) and its one JSON form. It knows no HTTP types: the door copies `status`.
//! A detail names an attribute or a rule, never a value that came in: values may be passwords.

use std::fmt;

use serde_json::{Value, json};

/// The schema of every error body.
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A refusal on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// One of RFC 7644 table 9 or RFC 9865 §2.3, where the RFC has one for the case.
    pub scim_type: Option<&'static str>,
    /// A sentence for the administrator who reads the provisioning log.
    pub detail: String,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident = $status:literal $scim_type:expr;)+) => {
        impl ScimError {$(
            $(#[$doc])*
            pub fn $name(detail: impl Into<String>) -> Self {
                Self { status: $status, scim_type: $scim_type, detail: detail.into() }
            }
        )+}
    };
}

constructors! {
    /// The filter doesn't parse, or compares what can't be compared.
    invalid_filter = 400 Some("invalidFilter");
    /// The path of a PATCH operation doesn't parse or names nothing that exists.
    invalid_path = 400 Some("invalidPath");
    /// A value is missing, of the wrong type, or not acceptable.
    invalid_value = 400 Some("invalidValue");
    /// The body is not JSON, or not shaped like the message it should be.
    invalid_syntax = 400 Some("invalidSyntax");
    /// The attribute is read-only, immutable, or required and about to go.
    mutability = 400 Some("mutability");
    /// The operation needs a target and there is none.
    no_target = 400 Some("noTarget");
    /// More results than the server is willing to work out.
    too_many = 400 Some("tooMany");
    /// The protocol version in the address is not spoken here.
    invalid_version = 400 Some("invalidVers");
    /// The request address carries what only a body may carry (RFC 7644 §7.5.2).
    sensitive = 400 Some("sensitive");
    /// RFC 9865 §2.3.
    invalid_cursor = 400 Some("invalidCursor");
    /// RFC 9865 §2.3.
    expired_cursor = 400 Some("expiredCursor");
    /// RFC 9865 §2.3.
    invalid_count = 400 Some("invalidCount");
    /// No token, or not a good one.
    unauthorized = 401 None;
    /// The token is good, but not for this.
    forbidden = 403 None;
    /// No such resource in the workspace of the token.
    not_found = 404 None;
    /// The address exists, the method doesn't.
    method_not_allowed = 405 None;
    /// The value is taken.
    uniqueness = 409 Some("uniqueness");
    /// The request can't be carried out in the present state.
    conflict = 409 None;
    /// If-Match names another version.
    precondition_failed = 412 None;
    /// The body, or what it asks for, is too large.
    payload_too_large = 413 None;
    /// Neither application/scim+json nor application/json.
    unsupported_media_type = 415 None;
    /// Later. The door adds Retry-After.
    too_many_requests = 429 None;
    /// Our fault.
    internal = 500 None;
    /// RFC 7644 §3.11 for `/Me`, and whatever is switched off.
    not_implemented = 501 None;
    /// Later, our fault. The door adds Retry-After.
    unavailable = 503 None;
}

impl ScimError {
    /// The body: `status` is a string, `scimType` is left out where there is none (RFC 7644 §3.12).
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "schemas": [ERROR_URN], "status": self.status.to_string(), "detail": self.detail });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = Value::from(scim_type);
        }
        body
    }
}

impl fmt::Display for ScimError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl std::error::Error for ScimError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_a_string_and_nothing_is_null() {
        let body = ScimError::uniqueness("userName is taken").to_json();
        assert_eq!(
            body,
            json!({"schemas": [ERROR_URN], "status": "409", "scimType": "uniqueness", "detail": "userName is taken"})
        );
        let body = ScimError::not_found("no such user").to_json();
        assert_eq!(body, json!({"schemas": [ERROR_URN], "status": "404", "detail": "no such user"}));
    }
}
