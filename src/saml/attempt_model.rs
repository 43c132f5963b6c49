//! Pure: an attempt to sign in by SAML, as administrators see it, and what is known of one under way.

use serde::{Deserialize, Serialize};

use super::assertion::Identity;
use super::checklist::{Checklist, Outcome};
use super::flow::Purpose;
use super::judge::Examined;
use super::outline::{form, masked};
use super::refusal::Refusal;
use super::settings::ProviderSettings;
use crate::base::clock::UnixMillis;
use crate::base::ids::{UserId, WorkspaceId};

/// An attempt as it is stored. No value in it names a person, but for their id here.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub workspace: WorkspaceId,
    pub id: String,
    pub at: UnixMillis,
    pub provider_id: Option<String>,
    pub purpose: Purpose,
    pub accepted: bool,
    /// The check that decided; `None` if it was accepted.
    pub refused_check: Option<String>,
    pub request_id: String,
    /// Empty if it is not known.
    pub ip: String,
    pub checks: Vec<Checked>,
    /// Milliseconds by which our clock is ahead of the response's IssueInstant: its age, and the difference of the clocks.
    pub clock_difference_ms: Option<i64>,
    /// SHA-256 of the certificate that verified it, in hexadecimal.
    pub certificate: Option<String>,
    /// See `outline.rs`.
    pub outline: Option<String>,
    pub person: Option<Person>,
    /// Who was signed in.
    pub user_id: Option<String>,
    /// The administrator who tried the settings.
    pub begun_by: Option<String>,
}

/// One check of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// As a step of `checklist.rs` is called.
    pub name: String,
    /// `passed`, `failed` or `not_reached`.
    pub outcome: String,
    /// The whole name of the refusal, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// One sentence, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Whom a verified assertion names: the form of each value that is used here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name_id: String,
    pub email: Option<String>,
    pub display_name: Option<String>,
    /// How many groups it names.
    pub groups: i64,
    /// The role that its groups give by the provider's settings; `None`: none of them gives one.
    #[serde(default)]
    pub role_by_groups: Option<String>,
    /// Of a test that was accepted: `known`, `linked` or `created`.
    pub would_be: Option<String>,
    /// Of a test that was accepted: the role that the person would have.
    pub role: Option<String>,
    /// Of a test that was accepted: the id of the user who is here already.
    pub user_id: Option<String>,
}

impl Person {
    pub fn of(identity: &Identity) -> Self {
        Self {
            name_id: form(&identity.name_id),
            email: identity.email.as_deref().map(form),
            display_name: identity.display_name.as_deref().map(form),
            groups: i64::try_from(identity.groups.len()).unwrap_or(i64::MAX),
            ..Self::default()
        }
    }

    /// With the role that these settings give for their groups.
    pub fn with_role_of(self, settings: &ProviderSettings, identity: &Identity) -> Self {
        let role = settings.role_for(&identity.groups).map(|role| role.as_str().to_owned());
        Self { role_by_groups: role, ..self }
    }
}

/// What is known of an attempt so far.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    pub provider_id: Option<String>,
    pub purpose: Purpose,
    pub begun_by: Option<UserId>,
    /// Of a test: whether the browser that ended it is that of whoever began it, as far as its own session, or set-up link, tells.
    pub witnessed: bool,
    pub checks: Checklist,
    pub clock_difference_ms: Option<i64>,
    pub certificate: Option<String>,
    pub outline: Option<String>,
    pub person: Option<Person>,
}

impl Trail {
    /// Keeps what was found in a response that came at `now`; gives its verdict.
    pub fn learn(&mut self, examined: Examined, now: UnixMillis) -> Result<Identity, Refusal> {
        self.checks = examined.checks;
        self.clock_difference_ms = examined.issued_at.map(|at| now - at);
        self.certificate = examined.certificate;
        self.outline = examined.outline;
        self.person = examined.verdict.as_ref().ok().map(Person::of);
        examined.verdict
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// With who was signed in; of a test nobody.
    Accepted(Option<&'a UserId>),
    Refused(&'a Refusal),
}

impl<'a> Ending<'a> {
    pub fn refusal(self) -> Option<&'a Refusal> {
        match self {
            Self::Accepted(_) => None,
            Self::Refused(refusal) => Some(refusal),
        }
    }

    /// Every check, with the last word of this ending.
    pub fn checks(self, so_far: &Checklist) -> Vec<Checked> {
        let mut list = so_far.clone();
        match self {
            Self::Accepted(_) => list.complete(),
            // A required check has its place in the list already, and others beside it that failed.
            Self::Refused(refusal) => list.refuse(refusal.clone()),
        }
        list.steps().map(|(step, outcome)| checked(step.name, outcome)).collect()
    }
}

fn checked(name: &str, outcome: &Outcome) -> Checked {
    let (text, refusal) = match outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Failed(refusal) => ("failed", Some(refusal)),
        Outcome::NotReached => ("not_reached", None),
    };
    Checked {
        name: name.to_owned(),
        outcome: text.to_owned(),
        refusal: refusal.map(|refusal| refusal.check.to_owned()),
        detail: refusal.map(|refusal| masked(&refusal.detail)),
    }
}
