//! Randomness, injected. Secrets come from the operating system; tests seed their own.

use std::sync::Mutex;

use sha2::{Digest, Sha256};

/// A source of random bytes.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// 32 random bytes.
pub fn bytes32(random: &dyn Random) -> [u8; 32] {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    bytes
}

/// The operating system's generator.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("an operating system without randomness can't run this program");
    }
}

/// A reproducible generator for tests: SHA-256 over a counter. Never for secrets.
pub struct SeededRandom {
    state: Mutex<(u64, u64)>,
}

impl SeededRandom {
    pub fn from_seed(seed: u64) -> Self {
        Self { state: Mutex::new((seed, 0)) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().expect("no holder of this lock can panic");
        for chunk in bytes.chunks_mut(32) {
            state.1 += 1;
            let block =
                Sha256::new().chain_update(state.0.to_be_bytes()).chain_update(state.1.to_be_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
