//! Pure: what somebody wants of an identity provider, and what it then is.

use super::provider::{Outline, StoredProvider, default_of, find_named};
use super::refusal::quoted;
use super::sealed::EncryptedAssertions;
use super::settings::{AttributeMapping, Enforcement, ProviderSettings, SettingsChange};
use crate::base::canonical::fold;
use crate::base::clock::UnixMillis;
use crate::base::ids::ProviderId;
use crate::base::text::line;
use crate::error::{CONFLICT, Error, FORBIDDEN, Result};

/// Longest name of a provider, in characters.
const MAX_NAME: usize = 100;

/// Which provider is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// One more.
    New,
    /// The one that is meant where none is named: that of the metadata which is sent, else the default one; the first, if there is
    /// none.
    Default,
    /// That of the metadata which is sent; the first, if there is none. Another one's place it doesn't take.
    OfMetadata,
    /// The one with this id, which must be there.
    Id(&'a str),
    /// The one with this id or name; a new one of this name, if there is none.
    Named(&'a str),
}

/// A change of a provider; what is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub which: Which<'a>,
    pub name: Option<&'a str>,
    /// Metadata as it was uploaded, or fetched from `metadata_url`. A new provider needs it.
    pub metadata: Option<&'a str>,
    /// Where it shall be fetched from, from now on.
    pub metadata_url: Option<&'a str>,
    pub settings: SettingsChange,
    pub enabled: Option<bool>,
    /// The version that the change was made from.
    pub if_version: Option<i64>,
}

/// What is known beside the wish: of the moment, of the metadata, of who asks.
pub struct Given<'a> {
    /// Of a new provider.
    pub id: &'a ProviderId,
    pub now: UnixMillis,
    /// Of the metadata that is sent.
    pub entity_id: Option<&'a str>,
    pub by_owner: bool,
    pub encrypted_assertions: Option<EncryptedAssertions>,
}

impl<'a> Wanted<'a> {
    /// Nothing yet.
    pub fn of(which: Which<'a>) -> Self {
        let settings = SettingsChange::default();
        Self { which, name: None, metadata: None, metadata_url: None, settings, enabled: None, if_version: None }
    }

    /// Metadata is imported: the provider is switched on with it.
    pub fn import(which: Which<'a>, metadata: &'a str) -> Self {
        Self { metadata: Some(metadata), enabled: Some(true), ..Self::of(which) }
    }

