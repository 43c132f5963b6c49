//! What reverse proxies ask about every request, each in its own convention.

pub mod convention;
pub mod http;
pub mod verdict;
