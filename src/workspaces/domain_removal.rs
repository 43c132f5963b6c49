//! Removing a domain, and whom that keeps from signing in. Sessions stay: who is in keeps their session.
//!
//! Identity providers that name it keep it in their settings, where it counts for nothing until it is verified again. To take it
//! out could make the last domain of a provider none, and none means: everybody's.

use serde_json::json;

use super::domains::load_domain;
use super::model::{VerifiedBy, Workspace};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::error::{Error, NOT_FOUND, Result};
use crate::transact;
use crate::users::domain_store;

/// What removing a domain does, or would do.
pub struct Removal {
    pub domain: String,
    /// People who can't sign in without it: known by an address of it, not yet linked to the identity provider, and without
    /// a password that is admitted.
    pub cannot_sign_in: i64,
}

/// Whom removing a domain would keep from signing in.
///
/// # Errors
/// 404 if it was not added.
pub async fn preview_removal(app: &App, workspace: &WorkspaceId, domain: &str) -> Result<Removal> {
    let known = load_domain(app, workspace, domain).await?;
    let cannot_sign_in = match known.verified_at {
        Some(_) => domain_store::count_relying(&mut app.db.read().await?, workspace, &known.domain).await?,
        None => 0,
    };
    Ok(Removal { domain: known.domain, cannot_sign_in })
}

/// Removes a domain.
///
/// # Errors
/// 404 if it was not added.
pub async fn remove_domain(app: &App, actor: &Actor, workspace: &Workspace, domain: &str) -> Result<Removal> {
    let known = load_domain(app, &workspace.id, domain).await?;
    let removal = preview_removal(app, &workspace.id, &known.domain).await?;
    let by = known.verified_by.map(VerifiedBy::as_str);
    let details = json!({"verified_by": by, "cannot_sign_in": removal.cannot_sign_in});
    transact!(app.db, |tx| {
        if store::remove_domain(tx, &workspace.id, &known.domain).await? == 0 {
            return Err(Error::new(NOT_FOUND, "the domain was removed meanwhile").with_field("domain"));
        }
        let target = Target::new("domain", &known.domain, &known.domain);
        let entry = Entry::done("domain.removed", target).with(details.clone());
        audit::append(tx, &workspace.id, app.clock.now(), actor, &entry).await?;
        Ok(())
    })?;
    Ok(removal)
}
