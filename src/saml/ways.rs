//! Which ways of signing in to offer to somebody who typed an e-mail address: by the workspace's policy and the address's
//! domain alone. Whether there is such an account decides nothing, so the answer can't tell.

use super::store;
use crate::app::App;
use crate::error::Result;
use crate::policy::read;
use crate::workspaces;
use crate::workspaces::model::{Workspace, domain_of};

/// What to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    pub password: bool,
    pub single_sign_on: bool,
}

/// The ways for an e-mail address. Where passwords and SAML are both admitted, people of a verified domain get both; where
/// only SAML is, everybody gets that. An unknown workspace asks for a password like any other, and refuses it later.
pub async fn ways(app: &App, workspace: Option<&Workspace>, email: &str) -> Result<Ways> {
    let password_only = Ways { password: true, single_sign_on: false };
    let Some(workspace) = workspace else { return Ok(password_only) };
    let policy = read::policy(app, &workspace.id).await?;
    if !policy.saml_allowed || !is_configured(app, workspace).await? {
        return Ok(password_only);
    }
    if !policy.password_allowed {
        return Ok(Ways { password: false, single_sign_on: true });
    }
    let Some(domain) = domain_of(email) else { return Ok(password_only) };
    let verified = workspaces::verified_domains(app, &workspace.id).await?;
    Ok(Ways { password: true, single_sign_on: verified.contains(&domain) })
}

async fn is_configured(app: &App, workspace: &Workspace) -> Result<bool> {
    let stored = store::find_provider(&mut app.db.read().await?, &workspace.id).await?;
    Ok(stored.is_some_and(|stored| stored.enabled))
}
