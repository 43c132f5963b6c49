//! Pure: what fetched metadata changes, compared with what is in force.

use super::certificate;
use super::identity_provider::IdentityProvider;

/// How much of a provider another version of its metadata changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Neither keys nor addresses: dates, names, order.
    Nothing,
    /// Keys and the way in stay; where people are sent to log out, or whether requests must be signed, is another.
    Changed,
    /// Certificates came or went, and at least one stays: how a key is changed properly.
    RollOver,
    /// No certificate stays, or people are sent elsewhere.
    Replaced,
}

impl Extent {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Changed => "changed",
            Self::RollOver => "roll_over",
            Self::Replaced => "replaced",
        }
    }
}

/// A change, for the audit log: fingerprints, SHA-256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub extent: Extent,
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// Whether people are sent to another address to sign in.
    pub addresses_changed: bool,
    /// What else is another, as metadata spells it.
    pub others: Vec<&'static str>,
}

/// Compares; `before` is `None` if what is in force can't be read.
pub fn compare(before: Option<&IdentityProvider>, after: &IdentityProvider) -> Change {
    let prints = |provider: &IdentityProvider| -> Vec<String> {
        provider.certificates.iter().map(|der| certificate::fingerprint(der)).collect()
    };
    let (old, new) = (before.map(prints).unwrap_or_default(), prints(after));
    let not_in = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|print| !others.contains(*print)).cloned().collect()
    };
    let (added, removed) = (not_in(&new, &old), not_in(&old, &new));
    let addresses_changed = before.is_none_or(|before| {
        (&before.sso_redirect_url, &before.sso_post_url) != (&after.sso_redirect_url, &after.sso_post_url)
    });
    let others = before.map(|before| others(before, after)).unwrap_or_default();
    let extent = if addresses_changed || removed.len() == old.len() {
        Extent::Replaced
    } else if !added.is_empty() || !removed.is_empty() {
        Extent::RollOver
    } else if others.is_empty() {
        Extent::Nothing
    } else {
        Extent::Changed
    };
    Change { extent, added, removed, addresses_changed, others }
}

fn others(before: &IdentityProvider, after: &IdentityProvider) -> Vec<&'static str> {
    let (old, new) = (before.single_logout.as_ref(), after.single_logout.as_ref());
    let all = [
        ("SingleLogoutService", old.map(|old| (old.binding, &old.url)) != new.map(|new| (new.binding, &new.url))),
        ("ResponseLocation", old.map(|old| &old.response_url) != new.map(|new| &new.response_url)),
        ("WantAuthnRequestsSigned", before.want_signed_requests != after.want_signed_requests),
    ];
    all.into_iter().filter(|(_, is_another)| *is_another).map(|(name, _)| name).collect()
}
