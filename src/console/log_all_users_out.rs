//! *Log all users out*: the confirmation with counts of this moment, and the page that shows the receipt.
//!
//! The confirmation is a page of its own; where scripts run, the same form opens in a dialog. There is no undo, and
//! the page says so.

use super::Page;
use super::parts::{Count, Moment};

/// `GET /console/security/log-all-users-out`; with 422 also the answer to a form without a reason.
#[derive(askama::Template)]
#[template(path = "log_all_users_out/confirm.html")]
pub struct LogAllUsersOutPage {
    /// Chrome.
    pub page: Page,
    /// How many sessions end, the caller's excepted.
    pub sessions: Count,
    /// Of how many users.
    pub users: Count,
    /// How many API keys `include_api_keys` would revoke.
    pub api_keys: Count,
    /// Active users without any way to sign in again.
    pub users_without_sign_in: Count,
    /// True if the workspace has an identity provider in force.
    pub saml_configured: bool,
    /// Field `reason`, as typed.
    pub reason: String,
    /// Field `include_api_keys` (`1` or absent), as ticked.
    pub include_api_keys: bool,
    /// Field `idempotency_key`: a reload or a double click is one operation.
    pub idempotency_key: String,
}

/// The receipt, after the redirect.
#[derive(askama::Template)]
#[template(path = "log_all_users_out/done.html")]
pub struct LoggedAllUsersOutPage {
    /// Chrome.
    pub page: Page,
    /// Sequence number of the revocation.
    pub sequence: u64,
    /// Epoch of the workspace from now on.
    pub epoch: u64,
    /// How many sessions ended.
    pub sessions: Count,
    /// Of how many users.
    pub users: Count,
    /// How many API keys were revoked.
    pub api_keys: Count,
    /// When it took effect.
    pub at: Moment,
    /// From the request to the last replica: `38 ms`; `None` unless the request was the one before.
    pub duration: Option<String>,
    /// Label of the administrator.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// True if the caller's own session was kept.
    pub yours_was_kept: bool,
    /// The audit log at this entry.
    pub audit_url: String,
    /// The receipt as a compact JWS; `None` for one of more than a week ago.
    pub signed_receipt: Option<String>,
}
