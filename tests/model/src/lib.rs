//! The revocation protocol (docs/revocation-protocol.md) as three models, each explored through every state that it can reach:
//! leases and barriers of two replicas, what a replica remembers, and the failover to a standby. Every rule can be taken out.
//!
//! A package of its own, so that it is compiled with optimisation in test builds too: millions of states.

mod explore;
mod failover;
mod failover_steps;
mod lease;
mod lease_renewal;
mod lease_steps;
mod memory;
mod memory_steps;
mod mutants;

pub use explore::{Explored, Protocol, Step, explore};
pub use failover::Failover;
pub use lease::Lease;
pub use memory::{Fault, Memory, Scope, Session};
pub use mutants::Mutant;
