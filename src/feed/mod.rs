//! How a change reaches every replica: a numbered event in the transaction of the change, leases that let a replica answer
//! from memory, and a barrier after the commit. docs/revocation-protocol.md has the rules and why each is needed.

mod beside;
pub mod event;
pub mod lease;
pub mod promise;
pub mod replica_store;
pub mod replicas;
mod state;
pub mod store;
mod stream_event;
pub mod stream_follow;
pub mod stream_http;
mod stream_rules;
mod stream_store;
pub mod streams;
pub mod witness;

pub use event::{Event, EventScope};
pub use state::{Feed, Registration, lease_clock};
