//! Pure: a part of the sessions in memory: entries in a row, and an index of them by token. About 100 bytes a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hashbrown::HashTable;

use super::model::Facts;
use super::principal::{Compact, Person, Principal};
use crate::base::clock::UnixMillis;
use crate::base::secret::SecretHash;
use crate::policy::model::Method;

/// The first half of a token's SHA-256: 128 bits, which nobody finds a second token for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u64; 2]);

impl Key {
    pub fn of(hash: &SecretHash) -> Self {
        let half = |from: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash[from..from + 8]);
            u64::from_le_bytes(bytes)
        };
        Self([half(0), half(8)])
    }

    /// Which of `count` shards it is in.
    pub fn shard(self, count: usize) -> usize {
        usize::try_from(self.0[1]).unwrap_or_default() % count
    }
}

/// A session in memory.
#[derive(Debug)]
pub struct Entry {
    pub key: Key,
    pub session: Compact,
    pub person: Arc<Person>,
    pub workspace_epoch: i64,
    pub expires_at: UnixMillis,
    pub last_seen_at: AtomicI64,
    pub signed_in_at: UnixMillis,
    /// Head of the snapshot that it was read from.
    pub loaded_seq: i64,
    pub method: Method,
}

impl Entry {
    pub fn of(key: Key, session: Compact, person: Arc<Person>, facts: &Facts, head: i64) -> Self {
        Self {
            key,
            session,
            person,
            workspace_epoch: facts.session.workspace_epoch,
            expires_at: facts.session.expires_at(&facts.policy),
            last_seen_at: AtomicI64::new(facts.session.last_seen_at),
            signed_in_at: facts.session.signed_in_at,
            loaded_seq: head,
            method: facts.session.method,
        }
    }

    pub fn principal(&self, idle_ms: i64) -> Principal {
        Principal {
            person: self.person.clone(),
            session: self.session,
            method: self.method,
            signed_in_at: self.signed_in_at,
            last_seen_at: self.last_seen_at.load(Ordering::Relaxed),
            expires_at: self.expires_at,
            idle_ms,
            loaded_seq: self.loaded_seq,
        }
    }

    /// Notes a use; `false` if another check was faster.
    pub fn touch(&self, before: UnixMillis, now: UnixMillis) -> bool {
        self.last_seen_at.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Entries and their index.
#[derive(Debug, Default)]
pub struct Shard {
    index: HashTable<u32>,
    entries: Vec<Entry>,
    /// The next to go when there is no room.
    hand: usize,
}

impl Shard {
    pub fn find(&self, key: Key) -> Option<&Entry> {
        let place = self.index.find(key.0[0], |place| self.entries[*place as usize].key == key)?;
        self.entries.get(*place as usize)
    }

    /// Puts an entry in, instead of one with the same key, or of an old one if there are `capacity`.
    pub fn insert(&mut self, entry: Entry, capacity: usize) {
        if let Some(place) = self.place(entry.key) {
            // The later of two uses counts.
            let seen = self.entries[place].last_seen_at.load(Ordering::Relaxed);
            entry.last_seen_at.fetch_max(seen, Ordering::Relaxed);
            self.entries[place] = entry;
            return;
        }
        if self.entries.len() >= capacity.min(u32::MAX as usize) {
            self.hand = (self.hand + 1) % self.entries.len();
            let oldest = self.entries[self.hand].key;
            self.remove(oldest);
        }
        if self.entries.len() == self.entries.capacity() {
            // A quarter more, not twice as much: memory that lies idle is paid for by every session.
            self.entries.reserve_exact((self.entries.len() / 4).max(16));
        }
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let hash = entry.key.0[0];
        self.entries.push(entry);
        let entries = &self.entries;
        self.index.insert_unique(hash, place, |place| entries[*place as usize].key.0[0]);
    }

    pub fn remove(&mut self, key: Key) {
        let entries = &self.entries;
        let Ok(found) = self.index.find_entry(key.0[0], |place| entries[*place as usize].key == key) else { return };
        let (place, _) = found.remove();
        self.entries.swap_remove(place as usize);
        // The last one has moved into its place.
        if let Some(moved) = self.entries.get(place as usize) {
            let (hash, last) = (moved.key.0[0], u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
            if let Some(index) = self.index.find_mut(hash, |place| *place == last) {
                *index = place;
            }
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn place(&self, key: Key) -> Option<usize> {
        self.index.find(key.0[0], |place| self.entries[*place as usize].key == key).map(|place| *place as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sessions::cache::tests::{facts, principal_of};

    fn key(number: u64) -> Key {
        Key([number.wrapping_mul(0x9E37_79B9_7F4A_7C15), number])
    }

    fn entry(number: u64) -> Entry {
        let facts = facts(number);
        let principal = principal_of(&facts);
        Entry::of(key(number), principal.session, Arc::clone(&principal.person), &facts, 1)
    }

    #[test]
    fn what_went_in_is_found_until_it_is_taken_out() {
        let mut shard = Shard::default();
        for number in 0..1_000 {
            shard.insert(entry(number), 10_000);
        }
        for number in (0..1_000).step_by(3) {
            shard.remove(key(number));
            shard.remove(key(number));
        }
        for number in 0..1_000 {
            let found = shard.find(key(number)).map(|entry| entry.session);
            assert_eq!(found, (number % 3 != 0).then(|| entry(number).session), "{number}");
        }
        assert_eq!(shard.len(), 666);
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let mut shard = Shard::default();
        for number in 0..500 {
            shard.insert(entry(number), 100);
            shard.insert(entry(number), 100);
            assert!(shard.len() <= 100 && shard.find(key(number)).is_some(), "{number}");
        }
        let kept = (0..500).filter(|number| shard.find(key(*number)).is_some()).count();
        assert_eq!((kept, shard.len()), (100, 100));
    }
}
