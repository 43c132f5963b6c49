//! The internet domains of a workspace. SAML signs in and creates people of verified ones only.

use super::model::{Domain, Workspace, domain_key};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::{WorkspaceId, uuid_v7};
use crate::error::{Error, NOT_FOUND, Result};
use crate::transact;

/// Adds a domain; it counts once it is verified.
///
/// # Errors
/// 400 naming `domain` if it is none.
pub async fn add_domain(app: &App, actor: &Actor, workspace: &Workspace, domain: &str) -> Result<Domain> {
    let domain =
        domain_key(domain).ok_or_else(|| Error::invalid("domain", "must be a domain name such as example.com"))?;
    let now = app.clock.now();
    let challenge = format!("curfew-domain-verification={}", uuid_v7(now, app.random.as_ref()));
    transact!(app.db, |tx| {
        store::add_domain(tx, &workspace.id, &domain, &challenge).await?;
        let entry = Entry::done("domain.added", Target::new("domain", &domain, &domain));
        audit::append(tx, &workspace.id, now, actor, &entry).await?;
        Ok(())
    })?;
    let domains = list_domains(app, &workspace.id).await?;
    domains.into_iter().find(|found| found.domain == domain).ok_or_else(|| Error::internal("a domain vanished"))
}

/// Vouches for a domain: an operator's word, which the audit log keeps.
///
/// # Errors
/// 404 if the domain was not added.
pub async fn verify_domain(app: &App, actor: &Actor, workspace: &Workspace, domain: &str) -> Result<()> {
    let domain =
        domain_key(domain).ok_or_else(|| Error::invalid("domain", "must be a domain name such as example.com"))?;
    if !list_domains(app, &workspace.id).await?.iter().any(|found| found.domain == domain) {
        return Err(Error::new(NOT_FOUND, format!("{domain} was not added to this workspace")).with_field("domain"));
    }
    let now = app.clock.now();
    transact!(app.db, |tx| {
        if store::mark_verified(tx, &workspace.id, &domain, now).await? == 1 {
            let entry = Entry::done("domain.trusted", Target::new("domain", &domain, &domain));
            audit::append(tx, &workspace.id, now, actor, &entry).await?;
        }
        Ok(())
    })
}

pub async fn list_domains(app: &App, workspace: &WorkspaceId) -> Result<Vec<Domain>> {
    store::list_domains(&mut app.db.read().await?, workspace).await
}

/// Names of the verified domains.
pub async fn verified_domains(app: &App, workspace: &WorkspaceId) -> Result<Vec<String>> {
    let domains = list_domains(app, workspace).await?;
    Ok(domains.into_iter().filter(|domain| domain.verified_at.is_some()).map(|domain| domain.domain).collect())
}
