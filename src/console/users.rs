//! The people of the workspace and what an administrator may do to their access. Logging out and suspending go
//! through a confirmation page; profiles that an identity provider manages are not edited here.

use super::Page;
use super::parts::{Badge, Count, Moment};

/// `GET /console/users?q=&state=&after=`.
#[derive(askama::Template)]
#[template(path = "users.html")]
pub struct UsersPage {
    /// Chrome.
    pub page: Page,
    /// Field `q`: part of a name or e-mail address.
    pub query: String,
    /// Field `state`: `invited`, `active`, `suspended`, `deprovisioned` or empty.
    pub state: String,
    /// True if either is set.
    pub is_filtered: bool,
    /// The page of users, by name.
    pub rows: Vec<UserRow>,
    /// One sentence about how many.
    pub summary: String,
    /// Address of this list with its filters; forms post it back as `return_to`.
    pub list_url: String,
    /// Address of the next keyset page.
    pub next_url: Option<String>,
    /// Address of the first page, if this isn't it.
    pub first_url: Option<String>,
}

/// One user.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Id, part of the addresses of the row's actions.
    pub id: String,
    /// Display name, or the e-mail address.
    pub label: String,
    /// E-mail address.
    pub email: String,
    /// `Owner`, `Admin`, `Member`.
    pub role: String,
    /// `Active`, `Invited`, `Suspended`, `Deprovisioned`.
    pub state: Badge,
    /// Who manages the profile, under the role: `Local`, `From SCIM`, `From SAML`.
    pub source: String,
    /// Live sessions.
    pub sessions: Count,
    /// Last accepted check of any session.
    pub last_seen_at: Option<Moment>,
    /// True for the caller.
    pub is_self: bool,
    /// Shows *Log out everywhere*.
    pub can_log_out: bool,
    /// Shows *Suspend*.
    pub can_suspend: bool,
    /// Shows *Reactivate*.
    pub can_reactivate: bool,
}
