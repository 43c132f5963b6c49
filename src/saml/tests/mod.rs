//! Tests of the SAML core. Those that need a signature make their own (`signer.rs`), or take the corpus; the way of the
//! whole corpus: `tests/it/saml_corpus.rs`.

mod affected;
mod assertion;
mod attempts;
mod encryption;
mod gate;
mod identity_provider;
mod logout;
mod logout_service;
mod mapping;
mod metadata;
mod metadata_xml;
mod provider;
mod redirect;
mod request;
mod second_verify;
mod signer;
mod signing;
mod time;
mod unsolicited;
