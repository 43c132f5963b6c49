//! The internet domains of a workspace. SAML signs in and creates people of verified ones only.
//!
//! A domain counts once its TXT record was seen, or an operator vouched for it. It goes on counting when the record is gone:
//! a fault of DNS must not keep people out. `domain_proof.rs` asks DNS; removing a domain is in `domain_removal.rs`.

use super::domain_rules::{self, MOST_DOMAINS};
use super::model::{Domain, VerifiedBy, Workspace};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::{WorkspaceId, uuid_v7};
use crate::error::{CONFLICT, Error, NOT_FOUND, Result};
use crate::transact;

/// Adds a domain; it counts once it is verified. One that is there keeps its challenge.
///
/// # Errors
/// 400 naming `domain` if it is none, or can't be one workspace's; 409 if there are too many.
pub async fn add_domain(app: &App, actor: &Actor, workspace: &Workspace, domain: &str) -> Result<Domain> {
    let domain = domain_rules::usable(domain)?;
    let now = app.clock.now();
    let challenge = domain_rules::challenge(&uuid_v7(now, app.random.as_ref()));
    transact!(app.db, |tx| {
        // Of two at the same moment, the second one counts the first.
        store::lock(tx, &workspace.id).await?;
        if store::add_domain(tx, &workspace.id, &domain, &challenge).await? == 0 {
            return Ok(());
        }
        if store::list_domains(tx, &workspace.id).await?.len() > MOST_DOMAINS {
            return Err(Error::new(CONFLICT, format!("a workspace has {MOST_DOMAINS} domains at the most"))
                .with_field("domain"));
        }
        let entry = Entry::done("domain.added", Target::new("domain", &domain, &domain));
        audit::append(tx, &workspace.id, now, actor, &entry).await?;
        Ok(())
    })?;
    load_domain(app, &workspace.id, &domain).await
}

/// Vouches for a domain: an operator's word, which the audit log keeps.
///
/// # Errors
/// 404 if the domain was not added.
pub async fn verify_domain(app: &App, actor: &Actor, workspace: &Workspace, domain: &str) -> Result<()> {
    let domain = load_domain(app, &workspace.id, domain).await?.domain;
    let now = app.clock.now();
    transact!(app.db, |tx| {
        store::hold_domain(tx, &domain).await?;
        if store::mark_verified(tx, &workspace.id, &domain, VerifiedBy::Operator, now).await? == 1 {
            let entry = Entry::done("domain.trusted", Target::new("domain", &domain, &domain));
            audit::append(tx, &workspace.id, now, actor, &entry).await?;
        }
        Ok(())
    })
}

/// One domain, verified or not.
///
/// # Errors
/// 400 naming `domain` if it is none; 404 if it was not added.
pub async fn load_domain(app: &App, workspace: &WorkspaceId, domain: &str) -> Result<Domain> {
    let domain = domain_rules::key(domain)?;
    let found = list_domains(app, workspace).await?.into_iter().find(|known| known.domain == domain);
    found.ok_or_else(|| Error::new(NOT_FOUND, format!("{domain} was not added to this workspace")).with_field("domain"))
}

pub async fn list_domains(app: &App, workspace: &WorkspaceId) -> Result<Vec<Domain>> {
    store::list_domains(&mut app.db.read().await?, workspace).await
}

/// Names of the verified domains.
pub async fn verified_domains(app: &App, workspace: &WorkspaceId) -> Result<Vec<String>> {
    store::list_verified(&mut app.db.read().await?, workspace).await
}
