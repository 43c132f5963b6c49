//! Pure: the hash chain. hash = SHA-256(hash of the entry before ‖ canonical text); 32 zero bytes stand before the first.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// What stands before the first entry.
pub const START: Hash = [0; 32];

/// The hash of an entry.
pub fn link(before: &Hash, text: &str) -> Hash {
    Sha256::new().chain_update(before).chain_update(text.as_bytes()).finalize().into()
}

/// An entry as it was found in the database.
pub struct Found {
    pub sequence: i64,
    pub at: i64,
    pub action: String,
    pub actor_id: String,
    pub target_id: String,
    pub text: String,
    pub hash: Hash,
}

/// Walks a chain entry by entry and remembers the first that is not what it must be.
pub struct Walk {
    expected: i64,
    hash: Hash,
}

/// The first entry that fails, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub sequence: i64,
    pub why: &'static str,
}

impl Default for Walk {
    fn default() -> Self {
        Self { expected: 1, hash: START }
    }
}

impl Walk {
    /// Judges the next entry.
    ///
    /// # Errors
    /// The sequence number at which the chain breaks.
    pub fn step(&mut self, found: &Found) -> Result<(), Broken> {
        let broken = |why| Err(Broken { sequence: self.expected, why });
        if found.sequence != self.expected {
            return broken("this entry is missing");
        }
        if link(&self.hash, &found.text) != found.hash {
            return broken("its text does not match its hash");
        }
        if !columns_agree(found) {
            return broken("a column to filter by differs from its text");
        }
        self.hash = found.hash;
        self.expected += 1;
        Ok(())
    }

    /// Compares the end with the head that is kept beside the chain.
    ///
    /// # Errors
    /// The first entry that is missing at the end.
    pub fn finish(self, head_sequence: i64, head_hash: &Hash) -> Result<i64, Broken> {
        let last = self.expected - 1;
        if last != head_sequence || self.hash != *head_hash {
            return Err(Broken {
                sequence: last.min(head_sequence) + 1,
                why: "the chain does not end where its head says",
            });
        }
        Ok(last)
    }
}

fn columns_agree(found: &Found) -> bool {
    let Ok(entry) = serde_json::from_str::<serde_json::Value>(&found.text) else { return false };
    entry["sequence"] == found.sequence
        && entry["at"] == crate::base::clock::rfc3339(found.at)
        && entry["action"] == found.action
        && entry["actor"]["id"] == found.actor_id
        && entry["target"]["id"] == found.target_id
}
