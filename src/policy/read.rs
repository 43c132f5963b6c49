//! Reading the settings of a workspace, for pages and answers; checks read them with the session.

use super::ip_allowlist::IpAllowlist;
use super::model::Policy;
use super::provisioning::Provisioning;
use super::{provisioning_store, store};
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::Result;

pub async fn policy(app: &App, workspace: &WorkspaceId) -> Result<Policy> {
    store::load(&mut app.db.read().await?, workspace).await
}

pub async fn allowlist(app: &App, workspace: &WorkspaceId) -> Result<IpAllowlist> {
    store::load_allowlist(&mut app.db.read().await?, workspace).await
}

pub async fn provisioning(app: &App, workspace: &WorkspaceId) -> Result<Provisioning> {
    provisioning_store::load(&mut app.db.read().await?, workspace).await
}
