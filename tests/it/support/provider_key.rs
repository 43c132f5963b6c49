//! A key pair as identity providers have one: RSA with 2,048 bits, and a certificate signed by itself.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};

/// Private key (PKCS #8) and certificate, both PEM; `name` is what the certificate says.
pub fn pair(name: &str) -> (String, String) {
    let (key, certificate) = make(name).expect("OpenSSL makes keys");
    let text = |pem: Vec<u8>| String::from_utf8(pem).expect("PEM is ASCII");
    (text(key), text(certificate))
}

fn make(name: &str) -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
    let pair = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut subject = X509Name::builder()?;
    subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
    let subject = subject.build();
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::MAYBE_ZERO, false)?;
    let serial = serial.to_asn1_integer()?;
    let (begin, end) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(365)?);
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(&subject)?;
    builder.set_not_before(&begin)?;
    builder.set_not_after(&end)?;
    builder.set_pubkey(&pair)?;
    builder.sign(&pair, MessageDigest::sha256())?;
    Ok((pair.private_key_to_pem_pkcs8()?, builder.build().to_pem()?))
}
