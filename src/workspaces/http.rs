//! `/api/v1/security/domains`.

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::domain_rules::record_name;
use super::model::{Domain, VerifiedBy, Workspace};
use crate::base::clock::rfc3339;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body};

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct DomainBody {
    /// A domain name; an internationalised one is kept as punycode.
    domain: String,
}

/// The TXT record that proves a domain.
#[derive(Serialize, Object)]
struct TxtRecordView {
    /// Where it stands. The domain itself will do as well.
    name: String,
    /// What it holds, to the letter.
    value: String,
}

/// A domain of the workspace.
#[derive(Serialize, Object)]
struct DomainView {
    domain: String,
    /// Whether people with an address of it may sign in by SAML.
    verified: bool,
    verified_at: Option<String>,
    /// `dns`, or `operator`: somebody vouched for it at the command line.
    verified_by: Option<String>,
    /// When its record was last looked up.
    checked_at: Option<String>,
    txt_record: TxtRecordView,
    /// Whether the record was there, in the answer to a verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_found: Option<bool>,
}

#[derive(Serialize, Object)]
struct DomainList {
    items: Vec<DomainView>,
}

/// A domain that was removed, or would be.
#[derive(Serialize, Object)]
struct DomainRemovalView {
    domain: String,
    dry_run: bool,
    /// People who can't sign in without it: known by an address of it, not yet linked to the identity provider, and without
    /// a password that is admitted. Their sessions stay.
    cannot_sign_in: i64,
}

pub struct DomainsApi;

#[OpenApi(prefix_path = "/api/v1")]
impl DomainsApi {
    /// List the workspace's domains
    #[oai(path = "/security/domains", method = "get", operation_id = "listDomains")]
    async fn list(&self, caller: Caller) -> poem::Result<Answer<DomainList>> {
        require_admin(&caller.facts)?;
        let found = super::list_domains(&caller.app, &caller.facts.workspace.id).await?;
        Ok(Answer::ok(DomainList { items: found.iter().map(|domain| view(domain, None)).collect() }))
    }

    /// Add a domain
    ///
    /// It counts once it is verified. One that is there keeps its record.
    #[oai(path = "/security/domains", method = "post", operation_id = "addDomain")]
    async fn add(&self, caller: Caller, body: Body<DomainBody>) -> poem::Result<Answer<DomainView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let workspace = workspace(&caller).await?;
        let added = super::add_domain(&caller.app, &caller.actor, &workspace, &body.0.domain).await?;
        Ok(Answer::created(view(&added, None)))
    }

    /// Verify a domain
    ///
    /// Looks its TXT record up. A domain that was verified before stays verified, whether the record is there or not.
    #[oai(path = "/security/domains/:domain/verify", method = "post", operation_id = "verifyDomain")]
    async fn verify(&self, caller: Caller, domain: Path<String>) -> poem::Result<Answer<DomainView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let workspace = workspace(&caller).await?;
        let proved = super::prove_domain(&caller.app, &caller.actor, &workspace, &domain.0).await?;
        Ok(Answer::ok(view(&proved.domain, Some(proved.record_found))))
    }

    /// Remove a domain
    ///
    /// Nobody's session ends by it. With `dry_run=true` it is only counted who could no longer sign in.
    #[oai(path = "/security/domains/:domain", method = "delete", operation_id = "removeDomain")]
    async fn remove(
        &self,
        caller: Caller,
        domain: Path<String>,
        dry_run: Query<Option<bool>>,
    ) -> poem::Result<Answer<DomainRemovalView>> {
        require_admin(&caller.facts)?;
        let dry_run = dry_run.0 == Some(true);
        let removal = if dry_run {
            super::preview_removal(&caller.app, &caller.facts.workspace.id, &domain.0).await?
        } else {
            require_recent_admin(&caller.facts, caller.app.clock.now())?;
            let workspace = workspace(&caller).await?;
            super::remove_domain(&caller.app, &caller.actor, &workspace, &domain.0).await?
        };
        let super::Removal { domain, cannot_sign_in } = removal;
        Ok(Answer::ok(DomainRemovalView { domain, dry_run, cannot_sign_in }))
    }
}

async fn workspace(caller: &Caller) -> crate::error::Result<Workspace> {
    super::load(&caller.app, &caller.facts.workspace.slug).await
}

fn view(domain: &Domain, record_found: Option<bool>) -> DomainView {
    DomainView {
        domain: domain.domain.clone(),
        verified: domain.verified_at.is_some(),
        verified_at: domain.verified_at.map(rfc3339),
        verified_by: domain.verified_by.map(VerifiedBy::as_str).map(str::to_owned),
        checked_at: domain.checked_at.map(rfc3339),
        txt_record: TxtRecordView { name: record_name(&domain.domain), value: domain.challenge.clone() },
        record_found,
    }
}
