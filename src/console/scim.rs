//! Provisioning: what an identity provider needs in order to create and deactivate people here, and the tokens it
//! signs in with. A token is shown once, in answer to the form that made it.

use super::Page;
use super::parts::{Badge, CopyField, Count, Moment};

/// `GET /console/scim`.
#[derive(askama::Template)]
#[template(path = "scim.html")]
pub struct ScimPage {
    /// Chrome.
    pub page: Page,
    /// `No token yet`, `Waiting for first contact`, `Healthy`.
    pub state: Badge,
    /// When an identity provider last called with a valid token.
    pub last_contact: Option<Moment>,
    /// The base URL.
    pub addresses: Vec<CopyField>,
    /// Deprovisioning that waits for approval; `None` if none does.
    pub hold: Option<HoldBanner>,
    /// Tokens, newest first.
    pub tokens: Vec<ScimTokenRow>,
    /// Field `name` of the create form, as typed.
    pub name: String,
    /// Field `expires_in_days` of the create form: `90`, `365`, `730` or empty for never.
    pub expires_in_days: String,
    /// Field `networks` of the create form, as typed: one a line, or with commas between.
    pub networks: String,
    /// What identity providers asked last, newest first.
    pub requests: Vec<ScimRequestRow>,
}

/// One request of an identity provider, without any value that it sent.
#[derive(Debug, Clone)]
pub struct ScimRequestRow {
    /// When it was answered.
    pub at: Moment,
    /// Name of the token or client; its id if it was removed since.
    pub token: String,
    /// `GET /Users?filter=userName eq …`.
    pub asked: String,
    /// The status, green or red.
    pub status: Badge,
    /// What was wrong; empty if nothing was.
    pub detail: String,
    /// `12 ms`.
    pub duration: String,
    /// Where it came from; empty if that isn't known.
    pub ip: String,
}

/// What administrators must see: people who should lose access wait for them.
#[derive(Debug, Clone)]
pub struct HoldBanner {
    /// Since when.
    pub since: Moment,
    /// Requests that were turned away since then.
    pub requests: Count,
}

/// One token, without its secret.
#[derive(Debug, Clone)]
pub struct ScimTokenRow {
    /// Id, part of the address of *Revoke*.
    pub id: String,
    /// Name given at its creation.
    pub name: String,
    /// `Active`, `Expired`, `Revoked`.
    pub state: Badge,
    /// When it was made.
    pub created_at: Moment,
    /// When it ends; `None` for never.
    pub expires_at: Option<Moment>,
    /// Last accepted use.
    pub last_used_at: Option<Moment>,
    /// Where that came from; empty if it isn't known.
    pub last_used_ip: String,
    /// Networks that it may be used from, with commas between; empty for anywhere.
    pub networks: String,
    /// Shows *Rotate*.
    pub can_rotate: bool,
    /// Shows *Revoke*.
    pub can_revoke: bool,
}

/// `GET /console/scim/tokens/{id}/rotate`: asks how long the old token goes on working.
#[derive(askama::Template)]
#[template(path = "scim_rotate.html")]
pub struct ScimRotatePage {
    /// Chrome.
    pub page: Page,
    /// Id of the token.
    pub id: String,
    /// Name of the token, which its successor gets, too.
    pub name: String,
}

/// The answer to `POST /console/scim/tokens`. Sent with `Cache-Control: no-store`; can't be shown again.
#[derive(askama::Template)]
#[template(path = "scim_token_created.html")]
pub struct ScimTokenCreatedPage {
    /// Chrome.
    pub page: Page,
    /// Name of the token.
    pub name: String,
    /// When it ends; `None` for never.
    pub expires_at: Option<Moment>,
    /// The token, in full.
    pub token: String,
    /// SCIM base URL.
    pub base_url: String,
    /// Until when the token that it replaces works; `None` if it replaces none, or that one has ended.
    pub old_until: Option<Moment>,
}
