//! What came back from identity providers: of each provider the newest twenty attempts of each kind, sign-ins and tests, accepted
//! and refused, verified and not, so that neither a busy morning nor somebody's garbage hides the one that failed. Older ones
//! go in the transaction that adds one, and all of them after thirty days. Of a refused response nothing else is kept.

use super::advice::{Ours, advice};
use super::attempt_model::{Attempt, Checked, Ending, Trail};
use super::configure::ServiceProvider;
use super::identity_provider::parse_metadata;
use super::product::Product;
use super::provider::{Outline, StoredProvider};
use super::{attempt_store as store, checklist, provider_store};
use crate::actor::Origin;
use crate::app::App;
use crate::base::ids::{ProviderId, UserId, WorkspaceId, uuid_v7};
use crate::base::page::{Page, PageRequest};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::policy::model::MINUTE_MS;
use crate::transact;
use crate::users::store as users;

/// Kept of one provider and one kind.
const KEPT: i64 = 20;
/// How long an attempt is kept: thirty days.
const KEEP_MS: i64 = 30 * 24 * 60 * MINUTE_MS;

/// Keeps an attempt, and lets the oldest go; gives its id. Of two at the same moment each may leave the other's one too many:
/// the next attempt puts that right.
pub(super) async fn record(
    tx: &mut Write,
    app: &App,
    workspace: &WorkspaceId,
    trail: &Trail,
    ending: Ending<'_>,
    origin: &Origin,
) -> Result<String> {
    let now = app.clock.now();
    let (accepted, user) = match ending {
        Ending::Accepted(user) => (true, user),
        Ending::Refused(_) => (false, None),
    };
    let attempt = Attempt {
        workspace: workspace.clone(),
        id: uuid_v7(now, app.random.as_ref()),
        at: now,
        provider_id: trail.provider_id.clone(),
        purpose: trail.purpose,
        accepted,
        refused_check: ending.refusal().map(|refusal| refusal.check.to_owned()),
        request_id: origin.request_id.clone(),
        ip: origin.ip_text(),
        checks: ending.checks(&trail.checks),
        clock_difference_ms: trail.clock_difference_ms,
        certificate: trail.certificate.clone(),
        outline: trail.outline.clone(),
        person: trail.person.clone(),
        user_id: user.map(UserId::to_string),
        begun_by: trail.begun_by.as_ref().map(UserId::to_string),
    };
    store::add(tx, &attempt, KEPT).await?;
    Ok(attempt.id)
}

/// Whether the audit log shall have an entry of an attempt: always, if a certificate of the provider verified it; of others, which
/// anybody can write, only so many in a minute.
pub(super) fn is_audited(app: &App, workspace: &WorkspaceId, trail: &Trail) -> bool {
    trail.certificate.is_some() || app.addresses.admits_refusal(workspace)
}

/// Which attempts are meant: those that fit all that is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sought<'a> {
    /// Id of a provider.
    pub provider: Option<&'a str>,
    /// What the person who was refused was told.
    pub request_id: Option<&'a str>,
}

impl<'a> Sought<'a> {
    /// What comes from outside; of a provider that nobody knows there is simply nothing.
    ///
    /// # Errors
    /// 400 naming `request_id` if it can't be one.
    pub fn parse(provider: Option<&'a str>, request_id: Option<&'a str>) -> Result<Self> {
        if request_id.is_some_and(|id| !is_request_id(id)) {
            return Err(Error::invalid(
                "request_id",
                "must be 16 digits and letters from a to f, as the person was told",
            ));
        }
        Ok(Self { provider, request_id })
    }
}

/// The form of the numbers of requests.
fn is_request_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A page of attempts, newest first.
pub async fn list(app: &App, workspace: &WorkspaceId, sought: Sought<'_>, page: &PageRequest) -> Result<Page<Attempt>> {
    let (at, last) = page.after.clone().unwrap_or((i64::MAX, String::new()));
    let of = [sought.provider.unwrap_or_default(), sought.request_id.unwrap_or_default()];
    let mut read = app.db.read().await?;
    let rows = store::list(&mut read, workspace, of, at, &last, page.limit + 1).await?;
    Ok(page.page(rows, |attempt| (attempt.at, attempt.id.clone())))
}

/// An attempt with what there is to say of it.
pub struct Explained {
    pub attempt: Attempt,
    /// The provider; `None`: it is not here any more, or nobody knows which it was.
    pub provider: Option<Outline>,
    /// What the provider is, as far as its metadata tells.
    pub product: Product,
    /// Of whoever tried the settings: the e-mail address, else what pages call them; `None` if they are not here.
    pub tester: Option<String>,
    /// The attempt's checks, in order.
    pub checks: Vec<ExplainedCheck>,
}

/// One check, with its number and what to do about it.
pub struct ExplainedCheck {
    /// From 1.
    pub number: i64,
    /// What is so if it passed.
    pub title: &'static str,
    /// Where it is demanded.
    pub source: &'static str,
    pub checked: Checked,
    /// One or two sentences in the words of the provider's product, if it failed.
    pub advice: Option<String>,
}

/// One attempt.
///
/// # Errors
/// 404 if there is none of that id in the workspace.
pub async fn load(app: &App, workspace: &WorkspaceId, slug: &str, id: &str) -> Result<Explained> {
    let mut read = app.db.read().await?;
    let attempt = store::find(&mut read, workspace, id).await?.ok_or_else(|| Error::not_found("attempt"))?;
    let stored = match attempt.provider_id.as_deref() {
        Some(id) => provider_store::find(&mut read, workspace, &ProviderId::from_text(id)).await?,
        None => None,
    };
    let tester = match attempt.begun_by.as_deref() {
        Some(by) => users::find(&mut read, workspace, &UserId::from_text(by)).await?,
        None => None,
    };
    let tester = tester.map(|user| user.email.clone().unwrap_or_else(|| user.label().to_owned()));
    let outline = stored.as_ref().map(StoredProvider::outline);
    // Of metadata that has run out since, or a provider that was deleted, nothing is known: then the general words are used.
    let provider = stored.and_then(|stored| parse_metadata(&stored.metadata, app.clock.now()).ok());
    let product = provider.as_ref().map_or(Product::Generic, Product::of);
    let us = ServiceProvider::of(app, slug);
    let ours = Ours { acs_url: &us.acs_url, entity_id: &us.entity_id, login_url: &us.login_url };
    let checks = (1..).zip(&attempt.checks).map(|(number, checked)| explained(number, checked, product, &ours));
    let checks = checks.collect();
    Ok(Explained { attempt, provider: outline, product, tester, checks })
}

fn explained(number: i64, checked: &Checked, product: Product, ours: &Ours<'_>) -> ExplainedCheck {
    let step = checklist::step_of(&checked.name);
    ExplainedCheck {
        number,
        title: step.map_or("", |step| step.title),
        source: step.map_or("", |step| step.source),
        checked: checked.clone(),
        advice: checked.refusal.as_deref().and_then(|check| advice(check, product, ours)),
    }
}

/// Forgets attempts that are older than thirty days.
pub async fn tidy(app: &App) -> Result<u64> {
    let before = app.clock.now() - KEEP_MS;
    transact!(app.db, |tx| { store::tidy(tx, before).await })
}
