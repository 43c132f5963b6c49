//! From an encrypted assertion to the octets inside, or to nothing: why it failed, nobody is told.
//!
//! The primitives are bergshamra's on AWS-LC; which of them, and on which octets, `encryption_shape.rs` has decided. samael's
//! own decryption is never called: it panics on short input and takes RSA of PKCS #1 v1.5. What comes out is *not* trusted.

use bergshamra::SoftwareKey;
use bergshamra::crypto::cipher;
use bergshamra::crypto::keytransport::{self, OaepParams};
use bergshamra::keys::loader;
use zeroize::Zeroizing;

use super::encryption_shape::{Ciphertext, KeyTransport};
use super::names;

/// A private RSA key of a workspace. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct DecryptionKey(SoftwareKey);

impl DecryptionKey {
    /// Reads a key in PEM, PKCS #8. `None` if it is none, or below 2,048 bits.
    pub fn from_pem(pem: &[u8]) -> Option<Self> {
        loader::load_rsa_private_pem(pem).ok()?.software_key().ok()?.map(Self)
    }
}

/// The octets inside, if one of `keys` opens them. `None` for every failure: no key fits, padding, tag, length.
///
/// A key that can't be unwrapped is not the end: `filler`, 32 octets that nobody can guess, takes its place, so that a wrong
/// key and a wrong ciphertext take the same way and about the same time.
pub fn decrypt(encrypted: &Ciphertext, keys: &[DecryptionKey], filler: &[u8; 32]) -> Option<Zeroizing<Vec<u8>>> {
    let length = encrypted.cipher.key_length;
    let mut content_key = Zeroizing::new(filler[..length].to_vec());
    // Each key is tried, also after one that fits.
    for key in keys {
        if let Some(unwrapped) = unwrap(encrypted, key).filter(|unwrapped| unwrapped.len() == length) {
            content_key = unwrapped;
        }
    }
    let cipher = cipher::from_uri(encrypted.cipher.uri).ok()?;
    cipher.decrypt(&content_key, &encrypted.octets).ok().map(Zeroizing::new)
}

fn unwrap(encrypted: &Ciphertext, key: &DecryptionKey) -> Option<Zeroizing<Vec<u8>>> {
    let (uri, digest, mask) = match encrypted.transport {
        KeyTransport::OaepSha1 => (names::RSA_OAEP_MGF1P, names::SHA1, names::MGF1_SHA1),
        KeyTransport::OaepSha256 => (names::RSA_OAEP, names::SHA256, names::MGF1_SHA256),
    };
    let parameters =
        OaepParams { digest_uri: Some(digest.to_owned()), mgf_uri: Some(mask.to_owned()), oaep_params: None };
    let transport = keytransport::from_uri_with_params(uri, parameters).ok()?;
    transport.decrypt(&key.0, &encrypted.wrapped_key).ok().map(Zeroizing::new)
}
