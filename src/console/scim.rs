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
    /// Base URL, and the variant that Entra ID needs.
    pub addresses: Vec<CopyField>,
    /// Deprovisioning that waits for approval; `None` if none does.
    pub hold: Option<HoldBanner>,
    /// Tokens, newest first.
    pub tokens: Vec<ScimTokenRow>,
    /// Field `name` of the create form, as typed.
    pub name: String,
    /// Field `expires_in_days` of the create form: `90`, `365`, `730` or empty for never.
    pub expires_in_days: String,
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
    /// Shows *Revoke*.
    pub can_revoke: bool,
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
}
