//! Leaf helpers that every other room may use: time, randomness, DNS, identifiers, secrets, canonical names, list pages.
//! Nothing here knows the product, a database or HTTP.

pub mod canonical;
pub mod clock;
pub mod ids;
pub mod ip_key;
pub mod page;
pub mod random;
pub mod resolver;
pub mod secret;
pub mod text;
