//! What reverse proxies ask about every request, each in its own convention.

pub mod http;
