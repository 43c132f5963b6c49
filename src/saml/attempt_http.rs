//! `/api/v1/security/saml/attempts`: what came back from identity providers, for administrators; and the beginning of a test.

use poem::http::header;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::attempt_model::{Attempt, Person};
use super::attempts::{self, Explained, ExplainedCheck, Sought};
use super::http::flow_cookie;
use super::test_connection;
use crate::base::clock::rfc3339;
use crate::base::page::PageRequest;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body};

/// An attempt to sign in through an identity provider. No value of it names a person, but for the id of a user here.
#[derive(Debug, Object, Serialize)]
pub struct SamlAttemptView {
    pub id: String,
    pub at: String,
    pub provider_id: Option<String>,
    /// `sign_in`, or `test`: an administrator tried the settings, and nobody was signed in.
    pub purpose: String,
    /// `accepted` or `refused`.
    pub outcome: String,
    /// The check that decided, if it was refused.
    pub refused_check: Option<String>,
    /// What the person who was refused was told.
    pub request_id: String,
    /// Empty if it is not known.
    pub ip: String,
    /// Milliseconds from the response's IssueInstant, by the provider's clock, to its arrival, by ours. Far from 0, the clocks
    /// differ.
    pub clock_difference_ms: Option<i64>,
    /// SHA-256 of the certificate that verified it, in hexadecimal.
    pub certificate_sha256: Option<String>,
    /// Who was signed in.
    pub user_id: Option<String>,
    /// The administrator who tried the settings.
    pub begun_by: Option<String>,
}

/// A page of attempts, newest first.
#[derive(Debug, Object, Serialize)]
pub struct SamlAttemptPage {
    pub items: Vec<SamlAttemptView>,
    /// Send it as `after` for the next page; absent on the last.
    pub next: Option<String>,
}

/// One numbered check.
#[derive(Debug, Object, Serialize)]
pub struct SamlCheckView {
    pub number: i64,
    /// Its name, which stays.
    pub check: String,
    /// What is so if it passed.
    pub title: String,
    /// The section of the standard that demands it.
    pub source: String,
    /// `passed`, `failed` or `not_reached`.
    pub outcome: String,
    /// The exact name of the failure.
    pub refusal: Option<String>,
    pub detail: Option<String>,
    /// What to change, in the words of the provider's product.
    pub advice: Option<String>,
}

/// Whom the assertion names: the form of each value, such as its length.
#[derive(Debug, Object, Serialize)]
pub struct SamlPersonView {
    pub name_id: String,
    pub email: Option<String>,
    pub display_name: Option<String>,
    /// How many groups it names.
    pub groups: i64,
    /// The role that they give by the provider's settings.
    pub role_by_groups: Option<String>,
    /// Of an accepted test: `known`, `linked` (to a user who is here) or `created`, were it a sign-in.
    pub would_be: Option<String>,
    /// Of an accepted test: the role that they would have.
    pub role: Option<String>,
    /// Of an accepted test: the user who is here already.
    pub user_id: Option<String>,
}

/// An attempt with everything that is known of it.
#[derive(Debug, Object, Serialize)]
pub struct SamlAttemptDetail {
    pub attempt: SamlAttemptView,
    /// What the identity provider is, as far as its metadata tells.
    pub product: String,
    pub checks: Vec<SamlCheckView>,
    pub person: Option<SamlPersonView>,
    /// The message: its elements and names, and of values the form only. Unless a certificate verified it, anybody may have
    /// written it.
    pub outline: Option<String>,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct SamlTestBody {
    /// The provider to test; the default one if absent.
    provider_id: Option<String>,
}

/// A test that has begun. The answer sets a cookie: the browser that has it must be the one that goes to the address.
#[derive(Serialize, Object)]
struct SamlTestView {
    /// The identity provider's, or ours if that one takes requests by POST: the page there has the form.
    location: String,
}

pub struct SamlAttemptsApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SamlAttemptsApi {
    /// List attempts to sign in by SAML, newest first
    ///
    /// Of each provider the newest 20 of each kind, for 30 days: sign-ins and tests, accepted and refused, and of the refused those
    /// that a certificate verified and the others. What came from a browser that had begun no sign-in is not there. `request_id` finds the
    /// one whose id the person was told.
    #[oai(path = "/security/saml/attempts", method = "get", operation_id = "listSamlAttempts")]
    async fn list(
        &self,
        caller: Caller,
        provider: Query<Option<String>>,
        request_id: Query<Option<String>>,
        limit: Query<Option<i64>>,
        after: Query<Option<String>>,
    ) -> poem::Result<Answer<SamlAttemptPage>> {
        require_admin(&caller.facts)?;
        let wanted = PageRequest::parse(limit.0, after.0.as_deref())?;
        let workspace = &caller.facts.workspace.id;
        let sought = Sought::parse(provider.0.as_deref(), request_id.0.as_deref())?;
        let found = attempts::list(&caller.app, workspace, sought, &wanted).await?;
        Ok(Answer::ok(SamlAttemptPage { items: found.items.into_iter().map(view).collect(), next: found.next }))
    }

