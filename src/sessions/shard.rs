//! Pure: a part of the sessions in memory: entries in a row, and an index of them by token. About 90 bytes a session.

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
    stamp: Stamp,
    pub expires_at: UnixMillis,
    pub last_seen_at: AtomicI64,
    pub signed_in_at: UnixMillis,
    /// Head of the snapshot that it was read from.
    pub loaded_seq: i64,
}

/// The workspace's epoch and the way of signing in, in one number.
#[derive(Clone, Copy, Debug)]
struct Stamp(i64);

const METHODS: [Method; 3] = [Method::Password, Method::Saml, Method::Setup];

impl Stamp {
    fn of(epoch: i64, method: Method) -> Self {
        Self(
            epoch * 4
                + METHODS.iter().zip(0..).find_map(|(one, number)| (*one == method).then_some(number)).unwrap_or(0),
        )
    }
}

impl Entry {
    pub fn of(key: Key, session: Compact, person: Arc<Person>, facts: &Facts, head: i64) -> Self {
        Self {
            key,
            session,
            person,
            stamp: Stamp::of(facts.session.workspace_epoch, facts.session.method),
            expires_at: facts.session.expires_at(&facts.policy),
            last_seen_at: AtomicI64::new(facts.session.last_seen_at),
            signed_in_at: facts.session.signed_in_at,
            loaded_seq: head,
        }
    }

    pub fn workspace_epoch(&self) -> i64 {
        self.stamp.0 >> 2
    }

    pub fn method(&self) -> Method {
        METHODS[usize::try_from(self.stamp.0 & 3).unwrap_or_default().min(METHODS.len() - 1)]
    }

    pub fn principal(&self, idle_ms: i64) -> Principal {
        Principal {
            person: self.person.clone(),
            session: self.session,
            method: self.method(),
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
    entries: Entries,
    /// The next to go when there is no room.
    hand: u32,
}

/// A row of entries in blocks. One piece of memory would be copied as it grows, and leave holes; and what it has in reserve is
/// paid for by every session.
#[derive(Debug, Default)]
struct Entries {
    blocks: Vec<Vec<Entry>>,
}

impl Entries {
    const BLOCK: usize = 512;

    fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * Self::BLOCK + last.len())
    }

    fn at(&self, place: u32) -> &Entry {
        let place = place as usize;
        &self.blocks[place / Self::BLOCK][place % Self::BLOCK]
    }

    fn push(&mut self, entry: Entry) {
        if self.blocks.last().is_none_or(|last| last.len() == Self::BLOCK) {
            self.blocks.push(Vec::with_capacity(Self::BLOCK));
        }
        if let Some(last) = self.blocks.last_mut() {
            last.push(entry);
        }
    }

    fn set(&mut self, place: u32, entry: Entry) {
        let place = place as usize;
        self.blocks[place / Self::BLOCK][place % Self::BLOCK] = entry;
    }

    /// Takes one out, and puts the last into its place: gives the key of the one that moved.
    fn swap_remove(&mut self, place: u32) -> Option<Key> {
        let last = self.blocks.last_mut()?.pop()?;
        if self.blocks.last().is_some_and(Vec::is_empty) {
            self.blocks.pop();
        }
        let moved = ((place as usize) < self.len()).then_some(last.key)?;
        self.set(place, last);
        Some(moved)
    }
}

impl Shard {
    pub fn find(&self, key: Key) -> Option<&Entry> {
        self.place(key).map(|place| self.entries.at(place))
    }

    /// Puts an entry in, instead of one with the same key, or of an old one if there are `capacity`.
    pub fn insert(&mut self, entry: Entry, capacity: usize) {
        if let Some(place) = self.place(entry.key) {
            // The later of two uses counts.
            let seen = self.entries.at(place).last_seen_at.load(Ordering::Relaxed);
            entry.last_seen_at.fetch_max(seen, Ordering::Relaxed);
            self.entries.set(place, entry);
            return;
        }
        if self.entries.len() >= capacity.min(u32::MAX as usize) {
            self.hand = (self.hand + 1) % u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            let oldest = self.entries.at(self.hand).key;
            self.remove(oldest);
        }
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let hash = entry.key.0[0];
        self.entries.push(entry);
        let entries = &self.entries;
        self.index.insert_unique(hash, place, |place| entries.at(*place).key.0[0]);
    }

    pub fn remove(&mut self, key: Key) {
        let entries = &self.entries;
        let Ok(found) = self.index.find_entry(key.0[0], |place| entries.at(*place).key == key) else { return };
        let (place, _) = found.remove();
        if let Some(moved) = self.entries.swap_remove(place) {
            let last = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            if let Some(index) = self.index.find_mut(moved.0[0], |place| *place == last) {
                *index = place;
            }
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn place(&self, key: Key) -> Option<u32> {
        self.index.find(key.0[0], |place| self.entries.at(*place).key == key).copied()
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
