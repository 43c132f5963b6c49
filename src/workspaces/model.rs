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
}

/// 1 to 63 of a-z, 0-9 and hyphens inside: it stands in addresses.
pub fn is_slug(text: &str) -> bool {
    let inner = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    inner && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

/// A domain name in lower-case ASCII, at least two labels; `None` if it isn't one.
pub fn domain_key(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| is_slug(label);
    (text.len() <= 253 && text.contains('.') && text.split('.').all(label)).then_some(text)
}

/// The domain of an e-mail address.
pub fn domain_of(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@')?;
    (!local.is_empty() && !local.contains('@')).then(|| domain_key(domain)).flatten()
}
