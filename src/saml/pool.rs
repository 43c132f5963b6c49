//! Where XML is looked at: a bounded number of blocking threads, unwinds caught. A flood of responses waits here, not on the
//! threads that answer checks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::assertion::Expected;
use super::judge::{Examined, Trust, examine};
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
        Self::with_threads(THREADS)
    }
}

impl Verifiers {
    /// A pool that looks at so many messages at once.
    pub fn with_threads(threads: usize) -> Self {
        Self { threads: Arc::new(Semaphore::new(threads)) }
    }

    /// Takes a response through gate, decryption, signature and checks: an identity, or the refusal, and what led to it.
    ///
    /// # Errors
    /// 503 `busy` if no thread is free in time.
    pub async fn examine(&self, xml: Vec<u8>, trust: Trust, expected: Expected) -> Result<Examined> {
        let examined = self.run(move || Ok(examine(&xml, &trust, &expected))).await?;
        Ok(examined.unwrap_or_else(Examined::refused))
    }

    /// Looks at a message of somebody else: an answer, or the refusal.
    ///
    /// # Errors
    /// 503 `busy` if no thread is free in time.
    pub async fn run<T: Send + 'static>(
        &self,
        look: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Result<T, Refusal>> {
        // A panic in a library below is a refusal, and worth a look.
        let panicked = || Err(Refusal::new("signature.panic", "the message could not be verified"));
        Ok(self.read(look).await?.unwrap_or_else(panicked))
    }

    /// Does what reads XML here; `None` if it panicked.
    ///
    /// # Errors
    /// 503 `busy` if no thread is free in time.
    pub async fn read<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<Option<T>> {
        let busy = || {
            Error::new(BUSY, "too many people are signing in right now; try again in a moment")
                .with_retry_after(Duration::from_secs(2))
        };
        let permit = tokio::time::timeout(QUEUE, self.threads.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        match work.await {
            Ok(done) => Ok(Some(done)),
            Err(panic) => {
                tracing::error!(%panic, "reading SAML panicked");
                Ok(None)
            }
        }
    }
}
