//! Pure: an identity provider of a workspace as it is stored, which of several serves whom, and what an entry of the audit log
//! says of a change.

use serde_json::{Map, Value, json};

use super::sealed::EncryptedAssertions;
use super::settings::ProviderSettings;
use crate::base::canonical::fold;
use crate::base::clock::UnixMillis;
use crate::base::ids::{ProviderId, UserId};

/// An identity provider of a workspace.
#[derive(Clone, Debug)]
pub struct StoredProvider {
    pub id: ProviderId,
    /// No other provider of the workspace has it.
    pub entity_id: String,
    /// As people call it: 1 to 100 characters, no other provider's.
    pub name: String,
    pub metadata: String,
    /// Where the metadata comes from; `None`: somebody uploaded it.
    pub metadata_url: Option<String>,
    pub fetched_at: Option<UnixMillis>,
    /// Why the newest copy could not be fetched, or was not taken.
    pub fetch_error: Option<String>,
    pub enabled: bool,
    /// Whether an owner or operator stands behind these settings.
    pub by_owner: bool,
    pub encrypted_assertions: EncryptedAssertions,
    pub settings: ProviderSettings,
    /// When a sign-in by these settings was tested, and who did it.
    pub tested_at: Option<UnixMillis>,
    pub tested_by: Option<UserId>,
    /// Rises with every change.
    pub version: i64,
    pub created_at: UnixMillis,
    pub updated_at: UnixMillis,
}

impl StoredProvider {
    /// What tells it from others.
    pub fn outline(&self) -> Outline {
        Outline {
            id: self.id.clone(),
            entity_id: self.entity_id.clone(),
            name: self.name.clone(),
            enabled: self.enabled,
            domains: self.settings.domains.clone(),
        }
    }
}

/// What tells the providers of a workspace apart. Lists of them are in the order of their making.
#[derive(Clone, Debug)]
pub struct Outline {
    pub id: ProviderId,
    pub entity_id: String,
    pub name: String,
    pub enabled: bool,
    pub domains: Vec<String>,
}

/// The provider that is meant where none is named: the oldest that is switched on, else the oldest.
pub fn default_of(known: &[Outline]) -> Option<&Outline> {
    known.iter().find(|provider| provider.enabled).or(known.first())
}

/// The provider with this id or, whatever its case, this name.
pub fn find_named<'a>(known: &'a [Outline], text: &str) -> Option<&'a Outline> {
    let wanted = fold(text.trim());
    let by_id = known.iter().find(|provider| provider.id.as_str() == text);
    by_id.or_else(|| known.iter().find(|provider| fold(&provider.name) == wanted))
}

/// The provider whose domains have this one, switched on or not.
fn named_for<'a>(known: &'a [Outline], domain: &str) -> Option<&'a Outline> {
    known.iter().find(|provider| provider.domains.iter().any(|known| known == domain))
}

/// Where people of a domain sign in: the provider that names it, else the oldest that names none. Nobody serves a domain whose
/// provider is switched off.
pub fn serving<'a>(known: &'a [Outline], domain: &str) -> Option<&'a Outline> {
    match named_for(known, domain) {
        Some(named) => Some(named).filter(|provider| provider.enabled),
        None => known.iter().find(|provider| provider.enabled && provider.domains.is_empty()),
    }
}

/// Whether people of a domain may be made known by this provider: it names the domain, or it names none and no other does.
pub fn serves(known: &[Outline], id: &ProviderId, domain: &str) -> bool {
    match named_for(known, domain) {
        Some(named) => named.id == *id,
        None => known.iter().any(|provider| provider.id == *id && provider.domains.is_empty()),
    }
}

/// Where to send somebody who signs in: to the provider that they asked for, else that of their address's domain, else the
/// default one. `None` if the one that was asked for is not there or not on, or if none is on.
pub fn chosen<'a>(known: &'a [Outline], asked: Option<&str>, domain: Option<&str>) -> Option<&'a Outline> {
    let found = match asked.filter(|id| !id.is_empty()) {
        Some(id) => known.iter().find(|provider| provider.id.as_str() == id),
        None => domain.and_then(|domain| serving(known, domain)).or_else(|| default_of(known)),
    };
    found.filter(|provider| provider.enabled)
}

/// Whether a change lets an owner or operator stand behind a provider behind which nobody stood. Who is linked to its identifiers
/// was linked by its word alone: with them somebody could come in as an owner whom they linked when that was none yet.
pub fn begins_to_vouch(before: Option<&StoredProvider>, after: &StoredProvider) -> bool {
    after.by_owner && !before.is_some_and(|before| before.by_owner && before.entity_id == after.entity_id)
}

/// What a change did: the new value of each fact that it changed, and the one before.
pub fn changed(before: Option<&StoredProvider>, after: &StoredProvider) -> Value {
    let old = before.map_or_else(|| settings_of(&ProviderSettings::default()), facts);
    let differs = facts(after).into_iter().filter(|(name, value)| old.get(name) != Some(value));
    let change = |(name, value): (String, Value)| {
        let change = json!({"from": old.get(&name), "to": value});
        (name, change)
    };
    let mut changes: Map<String, Value> = differs.map(change).collect();
    if before.is_some_and(|before| before.metadata != after.metadata) {
        changes.insert("metadata".to_owned(), json!(true));
    }
    Value::Object(changes)
}

/// Everything that an administrator can set, but the metadata.
fn facts(provider: &StoredProvider) -> Map<String, Value> {
    let mut facts = settings_of(&provider.settings);
    for (name, value) in [
        ("entity_id", json!(provider.entity_id)),
        ("name", json!(provider.name)),
        ("metadata_url", json!(provider.metadata_url)),
        ("enabled", json!(provider.enabled)),
        ("by_owner", json!(provider.by_owner)),
        ("encrypted_assertions", json!(provider.encrypted_assertions.as_str())),
    ] {
        facts.insert(name.to_owned(), value);
    }
    facts
}

fn settings_of(settings: &ProviderSettings) -> Map<String, Value> {
    match json!(settings) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
