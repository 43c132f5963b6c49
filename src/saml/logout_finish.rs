//! The identity provider's answer to a log-out that this browser began (Profiles §4.4.3.4). Nothing depends on it but what the
//! person is told: the session ended before.

use std::sync::Arc;

use super::configure::parse;
use super::logout_check::{self, Outcome};
use super::logout_message;
use super::logout_receive::{expected, verified, workspace};
use super::logout_received::Received;
use super::logout_store::{self, LogoutFlow};
use super::refusal::Refusal;
use super::{provider_store, refused_logout};
use crate::actor::Origin;
use crate::app::App;
use crate::base::secret::{SecretKind, recognise};
use crate::error::{Error, FORBIDDEN, Result};
use crate::transact;
use crate::workspaces::model::Workspace;

/// What the person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The provider says that they are signed out there, too.
    Confirmed,
    /// It says that it is not sure.
    NotConfirmed,
    /// What it said was not accepted; the reason is in the audit log.
    Refused,
}

/// Ends a log-out with what the browser brought from the identity provider. `browser` is the secret of the cookie.
///
/// # Errors
/// 404 if the workspace is not there; 403 if this browser began no log-out that is still open.
pub async fn finish(app: &App, slug: &str, browser: &str, received: Received, origin: &Origin) -> Result<Finished> {
    let workspace = workspace(app, slug).await?;
    let closed = || Error::new(FORBIDDEN, "no log-out of this browser is open: it ended, or ran out");
    let hash = recognise(SecretKind::SamlFlow, browser).ok_or_else(closed)?;
    let now = app.clock.now();
    let flow = logout_store::find_flow(&mut app.db.read().await?, &workspace.id, &hash, now).await?;
    let flow = flow.ok_or_else(closed)?;
    let outcome = outcome(app, &workspace, &flow, received).await?;
    // Whatever it says, it ends the log-out: of each there is one answer, and one entry in the log at the most.
    if transact!(app.db, |tx| { logout_store::use_flow(tx, &flow, now).await })? == 0 {
        return Err(closed());
    }
    match outcome {
        Ok(Outcome::Confirmed) => Ok(Finished::Confirmed),
        Ok(Outcome::NotConfirmed) => Ok(Finished::NotConfirmed),
        Err(refusal) => {
            refused_logout::record(app, &workspace, &flow.provider, &refusal, origin).await?;
            Ok(Finished::Refused)
        }
    }
}

async fn outcome(
    app: &App,
    workspace: &Workspace,
    flow: &LogoutFlow,
    received: Received,
) -> Result<Result<Outcome, Refusal>> {
    let mut read = app.db.read().await?;
    let stored = provider_store::find_by_entity_id(&mut read, &workspace.id, &flow.provider).await?;
    drop(read);
    let Some(provider) = stored.and_then(|stored| parse(app, &stored.metadata).ok()) else {
        return Ok(Err(Refusal::new("logout.provider-changed", "the identity provider was changed meanwhile")));
    };
    let root = match verified(app, &Arc::new(received), &provider).await? {
        Ok(root) => root,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let expected = expected(app, &workspace.slug, &provider);
    let judged = logout_message::response(&root)
        .and_then(|response| logout_check::response(&response, &flow.request_id, &expected));
    Ok(judged)
}
