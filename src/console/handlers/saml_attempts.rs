//! `/console/security/saml/attempts` and `/console/security/saml/test`: what came back from identity providers, and trying it.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::saml_provider_parts::PROVIDERS;
use crate::base::ids::UserId;
use crate::base::page::PageRequest;
use crate::console::audit::Detail;
use crate::console::caller::{administrator, posted_by_administrator};
use crate::console::chrome::{address, answer, page, sentence, with_cookie, wrong};
use crate::console::form::Fields;
use crate::console::parts::{Badge, Count, Moment, Tone};
use crate::console::saml_attempts::{AttemptPage, AttemptRow, AttemptsPage, CheckRow, ProviderLink, TestPage};
use crate::console::{FieldError, Page, Section};
use crate::error::Error;
use crate::saml::attempt_model::{Attempt, Person};
use crate::saml::attempts::{self, Explained, ExplainedCheck, Sought};
use crate::saml::flow::Purpose;
use crate::saml::http::flow_cookie;
use crate::saml::product::Product;
use crate::saml::provider::{Outline, default_of};
use crate::saml::setup_links::is_contact;
use crate::saml::{providers, test_connection};

const HOME: &str = "/console/security/saml/attempts";

/// `GET /console/security/saml/attempts`.
#[handler]
pub async fn show_list(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let query = Fields::of_query(request)?;
    let after = query.get("after").filter(|after| !after.is_empty());
    let wanted = PageRequest::parse(None, after)?;
    let (app, workspace) = (&caller.app, &caller.facts.workspace.id);
    let only = query.get("provider").filter(|id| !id.is_empty());
    let asked = query.text("request_id");
    let (items, next, errors) = match Sought::parse(only, Some(asked).filter(|id| !id.is_empty())) {
        Ok(sought) => {
            let found = attempts::list(app, workspace, sought, &wanted).await?;
            (found.items, found.next, Vec::new())
        }
        Err(error) => (Vec::new(), None, vec![misspelt(&error)]),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let known = providers::outlines(app, workspace).await?;
    let count = Count::of(i64::try_from(items.len()).unwrap_or(i64::MAX), "attempt", "attempts");
    let more = if next.is_some() || after.is_some() { " on this page" } else { "" };
    let provider = only.unwrap_or_default();
    let view = AttemptsPage {
        page: Page { errors, ..page(request, &caller, Section::Security, "Sign-in attempts") },
        rows: items.iter().map(|attempt| row(attempt, &known)).collect(),
        summary: format!("{}{more}, newest first", count.phrase),
        providers: to_test(&known, only),
        several: known.len() > 1,
        only: provider.to_owned(),
        request_id: asked.to_owned(),
        all_url: address(HOME, &[("provider", provider)]),
        next_url: next
            .map(|next| address(HOME, &[("provider", provider), ("request_id", asked), ("after", next.as_str())])),
        first_url: after.map(|_| address(HOME, &[("provider", provider), ("request_id", asked)])),
    };
    Ok(answer(request, &caller, status, &view)?)
}

/// Why what was typed is no request id.
fn misspelt(error: &Error) -> FieldError {
    wrong("request_id", sentence(&format!("a request id {}", error.detail())))
}

/// Id and name of the providers that can be tested from a list of attempts: the one whose list it is, else all, the default one
/// first.
fn to_test(known: &[Outline], only: Option<&str>) -> Vec<(String, String)> {
    let default = default_of(known).map(|provider| &provider.id);
    let mut shown: Vec<&Outline> =
        known.iter().filter(|provider| only.is_none_or(|id| provider.id.as_str() == id)).collect();
    shown.sort_by_key(|provider| Some(&provider.id) != default);
    shown.into_iter().map(|provider| (provider.id.to_string(), provider.name.clone())).collect()
}

/// `GET /console/security/saml/attempts/{id}`.
#[handler]
pub async fn show(UrlPath(id): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let workspace = &caller.facts.workspace;
    let found = attempts::load(&caller.app, &workspace.id, &workspace.slug, &id).await?;
    let (heading, lead) = words(&found.attempt);
    let checks: Vec<CheckRow> = found.checks.iter().map(check).collect();
    let failed: Vec<CheckRow> = checks.iter().filter(|check| !check.refusal.is_empty()).cloned().collect();
    let total = Count::of(i64::try_from(checks.len()).unwrap_or(i64::MAX), "check", "checks");
    let view = AttemptPage {
        page: page(request, &caller, Section::Security, heading),
        heading: heading.to_owned(),
        lead: lead.to_owned(),
        outcome: outcome(found.attempt.accepted),
        provider: found.provider.as_ref().map(|provider| link(provider, found.product)),
        facts: facts(&found),
        summary: format!("{} of {} failed", failed.len(), total.phrase),
        failed,
        checks,
        verified: found.attempt.certificate.is_some(),
        outline: found.attempt.outline.unwrap_or_default(),
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// `POST /console/security/saml/test`.
#[handler]
pub async fn begin_test(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let asked = Some(fields.text("provider")).filter(|provider| !provider.is_empty());
    let known = providers::outlines(&caller.app, &caller.facts.workspace.id).await?;
    let meant = match asked {
        Some(id) => known.iter().find(|provider| provider.id.as_str() == id),
        None => default_of(&known),
    };
    let meant = meant.ok_or_else(|| Error::not_found("identity provider"))?;
    let (slug, user, id) = (&caller.facts.workspace.slug, &caller.facts.user.id, meant.id.as_str());
    let begun = test_connection::begin(&caller.app, slug, Some(id), user, &caller.actor.origin).await?;
    let view = TestPage {
        page: page(request, &caller, Section::Security, "Test the connection"),
        name: meant.name.clone(),
        location: test_connection::address(&caller.app, slug, &begun.departure),
        back_url: format!("{PROVIDERS}/{id}"),
    };
    let response = answer(request, &caller, StatusCode::OK, &view)?;
    Ok(with_cookie(response, &flow_cookie(&caller.app, &begun.browser)))
}

fn words(attempt: &Attempt) -> (&'static str, &'static str) {
    match (attempt.purpose, attempt.accepted) {
        (Purpose::Test, true) => ("The test passed", "Nobody was signed in, and nothing was changed."),
        (Purpose::Test, false) => {
            ("The test failed", "Nobody was signed in, and nothing was changed. The first failed check decided.")
        }
        (Purpose::SignIn, true) => ("The sign-in was accepted", "Every check passed."),
        (Purpose::SignIn, false) => (
            "The sign-in was refused",
            "The first failed check decided. The person was told the request id, and no reason.",
        ),
    }
}

fn link(provider: &Outline, product: Product) -> ProviderLink {
    ProviderLink {
        id: provider.id.to_string(),
        name: provider.name.clone(),
        url: format!("{PROVIDERS}/{}", provider.id),
        product: if product == Product::Generic { "" } else { product.name() },
    }
}

fn row(attempt: &Attempt, known: &[Outline]) -> AttemptRow {
    let provider = known.iter().find(|provider| Some(provider.id.as_str()) == attempt.provider_id.as_deref());
    AttemptRow {
        provider: provider.map(|provider| provider.name.clone()).unwrap_or_default(),
        url: format!("{HOME}/{}", attempt.id),
        at: Moment::from_millis(attempt.at),
        purpose: if attempt.purpose == Purpose::Test { "Test" } else { "Sign-in" },
        outcome: outcome(attempt.accepted),
        check: attempt.refused_check.clone().unwrap_or_default(),
        request_id: attempt.request_id.clone(),
    }
}

/// `Accepted` or `Refused`.
pub fn outcome(accepted: bool) -> Badge {
    let (tone, text) = if accepted { (Tone::Success, "Accepted") } else { (Tone::Warning, "Refused") };
    Badge { tone, text: text.to_owned() }
}

/// One check as a row.
pub fn check(found: &ExplainedCheck) -> CheckRow {
    let (tone, text) = match found.checked.outcome.as_str() {
        "passed" => (Tone::Success, "Passed"),
        "failed" => (Tone::Danger, "Failed"),
        _ => (Tone::Neutral, "Not reached"),
    };
    CheckRow {
        number: found.number,
        title: found.title,
        source: found.source,
        outcome: Badge { tone, text: text.to_owned() },
        refusal: found.checked.refusal.clone().unwrap_or_default(),
        detail: found.checked.detail.clone().unwrap_or_default(),
        advice: found.advice.clone().unwrap_or_default(),
    }
}

/// What is known, one line each.
fn facts(found: &Explained) -> Vec<Detail> {
    let attempt = &found.attempt;
    let mut shown = vec![
        ("When", Some(Moment::from_millis(attempt.at).text)),
        ("Request id", Some(attempt.request_id.clone())),
        ("Address", Some(attempt.ip.clone())),
        ("Clocks", attempt.clock_difference_ms.map(clocks)),
        ("Certificate", attempt.certificate.clone()),
        ("User", attempt.user_id.clone()),
        ("Tested by", tester(found)),
    ];
    shown.extend(attempt.person.iter().flat_map(person));
    let known = shown.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    known.map(|(name, value)| Detail { name: name.to_owned(), value }).collect()
}

fn tester(found: &Explained) -> Option<String> {
    let by = UserId::from_text(found.attempt.begun_by.as_deref()?);
    let unknown = if is_contact(&by) { "an IT contact" } else { "somebody who is not here any more" };
    Some(found.tester.clone().unwrap_or_else(|| unknown.to_owned()))
}

fn person(person: &Person) -> Vec<(&'static str, Option<String>)> {
    let would_be = person.would_be.as_deref().map(|would_be| match would_be {
        "known" => "a user who signed in this way before",
        "linked" => "a user who is here already, from now on known by the NameID too",
        _ => "a new user, who would be created",
    });
    vec![
        ("NameID", Some(person.name_id.clone())),
        ("E-mail address", Some(person.email.clone().unwrap_or_else(|| "none".to_owned()))),
        ("Display name", Some(person.display_name.clone().unwrap_or_else(|| "none".to_owned()))),
        ("Groups", Some(person.groups.to_string())),
        ("Role by groups", person.role_by_groups.clone()),
        ("It would be", would_be.map(str::to_owned)),
        ("Role", person.role.clone()),
        ("User here", person.user_id.clone()),
    ]
}

/// How long it took to come, by both clocks.
fn clocks(difference_ms: i64) -> String {
    let seconds = difference_ms.unsigned_abs() / 1000;
    if difference_ms < 0 {
        return format!("the response was issued {seconds} s after it came: the clock there is ahead of ours");
    }
    format!("the response came {seconds} s after it was issued")
}
