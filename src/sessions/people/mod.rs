//! Several people at once.

pub mod store;
