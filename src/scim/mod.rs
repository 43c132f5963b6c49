//! SCIM 2.0 (RFC 7643, 7644): identity providers create, change and end the users and groups of a workspace.
//!
//! The files here that call themselves pure hold the protocol: they turn bodies and queries into values and values into bodies, by
//! the schemas in `schemas/scim/`. None of them knows a workspace, a database or a request.

mod attribute;
mod change;
pub mod client;
pub mod discovery;
pub mod error;
pub mod filter;
mod grammar;
pub mod groups;
pub mod http;
pub mod json;
mod matching;
pub mod members;
mod normalise;
pub mod patch;
pub mod path;
mod projection;
pub mod resource;
pub mod schema;
pub mod search;
mod select;
pub mod sort;
pub mod store;
pub mod users;
pub mod values;
