//! Where XML is looked at: a bounded number of blocking threads, unwinds caught. A flood of responses waits here, not on the
//! threads that answer checks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::assertion::{Expected, Identity};
use super::judge::{Trust, judge};
use super::refusal::Refusal;
use crate::error::{BUSY, Error, Result};

/// Responses verified at once.
const THREADS: usize = 2;
/// How long a response may wait for a thread.
const QUEUE: Duration = Duration::from_secs(5);

/// The pool.
pub struct Verifiers {
    threads: Arc<Semaphore>,
}

impl Default for Verifiers {
    fn default() -> Self {
        Self { threads: Arc::new(Semaphore::new(THREADS)) }
    }
}

impl Verifiers {
    /// Takes a response through gate, decryption, signature and checks: an identity, or the refusal.
    ///
    /// # Errors
    /// 503 `busy` if no thread is free in time.
    pub async fn verify(&self, xml: Vec<u8>, trust: Trust, expected: Expected) -> Result<Result<Identity, Refusal>> {
        let busy = || {
            Error::new(BUSY, "too many people are signing in right now; try again in a moment")
                .with_retry_after(Duration::from_secs(2))
        };
        let permit = tokio::time::timeout(QUEUE, self.threads.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        let work = tokio::task::spawn_blocking(move || {
            let verdict = judge(&xml, &trust, &expected);
            drop(permit);
            verdict
        });
        // A panic in a library below is a refusal, and worth a look.
        Ok(work.await.unwrap_or_else(|panic| {
            tracing::error!(%panic, "verifying a SAML response panicked");
            Err(Refusal::new("signature.panic", "the response could not be verified"))
        }))
    }
}
