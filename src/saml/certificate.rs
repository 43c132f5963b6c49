//! Pure: whether a DER certificate from metadata holds a key that may verify signatures, and what to show of it.
//!
//! Deliberately no dates, chains or signatures are judged: in SAML a certificate is a wrapping for a key, and metadata is what
//! trusts it. OpenSSL, which the signature library rests on anyway, does the parsing.

use openssl::nid::Nid;
use openssl::pkey::Id;
use openssl::x509::X509;
use sha2::{Digest, Sha256};

use super::memory::Memory;
use crate::base::clock::UnixMillis;
use crate::base::text::hex;

const MIN_RSA_BITS: u32 = 2_048;
const CURVES: [Nid; 3] = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];

/// What an administrator sees of a certificate.
#[derive(Clone, Debug)]
pub struct Shown {
    /// SHA-256 of the DER octets, in hexadecimal.
    pub sha256: String,
    pub subject: String,
    pub not_after: Option<UnixMillis>,
}

/// `Err` with a sentence for the administrator if the certificate can't be used to verify signatures.
pub fn check_signing(der: &[u8]) -> Result<(), String> {
    static VERDICTS: Memory<Result<(), String>> = Memory::empty();
    VERDICTS.of(der, judge_signing)
}

fn judge_signing(der: &[u8]) -> Result<(), String> {
    let unreadable = || "the certificate is not an X.509 certificate in DER".to_owned();
    let certificate = X509::from_der(der).map_err(|_| unreadable())?;
    // Octets behind the certificate would be ignored silently.
    if certificate.to_der().map_err(|_| unreadable())? != der {
        return Err(unreadable());
    }
    let key = certificate.public_key().map_err(|_| unreadable())?;
    match key.id() {
        Id::RSA if key.bits() >= MIN_RSA_BITS => Ok(()),
        Id::RSA => Err(format!("the certificate's RSA key has {} bits; at least 2,048 are needed", key.bits())),
        Id::EC
            if key.ec_key().is_ok_and(|key| key.group().curve_name().is_some_and(|curve| CURVES.contains(&curve))) =>
        {
            Ok(())
        }
        _ => Err("the certificate's key is neither RSA nor on P-256, P-384 or P-521".to_owned()),
    }
}

/// SHA-256 of the DER octets, in hexadecimal.
pub fn fingerprint(der: &[u8]) -> String {
    hex(&Sha256::digest(der))
}

/// The digits of a fingerprint that are enough to find a certificate by, where nothing is to be compared.
pub fn beginning(fingerprint: &str) -> &str {
    fingerprint.get(..8).unwrap_or(fingerprint)
}

/// A certificate as a file: PEM, 64 columns. `None` if the octets are none.
pub fn pem(der: &[u8]) -> Option<String> {
    let written = X509::from_der(der).and_then(|certificate| certificate.to_pem()).ok()?;
    String::from_utf8(written).ok()
}

/// What to show of a certificate that `check_signing` accepted.
pub fn shown(der: &[u8]) -> Shown {
    let certificate = X509::from_der(der).ok();
    let subject = certificate.as_ref().map(|certificate| {
        let entries = certificate.subject_name().entries();
        let part = |entry: &openssl::x509::X509NameEntryRef| {
            let value = entry.data().to_string().unwrap_or_default();
            let name = entry.object().nid().short_name().unwrap_or("?");
            format!("{name}={value}")
        };
        entries.map(part).collect::<Vec<_>>().join(", ")
    });
    let not_after = certificate.as_ref().and_then(|certificate| {
        let epoch = openssl::asn1::Asn1Time::from_unix(0).ok()?;
        let span = epoch.diff(certificate.not_after()).ok()?;
        Some((i64::from(span.days) * 86_400 + i64::from(span.secs)) * 1000)
    });
    Shown { sha256: fingerprint(der), subject: subject.unwrap_or_default(), not_after }
}
