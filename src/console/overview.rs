//! The landing page after sign-in: is anything wrong, and where is what I came for.

use super::Page;
use super::parts::{Badge, Count, Moment, Tone};
use super::scim::HoldBanner;

/// `GET /console`.
#[derive(askama::Template)]
#[template(path = "overview.html")]
pub struct OverviewPage {
    /// Chrome.
    pub page: Page,
    /// The caller's own live sessions, this one included.
    pub own_sessions: Count,
    /// What administrators see besides; `None` for members.
    pub workspace: Option<WorkspaceOverview>,
}

/// The state of the whole workspace.
#[derive(Debug, Clone)]
pub struct WorkspaceOverview {
    /// Live sessions.
    pub sessions: Count,
    /// Users with at least one live session: `42 users`.
    pub users_signed_in: Count,
    /// All users that may sign in: `of 43 active users`.
    pub users_active: Count,
    /// The newest *log all users out*; `None` if there was none.
    pub last_log_out: Option<LastLogOut>,
    /// Deprovisioning that waits for approval; `None` if none does.
    pub hold: Option<HoldBanner>,
    /// What should be known of the identity provider; may be empty.
    pub notices: Vec<SamlNotice>,
    /// State of provisioning: `Waiting for first contact`, `Healthy`, `Off`.
    pub scim_state: Badge,
    /// When an identity provider last called.
    pub scim_last_contact: Option<Moment>,
    /// State of single sign-on: `Off`, `On`, `Certificate expires soon`.
    pub saml_state: Badge,
    /// One sentence: which identity provider, until when its certificate is good.
    pub saml_detail: String,
}

/// Something about an identity provider that needs a look.
#[derive(Debug, Clone)]
pub struct SamlNotice {
    /// Colour and urgency.
    pub tone: Tone,
    /// One or two sentences.
    pub text: String,
}

/// Who logged all users out, and when.
#[derive(Debug, Clone)]
pub struct LastLogOut {
    /// When it took effect.
    pub at: Moment,
    /// Label of the actor.
    pub actor: String,
    /// How many sessions it ended.
    pub sessions: Count,
}
