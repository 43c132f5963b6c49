//! Which ways of signing in to offer to somebody who typed an e-mail address: by the workspace's policy, its providers and the
//! address's domain alone. Whether there is such an account decides nothing, so the answer can't tell.

use super::provider::{chosen, serving};
use super::providers::outlines;
use crate::app::App;
use crate::base::ids::{ProviderId, WorkspaceId};
use crate::error::Result;
use crate::policy::read;
use crate::workspaces;
use crate::workspaces::model::{Workspace, domain_of};
use crate::workspaces::single_sign_on;

/// What to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    pub password: bool,
    /// The identity provider of single sign-on; `None`: none is offered.
    pub provider: Option<ProviderId>,
    /// Whether an owner has a password to use where nobody else has: single sign-on is required for the domain.
    pub owner_password: bool,
}

/// The ways for an e-mail address. Where passwords and SAML are both admitted, people of a verified domain get both; where
/// only SAML is, or is required for the domain, everybody gets that. An unknown workspace asks for a password like any other, and
/// refuses it later.
pub async fn ways(app: &App, workspace: Option<&Workspace>, email: &str) -> Result<Ways> {
    let password_only = Ways { password: true, provider: None, owner_password: false };
    let Some(workspace) = workspace else { return Ok(password_only) };
    let policy = read::policy(app, &workspace.id).await?;
    let known = outlines(app, &workspace.id).await?;
    let domain = domain_of(email);
    let Some(provider) = chosen(&known, None, domain.as_deref()).filter(|_| policy.saml_allowed) else {
        return Ok(password_only);
    };
    if !policy.password_allowed {
        return Ok(Ways { password: false, provider: Some(provider.id.clone()), owner_password: false });
    }
    let Some(domain) = domain else { return Ok(password_only) };
    let required = single_sign_on::required_domains(&mut app.db.read().await?, &workspace.id).await?;
    let owner_password = required.contains(&domain);
    let verified = workspaces::verified_domains(app, &workspace.id).await?;
    let provider = serving(&known, &domain).filter(|_| verified.contains(&domain));
    Ok(Ways { password: !owner_password, provider: provider.map(|provider| provider.id.clone()), owner_password })
}

/// The provider for somebody who has an account with this address; `None` if none is switched on.
pub async fn provider_for(app: &App, workspace: &WorkspaceId, email: &str) -> Result<Option<ProviderId>> {
    let domain = domain_of(email);
    let known = outlines(app, workspace).await?;
    Ok(chosen(&known, None, domain.as_deref()).map(|provider| provider.id.clone()))
}
