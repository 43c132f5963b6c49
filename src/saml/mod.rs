//! SAML 2.0 service provider: what a workspace's identity provider says about who is signing in.
//!
//! A response goes `gate` (structure, before any cryptography) → `verify` (signature, by two verifiers that must agree; the
//! assertion is read from the signed octets only) → `assertion::check` (time, addressee, request). One whose assertion is
//! encrypted goes through `sealed` and `opened` first, and then the same way. Each step refuses with a [`refusal::Refusal`].
//! `checklist` numbers all of them; `attempts` keeps how each response fared, and `test_connection` tries the way without an end.
//! Nothing is checked "if present": what the standards allow to be left out, but safety needs, is required here.
//! A workspace may have several providers: `provider` says which serves whom, and only the one that was asked answers.
//! An IT contact, who has no account here, makes one by a set-up link (`setup_links`), and an administrator switches it on.
//! What a change of one takes the ground from says `affected`; `consequences` ends those sessions, or counts beforehand.
//! What we send goes `request` or `logout_write` → `xml_sign` or `redirect_signature`, if it is signed → `outgoing`; what we say
//! of ourselves is `own_metadata`, and its certificates as files `own_certificate`.
//! Messages of single logout go `logout_gate` → the signature (`redirect_verify`, or both verifiers) → `logout_check`, and end
//! sessions through the door.
//! An answer that nobody asked for is never believed: `unsolicited` makes a sign-in of ours of it, where that is allowed.
//! Deliberately absent: encrypted names and attributes.

pub mod affected;
pub mod assertion;
pub mod attempt_http;
pub mod attempt_model;
pub mod attempts;
pub mod begin;
pub mod certificate;
pub mod certificate_watch;
pub mod checklist;
pub mod configure;
pub mod consequences;
pub mod consequences_http;
pub mod decrypt;
pub mod dry_run;
pub mod encryption_keys;
pub mod encryption_shape;
pub mod enforcement;
pub mod entrance_store;
pub mod flow;
pub mod gate;
pub mod http;
pub mod identity_provider;
pub mod judge;
pub mod key_ring;
pub mod key_store;
pub mod key_use;
pub mod logout_begin;
pub mod logout_check;
pub mod logout_finish;
pub mod logout_gate;
pub mod logout_http;
pub mod logout_message;
pub mod logout_receive;
pub mod logout_received;
pub mod logout_store;
pub mod logout_write;
pub mod mapping;
pub mod mapping_http;
pub mod metadata_address;
pub mod metadata_change;
pub mod metadata_fetch;
pub mod metadata_http;
pub mod metadata_refresh;
pub mod metadata_source;
pub mod metadata_store;
pub mod metadata_times;
pub mod metadata_turns;
pub mod metadata_xml;
pub mod name_id;
pub mod notice;
pub mod outgoing;
pub mod outline;
pub mod own_certificate;
pub mod own_certificate_http;
pub mod own_metadata;
pub mod pool;
pub mod product;
pub mod product_values;
pub mod provider;
pub mod provider_store;
pub mod providers;
pub mod providers_http;
pub mod redirect_binding;
pub mod redirect_signature;
pub mod redirect_verify;
pub mod refusal;
pub mod request;
pub mod request_options;
pub mod sealed;
pub mod second_verify;
pub mod settings;
pub mod setup_link_http;
pub mod setup_links;
pub mod sign_in;
pub mod signing_key;
pub mod signing_keys;
pub mod store;
pub mod test_connection;
pub mod time;
pub mod verify;
pub mod wanted;
pub mod ways;
pub mod ways_in;
pub mod xml_sign;
pub mod xml_write;

mod advice;
mod assertion_reader;
mod attempt_store;
mod carried;
mod identity;
mod key_pair;
mod key_sealing;
mod memory;
mod names;
mod opened;
mod person;
mod profile;
mod refused_logout;
mod setup_link_store;
mod signature_shape;
mod unsolicited;
mod xml;
mod xml_reader;
mod xml_tag;

#[cfg(test)]
mod tests;
