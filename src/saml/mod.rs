//! SAML 2.0 service provider: what a workspace's identity provider says about who is signing in.
//!
//! A response goes `gate` (structure, before any cryptography) → `verify` (signature, by two verifiers that must agree; the
//! assertion is read from the signed octets only) → `assertion::check` (time, addressee, request). One whose assertion is
//! encrypted goes through `sealed` and `opened` first, and then the same way. Each step refuses with a [`refusal::Refusal`].
//! Nothing is checked "if present": what the standards allow to be left out, but safety needs, is required here.
//! Deliberately absent: encrypted names and attributes, single logout, sign-in started by the identity provider.

pub mod assertion;
pub mod certificate;
pub mod configure;
pub mod decrypt;
pub mod encryption_keys;
pub mod encryption_shape;
pub mod gate;
pub mod http;
pub mod identity_provider;
pub mod judge;
pub mod key_store;
pub mod pool;
pub mod refusal;
pub mod request;
pub mod sealed;
pub mod sign_in;
pub mod store;
pub mod time;
pub mod verify;
pub mod ways;

mod assertion_reader;
mod identity;
mod key_pair;
mod key_sealing;
mod names;
mod opened;
mod person;
mod second_verify;
mod signature_shape;
mod xml;
mod xml_reader;
mod xml_tag;

#[cfg(test)]
mod tests;
