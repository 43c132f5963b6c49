//! Signing in with a password: one answer for every failure, in one duration, throttled by account and by address.

pub mod http;
pub mod password;
pub mod reauthenticate;
pub mod setup;
pub mod sign_in;
pub mod store;
pub mod throttle;
