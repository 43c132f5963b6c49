//! An RSA key pair of ours, to encrypt to or to sign with, and the certificate in which metadata shows the public half.
//!
//! The certificate is signed by itself: in SAML it is a wrapping for a key. OpenSSL makes the key, with the operating system's
//! randomness, not the injected one: it takes no other. Takes up to a second: run it where blocking is allowed.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};
use zeroize::Zeroizing;

use super::key_use::KeyUse;
use crate::base::clock::UnixMillis;
use crate::error::{Error, Result};

const BITS: u32 = 3_072;
/// What the certificate says. Nobody's verdict depends on it, but some identity providers refuse one that has run out.
const LIFETIME_S: i64 = 20 * 365 * 24 * 60 * 60;

/// A new key pair.
pub struct KeyPair {
    /// X.509, DER.
    pub certificate: Vec<u8>,
    /// PKCS #8, PEM. Wipes itself.
    pub private_pem: Zeroizing<Vec<u8>>,
}

/// Makes a key pair.
///
/// # Errors
/// 500 if OpenSSL can't.
pub fn generate(key_use: KeyUse, now: UnixMillis) -> Result<KeyPair> {
    make(key_use, now).map_err(Error::internal)
}

fn make(key_use: KeyUse, now: UnixMillis) -> std::result::Result<KeyPair, ErrorStack> {
    let pair = PKey::from_rsa(Rsa::generate(BITS)?)?;
    let private_pem = Zeroizing::new(pair.private_key_to_pem_pkcs8()?);
    Ok(KeyPair { certificate: certificate(&pair, key_use, now / 1000)?, private_pem })
}

fn certificate(pair: &PKey<Private>, key_use: KeyUse, now_s: i64) -> std::result::Result<Vec<u8>, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, key_use.common_name())?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let serial = serial.to_asn1_integer()?;
    let (begin, end) = (Asn1Time::from_unix(now_s)?, Asn1Time::from_unix(now_s + LIFETIME_S)?);
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_not_before(&begin)?;
    builder.set_not_after(&end)?;
    builder.set_pubkey(pair)?;
    builder.sign(pair, MessageDigest::sha256())?;
    builder.build().to_der()
}
