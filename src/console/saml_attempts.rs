//! Attempts to sign in by SAML: the list, one with all its checks, and the beginning of a test.

use super::Page;
use super::audit::Detail;
use super::parts::{Badge, Moment};

/// `GET /console/security/saml/attempts`.
#[derive(askama::Template)]
#[template(path = "saml/attempts.html")]
pub struct AttemptsPage {
    /// Chrome.
    pub page: Page,
    /// Newest first.
    pub rows: Vec<AttemptRow>,
    /// `12 attempts, newest first`.
    pub summary: String,
    /// Of the workspace, or the one whose attempts are shown, the default one first: id and name; one of them is tested.
    pub providers: Vec<(String, String)>,
    /// True shows of each attempt whose it is.
    pub several: bool,
    /// Id of the provider whose attempts are shown; empty: of all.
    pub only: String,
    /// The request id that was looked for, as it was typed; empty: none.
    pub request_id: String,
    /// The list without it.
    pub all_url: String,
    /// The next page; `None` on the last.
    pub next_url: Option<String>,
    /// The first page; `None` on it.
    pub first_url: Option<String>,
}

/// One attempt in the list.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// `/console/security/saml/attempts/{id}`.
    pub url: String,
    /// When.
    pub at: Moment,
    /// Name of the identity provider; empty if it is not here any more.
    pub provider: String,
    /// `Sign-in` or `Test`.
    pub purpose: &'static str,
    /// `Accepted` or `Refused`.
    pub outcome: Badge,
    /// The check that decided; empty if it was accepted.
    pub check: String,
    /// What the person who was refused was told.
    pub request_id: String,
}

/// `GET /console/security/saml/attempts/{id}`: also where a test ends.
#[derive(askama::Template)]
#[template(path = "saml/attempt.html")]
pub struct AttemptPage {
    /// Chrome.
    pub page: Page,
    /// `The test passed`, `The sign-in was refused`.
    pub heading: String,
    /// One sentence that says what it means.
    pub lead: String,
    /// Accepted or refused.
    pub outcome: Badge,
    /// Whose answer it was; `None`: it is not here any more.
    pub provider: Option<ProviderLink>,
    /// What is known of it.
    pub facts: Vec<Detail>,
    /// `3 of 32 checks failed`.
    pub summary: String,
    /// The checks that failed, in order.
    pub failed: Vec<CheckRow>,
    /// Every check, in order.
    pub checks: Vec<CheckRow>,
    /// The message without its values; empty if there is none.
    pub outline: String,
    /// True if a certificate verified the message.
    pub verified: bool,
}

/// An identity provider, to be named.
#[derive(Debug, Clone)]
pub struct ProviderLink {
    /// Field `provider` of the form that begins a test.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// Its page.
    pub url: String,
    /// What product it is; empty if that isn't known.
    pub product: &'static str,
}

/// One check.
#[derive(Debug, Clone)]
pub struct CheckRow {
    /// From 1.
    pub number: i64,
    /// What is so if it passed.
    pub title: &'static str,
    /// Where it is demanded.
    pub source: &'static str,
    /// `Passed`, `Failed` or `Not reached`.
    pub outcome: Badge,
    /// The exact name of the failure; empty if it didn't fail.
    pub refusal: String,
    /// What was wrong.
    pub detail: String,
    /// What to change.
    pub advice: String,
}

/// `POST /console/security/saml/test` answers it: the way to the identity provider. A link, because a form may lead to our own
/// origin only.
#[derive(askama::Template)]
#[template(path = "saml/test.html")]
pub struct TestPage {
    /// Chrome.
    pub page: Page,
    /// Of the provider that is tested.
    pub name: String,
    /// The identity provider's address with the request, or that of our page that posts it.
    pub location: String,
    /// The provider's page.
    pub back_url: String,
}
