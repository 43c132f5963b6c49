//! What did an identity provider ask? The last requests of each token, for the administrators of its workspace. They wait in
//! memory and are written in batches: no request waits for its own entry, and if the database is slow, the oldest are lost and
//! counted. A process that is killed loses what it had not written.

pub mod http;
pub mod model;
pub mod redact;
mod store;

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use self::model::LoggedRequest;
use crate::app::App;
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::page::{Page, PageRequest};
use crate::error::Result;
use crate::policy::model::MINUTE_MS;
use crate::security::credentials;
use crate::security::credentials::model::CredentialKind;
use crate::transact;

/// How long requests are gathered before they are written.
const GATHER: Duration = Duration::from_millis(500);
/// Requests that wait at the most.
const LONGEST: usize = 10_000;
/// Requests in one transaction.
const BATCH: usize = 100;
/// How long a request is kept: a week.
const KEEP_MS: i64 = 7 * 24 * 60 * MINUTE_MS;
/// Rows that one statement removes.
const TIDY_BATCH: i64 = 1_000;

/// Requests that are not written yet.
#[derive(Default)]
pub struct Recorder {
    state: Mutex<State>,
    came: Notify,
    /// Taken by whoever writes: one at a time, so that the last one at the end waits for the one before.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<LoggedRequest>,
    /// Whose log has grown since it was trimmed.
    grown: HashSet<(WorkspaceId, CredentialId)>,
}

impl Recorder {
    /// Notes a request, to be written soon; says how many older ones had to go for it.
    fn note(&self, request: LoggedRequest) -> u64 {
        let mut state = self.state();
        let mut lost = 0;
        while state.waiting.len() >= LONGEST {
            state.waiting.pop_front();
            lost += 1;
        }
        state.waiting.push_back(request);
        drop(state);
        self.came.notify_one();
        lost
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes a request, unless the log is switched off.
pub fn note(app: &App, request: LoggedRequest) {
    if app.config.scim.logged_requests > 0 {
        app.metrics.scim_requests_lost(app.scim_requests.note(request));
    }
}

/// Writes requests as they come, until the task is aborted. What is being written then is written to its end.
pub async fn write_for_ever(app: Arc<App>) {
    loop {
        app.scim_requests.came.notified().await;
        tokio::time::sleep(GATHER).await;
        let app = app.clone();
        drop(tokio::spawn(async move { flush(&app).await }).await);
    }
}

/// Writes what waits. What can't be written is given up, and counted.
pub async fn flush(app: &App) {
    let _turn = app.scim_requests.turn.lock().await;
    let waiting: Vec<LoggedRequest> = app.scim_requests.state().waiting.drain(..).collect();
    for batch in waiting.chunks(BATCH) {
        let written: Result<()> = async {
            transact!(app.db, |tx| {
                for request in batch {
                    store::insert(tx, request).await?;
                }
                Ok(())
            })
        }
        .await;
        if let Err(error) = written {
            tracing::warn!(error = error.log(), requests = batch.len(), "could not log what was asked over SCIM");
            app.metrics.scim_requests_lost(u64::try_from(batch.len()).unwrap_or_default());
        }
    }
    let grown = waiting.into_iter().map(|request| (request.workspace, request.credential));
    app.scim_requests.state().grown.extend(grown);
}

/// A page of what was asked with one token, or by one client, newest first.
///
/// # Errors
/// 404 if there is no such token or client in the workspace.
pub async fn list(
    app: &App,
    workspace: &WorkspaceId,
    kind: CredentialKind,
    id: &CredentialId,
    page: &PageRequest,
) -> Result<Page<LoggedRequest>> {
    credentials::load(app, workspace, kind, id).await?;
    let (at, last) = page.after.clone().unwrap_or((i64::MAX, String::new()));
    let mut read = app.db.read().await?;
    let rows = store::list(&mut read, workspace, id, at, &last, page.limit + 1).await?;
    Ok(page.page(rows, |request| (request.at, request.id.clone())))
}

/// The newest requests of a workspace, whichever token they came with.
pub async fn list_newest(app: &App, workspace: &WorkspaceId, limit: i64) -> Result<Vec<LoggedRequest>> {
    store::list_newest(&mut app.db.read().await?, workspace, limit).await
}

/// Removes what is older than a week, and of each token what is more than the setting `scim.logged_requests`.
pub async fn tidy(app: &App) -> Result<u64> {
    let before = app.clock.now() - KEEP_MS;
    let mut removed = 0;
    loop {
        let batch = transact!(app.db, |tx| { store::tidy(tx, before, TIDY_BATCH).await })?;
        removed += batch;
        if batch == 0 {
            break;
        }
    }
    let grown = std::mem::take(&mut app.scim_requests.state().grown);
    let keep = i64::from(app.config.scim.logged_requests);
    for (workspace, credential) in grown {
        removed += transact!(app.db, |tx| { store::trim(tx, &workspace, &credential, keep).await })?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: i64) -> LoggedRequest {
        LoggedRequest {
            id: number.to_string(),
            workspace: WorkspaceId::from_text("w"),
            credential: CredentialId::from_text("c"),
            at: number,
            method: "GET".into(),
            path: "/Users".into(),
            status: 200,
            scim_type: None,
            detail: None,
            duration_ms: 1,
            request_id: String::new(),
            ip: String::new(),
            user_agent: String::new(),
        }
    }

    #[test]
    fn a_full_queue_drops_the_oldest() {
        let recorder = Recorder::default();
        let most = i64::try_from(LONGEST).expect("a small number");
        for number in 0..most {
            assert_eq!(recorder.note(request(number)), 0);
        }
        assert_eq!(recorder.note(request(most)), 1);
        let state = recorder.state();
        assert_eq!((state.waiting.len(), state.waiting[0].at), (LONGEST, 1));
    }
}
