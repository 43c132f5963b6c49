//! Schemas that a workspace declares for itself (RFC 7643 §7): read, declared, changed, deleted; and what a request may hold by
//! them. Every change gives the workspace a new stamp, in the transaction that is answered. A SCIM request reads the stamp
//! with its token, so no replica serves an old definition after the answer; a workspace without own schemas has the
//! empty stamp, and pays nothing.

pub mod cache;
mod change;
mod delete;
pub mod document;
pub mod http;
mod keep;
pub mod model;
pub mod rules;
pub mod store;

use std::sync::Arc;

pub use change::{create, replace};
pub use delete::{delete, finish_deletions};
pub use keep::keep;

use model::{Definitions, OwnSchema, urn_key};

use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{Error, Result};

/// The most schemas of a workspace.
pub const MOST_SCHEMAS: usize = 20;

/// What the workspace declared, as of a stamp that was just read; `None` if nothing.
pub async fn definitions(app: &App, workspace: &WorkspaceId, stamp: &str) -> Result<Option<Arc<Definitions>>> {
    if stamp.is_empty() {
        return Ok(None);
    }
    if let Some(known) = app.schemas.find(workspace, stamp) {
        return Ok(Some(known));
    }
    let (stamp, found) = store::load_all(&mut app.db.read().await?, workspace).await?;
    let definitions = Arc::new(Definitions::new(stamp, found));
    app.schemas.remember(workspace, &definitions);
    Ok(Some(definitions))
}

/// All of a workspace's, by URN.
pub async fn list(app: &App, workspace: &WorkspaceId) -> Result<Vec<OwnSchema>> {
    Ok(store::load_all(&mut app.db.read().await?, workspace).await?.1)
}

/// One of them, whatever the case of the URN.
///
/// # Errors
/// 404.
pub async fn load(app: &App, workspace: &WorkspaceId, urn: &str) -> Result<OwnSchema> {
    let found = store::find(&mut app.db.read().await?, workspace, &urn_key(urn)).await?;
    living(found).ok_or_else(missing)
}

fn living(found: Option<(OwnSchema, Option<i64>)>) -> Option<OwnSchema> {
    found.filter(|(_, deleted_at)| deleted_at.is_none()).map(|(own, _)| own)
}

fn missing() -> Error {
    Error::not_found("schema")
}
