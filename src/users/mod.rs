//! Users: people in one workspace. What happens to one (created, suspended, deprovisioned, deleted) happens here, whoever
//! asked for it; what ends their sessions goes through the door.

pub mod access;
pub mod groups;
pub mod http;
pub mod manage;
pub mod model;
pub mod search;
pub mod search_key;
pub mod store;
