//! Pure: the ways to sign in that identity providers leave open, as words by which statements find out who has one.

use serde_json::Value;

/// Ways to sign in, beside a password that is admitted. An owner signs in only by a provider that an owner stands behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    words: Vec<String>,
}

impl Ways {
    /// Whoever is known by this provider may come by it.
    pub fn add_provider(&mut self, entity_id: &str, for_owners: bool) {
        self.add("linked", entity_id, for_owners);
    }

    /// Whoever has an address of this verified domain may come, and is known then.
    pub fn add_domain(&mut self, domain: &str, for_owners: bool) {
        self.add("domain", domain, for_owners);
    }

    /// Whoever has an address of this verified domain may not come with a password, unless they are an owner.
    pub fn refuse_passwords(&mut self, domain: &str) {
        self.words.push(format!("no-password {domain}"));
    }

    /// Nobody is known by this provider any more.
    pub fn forget_provider(&mut self, entity_id: &str) {
        let (linked, owners) = (format!("linked {entity_id}"), format!("owner-linked {entity_id}"));
        self.words.retain(|word| *word != linked && *word != owners);
    }

    fn add(&mut self, way: &str, of: &str, for_owners: bool) {
        self.words.push(format!("{way} {of}"));
        if for_owners {
            self.words.push(format!("owner-{way} {of}"));
        }
    }

    /// The words as a JSON array.
    pub fn to_json(&self) -> String {
        Value::from(self.words.clone()).to_string()
    }
}
