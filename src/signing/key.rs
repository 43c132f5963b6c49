//! A key pair of this process. The private half is in its memory only, and is wiped from there with the value.

use std::sync::atomic::{AtomicI64, Ordering};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use openssl::pkey::{Id, PKey};
use serde::Serialize;
use zeroize::Zeroizing;

use super::jwk::PublicKey;
use crate::base::clock::UnixMillis;
use crate::base::random::{Random, bytes32};
use crate::error::{Error, Result};

/// How long a key signs at the most: a day.
const LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;
/// What stands before the 32 bytes of a private Ed25519 key in PKCS#8 (RFC 8410 §7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

pub struct SigningKey {
    public: PublicKey,
    /// Wipes itself.
    private: EncodingKey,
    created_at: UnixMillis,
    /// Until when the database says that it may sign; exclusive.
    until: AtomicI64,
}

impl SigningKey {
    /// A new key pair, which may not sign yet.
    ///
    /// # Errors
    /// 500 if the library has no Ed25519.
    pub fn generate(random: &dyn Random, now: UnixMillis) -> Result<Self> {
        Self::from_seed(&Zeroizing::new(bytes32(random)), now)
    }

    fn from_seed(seed: &[u8; 32], now: UnixMillis) -> Result<Self> {
        let pair = PKey::private_key_from_raw_bytes(seed, Id::ED25519).map_err(Error::internal)?;
        let public = pair.raw_public_key().map_err(Error::internal)?;
        let public: [u8; 32] =
            public.try_into().map_err(|_| Error::internal("a public Ed25519 key without 32 bytes"))?;
        let mut pkcs8 = Zeroizing::new([0_u8; 48]);
        pkcs8[..16].copy_from_slice(&PKCS8_PREFIX);
        pkcs8[16..].copy_from_slice(seed);
        Ok(Self {
            public: PublicKey::of(&public),
            private: EncodingKey::from_ed_der(pkcs8.as_slice()),
            created_at: now,
            until: AtomicI64::new(i64::MIN),
        })
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub fn created_at(&self) -> UnixMillis {
        self.created_at
    }

    /// When another key takes its place; exclusive.
    pub fn last_moment(&self) -> UnixMillis {
        self.created_at + LIFETIME_MS
    }

    /// Whether the database knows that it may sign at that instant.
    pub fn may_sign(&self, at: UnixMillis) -> bool {
        at < self.until.load(Ordering::Acquire)
    }

    /// Notes what the database knows by now.
    pub fn extend(&self, until: UnixMillis) {
        self.until.store(until, Ordering::Release);
    }

    /// A compact JWS.
    ///
    /// # Errors
    /// 500 if the claims can't be written as JSON.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.public.kid().to_owned());
        encode(&header, claims, &self.private).map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::random::SeededRandom;
    use crate::signing::verify;

    /// RFC 8037, appendix A.1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];

    #[test]
    fn the_public_half_is_the_one_that_the_standard_says() {
        let key = SigningKey::from_seed(&SEED, 0).expect("Ed25519");
        assert_eq!(key.public().x(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.public().kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn what_it_signs_is_its_own_and_of_one_type() {
        let random = SeededRandom::from_seed(1);
        let (mine, other) = (SigningKey::generate(&random, 0), SigningKey::generate(&random, 0));
        let (mine, other) = (mine.expect("Ed25519"), other.expect("Ed25519"));
        assert_ne!(mine.public(), other.public());
        let jws = mine.sign("a+jwt", &json!({"iss": "me", "n": 1})).expect("JSON");
        assert_eq!(verify::key_of(&jws, "a+jwt"), Ok(mine.public().kid().to_owned()));
        assert_eq!(verify::claims(&jws, "a+jwt", mine.public()).map(|claims| claims["n"].clone()), Ok(json!(1)));
        assert!(verify::claims(&jws, "b+jwt", mine.public()).is_err());
        assert!(verify::claims(&jws, "a+jwt", other.public()).is_err());
    }

    #[test]
    fn it_signs_from_when_it_is_published_for_a_day_at_the_most() {
        let key = SigningKey::from_seed(&SEED, 1_000).expect("Ed25519");
        assert!(!key.may_sign(1_000));
        key.extend(2_000);
        assert!(key.may_sign(1_999) && !key.may_sign(2_000));
        assert_eq!(key.last_moment(), 1_000 + LIFETIME_MS);
    }
}
