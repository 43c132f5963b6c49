//! A workspace's security settings: lifetimes, sign-in methods, the IP allowlist, and what a change of them ends.

pub mod ip_allowlist;
pub mod model;
pub mod provisioning;
pub mod provisioning_store;
pub mod read;
pub mod rules;
pub mod store;
