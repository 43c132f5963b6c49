//! Pure: a key of ours that signs: RSA of PKCS #1 v1.5 with SHA-256 (`names::RSA_SHA256`), by OpenSSL.

use std::fmt;

use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::X509;

use super::certificate;
use crate::error::{Error, Result};

/// A private RSA key of a workspace, and the certificate in which metadata shows its public half.
#[derive(Clone)]
pub struct SigningKey {
    certificate: Vec<u8>,
    private: PKey<Private>,
}

impl SigningKey {
    /// A private key in PEM, PKCS #8, with its certificate in DER. `None` if they can't be read, or don't belong together.
    pub fn from_pem(pem: &[u8], certificate: Vec<u8>) -> Option<Self> {
        let private = PKey::private_key_from_pem(pem).ok()?;
        let public = X509::from_der(&certificate).and_then(|certificate| certificate.public_key()).ok()?;
        public.public_eq(&private).then_some(Self { certificate, private })
    }

    /// X.509, DER.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// The signature over these octets.
    ///
    /// # Errors
    /// 500 if OpenSSL can't.
    pub fn sign(&self, octets: &[u8]) -> Result<Vec<u8>> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.private).map_err(Error::internal)?;
        signer.sign_oneshot_to_vec(octets).map_err(Error::internal)
    }
}

/// Shows no secret.
impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", certificate::fingerprint(&self.certificate))
    }
}
