//! Tests of the SAML core that need no signature. With signatures: `tests/it/saml_corpus.rs`.

mod assertion;
mod gate;
mod identity_provider;
mod request;
mod time;
