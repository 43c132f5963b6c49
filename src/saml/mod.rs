//! SAML 2.0 service provider: what a workspace's identity provider says about who is signing in.
//!
//! A response goes `gate` (structure, before any cryptography) → `verify` (signature; the assertion is read from the
//! signed octets only) → `assertion::check` (time, addressee, request). Each step refuses with a [`refusal::Refusal`].
//! Nothing is checked "if present": what the standards allow to be left out, but safety needs, is required here.
//! Deliberately absent: encrypted assertions, single logout, sign-in started by the identity provider.

pub mod assertion;
pub mod certificate;
pub mod configure;
pub mod gate;
pub mod http;
pub mod identity_provider;
pub mod pool;
pub mod refusal;
pub mod request;
pub mod sign_in;
pub mod store;
pub mod time;
pub mod verify;
pub mod ways;

mod assertion_reader;
mod identity;
mod names;
mod person;
mod signature_shape;
mod xml;
mod xml_reader;
mod xml_tag;

#[cfg(test)]
mod tests;
