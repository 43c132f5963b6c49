//! When sessions were last used: noted in memory by checks, written in batches. It can't revive anything: a row that has
//! ended, or whose stamps don't hold any more, is left alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::model::Use;
use super::store;
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::base::ids::SessionId;
use crate::{mutant, transact};

/// How long uses are gathered before they are written.
const GATHER: Duration = Duration::from_millis(250);
/// Uses in one transaction.
const BATCH: usize = 200;
/// Uses that wait at the most; more are forgotten, and noted a minute later.
const LONGEST: usize = 200_000;

/// Uses that are not written yet.
#[derive(Default)]
pub struct Uses {
    waiting: Mutex<HashMap<SessionId, Use>>,
    came: Notify,
}

impl Uses {
    /// Notes a use, to be written soon.
    pub fn note(&self, used: Use) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < LONGEST {
            waiting.insert(used.session.clone(), used);
        }
        drop(waiting);
        self.came.notify_one();
    }

    /// The use that waits to be written, if there is one.
    pub fn waiting(&self, session: &SessionId) -> Option<UnixMillis> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.get(session).map(|used| used.at)
    }

    fn take(&self) -> Vec<Use> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.drain().map(|(_, used)| used).collect()
    }
}

/// Writes uses as they come, until the task is aborted.
pub async fn note_for_ever(app: Arc<App>) {
    loop {
        app.uses.came.notified().await;
        tokio::time::sleep(GATHER).await;
        note(&app).await;
    }
}

/// Writes what waits. What can't be written is given up: it is noted again within a minute of use.
pub async fn note(app: &App) {
    let mut uses = app.uses.take();
    mutant::pause("before-noting").await;
    // Always in the same order: two replicas that note the same sessions don't wait for each other in a circle.
    uses.sort_unstable_by(|left, right| left.session.cmp(&right.session));
    for batch in uses.chunks(BATCH) {
        let noted = async {
            transact!(app.db, |tx| {
                for used in batch {
                    let address = used.address.map(|address| address.to_string()).unwrap_or_default();
                    store::touch(tx, used, &address).await?;
                }
                Ok(())
            })
        };
        let noted: crate::error::Result<()> = noted.await;
        if let Err(error) = noted {
            tracing::warn!(error = error.log(), uses = batch.len(), "could not note that sessions were used");
        }
    }
}
