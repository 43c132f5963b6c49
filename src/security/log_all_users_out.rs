//! **Log all users out**: every session of the workspace ends at once, except the caller's own.

use crate::actor::Actor;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::base::text::line;
use crate::error::{Error, Result};
use crate::sessions::model::{Receipt, Scope, Trigger};
use crate::sessions::revoke::{self, Order};
use crate::sessions::signed_receipt;
use crate::transact;

use super::idempotency::{self, Key};

/// Characters of a reason at the most.
pub const LONGEST_REASON: usize = 500;

/// What to do, and why.
pub struct Request<'a> {
    pub workspace: &'a WorkspaceId,
    /// The workspace's slug, for the audit log.
    pub label: &'a str,
    pub reason: &'a str,
    pub include_api_keys: bool,
    /// Makes a repeated request give the first one's receipt.
    pub key: Option<Key<'a>>,
}

/// What came of a request.
pub enum Done {
    Now(Receipt),
    /// This key did it before: the receipt of then.
    Before(serde_json::Value),
}

/// Ends every session but the caller's.
///
/// # Errors
/// 400 naming `reason`; 401 `session-ended` if the caller's own session has ended meanwhile; 422 if the key belongs to
/// another request. Whoever may call this is decided before (`sessions/permission.rs`).
pub async fn log_all_users_out(app: &App, actor: &Actor, request: &Request<'_>) -> Result<Done> {
    let reason = reason(request.reason)?;
    let scope = Scope::Workspace { spare: actor.session.clone(), include_api_keys: request.include_api_keys };
    let order = Order {
        workspace: request.workspace,
        scope,
        trigger: Trigger::Admin,
        reason: &reason,
        target_label: request.label,
    };
    carry_out(app, actor, &order, request.key.as_ref()).await
}

/// Carries out what somebody ordered, once for each key, and waits until everybody knows.
pub(super) async fn carry_out(app: &App, actor: &Actor, order: &Order<'_>, key: Option<&Key<'_>>) -> Result<Done> {
    let outcome = transact!(app.db, |tx| {
        if let Some(key) = key
            && let Some(before) = idempotency::claim(tx, app, order.workspace, key).await?
        {
            return Ok(Err(before));
        }
        let revoked = revoke::revoke(tx, app, actor, order).await?;
        if let Some(key) = key {
            idempotency::keep(tx, order.workspace, key, revoked.receipt()).await?;
        }
        Ok(Ok(revoked))
    })?;
    Ok(match outcome {
        Ok(revoked) => Done::Now(revoke::acknowledge(app, revoked).await?),
        Err(before) => Done::Before(repeated(app, order, &before).await?),
    })
}

/// An earlier receipt. Whoever asks again may be here before the first answer left: the barrier holds for both. What was kept
/// is from before the commit: who had applied it is seen now, it is signed now, and how long it took only the first answer says.
async fn repeated(app: &App, order: &Order<'_>, before: &str) -> Result<serde_json::Value> {
    let mut receipt: serde_json::Value = serde_json::from_str(before).map_err(Error::internal)?;
    let sequence = receipt["sequence"].as_i64().ok_or_else(|| Error::internal("a kept receipt has no sequence"))?;
    let applied = revoke::progress(app, order.workspace, sequence).await?;
    receipt["jws"] =
        signed_receipt::sign_kept(app, order.workspace, order.target_label, &receipt, &applied).await.into();
    receipt["replicas"] = serde_json::to_value(applied).map_err(Error::internal)?;
    receipt["duration_ms"] = serde_json::Value::Null;
    Ok(receipt)
}

/// A reason as the audit log keeps it.
///
/// # Errors
/// 400 naming `reason` if there is none, or if it is too long.
pub fn reason(text: &str) -> Result<String> {
    let long =
        || Error::invalid("reason", format!("must have 1 to {LONGEST_REASON} characters; the audit log keeps it"));
    line(text, LONGEST_REASON).map(str::to_owned).ok_or_else(long)
}
