//! What an administrator does to everybody: log all users out, and change what a session must satisfy.

pub mod change_allowlist;
pub mod change_policy;
pub mod credentials;
pub mod http;
pub mod idempotency;
pub mod log_all_users_out;
pub mod oauth;
pub mod preview;
pub mod revoke_selection;
pub mod selection_http;
pub mod store;
