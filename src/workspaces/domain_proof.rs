//! Proving a domain: its TXT record is looked up, when somebody asks for it.

use std::time::Duration;

use super::domain_rules::{self, record_name};
use super::domains::load_domain;
use super::model::{Domain, VerifiedBy, Workspace};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::Write;
use crate::error::{CONFLICT, Error, NOT_FOUND, Result, TOO_MANY_ATTEMPTS};
use crate::transact;

/// For both names to be looked up.
const PATIENCE: Duration = Duration::from_secs(6);
/// Between two looks at one domain.
const PAUSE_MS: i64 = 5_000;
/// A workspace that holds a domain is told at most once in this time that somebody else can prove it.
const TELL_AGAIN_MS: i64 = 60 * 60 * 1000;

/// A domain that was looked up.
pub struct Proved {
    pub domain: Domain,
    /// Whether the record is there now. One that was verified before stays verified without it.
    pub record_found: bool,
}

#[derive(PartialEq, Eq)]
enum Verdict {
    Verified,
    Missing,
    Elsewhere,
}

/// Looks the TXT record of a domain up, and verifies the domain if it is there.
///
/// # Errors
/// 400 naming `domain` if it can't be one workspace's; 404 if it was not added; 409 if it is a verified one of another
/// workspace; 422 naming `domain` if there is no such record, or no answer; 429 if it was looked up within the last 5 seconds.
pub async fn prove_domain(app: &App, actor: &Actor, workspace: &Workspace, domain: &str) -> Result<Proved> {
    let known = load_domain(app, &workspace.id, domain).await?;
    domain_rules::usable(&known.domain)?;
    begin(app, &workspace.id, &known.domain).await?;
    let record_found = is_published(app, &known).await?;
    let now = app.clock.now();
    let verdict = transact!(app.db, |tx| { note(tx, actor, &workspace.id, &known, record_found, now).await })?;
    match verdict {
        Verdict::Verified => {
            let domain = load_domain(app, &workspace.id, &known.domain).await?;
            Ok(Proved { domain, record_found })
        }
        Verdict::Missing => Err(missing(&known.domain)),
        Verdict::Elsewhere => Err(taken(&known.domain)),
    }
}

/// Of several who ask at once, one goes on.
async fn begin(app: &App, workspace: &WorkspaceId, domain: &str) -> Result<()> {
    let now = app.clock.now();
    let begun = transact!(app.db, |tx| { store::begin_check(tx, workspace, domain, now, now - PAUSE_MS).await })?;
    if begun == 0 {
        let text = "its record was looked up a moment ago: try again in 5 seconds";
        return Err(Error::new(TOO_MANY_ATTEMPTS, text).with_field("domain").with_retry_after(Duration::from_secs(5)));
    }
    Ok(())
}

async fn note(
    tx: &mut Write,
    actor: &Actor,
    workspace: &WorkspaceId,
    known: &Domain,
    record_found: bool,
    now: UnixMillis,
) -> Result<Verdict> {
    store::hold_domain(tx, &known.domain).await?;
    if store::mark_checked(tx, workspace, &known.domain, now).await? == 0 {
        return Err(Error::new(NOT_FOUND, "the domain was removed meanwhile").with_field("domain"));
    }
    if known.verified_at.is_some() {
        return Ok(Verdict::Verified);
    }
    if !record_found {
        return Ok(Verdict::Missing);
    }
    let target = || Target::new("domain", &known.domain, &known.domain);
    let holders = store::list_holders(tx, &known.domain, workspace).await?;
    for holder in &holders {
        // Whoever holds it learns that somebody else can prove it now. Who that is, is not theirs to know.
        if audit::store::was_noted(tx, holder, "domain.contested", &known.domain, now - TELL_AGAIN_MS).await? {
            continue;
        }
        let entry = Entry::refused("domain.contested", target());
        audit::append(tx, holder, now, &Actor::system("domains"), &entry).await?;
    }
    if !holders.is_empty() {
        return Ok(Verdict::Elsewhere);
    }
    let marked = store::mark_verified(tx, workspace, &known.domain, VerifiedBy::Dns, now).await;
    // Two workspaces at the same moment: one of them was first.
    let marked = marked.map_err(|error| if error.is_unique_violation() { taken(&known.domain) } else { error })?;
    if marked == 1 {
        audit::append(tx, workspace, now, actor, &Entry::done("domain.verified", target())).await?;
    }
    Ok(Verdict::Verified)
}

/// Whether one of both names has a TXT record with exactly the challenge.
async fn is_published(app: &App, domain: &Domain) -> Result<bool> {
    let look_up = async {
        let mut fault = None;
        for name in [record_name(&domain.domain), domain.domain.clone()] {
            match app.resolver.texts(&name).await {
                Ok(texts) if texts.contains(&domain.challenge) => return Ok(true),
                Ok(_) => {}
                Err(error) => fault = Some(error.to_string()),
            }
        }
        fault.map_or(Ok(false), Err)
    };
    let outcome = tokio::time::timeout(PATIENCE, look_up).await;
    outcome.unwrap_or_else(|_| Err("DNS did not answer in time".to_owned())).map_err(|fault| {
        let text = format!("DNS did not answer for {}: try again in a moment", domain.domain);
        Error::unprocessable("domain", text).with_log(fault)
    })
}

fn missing(domain: &str) -> Error {
    let text = format!(
        "there is no TXT record with the value at {} or {domain} yet; name servers may take a while to show a new one",
        record_name(domain)
    );
    Error::unprocessable("domain", text)
}

fn taken(domain: &str) -> Error {
    let text = format!(
        "{domain} is a verified domain of another workspace: remove it there, or ask the operator of this installation"
    );
    Error::new(CONFLICT, text).with_field("domain")
}
