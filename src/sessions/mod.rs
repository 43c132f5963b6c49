//! Sessions: issued, checked, listed, ended. Only `revoke.rs` ends one.

pub mod check;
pub mod http;
pub mod issue;
pub mod list;
pub mod model;
pub mod permission;
pub mod revoke;
pub mod rules;
pub mod store;
