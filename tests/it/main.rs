//! The integration tests: black-box over real HTTP against the real server, each behaviour on SQLite and on PostgreSQL.
//!
//! One binary, so that the servers around it start once. They are the real ones: a temporary PostgreSQL cluster, nginx,
//! Caddy, HAProxy, Chromium, Python's XML signatures, three SAML identity providers. A missing one fails the test that needs
//! it and names its package; nothing is skipped. Which were used is printed as `used: …` lines.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, reason = "tests ask the machine for time and print")]

#[macro_use]
mod support;

mod architecture;
mod assertions;
mod audit;
mod bad_input;
mod browser;
mod cli;
mod cli_provisioning;
mod cli_saml;
mod conformance;
mod console;
mod demo;
mod demo_shapes;
mod diagnosis;
mod domains;
mod forward_auth;
mod forward_auth_contract;
mod history;
mod ip_allowlist;
mod kill;
mod log_all_users_out;
mod model;
mod policy;
mod process;
mod races;
mod readme;
mod receipts;
mod replicas;
mod revocation_stream;
mod saml_attempts;
mod saml_canary;
mod saml_changes;
mod saml_console;
mod saml_consumer;
mod saml_corpus;
mod saml_encryption;
mod saml_enforcement;
mod saml_fuzz;
mod saml_lemonldap;
mod saml_logout;
mod saml_mapping;
mod saml_metadata_url;
mod saml_oracle;
mod saml_provider_logout;
mod saml_providers;
mod saml_pysaml2;
mod saml_recorded;
mod saml_replay;
mod saml_requests;
mod saml_setup_link;
mod saml_sign_in;
mod saml_simplesamlphp;
mod saml_unsolicited;
mod schemas;
mod scim_access;
mod scim_access_groups;
mod scim_bad_input;
mod scim_bulk;
mod scim_cases_clients;
mod scim_cases_core;
mod scim_cases_faults;
mod scim_cases_hostile;
mod scim_deprovision;
mod scim_groups;
mod scim_hold;
mod scim_isolation;
mod scim_linking;
mod scim_names;
mod scim_oauth;
mod scim_parallel;
mod scim_query;
mod scim_request_log;
mod scim_roles;
mod scim_schemas;
mod scim_tokens;
mod scim_users;
mod secrets;
mod selective_revocation;
mod sessions;
mod sign_in;
mod slow_clients;
mod takeover;
mod tokens;
mod users;
