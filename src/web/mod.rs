//! HTTP: our accept loop, who is calling, from where, and how an error is told. What is called is in each room's `http.rs`.

pub mod authenticate;
pub mod client_ip;
pub mod form;
pub mod health;
pub mod json;
pub mod openapi;
pub mod pipeline;
pub mod problem;
pub mod routes;
pub mod server;
pub mod views;