    /// The provider that is meant, among those that are known; `None`: a new one. `entity_id`: of the metadata that is sent.
    ///
    /// # Errors
    /// 404 if it must be there, and isn't; 409 naming `provider` if it would take the place of one that was not named.
    pub fn target<'b>(&self, known: &'b [Outline], entity_id: Option<&str>) -> Result<Option<&'b Outline>> {
        match self.which {
            Which::New => Ok(None),
            Which::Default => Ok(with_entity_id(known, entity_id).or_else(|| default_of(known))),
            Which::OfMetadata => match (with_entity_id(known, entity_id), default_of(known)) {
                (None, Some(other)) => Err(would_replace(other, entity_id.unwrap_or_default())),
                (same, _) => Ok(same),
            },
            Which::Named(text) => Ok(find_named(known, text)),
            Which::Id(id) => {
                let found = known.iter().find(|provider| provider.id.as_str() == id);
                found.map(Some).ok_or_else(|| Error::not_found("identity provider"))
            }
        }
    }

    /// Whether it is a change even if everything stays as it was: whoever imports metadata is told what that does to sessions.
    pub fn is_import(&self) -> bool {
        matches!(self.which, Which::Default | Which::OfMetadata | Which::Named(_))
    }

    /// The provider after the change.
    ///
    /// # Errors
    /// 400 naming what is missing or out of its bounds.
    pub fn applied(&self, before: Option<&StoredProvider>, given: &Given<'_>) -> Result<StoredProvider> {
        let mut after = before.cloned().unwrap_or_else(|| blank(given));
        match (self.metadata, given.entity_id) {
            (Some(metadata), Some(entity_id)) => {
                take_metadata(&mut after, metadata, entity_id);
                after.metadata_url = self.metadata_url.map(str::to_owned);
                after.fetched_at = self.metadata_url.map(|_| given.now);
            }
            _ if before.is_none() => {
                return Err(Error::invalid("metadata_xml", "is required for a new provider, or metadata_url"));
            }
            _ => {}
        }
        if let Some(name) = self.own_name(before) {
            let bad = || Error::invalid("name", "must have 1 to 100 characters, and no control characters");
            let one_line = line(name, MAX_NAME).filter(|name| !name.contains(char::is_control));
            after.name = one_line.ok_or_else(bad)?.to_owned();
        }
        after.settings = self.settings.applied(&after.settings)?;
        after.encrypted_assertions = given.encrypted_assertions.unwrap_or(after.encrypted_assertions);
        after.enabled = self.enabled.unwrap_or(after.enabled);
        if !after.enabled && self.settings.enforcement.is_none() {
            // What is switched off is required of nobody, nor again by being switched on.
            after.settings.enforcement = Enforcement::Optional;
        }
        after.by_owner = self.is_vouched_for(before, &after, given.by_owner);
        if before.is_some_and(|before| !is_same_sign_in(before, &after)) {
            (after.tested_at, after.tested_by) = (None, None);
        }
        after.version = before.map_or(1, |before| before.version + 1);
        after.updated_at = given.now;
        Ok(after)
    }

    fn own_name(&self, before: Option<&StoredProvider>) -> Option<&'a str> {
        match (self.name, self.which) {
            (Some(name), _) => Some(name),
            (None, Which::Named(name)) if before.is_none() => Some(name),
            _ => None,
        }
    }

    /// Whether an owner or operator stands behind what the provider becomes. They vouch with metadata that they send, but not
    /// for the names of attributes that somebody else chose. By anybody else's change nobody does any more, unless it is one of
    /// the name, or switches off.
    fn is_vouched_for(&self, before: Option<&StoredProvider>, after: &StoredProvider, by_owner: bool) -> bool {
        let vouched_for = before.is_some_and(|before| before.by_owner);
        if by_owner {
            let own_names =
                self.settings.attributes.is_some() || after.settings.attributes == AttributeMapping::default();
            return vouched_for || (self.metadata.is_some() && own_names);
        }
        vouched_for && before.is_some_and(|before| gives_no_more(before, after))
    }
}

fn with_entity_id<'a>(known: &'a [Outline], entity_id: Option<&str>) -> Option<&'a Outline> {
    known.iter().find(|provider| Some(provider.entity_id.as_str()) == entity_id)
}

/// One that is switched off counts, too: its settings, and who is known by it, are its own.
fn would_replace(other: &Outline, entity_id: &str) -> Error {
    let has = if other.enabled { "this workspace signs in with" } else { "this workspace has, switched off," };
    let text = format!(
        "{has} {}, and this metadata is of another identity provider ({})",
        quoted(&other.entity_id),
        quoted(entity_id),
    );
    Error::new(CONFLICT, text).with_field("provider")
}

/// Whether a change leaves a provider as it is.
pub fn is_same(before: &StoredProvider, after: &StoredProvider) -> bool {
    is_same_provider(before, after)
        && before.name == after.name
        && before.enabled == after.enabled
        && before.by_owner == after.by_owner
}

/// # Errors
/// 409 naming `metadata_xml` or `name` if another provider has it; 422 naming `domains` if another one serves one of them.
pub fn require_distinct(after: &StoredProvider, known: &[Outline]) -> Result<()> {
    for other in known.iter().filter(|other| other.id != after.id) {
        if other.entity_id == after.entity_id {
            let text = format!("{:?} is an identity provider of this workspace already", after.entity_id);
            return Err(Error::new(CONFLICT, text).with_field("metadata_xml"));
        }
        if fold(&other.name) == fold(&after.name) {
            return Err(Error::new(CONFLICT, "another identity provider has this name").with_field("name"));
        }
        if let Some(domain) = after.settings.domains.iter().find(|domain| other.domains.contains(domain)) {
            return Err(Error::unprocessable("domains", format!("{domain} is served by {:?}", other.name)));
        }
    }
    Ok(())
}

