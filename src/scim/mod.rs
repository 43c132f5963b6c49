//! SCIM 2.0 (RFC 7643, 7644): identity providers create, change and end the users and groups of a workspace.
//!
//! The files here that call themselves pure hold the protocol: they turn bodies and queries into values and values into bodies, by
//! the schemas in `schemas/scim/`. None of them knows a workspace, a database or a request.

pub mod admit_http;
mod attribute;
pub mod bulk;
mod bulk_book;
mod bulk_order;
pub mod bulk_run;
mod candidates;
mod change;
pub mod client;
pub mod cursor;
pub mod discovery;
pub mod error;
pub mod filter;
mod grammar;
mod group_store;
pub mod groups;
pub mod hold_http;
pub mod http;
pub mod json;
pub mod limits;
mod linking;
mod linking_store;
mod matching;
pub mod members;
mod normalise;
pub mod own_schemas;
pub mod patch;
pub mod path;
pub mod plan;
mod projection;
pub mod query;
mod relation;
pub mod requests;
pub mod resource;
mod rows;
mod scan;
pub mod schema;
pub mod search;
pub mod search_http;
mod select;
pub mod sort;
pub mod store;
mod unique;
mod user_store;
pub mod users;
pub mod values;
pub mod version;
mod walk;

#[cfg(test)]
mod tests;
