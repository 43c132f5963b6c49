//! After the commit: who knows of a change. Until everybody does, nobody may be told that it happened.

use super::follow;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{Error, Result};
use crate::feed::{self, Event, replicas, witness};
use crate::{mutant, transact};

/// Applies a committed change here, and waits for every other replica.
///
/// # Errors
/// As `acknowledge`.
pub async fn settle(app: &App, event: &Event) -> Result<replicas::Applied> {
    settled(app, event, Some(event)).await
}

async fn settled(app: &App, event: &Event, hint: Option<&Event>) -> Result<replicas::Applied> {
    if mutant::on("ack-before-commit") {
        return Ok(replicas::Applied::default());
    }
    if follow::apply(app, std::slice::from_ref(event)) == follow::Applying::Gap {
        // Others' changes come first; if they can't be read now, this process is waited for like any other.
        let caught_up = follow::catch_up(app, event.sequence).await;
        if let Err(error) = caught_up {
            tracing::warn!(error = error.log(), "could not catch up with the database");
        }
    }
    // Both before anybody is told.
    let ((), applied) =
        tokio::join!(witness::note(&app.db, event.sequence), replicas::barrier(app, event.sequence, hint));
    applied
}

/// How a revocation that was written goes on: who knows of it by now.
///
/// # Errors
/// 404 if the workspace has no change of this number, or had it a week ago; as `acknowledge`.
pub async fn progress(app: &App, workspace: &WorkspaceId, sequence: i64) -> Result<replicas::Applied> {
    let found = feed::store::find(&mut app.db.read().await?, workspace, sequence).await?;
    let event = found.ok_or_else(|| Error::not_found("revocation"))?;
    // It was told to everybody when it happened.
    settled(app, &event, None).await
}

/// Waits until every replica knows everything that is committed at this moment: for an answer that says that something is
/// so which an earlier request, perhaps without an answer, made so.
///
/// # Errors
/// As `acknowledge`.
pub async fn settle_all(app: &App) -> Result<replicas::Applied> {
    let head = transact!(app.db, |tx| { feed::replica_store::sure_head(tx).await })?;
    let caught_up = follow::catch_up(app, head).await;
    if let Err(error) = caught_up {
        tracing::debug!(error = error.log(), "could not catch up with the database");
    }
    replicas::barrier(app, head, None).await
}
