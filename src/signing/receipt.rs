//! Pure: what a signed receipt says. docs/receipts.md is for those who read one.

use serde::{Deserialize, Serialize};

use crate::base::clock::UnixMillis;
use crate::feed::replicas::Applied;

/// The type in a receipt's header.
pub const TYPE: &str = "curfew-receipt+jwt";

/// A revocation in the words of a receipt's JSON form: what is kept of a receipt can be read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub sequence: i64,
    pub epoch: i64,
    pub scope: String,
    pub trigger: String,
    pub reason: String,
    pub sessions: i64,
    pub users: i64,
    pub more: bool,
    pub api_keys: i64,
    pub spared_session: Option<String>,
    pub revoked_at: String,
}

/// A revocation with what isn't in its statement.
#[derive(Clone, Debug, Serialize)]
pub struct Deed<'a> {
    /// The workspace's id.
    pub workspace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_slug: Option<&'a str>,
    /// Whose sessions, if they are one person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    /// Which session, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<&'a str>,
    #[serde(flatten)]
    pub statement: &'a Statement,
    #[serde(flatten)]
    pub replicas: &'a Applied,
    /// Absent if it is signed again later: how long it took is known at the time only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
}

/// All that is signed.
#[derive(Clone, Debug, Serialize)]
pub struct Claims<'a> {
    pub iss: &'a str,
    /// When it was signed: seconds since 1970.
    pub iat: i64,
    pub jti: String,
    #[serde(flatten)]
    pub deed: &'a Deed<'a>,
}

impl<'a> Claims<'a> {
    pub fn of(issuer: &'a str, now: UnixMillis, deed: &'a Deed<'a>) -> Self {
        Self { iss: issuer, iat: now / 1000, jti: deed.statement.sequence.to_string(), deed }
    }
}
