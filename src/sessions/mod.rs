//! Sessions: issued, checked, listed, ended. Only `revoke.rs` ends one.

pub mod assertion;
pub mod cache;
pub mod check;
pub mod count_store;
pub mod follow;
pub mod http;
pub mod issue;
pub mod list;
pub(crate) mod living;
pub mod model;
pub mod people;
pub mod permission;
pub mod principal;
pub mod revoke;
pub mod rules;
pub mod seen;
pub mod selection;
mod settle;
mod shard;
pub mod signed_receipt;
pub mod store;
pub mod subject_store;
mod traces;
