//! The redirect binding as it arrives (Bindings §3.4): one signature over the raw octets of the query, and a message that is
//! deflated within.
//!
//! What is verified is what came, octet by octet: nothing is decoded and encoded again first. Deliberately no judgement of the
//! message. Synchronous: run it where blocking is allowed and a panic is caught (`pool.rs`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Public};
use openssl::sign::Verifier;
use openssl::x509::X509;

use super::names;
use super::refusal::{Refusal, quoted};

/// Longest query, in octets.
const MAX_QUERY: usize = 64 * 1024;
/// Longest message once it is inflated, in octets.
const MAX_MESSAGE: usize = 64 * 1024;
/// Longest RelayState, decoded, in octets. Bindings §3.4.3 allows 80, which nobody keeps to.
const MAX_RELAY_STATE: usize = 1_024;

/// What has a meaning in such a query. Anything else in it is nobody's.
const PARAMETERS: [&str; 6] = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"];

/// A message that somebody signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedMessage {
    /// XML as it was inflated; nothing of it was looked at.
    pub xml: Vec<u8>,
    /// At most 1,024 octets. Signed, too.
    pub relay_state: Option<String>,
}

/// A signed query, taken apart. Nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedQuery {
    pub relay_state: Option<String>,
    /// The octets that are signed (Bindings §3.4.4.1): the parameters as they came, in the standard's order.
    signed: String,
    /// One of `names::SIGNATURE_ALGORITHMS`.
    algorithm: &'static str,
    signature: Vec<u8>,
    /// Deflated.
    message: Vec<u8>,
}

/// The message in the parameter `SAMLRequest` or `SAMLResponse` of a query, if a key of `certificates` (DER, X.509) signed it.
///
/// Refuses with `redirect.…`, and with `signature.…` if nobody did.
pub fn verify_redirect(raw_query: &str, parameter: &str, certificates: &[Vec<u8>]) -> Result<VerifiedMessage, Refusal> {
    let query = SignedQuery::parse(raw_query, parameter)?;
    query.verify(certificates)?;
    Ok(VerifiedMessage { xml: query.message()?, relay_state: query.relay_state })
}

impl SignedQuery {
    /// Takes a raw query apart. Each parameter is there once; one without a signature is refused.
    ///
    /// Refuses with `redirect.…`.
    pub fn parse(raw_query: &str, parameter: &str) -> Result<Self, Refusal> {
        Refusal::unless(raw_query.len() <= MAX_QUERY, "redirect.too-large", "the query is longer than 64 KiB")?;
        let raw = Raw::of(raw_query)?;
        let other = if parameter == "SAMLRequest" { "SAMLResponse" } else { "SAMLRequest" };
        Refusal::unless(raw.get(other).is_none(), "redirect.parameters", "a request and a response at once")?;
        let message = raw.required(parameter, "redirect.parameters")?;
        if let Some(encoding) = raw.get("SAMLEncoding") {
            let encoding = decoded(encoding)?;
            if encoding != names::DEFLATE_ENCODING {
                return Err(Refusal::new("redirect.encoding", quoted(&encoding)));
            }
        }
        let written = raw.required("SigAlg", "redirect.unsigned")?;
        let signature = base64(raw.required("Signature", "redirect.unsigned")?)?;
        let relay_state = raw.get("RelayState").map(decoded).transpose()?;
        let short = relay_state.as_ref().is_none_or(|state| state.len() <= MAX_RELAY_STATE);
        Refusal::unless(short, "redirect.relay-state", "RelayState is longer than 1,024 octets")?;
        let mut signed = format!("{parameter}={message}");
        if let Some(state) = raw.get("RelayState") {
            signed.push_str(&format!("&RelayState={state}"));
        }
        signed.push_str(&format!("&SigAlg={written}"));
        Ok(Self {
            relay_state,
            signed,
            algorithm: algorithm(&decoded(written)?)?,
            signature,
            message: base64(message)?,
        })
    }

    /// The message, inflated: 64 KiB at the most. Before `verify` it is anybody's.
    ///
    /// Refuses with `redirect.deflate`.
    pub fn message(&self) -> Result<Vec<u8>, Refusal> {
        let refused = |detail: &str| Refusal::new("redirect.deflate", detail);
        let mut xml = Vec::with_capacity(MAX_MESSAGE + 1);
        let mut inflater = Decompress::new(false);
        let status = inflater.decompress_vec(&self.message, &mut xml, FlushDecompress::Finish);
        let ended = status.map_err(|error| refused(&error.to_string()))? == Status::StreamEnd;
        if xml.len() > MAX_MESSAGE || (!ended && xml.len() == xml.capacity()) {
            return Err(refused("the message is longer than 64 KiB"));
        }
        let whole = usize::try_from(inflater.total_in()).is_ok_and(|read| read == self.message.len());
        if ended && whole { Ok(xml) } else { Err(refused("the message is cut off, or something follows it")) }
    }

