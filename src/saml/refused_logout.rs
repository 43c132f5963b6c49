//! What the audit log keeps of a message of single logout that was genuine, or belonged to a log-out of this browser, and was
//! refused.

use serde_json::json;

use super::outline::masked;
use super::refusal::Refusal;
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::error::Result;
use crate::transact;
use crate::workspaces::model::Workspace;

/// Writes the entry, if there were not too many of late.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn record(
    app: &App,
    workspace: &Workspace,
    provider: &str,
    refusal: &Refusal,
    origin: &Origin,
) -> Result<()> {
    if !app.addresses.admits_refusal(&workspace.id) {
        return Ok(());
    }
    let target = Target::new("workspace", workspace.id.as_str(), &workspace.slug);
    let details = json!({"check": refusal.check, "detail": masked(&refusal.detail), "identity_provider": provider});
    let entry = Entry::refused("logout.saml_refused", target).with(details);
    let actor = Actor::anonymous("", origin.clone());
    transact!(app.db, |tx| { audit::append(tx, &workspace.id, app.clock.now(), &actor, &entry).await })?;
    Ok(())
}
