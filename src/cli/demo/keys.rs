//! The key of the mock identity provider: RSA with a certificate that it signed itself, made at each start and kept nowhere.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::{X509, X509Name};

use crate::error::{Error, Result};

/// The certificate's common name.
pub const SUBJECT: &str = "Mock identity provider of curfew demo";
const BITS: u32 = 2_048;
/// Long enough that no page warns of the certificate's end.
const DAYS: u32 = 365;

/// A key pair and its certificate.
pub struct Keys {
    key: PKey<Private>,
    certificate: Vec<u8>,
}

impl Keys {
    /// A new pair. Takes some tenths of a second of one core: call it where blocking is allowed.
    pub fn generate() -> Result<Self> {
        generate().map_err(Error::internal)
    }

    /// The certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2).
    pub fn sign(&self, octets: &[u8]) -> Result<Vec<u8>> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key).map_err(Error::internal)?;
        signer.update(octets).map_err(Error::internal)?;
        signer.sign_to_vec().map_err(Error::internal)
    }
}

fn generate() -> Result<Keys, ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(BITS)?)?;
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, SUBJECT)?;
    let name = name.build();
    let serial = BigNum::from_u32(1)?.to_asn1_integer()?;
    let (begins, ends) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(DAYS)?);
    let mut builder = X509::builder()?;
    // Numbered from zero: X.509 version 3.
    builder.set_version(2)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_not_before(&begins)?;
    builder.set_not_after(&ends)?;
    builder.set_pubkey(&key)?;
    builder.sign(&key, MessageDigest::sha256())?;
    let certificate = builder.build().to_der()?;
    Ok(Keys { key, certificate })
}
