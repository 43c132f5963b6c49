//! Tests of the SAML core. Those that need a signature make their own (`signer.rs`), or take the corpus; the way of the
//! whole corpus: `tests/it/saml_corpus.rs`.

mod assertion;
mod encryption;
mod gate;
mod identity_provider;
mod request;
mod second_verify;
mod signer;
mod time;
