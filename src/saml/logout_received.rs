//! A message of single logout as a browser brought it, by one of the two bindings (Bindings §3.4, §3.5), and the way from its
//! octets to what was signed. Synchronous: run it where blocking is allowed and a panic is caught (`pool.rs`).

use super::logout_gate;
use super::logout_message::Kind;
use super::redirect_verify::SignedQuery;
use super::refusal::Refusal;
use super::xml::Element;
use super::{gate, verify};

/// Longest RelayState that is sent back, in octets.
const MAX_RELAY_STATE: usize = 1_024;

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub kind: Kind,
    /// Sent back with the answer (Bindings §3.4.3). Anybody's text, unless the query that it stands in is signed.
    pub relay_state: Option<String>,
    carrier: Carrier,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Carrier {
    Redirect(SignedQuery),
    /// XML.
    Post(Vec<u8>),
}

impl Received {
    /// Of the raw query of a GET.
    ///
    /// Refuses with `redirect.…`.
    pub fn by_redirect(raw_query: &str) -> Result<Self, Refusal> {
        let answers = raw_query.split('&').any(|pair| pair.starts_with("SAMLResponse="));
        let kind = if answers { Kind::Response } else { Kind::Request };
        let query = SignedQuery::parse(raw_query, kind.parameter())?;
        Ok(Self { kind, relay_state: query.relay_state.clone(), carrier: Carrier::Redirect(query) })
    }

    /// Of the value of a form field.
    ///
    /// Refuses with `gate.…`.
    pub fn by_post(kind: Kind, value: &str, relay_state: Option<String>) -> Result<Self, Refusal> {
        let short = relay_state.as_ref().is_none_or(|state| state.len() <= MAX_RELAY_STATE);
        Refusal::unless(short, "gate.relay-state", "RelayState is longer than 1,024 octets")?;
        Refusal::unless(!value.trim_ascii().is_empty(), "gate.not-well-formed", "the message is empty")?;
        Ok(Self { kind, relay_state, carrier: Carrier::Post(gate::decode(value)?) })
    }

    /// Whether whoever signed the message signed the RelayState with it.
    pub fn relay_state_is_signed(&self) -> bool {
        matches!(self.carrier, Carrier::Redirect(_))
    }

    /// Whose message it says it is: enough to look for a key, and for nothing else.
    ///
    /// Refuses with `gate.…` or `redirect.…`.
    pub fn claimed_issuer(&self) -> Result<String, Refusal> {
        let (_, head) = match &self.carrier {
            Carrier::Redirect(query) => logout_gate::read(&query.message()?, self.kind)?,
            Carrier::Post(xml) => logout_gate::read(xml, self.kind)?,
        };
        Ok(head.issuer)
    }

    /// What a key of `certificates` (DER, X.509) signed, and nothing else. By POST, it is read from the octets that two
    /// verifiers agree on.
    ///
    /// Refuses with `signature.…`, `gate.…` or `redirect.…`.
    pub fn verified(&self, certificates: &[Vec<u8>]) -> Result<Element, Refusal> {
        match &self.carrier {
            Carrier::Redirect(query) => {
                query.verify(certificates)?;
                let (root, head) = logout_gate::read(&query.message()?, self.kind)?;
                // Bindings §3.4.4.1: the signature of the query is the only one.
                Refusal::unless(!head.signed, "gate.stray-signature", "a signature within a signed query")?;
                Ok(root)
            }
            Carrier::Post(xml) => verified_post(xml, self.kind, certificates),
        }
    }
}

fn verified_post(xml: &[u8], kind: Kind, certificates: &[Vec<u8>]) -> Result<Element, Refusal> {
    let (_, head) = logout_gate::read(xml, kind)?;
    Refusal::unless(head.signed, "gate.unsigned", "the message is not signed")?;
    let text = std::str::from_utf8(xml).map_err(|_| Refusal::new("gate.encoding", "the message is not UTF-8"))?;
    let octets = verify::signed_message(text, certificates, &head.id)?;
    let (root, signed) = logout_gate::read(octets.as_bytes(), kind)?;
    // It is digested without its own signature.
    let same = signed.id == head.id && signed.issuer == head.issuer && !signed.signed;
    Refusal::unless(same, "signature.other-message", "another message was signed")?;
    Ok(root)
}
