//! What would happen, before it does: counts of now, and whether everybody could sign in again. Changes nothing.

use serde::Serialize;

use crate::app::App;
use crate::base::ids::{SessionId, WorkspaceId};
use crate::error::Result;
use crate::sessions::model::Count;
use crate::sessions::{count_store, store};
use crate::users::store as users;

/// What **Log all users out** would do right now.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    pub dry_run: bool,
    #[serde(flatten)]
    pub would_end: Count,
    pub api_keys: i64,
    pub spared_session: Option<SessionId>,
    /// Active users without any working way to sign in again.
    pub users_without_sign_in: i64,
}

/// Counts what a revocation of the whole workspace would cover.
pub async fn preview(
    app: &App,
    workspace: &WorkspaceId,
    spare: Option<&SessionId>,
    include_api_keys: bool,
) -> Result<Preview> {
    let now = app.clock.now();
    let mut read = app.db.read().await?;
    let would_end = count_store::count_live(&mut read, workspace, None, spare, now).await?;
    let api_keys = if include_api_keys { store::count_api_keys(&mut read, workspace, now).await? } else { 0 };
    let users_without_sign_in = users::count_without_sign_in(&mut read, workspace).await?;
    Ok(Preview { dry_run: true, would_end, api_keys, spared_session: spare.cloned(), users_without_sign_in })
}
