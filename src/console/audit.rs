//! The audit log: who did what, to whom, why. Filtering, verifying the chain and exporting; entries are never
//! changed here, nor anywhere.

use super::Page;
use super::parts::{Badge, Count, Moment};

/// `GET /console/audit?action=&actor=&target=&since=&until=&after=`, and `GET /console/audit/verify`.
#[derive(askama::Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// Chrome.
    pub page: Page,
    /// What the list was filtered by.
    pub filter: AuditFilter,
    /// The known actions for the select, with the chosen one marked.
    pub actions: Vec<ActionOption>,
    /// The page of entries, newest first.
    pub rows: Vec<AuditRow>,
    /// One sentence about how many and over which time.
    pub summary: String,
    /// Result of verifying the chain; `None` unless asked for.
    pub verification: Option<Verification>,
    /// CSV export of the whole log.
    pub export_csv_url: String,
    /// JSON Lines export of the whole log.
    pub export_jsonl_url: String,
    /// Address of the next keyset page.
    pub next_url: Option<String>,
    /// Address of the first page, if this isn't it.
    pub first_url: Option<String>,
}

/// The filter as typed; empty means not filtered. The action is in [`AuditPage::actions`].
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Field `actor`: an id, or a user's name or e-mail address.
    pub actor: String,
    /// Field `target`: an id, or a user's name or e-mail address.
    pub target: String,
    /// Field `since`: `YYYY-MM-DD`, UTC, inclusive.
    pub since: String,
    /// Field `until`: `YYYY-MM-DD`, UTC, inclusive.
    pub until: String,
    /// True if anything is set, the action included.
    pub is_active: bool,
}

/// One choice of field `action`.
#[derive(Debug, Clone)]
pub struct ActionOption {
    /// Value as in the API: `session.revoked`.
    pub value: String,
    /// For people: `Session: revoked`.
    pub label: String,
    /// True for the chosen one.
    pub selected: bool,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// Position in the workspace's chain.
    pub sequence: u64,
    /// When.
    pub at: Moment,
    /// What, as in the API: `session.log_all_users_out`.
    pub action: String,
    /// What came of it.
    pub outcome: Badge,
    /// Who: a name, `SCIM token Okta`, `cli:1000`.
    pub actor: String,
    /// What kind of actor: `user`, `scim_token`, `scim_client`, `api_key`, `cli`, `system`.
    pub actor_kind: String,
    /// To whom or what; empty if there is no target.
    pub target: String,
    /// Why; empty if none was given.
    pub reason: String,
    /// Client address; empty if there is none.
    pub ip: String,
    /// Request id; empty if there is none.
    pub request_id: String,
    /// Hash of the entry, in hexadecimal.
    pub hash: String,
    /// What else was recorded.
    pub details: Vec<Detail>,
}

/// One recorded value of an entry.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Its name.
    pub name: String,
    /// Its value as text.
    pub value: String,
}

/// What verifying the chain found.
#[derive(Debug, Clone)]
pub struct Verification {
    /// True if every entry holds.
    pub intact: bool,
    /// How many entries were read.
    pub entries: Count,
    /// Sequence of the first entry that doesn't hold.
    pub first_bad: Option<u64>,
    /// Hash of the newest entry, in hexadecimal; empty if there is none.
    pub head_hash: String,
}
