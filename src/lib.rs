//! Curfew: a self-hosted session authority for multi-tenant web applications.
//!
//! Start at `docs/architecture.md`: what is where, and which rules hold everywhere.

pub mod actor;
pub mod app;
pub mod audit;
pub mod base;
pub mod cli;
pub mod config;
pub mod console;
pub mod db;
pub mod error;
pub mod feed;
pub mod forward_auth;
pub mod jobs;
pub mod login;
mod mutant;
pub mod policy;
pub mod saml;
pub mod scim;
pub mod security;
pub mod sessions;
pub mod signing;
pub mod telemetry;
pub mod users;
pub mod web;
pub mod workspaces;
