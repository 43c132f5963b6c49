//! What the commands that change a provider say of it beside its state: whom it replaces, which certificates come and go and, of
//! an import, that nobody can sign in by it yet.

use serde_json::{Value, json};

use super::Console;
use crate::base::clock::UnixMillis;
use crate::error::Result;
use crate::saml::certificate::beginning;
use crate::saml::identity_provider::{IdentityProvider, parse_metadata};
use crate::saml::metadata_change::compare;
use crate::saml::provider::{StoredProvider, begins_to_vouch};
use crate::saml::refusal::quoted;
use crate::workspaces;
use crate::workspaces::model::Workspace;

/// What a change makes of a provider's metadata.
#[derive(Default)]
pub struct Told {
    /// The entity id that another one takes the place of, and that one.
    replaced: Option<(String, String)>,
    /// Certificates, SHA-256 in hexadecimal.
    added: Vec<String>,
    removed: Vec<String>,
}

impl Told {
    pub fn of(before: Option<&StoredProvider>, after: &StoredProvider) -> Self {
        let other = before.filter(|before| before.entity_id != after.entity_id);
        let replaced = other.map(|before| (before.entity_id.clone(), after.entity_id.clone()));
        let is_same = before.is_some_and(|before| before.metadata == after.metadata);
        let Some(new) = read(after).filter(|_| !is_same) else { return Self { replaced, ..Self::default() } };
        let change = compare(before.and_then(read).as_ref(), &new);
        Self { replaced, added: change.added, removed: change.removed }
    }

    /// Adds what programs read.
    pub fn add_to(&self, json: &mut Value) {
        json["replaced_entity_id"] = json!(self.replaced.as_ref().map(|(old, _)| old));
        json["certificates_added"] = json!(self.added);
        json["certificates_removed"] = json!(self.removed);
    }

    /// Which entity id takes the place of which, with a space before it; empty if it stays. `how`: `is replaced`, or as it fits.
    pub fn replacement(&self, how: &str) -> String {
        let Some((old, new)) = &self.replaced else { return String::new() };
        format!(" {} {how} by {}.", quoted(old), quoted(new))
    }

    /// Which certificates come and go, with a space before it; empty if they stay.
    pub fn certificates(&self) -> String {
        let listed = |prints: &[String]| prints.iter().map(|print| beginning(print)).collect::<Vec<_>>().join(", ");
        match (self.added.is_empty(), self.removed.is_empty()) {
            (true, true) => String::new(),
            (false, true) => format!(" Certificates that come: {}.", listed(&self.added)),
            (true, false) => format!(" Certificates that go: {}.", listed(&self.removed)),
            (false, false) => {
                format!(" Certificates that come: {}; that go: {}.", listed(&self.added), listed(&self.removed))
            }
        }
    }
}

/// Whether metadata is still valid is another question: what is in force has its certificates all the same.
fn read(provider: &StoredProvider) -> Option<IdentityProvider> {
    parse_metadata(&provider.metadata, UnixMillis::MIN).ok()
}

/// A line that says that nobody can sign in by this provider yet, for want of a verified domain; else empty. Whom it knows by its
/// identifiers needs none: it is said of a provider that knows nobody.
pub async fn nobody_yet(
    console: &Console,
    workspace: &Workspace,
    before: Option<&StoredProvider>,
    after: &StoredProvider,
) -> Result<String> {
    if !begins_to_vouch(before, after) || !workspaces::verified_domains(&console.app, &workspace.id).await?.is_empty() {
        return Ok(String::new());
    }
    let slug = &workspace.slug;
    Ok(format!("\nNo domain is verified yet, so nobody can sign in by it: curfew domain add --workspace {slug} DOMAIN"))
}
