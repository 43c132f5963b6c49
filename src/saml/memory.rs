//! What was made of octets that come again with every sign-in: the certificates of identity providers. It follows from the
//! octets alone, so that it can't be out of date; taking a certificate apart costs as much as a verification with its key.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Octets remembered at the most, the latest.
const REMEMBERED: usize = 256;
/// Longer ones are not remembered: 8 KiB, four times a usual certificate.
const LONGEST: usize = 8 * 1024;

/// Octets, and what was made of them.
pub struct Memory<T>(Mutex<VecDeque<(Vec<u8>, T)>>);

impl<T: Clone> Memory<T> {
    pub const fn empty() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// What `make` makes of `octets`, made only once while they are remembered.
    pub fn of(&self, octets: &[u8], make: impl FnOnce(&[u8]) -> T) -> T {
        let found = self.lock().iter().find(|(known, _)| known == octets).map(|(_, made)| made.clone());
        if let Some(made) = found {
            return made;
        }
        let made = make(octets);
        if octets.len() <= LONGEST {
            let mut known = self.lock();
            // Another thread may have made the same meanwhile.
            if known.iter().any(|(known, _)| known == octets) {
                return made;
            }
            if known.len() >= REMEMBERED {
                known.pop_front();
            }
            known.push_back((octets.to_vec(), made.clone()));
        }
        made
    }

    /// No holder leaves it half changed.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Vec<u8>, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_makes_once_and_forgets_the_oldest() {
        let memory = Memory::empty();
        let mut made = 0;
        let mut ask = |number: usize| {
            memory.of(&number.to_be_bytes(), |octets| {
                made += 1;
                octets.to_vec()
            })
        };
        for number in 0..REMEMBERED {
            assert_eq!(ask(number), number.to_be_bytes());
            assert_eq!(ask(number), number.to_be_bytes());
        }
        ask(REMEMBERED);
        ask(1);
        ask(0);
        assert_eq!(made, REMEMBERED + 2);
    }

    #[test]
    fn what_two_made_at_once_is_kept_once() {
        let memory = Memory::empty();
        // The other one is done while the first still makes it.
        memory.of(&[7], |octets| memory.of(octets, <[u8]>::to_vec));
        assert_eq!(memory.lock().len(), 1);
    }

    #[test]
    fn long_octets_are_not_kept() {
        let memory = Memory::empty();
        let mut made = 0;
        for _ in 0..2 {
            memory.of(&[7; LONGEST + 1], |_| made += 1);
        }
        assert_eq!((made, memory.lock().len()), (2, 0));
    }
}