    /// Whether one of the keys signed it. Each certificate is tried by itself; one whose key is of another kind than the
    /// algorithm, or that can't be read, verifies nothing.
    ///
    /// Refuses with `signature.no-certificate` or `signature.invalid`.
    pub fn verify(&self, certificates: &[Vec<u8>]) -> Result<(), Refusal> {
        Refusal::unless(!certificates.is_empty(), "signature.no-certificate", "no signing certificate is configured")?;
        let verified = certificates.iter().any(|der| self.is_signed_by(der).unwrap_or(false));
        Refusal::unless(verified, "signature.invalid", "no configured certificate verifies the query")
    }

    fn is_signed_by(&self, certificate: &[u8]) -> Result<bool, ErrorStack> {
        let key = X509::from_der(certificate)?.public_key()?;
        let elliptic = self.algorithm.contains("#ecdsa-");
        let signature = match (elliptic, key.id()) {
            (false, Id::RSA) => self.signature.clone(),
            (true, Id::EC) => ecdsa_der(&self.signature, &key)?,
            _ => return Ok(false),
        };
        let mut verifier = Verifier::new(digest(self.algorithm), &key)?;
        verifier.update(self.signed.as_bytes())?;
        verifier.verify(&signature)
    }
}

/// The parameters that count, as they came. In each pair the name is written plainly: a name with an escape could be another
/// one for somebody else.
struct Raw<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Raw<'a> {
    fn of(query: &'a str) -> Result<Self, Refusal> {
        let mut found: Vec<(&str, &str)> = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let meant = decoded(name)?;
            let Some(known) = PARAMETERS.iter().find(|known| meant.eq_ignore_ascii_case(known)) else { continue };
            let plain = name == *known;
            Refusal::unless(plain, "redirect.parameters", "a parameter's name is written in another way")?;
            let twin = found.iter().any(|(other, _)| *other == name);
            Refusal::unless(!twin, "redirect.parameters", "a parameter is there twice")?;
            found.push((name, value));
        }
        Ok(Self(found))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn required(&self, name: &str, check: &'static str) -> Result<&'a str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::new(check, format!("the query has no {name}")))
    }
}

/// A name or value without its escapes (application/x-www-form-urlencoded).
fn decoded(raw: &str) -> Result<String, Refusal> {
    let unreadable = || Refusal::new("redirect.parameters", format!("{} can't be decoded", quoted(raw)));
    let mut octets = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| digit.and_then(hex_digit));
                let [Some(high), Some(low)] = digits else { return Err(unreadable()) };
                high * 16 + low
            }
            other => other,
        });
    }
    String::from_utf8(octets).map_err(|_| unreadable())
}

fn hex_digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A value of base64, which some providers fold.
fn base64(raw: &str) -> Result<Vec<u8>, Refusal> {
    let text = decoded(raw)?;
    let folded: Vec<u8> = text.bytes().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect();
    STANDARD.decode(folded).map_err(|error| Refusal::new("redirect.base64", error.to_string()))
}

/// RSA and ECDSA over SHA-2. No SHA-1, no DSA, no HMAC.
fn algorithm(uri: &str) -> Result<&'static str, Refusal> {
    let known = names::SIGNATURE_ALGORITHMS.into_iter().find(|known| *known == uri);
    known.ok_or_else(|| Refusal::new("redirect.signature-algorithm", quoted(uri)))
}

fn digest(algorithm: &str) -> MessageDigest {
    match algorithm.rsplit_once("sha").map(|(_, bits)| bits) {
        Some("512") => MessageDigest::sha512(),
        Some("384") => MessageDigest::sha384(),
        _ => MessageDigest::sha256(),
    }
}

/// An ECDSA signature as OpenSSL wants it. XML Signature (and so the URI of the algorithm) means r and s side by side, each as
/// long as the curve's order; many send DER all the same. One cannot be taken for the other: whatever it is read as must verify.
fn ecdsa_der(signature: &[u8], key: &PKey<Public>) -> Result<Vec<u8>, ErrorStack> {
    let half = usize::try_from(key.bits().div_ceil(8)).unwrap_or_default();
    if signature.len() != 2 * half {
        return Ok(signature.to_vec());
    }
    let (r, s) = signature.split_at(half);
    EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.to_der()
}
