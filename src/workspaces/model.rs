//! Pure: a workspace and the form of its names.

use serde::Serialize;

use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;

/// A tenant.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub slug: String,
    pub name: String,
    pub epoch: i64,
    pub created_at: UnixMillis,
}

/// An internet domain whose people a workspace may sign in by SAML.
#[derive(Clone, Debug, Serialize)]
pub struct Domain {
    pub domain: String,
    /// What its TXT record `_curfew-challenge` must hold.
    pub challenge: String,
    pub verified_at: Option<UnixMillis>,
    /// By what, if it is.
    pub verified_by: Option<VerifiedBy>,
    /// When DNS was last asked. A record that is gone by then takes nothing back.
    pub checked_at: Option<UnixMillis>,
}

/// What a domain counts as verified by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedBy {
    /// Its TXT record.
    Dns,
    /// An operator's word.
    Operator,
}

impl VerifiedBy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Operator => "operator",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Dns, Self::Operator].into_iter().find(|known| known.as_str() == text)
    }
}

/// 1 to 63 of a-z, 0-9 and hyphens inside: it stands in addresses.
pub fn is_slug(text: &str) -> bool {
    let inner = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    inner && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

/// A domain name in lower-case ASCII, an internationalised one as punycode, at least two labels; `None` if it isn't one.
pub fn domain_key(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_suffix('.').unwrap_or(text);
    let text = if text.is_ascii() { text.to_ascii_lowercase() } else { punycode(text)? };
    let last_is_a_word = text.rsplit('.').next().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
    let shaped = text.len() <= 253 && text.contains('.') && text.split('.').all(is_slug);
    (shaped && last_is_a_word).then_some(text)
}

fn punycode(text: &str) -> Option<String> {
    match url::Host::parse(text) {
        Ok(url::Host::Domain(domain)) => Some(domain),
        _ => None,
    }
}

/// The domain of an e-mail address.
pub fn domain_of(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@')?;
    (!local.is_empty() && !local.contains('@')).then(|| domain_key(domain)).flatten()
}
