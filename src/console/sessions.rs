//! The list of sessions: one's own, or the workspace's for administrators. Filters are a GET form, so that a list
//! has an address; each row ends one session, and one link those that the filter shows. Ending all of them is deliberately not
//! here but under Security.

use super::Page;
use super::parts::Moment;

/// `GET /console/sessions?scope=&user=&ip=&method=&created_before=&seen_before=&after=`.
#[derive(askama::Template)]
#[template(path = "sessions.html")]
pub struct SessionsPage {
    /// Chrome.
    pub page: Page,
    /// True if the caller may see the workspace's sessions.
    pub administrator: bool,
    /// True if the list is the workspace's, false if it is the caller's own.
    pub whole_workspace: bool,
    /// What the list was filtered by.
    pub filter: SessionFilter,
    /// The page of sessions, newest first.
    pub rows: Vec<SessionRow>,
    /// One sentence about how many: `249 sessions`, `Showing 50 of 249 sessions`.
    pub summary: String,
    /// Address of this list with its filters; a row posts it back as `return_to`.
    pub list_url: String,
    /// Address where the listed sessions can be ended, all pages of them; `None` without a filter that can say which.
    pub end_url: Option<String>,
    /// Address of the next keyset page.
    pub next_url: Option<String>,
    /// Address of the first page, if this isn't it.
    pub first_url: Option<String>,
}

/// The filter as typed; empty means not filtered.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Field `user`: an id, or part of a name or e-mail address.
    pub user: String,
    /// Field `ip`: an address or a CIDR.
    pub ip: String,
    /// Field `method`: `password`, `saml`, `setup` or empty.
    pub method: String,
    /// Field `created_before`: `YYYY-MM-DD`, UTC.
    pub created_before: String,
    /// Field `seen_before`: `YYYY-MM-DD`, UTC.
    pub seen_before: String,
    /// True if any of them is set.
    pub is_active: bool,
}

/// One session.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Public id, part of the row's form address.
    pub id: String,
    /// Whose it is, by name.
    pub user_label: String,
    /// Whose it is, by e-mail address.
    pub user_email: String,
    /// `Firefox on Windows`.
    pub device: String,
    /// The User-Agent header, in full.
    pub user_agent: String,
    /// Client address at its last check.
    pub ip: String,
    /// `Password`, `SAML`, `Set-up link`.
    pub method: String,
    /// When the person proved who they are.
    pub signed_in_at: Moment,
    /// Last accepted check.
    pub last_seen_at: Moment,
    /// When it ends by itself.
    pub expires_at: Moment,
    /// The limit that comes first: `idle` or `max. age`.
    pub expires_by: String,
    /// True for the session that asks.
    pub current: bool,
}
