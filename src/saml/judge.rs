//! The way of a SAML response from octets to an identity, or to the refusal. Synchronous: run it where blocking is allowed
//! and a panic is caught (`pool.rs`).

use super::assertion::{self, Assertion, Expected, Identity};
use super::decrypt::DecryptionKey;
use super::gate::{self, Envelope};
use super::refusal::Refusal;
use super::sealed::{self, EncryptedAssertions};
use super::{opened, verify, xml_reader};

/// Whom and what a workspace believes.
#[derive(Clone)]
pub struct Trust {
    /// X.509 certificates in DER of the identity provider.
    pub certificates: Vec<Vec<u8>>,
    /// Keys that assertions may be encrypted to. Needed only for a response that `sealed::may_be_sealed`.
    pub decryption_keys: Vec<DecryptionKey>,
    pub encrypted_assertions: EncryptedAssertions,
    /// Random octets, new for each response: see `decrypt::decrypt`.
    pub filler: [u8; 32],
}

/// Takes a response through gate, decryption, signature and checks.
pub fn judge(xml: &[u8], trust: &Trust, expected: &Expected) -> Result<Identity, Refusal> {
    let (envelope, assertion) = verified(xml, trust)?;
    assertion::check(&envelope, &assertion, expected)
}

fn verified(xml: &[u8], trust: &Trust) -> Result<(Envelope, Assertion), Refusal> {
    if sealed::may_be_sealed(xml) && sealed::is_sealed(&xml_reader::read_message(xml)?) {
        return opened::open(xml, trust);
    }
    let envelope = gate::admit(xml)?;
    let clear = trust.encrypted_assertions == EncryptedAssertions::Optional;
    Refusal::unless(clear, "encryption.required", "the assertion must be encrypted, and is in the clear")?;
    Ok((envelope, verify::verify(xml, &trust.certificates)?))
}
