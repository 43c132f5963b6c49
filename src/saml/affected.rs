//! Pure: whose sessions a change of an identity provider takes the ground from, and why.
//!
//! A session that began at a provider rests on what the provider was then: on its keys, its name, and what was read from its
//! word. Where nothing of that stays, the word that the session rests on wouldn't be taken today. A session that began with a
//! password rests on passwords being admitted for its person.

use super::identity_provider::parse_metadata;
use super::provider::StoredProvider;
use super::settings::{Enforcement, ProviderSettings};
use crate::sessions::selection::Affected;

/// What about a change takes the ground from sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Deleted,
    Disabled,
    /// Another identity provider altogether.
    EntityId,
    /// None of the signing certificates stays. Where one does, it is a roll-over, and affects nobody.
    Certificates,
    /// Attributes or groups are read in another way.
    Mapping,
    /// People of some domain may not come with a password any more.
    Enforcement,
}

impl Cause {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Disabled => "disabled",
            Self::EntityId => "entity_id",
            Self::Certificates => "certificates",
            Self::Mapping => "mapping",
            Self::Enforcement => "enforcement",
        }
    }
}

/// Verified domains whose people may sign in at their provider only, whichever of the workspace's it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Required {
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// Whose sessions a change affects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// None: nobody's.
    pub because: Vec<Cause>,
    pub affected: Affected,
}

/// Whose sessions a change affects. `before` is `None` for a provider that is made, `after` for one that is deleted.
pub fn affected(before: Option<&StoredProvider>, after: Option<&StoredProvider>, required: &Required) -> Reach {
    let mut because = before.map(|before| causes(before, after)).unwrap_or_default();
    let provider = before.filter(|_| !because.is_empty()).map(|before| before.entity_id.clone());
    let news = required.after.iter().filter(|domain| !required.before.contains(domain));
    let password_domains: Vec<String> = news.cloned().collect();
    if !password_domains.is_empty() {
        because.push(Cause::Enforcement);
    }
    Reach { because, affected: Affected { provider, password_domains } }
}

fn causes(before: &StoredProvider, after: Option<&StoredProvider>) -> Vec<Cause> {
    let Some(after) = after else { return vec![Cause::Deleted] };
    let (old, new) = (&before.settings, &after.settings);
    let all = [
        (Cause::Disabled, before.enabled && !after.enabled),
        (Cause::EntityId, before.entity_id != after.entity_id),
        (Cause::Certificates, no_certificate_stays(before, after)),
        (Cause::Mapping, old.attributes != new.attributes || old.roles != new.roles),
    ];
    all.into_iter().filter(|(_, holds)| *holds).map(|(cause, _)| cause).collect()
}

/// Metadata that has run out counts as it was; what can't be read has no certificate that could stay.
fn no_certificate_stays(before: &StoredProvider, after: &StoredProvider) -> bool {
    if before.metadata == after.metadata {
        return false;
    }
    let (Ok(old), Ok(new)) = (parse_metadata(&before.metadata, 0), parse_metadata(&after.metadata, 0)) else {
        return true;
    };
    !old.certificates.iter().any(|certificate| new.certificates.contains(certificate))
}

/// Of the verified domains those whose people may sign in at their provider only; `in_force`: the settings of all providers that
/// are switched on.
pub fn required_domains<'a>(
    in_force: impl IntoIterator<Item = &'a ProviderSettings>,
    verified: &[String],
) -> Vec<String> {
    let enforcing = in_force.into_iter().filter(|settings| settings.enforcement == Enforcement::Required);
    let named: Vec<&String> = enforcing.flat_map(|settings| &settings.domains).collect();
    verified.iter().filter(|domain| named.contains(domain)).cloned().collect()
}
