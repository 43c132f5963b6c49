//! What the addresses of the console do: parse, call an operation, fill a view. The handlers of a page are in the file that
//! is named like the file of its view; `console/mod.rs` lists which address leads to which handler.

pub mod audit;
pub mod domains;
pub mod end_sessions;
pub mod identity_provider;
pub mod ip_allowlist;
pub mod log_all_users_out;
pub mod overview;
pub mod policy;
pub mod provisioning_hold;
pub mod reauthenticate;
pub mod saml_attempts;
pub mod saml_logout;
pub mod saml_provider;
pub mod saml_provider_parts;
pub mod saml_provider_settings;
pub mod saml_provider_state;
pub mod saml_providers;
pub mod saml_send;
pub mod saml_setup;
pub mod saml_setup_links;
pub mod scim;
pub mod security;
pub mod sessions;
pub mod set_up;
pub mod sign_in;
pub mod sso;
pub mod user_access;
pub mod users;
