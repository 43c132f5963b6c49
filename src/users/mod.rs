//! Users: people in one workspace. What happens to one (created, suspended, deprovisioned, deleted) happens here, whoever
//! asked for it; what ends their sessions goes through the door.

pub mod access;
pub mod access_groups;
mod access_groups_store;
pub mod domain_store;
pub mod group_roles;
mod group_roles_store;
pub mod groups;
pub mod hold;
mod hold_store;
pub mod http;
pub mod manage;
pub mod model;
pub mod search;
pub mod search_key;
pub mod sign_in_ways;
pub mod single_sign_on;
mod single_sign_on_store;
pub mod store;
pub mod ways_store;
