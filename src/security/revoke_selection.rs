//! **Selective revocation**: the live sessions of a workspace that match every criterion end at once, except the caller's own.

use super::idempotency::Key;
use super::log_all_users_out::{Done, carry_out, reason};
use crate::actor::Actor;
use crate::app::App;
use crate::base::ids::{SessionId, WorkspaceId};
use crate::error::Result;
use crate::sessions::model::{Count, Facts, Scope, Trigger};
use crate::sessions::revoke::{Order, require_known};
use crate::sessions::seen;
use crate::sessions::selection::{Selection, store};
use crate::sessions::store as sessions;

/// What to end, and why.
pub struct Request<'a> {
    pub workspace: &'a WorkspaceId,
    /// The workspace's slug, for the audit log.
    pub label: &'a str,
    pub selection: &'a Selection,
    pub reason: &'a str,
    /// Makes a repeated request give the first one's receipt.
    pub key: Option<Key<'a>>,
}

/// What a revocation of a selection would end right now.
pub struct Preview {
    pub would_end: Count,
    /// The newest of them.
    pub sample: Vec<Facts>,
}

/// Ends every session that matches, but the caller's.
///
/// # Errors
/// 400 naming `reason`; 401 `session-ended` if the caller's own session has ended meanwhile; 422 naming a user or group that
/// the workspace doesn't have, or if the key belongs to another request. Whoever may call this is decided before
/// (`sessions/permission.rs`).
pub async fn revoke_selection(app: &App, actor: &Actor, request: &Request<'_>) -> Result<Done> {
    let reason = reason(request.reason)?;
    // What was used a moment ago, here, counts as used.
    seen::note(app).await;
    let scope = Scope::Selection { selection: request.selection.clone(), spare: actor.session.clone() };
    let order = Order {
        workspace: request.workspace,
        scope,
        trigger: Trigger::Admin,
        reason: &reason,
        target_label: request.label,
    };
    carry_out(app, actor, &order, request.key.as_ref()).await
}

/// Counts what would end, and shows some of it. Changes nothing.
///
/// # Errors
/// 422 naming a user or group that the workspace doesn't have.
pub async fn preview(
    app: &App,
    workspace: &WorkspaceId,
    selection: &Selection,
    spare: Option<&SessionId>,
) -> Result<Preview> {
    seen::note(app).await;
    let now = app.clock.now();
    let mut read = app.db.read().await?;
    require_known(&mut read, workspace, selection).await?;
    let would_end = store::count(&mut read, workspace, selection, spare, now).await?;
    let mut sample = Vec::new();
    for session in store::sample(&mut read, workspace, selection, spare, now).await? {
        sample.extend(sessions::find_facts_by_id(&mut read, workspace, &session).await?);
    }
    Ok(Preview { would_end, sample })
}
