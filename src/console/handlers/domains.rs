//! `/console/security/domains`: adding a domain, looking its TXT record up, removing it.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::security::{HOME, Refused, page};
use crate::console::Section;
use crate::console::caller::{posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page as frame, sentence, wrong};
use crate::console::confirm::ConfirmPage;
use crate::console::domains::{DomainRow, DomainsForm};
use crate::console::flash::Told;
use crate::console::parts::{Badge, CopyField, Count, Moment, Tone};
use crate::error::{CONFLICT, Error, INVALID_REQUEST, Result, TOO_MANY_ATTEMPTS, UNPROCESSABLE};
use crate::web::authenticate::Caller;
use crate::workspaces::domain_rules::record_name;
use crate::workspaces::model::{Domain, VerifiedBy, Workspace};
use crate::workspaces::{self, add_domain, list_domains, preview_removal, prove_domain, remove_domain};

/// The section as it stands; `typed` is what a form held that comes back.
pub async fn form(caller: &Caller, typed: Option<String>) -> Result<DomainsForm> {
    let found = list_domains(&caller.app, &caller.facts.workspace.id).await?;
    let rows = found.into_iter().enumerate().map(|(number, domain)| row(number, domain)).collect();
    Ok(DomainsForm { rows, domain: typed.unwrap_or_default() })
}

fn row(number: usize, domain: Domain) -> DomainRow {
    let (tone, text) = match (domain.verified_at, domain.verified_by) {
        (None, _) => (Tone::Warning, "Not verified"),
        (Some(_), Some(VerifiedBy::Operator)) => (Tone::Success, "Vouched for"),
        (Some(_), _) => (Tone::Success, "Verified"),
    };
    let field = |part: &str, label: &str, value: String| CopyField {
        id: format!("domain_{part}_{number}"),
        label: label.to_owned(),
        value,
    };
    DomainRow {
        state: Badge { tone, text: text.to_owned() },
        verified: domain.verified_at.is_some(),
        since: domain.verified_at.map(Moment::from_millis),
        checked: domain.checked_at.map(Moment::from_millis),
        record: vec![
            field("record", "Name of the TXT record", record_name(&domain.domain)),
            field("value", "Value", domain.challenge),
        ],
        domain: domain.domain,
    }
}

/// `POST /console/security/domains`.
#[handler]
pub async fn add(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let typed = fields.text("domain").to_owned();
    let workspace = workspace(&caller).await?;
    match add_domain(&caller.app, &caller.actor, &workspace, &typed).await {
        Ok(_) => Ok(go(&caller.app, HOME, Told::DomainAdded)),
        Err(error) => Ok(refused(request, &caller, "domain", typed, error).await?),
    }
}

/// `POST /console/security/domains/{domain}/verify`.
#[handler]
pub async fn verify(UrlPath(domain): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, _) = posted_by_administrator(request, &sent, HOME).await?;
    let workspace = workspace(&caller).await?;
    match prove_domain(&caller.app, &caller.actor, &workspace, &domain).await {
        Ok(_) => Ok(go(&caller.app, HOME, Told::DomainVerified)),
        Err(error) => Ok(refused(request, &caller, "", String::new(), error).await?),
    }
}

/// The page with what was wrong; errors that no form can mend are passed on.
async fn refused(request: &Request, caller: &Caller, field: &str, typed: String, error: Error) -> Result<Response> {
    if ![INVALID_REQUEST, UNPROCESSABLE, CONFLICT, TOO_MANY_ATTEMPTS].contains(&error.problem()) {
        return Err(error);
    }
    let text = match error.problem() {
        INVALID_REQUEST if error.detail().starts_with("must ") => format!("The domain {}.", error.detail()),
        _ => sentence(error.detail()),
    };
    let (status, errors) = (StatusCode::UNPROCESSABLE_ENTITY, vec![wrong(field, text)]);
    page(request, caller, Refused { status, errors, domain: Some(typed), ..Refused::default() }).await
}

/// `GET /console/security/domains/{domain}/remove`: asks first.
#[handler]
pub async fn confirm_removal(UrlPath(domain): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let removal = preview_removal(&caller.app, &caller.facts.workspace.id, &domain).await?;
    let people = Count::of(removal.cannot_sign_in, "person", "people");
    let mut ends = vec!["First sign-ins of its people by single sign-on".to_owned()];
    if !people.is_zero {
        ends.push(format!("Signing in at all, for {} who have no other way", people.phrase));
    }
    let view = ConfirmPage {
        page: frame(request, &caller, Section::Security, "Remove a domain"),
        heading: format!("Remove the domain {}?", removal.domain),
        lead: "Single sign-on then neither knows nor creates people by an address of it.".to_owned(),
        ends,
        stays: vec![
            "Sessions".to_owned(),
            "Single sign-on of people whom the identity provider has signed in before".to_owned(),
        ],
        action: format!("{HOME}/domains/{}/remove", removal.domain),
        reason: None,
        button: format!("Remove {}", removal.domain),
        cancel_url: HOME.to_owned(),
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// `POST /console/security/domains/{domain}/remove`.
#[handler]
pub async fn remove(UrlPath(domain): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, _) = posted_by_administrator(request, &sent, HOME).await?;
    let workspace = workspace(&caller).await?;
    remove_domain(&caller.app, &caller.actor, &workspace, &domain).await?;
    Ok(go(&caller.app, HOME, Told::DomainRemoved))
}

async fn workspace(caller: &Caller) -> Result<Workspace> {
    workspaces::load(&caller.app, &caller.facts.workspace.slug).await
}