/// Administrators make administrators by hand; a rule that goes on making them is an owner's.
///
/// # Errors
/// 403 naming `roles` if another than an owner or operator lets one more group give the role of an administrator.
pub fn require_owner_for_roles(before: Option<&StoredProvider>, after: &StoredProvider, by_owner: bool) -> Result<()> {
    let first = ProviderSettings::default();
    let before = before.map_or(&first, |before| &before.settings);
    if by_owner || !after.settings.makes_more_administrators(before) {
        return Ok(());
    }
    Err(Error::new(FORBIDDEN, "only an owner can say which groups make administrators").with_field("roles"))
}

/// # Errors
/// 422 naming `domains` if one of them is not verified.
pub fn require_verified(domains: &[String], verified: &[String]) -> Result<()> {
    match domains.iter().find(|domain| !verified.contains(domain)) {
        Some(domain) => {
            Err(Error::unprocessable("domains", format!("{domain} is not a verified domain of this workspace")))
        }
        None => Ok(()),
    }
}

fn blank(given: &Given<'_>) -> StoredProvider {
    StoredProvider {
        id: given.id.clone(),
        entity_id: String::new(),
        name: String::new(),
        metadata: String::new(),
        metadata_url: None,
        fetched_at: None,
        fetch_error: None,
        enabled: true,
        by_owner: false,
        encrypted_assertions: EncryptedAssertions::Optional,
        settings: ProviderSettings::default(),
        tested_at: None,
        tested_by: None,
        version: 0,
        created_at: given.now,
        updated_at: given.now,
    }
}

/// Metadata takes the place of what was there, and of what was said of its address. Who has no name of their own is called by their entity id.
fn take_metadata(after: &mut StoredProvider, metadata: &str, entity_id: &str) {
    if after.name == name_of(&after.entity_id) {
        after.name = name_of(entity_id);
    }
    entity_id.clone_into(&mut after.entity_id);
    metadata.clone_into(&mut after.metadata);
    (after.metadata_url, after.fetched_at, after.fetch_error) = (None, None, None);
}

fn name_of(entity_id: &str) -> String {
    entity_id.chars().take(MAX_NAME).collect()
}

fn is_same_provider(before: &StoredProvider, after: &StoredProvider) -> bool {
    before.entity_id == after.entity_id
        && before.metadata == after.metadata
        && before.metadata_url == after.metadata_url
        && before.encrypted_assertions == after.encrypted_assertions
        && before.settings == after.settings
}

fn gives_no_more(before: &StoredProvider, after: &StoredProvider) -> bool {
    let mut before = before.clone();
    // Whoever must sign in here is nobody else for that.
    before.settings.enforcement = after.settings.enforcement;
    if before.metadata_url.is_some() && before.metadata_url == after.metadata_url {
        // What comes from the same address would have come by itself.
        before.metadata.clone_from(&after.metadata);
    }
    is_same_provider(&before, after) && (before.enabled || !after.enabled)
}

/// Whether a sign-in goes as it did before: a test of it still says something.
fn is_same_sign_in(before: &StoredProvider, after: &StoredProvider) -> bool {
    let signing_in = |provider: &StoredProvider| ProviderSettings {
        domains: Vec::new(),
        enforcement: Enforcement::Optional,
        single_logout: false,
        ..provider.settings.clone()
    };
    before.entity_id == after.entity_id
        && before.metadata == after.metadata
        && before.encrypted_assertions == after.encrypted_assertions
        && signing_in(before) == signing_in(after)
}
