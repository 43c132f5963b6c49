//! Receipts in a form that can be proved to people who weren't there: signed, by the replica that did it.
//!
//! A revocation that has happened is never turned into an error by a signature that hasn't: then there is none, and the log
//! says why.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::model::{Receipt, Tenant};
use super::revoke;
use crate::app::App;
use crate::audit::chain::Found;
use crate::base::ids::WorkspaceId;
use crate::error::{BUSY, Error, Result};
use crate::feed::replicas::Applied;
use crate::feed::{Event, EventScope};
use crate::signing::receipt::{Claims, Deed, Statement, TYPE};
use crate::signing::sign as sign_claims;

/// How long a receipt waits for a key to be written, which happens every few hours.
const PATIENCE: Duration = Duration::from_secs(1);

/// Signs the receipt of a revocation that every replica knows of.
pub async fn sign(app: &App, event: &Event, slug: Option<&str>, receipt: &Receipt) -> Option<String> {
    let session = (event.scope == EventScope::Session).then_some(event.target.as_deref()).flatten();
    let deed = Deed {
        workspace: event.workspace.as_str(),
        workspace_slug: slug,
        user: event.user.as_deref(),
        session,
        statement: &statement(receipt),
        replicas: &receipt.replicas,
        duration_ms: Some(receipt.duration_ms),
    };
    signed(app, &deed).await
}

/// Signs again, from its JSON form, the receipt of a revocation of everybody's sessions.
pub async fn sign_kept(
    app: &App,
    workspace: &WorkspaceId,
    slug: &str,
    receipt: &Value,
    replicas: &Applied,
) -> Option<String> {
    let statement: Statement = match serde_json::from_value(receipt.clone()) {
        Ok(statement) => statement,
        Err(error) => {
            tracing::warn!(%error, "a receipt that was kept can't be read, so it isn't signed");
            return None;
        }
    };
    let deed = Deed {
        workspace: workspace.as_str(),
        workspace_slug: Some(slug),
        user: None,
        session: None,
        statement: &statement,
        replicas,
        duration_ms: None,
    };
    signed(app, &deed).await
}

/// Signs again, from the audit log, the receipt of a revocation of everybody's sessions. `None` for one of more than a week
/// ago: nobody remembers its barrier.
pub async fn sign_logged(app: &App, workspace: &Tenant, found: &Found) -> Option<String> {
    let receipt = logged(found)?;
    let sequence = receipt["sequence"].as_i64()?;
    let replicas = revoke::progress(app, &workspace.id, sequence).await.ok()?;
    sign_kept(app, &workspace.id, &workspace.slug, &receipt, &replicas).await
}

/// What the receipt said, out of the entry that was written with it.
fn logged(found: &Found) -> Option<Value> {
    let entry: Value = serde_json::from_str(&found.text).ok()?;
    let mut receipt = entry["details"].clone();
    let members = receipt.as_object_mut()?;
    // A restored backup ended everybody's sessions, too, without a receipt.
    members.get("epoch")?;
    members.insert("scope".into(), "workspace".into());
    members.insert("reason".into(), entry["reason"].clone());
    members.insert("revoked_at".into(), entry["at"].clone());
    Some(receipt)
}

fn statement(receipt: &Receipt) -> Statement {
    Statement {
        sequence: receipt.sequence,
        epoch: receipt.epoch,
        scope: receipt.scope.to_owned(),
        trigger: receipt.trigger.as_str().to_owned(),
        reason: receipt.reason.clone(),
        sessions: receipt.ended.sessions,
        users: receipt.ended.users,
        more: receipt.ended.more,
        api_keys: receipt.api_keys,
        spared_session: receipt.spared_session.as_ref().map(ToString::to_string),
        revoked_at: receipt.revoked_at.clone(),
    }
}

async fn signed(app: &App, deed: &Deed<'_>) -> Option<String> {
    let claims = Claims::of(&app.config.public_url, app.clock.now(), deed);
    let slow = |_| Err(Error::new(BUSY, "the database did not take a new key in time"));
    let signed: Result<String> = timeout(PATIENCE, sign_claims(app, TYPE, &claims)).await.unwrap_or_else(slow);
    match signed {
        Ok(jws) => Some(jws),
        Err(error) => {
            tracing::warn!(error = error.log(), sequence = deed.statement.sequence, "this receipt is not signed");
            None
        }
    }
}
