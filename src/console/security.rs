//! The Security page: session policy, IP allowlist, single sign-on, and the danger zone. Each part is its own form;
//! what a change ends is chosen in the form and decided in `security`, not here.

use super::Page;
use super::confirm::SessionsChoice;
use super::domains::DomainsForm;
use super::parts::{Count, DurationField};
use super::sso::SingleSignOn;
use crate::policy::model::OnChange;

/// `GET /console/security`; with 409 or 422 also the answer to a form that was refused.
#[derive(askama::Template)]
#[template(path = "security.html")]
pub struct SecurityPage {
    /// Chrome.
    pub page: Page,
    /// Lifetimes and sign-in methods.
    pub policy: PolicyForm,
    /// Who may connect from where.
    pub ip_allowlist: IpAllowlistForm,
    /// The domains whose people single sign-on may sign in.
    pub domains: DomainsForm,
    /// The identity provider.
    pub saml: SingleSignOn,
    /// What *log all users out* would end now, the caller's own session excepted.
    pub sessions: Count,
    /// Of how many users.
    pub users: Count,
}

/// Posts to `/console/security/policy`.
#[derive(Debug, Clone)]
pub struct PolicyForm {
    /// Field `if_match`: the ETag that the form was filled from.
    pub etag: String,
    /// Fields `absolute_lifetime`, `absolute_lifetime_unit`.
    pub absolute_lifetime: DurationField,
    /// Fields `idle_timeout`, `idle_timeout_unit`.
    pub idle_timeout: DurationField,
    /// Field `sign_in_password` (`1` or absent).
    pub sign_in_password: bool,
    /// Field `sign_in_saml` (`1` or absent).
    pub sign_in_saml: bool,
    /// False shows that SAML can't be chosen yet, for want of a provider.
    pub saml_configured: bool,
    /// Field `just_in_time_users` (`1` or absent).
    pub just_in_time_users: bool,
    /// Field `on_saml_change`: `keep`, `log_out_affected` or `log_all_users_out`.
    pub on_saml_change: OnChange,
    /// Field `on_ip_allowlist_change`: true is `log_all_users_out`, false `keep`.
    pub log_out_on_ip_allowlist_change: bool,
    /// Field `access_groups`: a group on each line, its id first, or its name alone.
    pub access_groups: String,
    /// Field `link_by_verified_email` (`1` or absent).
    pub link_by_verified_email: bool,
    /// Field `deprovision_hold_count`, as typed.
    pub deprovision_hold_count: String,
    /// Field `deprovision_hold_percent`, as typed.
    pub deprovision_hold_percent: String,
}

/// Posts to `/console/security/ip-allowlist`.
#[derive(Debug, Clone)]
pub struct IpAllowlistForm {
    /// Field `mode`: `off`, `report` or `enforce`.
    pub mode: String,
    /// Field `entries`: one `CIDR label` per line.
    pub entries: String,
    /// The caller's address as we see it.
    pub your_ip: String,
    /// `203.0.113.7/32` or the `/128`: the line that admits the caller.
    pub your_cidr: String,
    /// True if the list as shown admits the caller.
    pub allows_you: bool,
    /// True after 409 `would-lock-out-caller`: shows the field `confirm_lockout` (`1` or absent).
    pub would_lock_out: bool,
    /// Field `reason`, as typed.
    pub reason: String,
    /// Field `sessions`.
    pub sessions: SessionsChoice,
}
