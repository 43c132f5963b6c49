//! How a revocation reaches every replica: a numbered event in the same transaction, and a barrier after the commit.
//!
//! Today every check reads the database (`sessions/check.rs`), so that no replica can hold an older belief and the barrier
//! has nothing to wait for. A replica that remembers sessions must take a lease here first: docs/architecture.md.

pub mod event;
pub mod replicas;
pub mod store;
