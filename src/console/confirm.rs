//! The confirmation page of everything that destroys something small: a user's sessions, a token, a provider.
//!
//! Its own address, so that it works without scripts; with them the same form opens in a dialog. *Log all users
//! out* has a page of its own.

use super::Page;
use crate::policy::model::OnChange;

/// `GET …` shows it, `POST …` on [`action`](Self::action) does it.
#[derive(askama::Template)]
#[template(path = "confirm.html")]
pub struct ConfirmPage {
    /// Chrome.
    pub page: Page,
    /// A question that names the target: `Log out all sessions of Ada Lovelace?`
    pub heading: String,
    /// One or two sentences: what will happen.
    pub lead: String,
    /// What ends, one line each; may be empty.
    pub ends: Vec<String>,
    /// What stays as it is, one line each; may be empty.
    pub stays: Vec<String>,
    /// Path that the form posts to.
    pub action: String,
    /// Field `reason` (required), `None` if none is asked for.
    pub reason: Option<String>,
    /// Names the deed: `Log out 3 sessions`.
    pub button: String,
    /// Where *Cancel* leads.
    pub cancel_url: String,
}

/// What becomes of the workspace's sessions when a setting changes: field `sessions`.
#[derive(Debug, Clone)]
pub struct SessionsChoice {
    /// True preselects `log_all_users_out`; the policy's `on_…_change`, or what was posted.
    pub log_all_users_out: bool,
    /// Whether `log_out_affected` is preselected; `None` where it is no choice.
    pub log_out_affected: Option<bool>,
    /// How many sessions logging everybody out would end now: `248 sessions of 42 users`.
    pub would_end: String,
}

impl SessionsChoice {
    /// As it stands where single sign-on changes.
    pub fn for_saml(self, chosen: OnChange) -> Self {
        Self {
            log_all_users_out: chosen == OnChange::LogAllUsersOut,
            log_out_affected: Some(chosen == OnChange::LogOutAffected),
            ..self
        }
    }

    /// Whether that one is preselected.
    pub fn affected_chosen(&self) -> bool {
        self.log_out_affected == Some(true)
    }

    /// Whether they are kept.
    pub fn kept(&self) -> bool {
        !self.log_all_users_out && !self.affected_chosen()
    }
}
