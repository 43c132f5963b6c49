//! Leaf helpers that every other room may use: time, randomness, identifiers, secrets, canonical names, list pages.
//! Nothing here knows the product, a database or HTTP.

pub mod canonical;
pub mod clock;
pub mod ids;
pub mod ip_key;
pub mod page;
pub mod random;
pub mod secret;
pub mod text;
