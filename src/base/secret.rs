//! Bearer secrets: how they are made, recognised and remembered.
//!
//! A secret is a prefix and 48 base64url characters: 32 random bytes and the CRC-32 (big-endian) of prefix and bytes,
//! so that scanners can tell a real one from noise without asking us. Only its SHA-256 is ever stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::random::{Random, bytes32};

/// What a secret opens, seen from its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    Session,
    ScimToken,
    ApiKey,
    /// Of an OAuth client.
    ClientSecret,
    /// What an OAuth client gets for it.
    AccessToken,
    SetupLink,
    SamlFlow,
    /// What an IT contact types to set single sign-on up.
    SetupCode,
    /// What their browser gets for it.
    SetupBrowser,
}

impl SecretKind {
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Session => "cfs_",
            Self::ScimToken => "cfscim_",
            Self::ApiKey => "cfk_",
            Self::ClientSecret => "cfcs_",
            Self::AccessToken => "cfat_",
            Self::SetupLink => "cfl_",
            Self::SamlFlow => "cff_",
            Self::SetupCode => "cfsc_",
            Self::SetupBrowser => "cfsb_",
        }
    }
}

/// A bearer secret in clear. It is shown once and wiped from memory when dropped; its `Debug` hides it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// SHA-256 of the whole text of a secret: what the database knows of it.
pub type SecretHash = [u8; 32];

impl Secret {
    /// A new secret with 256 bits of randomness.
    pub fn generate(kind: SecretKind, random: &dyn Random) -> Self {
        let bytes = Zeroizing::new(bytes32(random));
        let mut raw = Zeroizing::new([0_u8; 36]);
        raw[..32].copy_from_slice(bytes.as_slice());
        raw[32..].copy_from_slice(&checksum(kind, bytes.as_slice()).to_be_bytes());
        let mut text = Zeroizing::new(kind.prefix().to_owned());
        URL_SAFE_NO_PAD.encode_string(raw.as_slice(), &mut text);
        Self(text)
    }

    /// The text to hand out, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> SecretHash {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

/// The hash to look a presented secret up by; `None` if the text can't be a secret of that kind.
/// The whole text counts: a truncated, extended or re-cased one is another secret.
pub fn recognise(kind: SecretKind, text: &str) -> Option<SecretHash> {
    let body = body(kind, text)?;
    let mut raw = Zeroizing::new([0; 36]);
    URL_SAFE_NO_PAD.decode_slice(body, raw.as_mut_slice()).ok()?;
    let sum = u32::from_be_bytes(raw[32..].try_into().ok()?);
    (sum == checksum(kind, &raw[..32])).then(|| Sha256::digest(text.as_bytes()).into())
}

/// As `recognise`, without a look at the checksum: for a look-up among hashes of whole secrets.
pub fn hash_presented(kind: SecretKind, text: &str) -> Option<SecretHash> {
    body(kind, text).map(|_| Sha256::digest(text.as_bytes()).into())
}

/// What stands behind the prefix, if it is as long as it must be.
fn body(kind: SecretKind, text: &str) -> Option<&str> {
    text.strip_prefix(kind.prefix()).filter(|body| body.len() == 48)
}

/// A value tied to a secret that reveals nothing of it: the CSRF token of a session's forms.
pub fn derived(purpose: &str, secret: &str) -> String {
    let digest =
        Sha256::new().chain_update(purpose.as_bytes()).chain_update([0]).chain_update(secret.as_bytes()).finalize();
    URL_SAFE_NO_PAD.encode(digest)
}

/// Equality that takes the same time wherever the texts differ.
pub fn constant_time_eq(left: &str, right: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(left.as_bytes(), right.as_bytes()).into()
}

fn checksum(kind: SecretKind, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(kind.prefix().as_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn a_secret_is_recognised_whole_or_not_at_all() {
        let secret = Secret::generate(SecretKind::Session, &SeededRandom::from_seed(1));
        let text = secret.reveal();
        assert_eq!(recognise(SecretKind::Session, text), Some(secret.hash()));
        assert_eq!(recognise(SecretKind::ApiKey, text), None);
        for cut in 0..text.len() {
            assert_eq!(recognise(SecretKind::Session, &text[..cut]), None);
        }
        for (index, byte) in text.bytes().enumerate() {
            let mut changed = text.as_bytes().to_vec();
            changed[index] = if byte == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII stays ASCII");
            assert_ne!(recognise(SecretKind::Session, &changed), Some(secret.hash()));
        }
        assert_eq!(recognise(SecretKind::Session, &format!("{text}x")), None);
        assert_eq!(recognise(SecretKind::Session, &text.to_uppercase()), None);
        assert!(!format!("{secret:?}").contains(&text[4..10]));
    }
}