    /// Show one attempt with every check
    #[oai(path = "/security/saml/attempts/:id", method = "get", operation_id = "getSamlAttempt")]
    async fn get(&self, caller: Caller, id: Path<String>) -> poem::Result<Answer<SamlAttemptDetail>> {
        require_admin(&caller.facts)?;
        let workspace = &caller.facts.workspace;
        let found = attempts::load(&caller.app, &workspace.id, &workspace.slug, &id.0).await?;
        Ok(Answer::ok(detail(found)))
    }

    /// Begin a test of the identity provider
    ///
    /// The whole way, without a session at its end. The browser comes back to a page that shows every check.
    #[oai(path = "/security/saml/test", method = "post", operation_id = "testSaml")]
    async fn test(&self, caller: Caller, body: Body<SamlTestBody>) -> poem::Result<Answer<SamlTestView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let (slug, user) = (&caller.facts.workspace.slug, &caller.facts.user.id);
        let provider = body.0.provider_id.as_deref();
        let begun = test_connection::begin(&caller.app, slug, provider, user, &caller.actor.origin).await?;
        let cookie = flow_cookie(&caller.app, &begun.browser);
        let location = test_connection::address(&caller.app, slug, &begun.departure);
        Ok(Answer::ok(SamlTestView { location }).with_header(header::SET_COOKIE, cookie))
    }
}

fn view(attempt: Attempt) -> SamlAttemptView {
    SamlAttemptView {
        id: attempt.id,
        at: rfc3339(attempt.at),
        provider_id: attempt.provider_id,
        purpose: attempt.purpose.as_str().to_owned(),
        outcome: if attempt.accepted { "accepted" } else { "refused" }.to_owned(),
        refused_check: attempt.refused_check,
        request_id: attempt.request_id,
        ip: attempt.ip,
        clock_difference_ms: attempt.clock_difference_ms,
        certificate_sha256: attempt.certificate,
        user_id: attempt.user_id,
        begun_by: attempt.begun_by,
    }
}

fn detail(found: Explained) -> SamlAttemptDetail {
    let (outline, person) = (found.attempt.outline.clone(), found.attempt.person.clone());
    SamlAttemptDetail {
        attempt: view(found.attempt),
        product: found.product.name().to_owned(),
        checks: found.checks.into_iter().map(check).collect(),
        person: person.map(person_view),
        outline,
    }
}

fn check(found: ExplainedCheck) -> SamlCheckView {
    SamlCheckView {
        number: found.number,
        check: found.checked.name,
        title: found.title.to_owned(),
        source: found.source.to_owned(),
        outcome: found.checked.outcome,
        refusal: found.checked.refusal,
        detail: found.checked.detail,
        advice: found.advice,
    }
}

fn person_view(person: Person) -> SamlPersonView {
    SamlPersonView {
        name_id: person.name_id,
        email: person.email,
        display_name: person.display_name,
        groups: person.groups,
        role_by_groups: person.role_by_groups,
        would_be: person.would_be,
        role: person.role,
        user_id: person.user_id,
    }
}
