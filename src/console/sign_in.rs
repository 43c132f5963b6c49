//! Signing in: e-mail first, then password or single sign-on; the first password; proving oneself again; and the
//! refusals. Says the same for every failed password, and why the last session ended only from a signed cookie.

use super::Page;
use super::parts::{Moment, Tone};
use crate::saml::outgoing::PostForm;

pub use super::handlers::saml_send::saml_send;
pub use super::handlers::sign_in::saml_continue;

/// `GET /login`: the e-mail step.
#[derive(askama::Template)]
#[template(path = "sign_in/email.html")]
pub struct EmailPage {
    /// Chrome.
    pub page: Page,
    /// Field `workspace`: slug, as known or typed.
    pub workspace: String,
    /// True hides the field and names the workspace instead.
    pub workspace_known: bool,
    /// Field `email`, as typed.
    pub email: String,
    /// Field `return_to`: a path on our origin, or empty.
    pub return_to: String,
    /// Why the last session ended.
    pub notice: Option<Notice>,
}

/// `POST /login` answers it: the password step, with single sign-on beside it if there is one.
#[derive(askama::Template)]
#[template(path = "sign_in/password.html")]
pub struct PasswordPage {
    /// Chrome.
    pub page: Page,
    /// Field `workspace`.
    pub workspace: String,
    /// Field `email`.
    pub email: String,
    /// Field `return_to`.
    pub return_to: String,
    /// Back to the e-mail step.
    pub change_email_url: String,
    /// `/saml/{slug}/login?return_to=…`; `None` without a provider.
    pub sso_url: Option<String>,
}

/// `POST /login` answers it where single sign-on is the only way.
#[derive(askama::Template)]
#[template(path = "sign_in/single_sign_on.html")]
pub struct SingleSignOnPage {
    /// Chrome.
    pub page: Page,
    /// As typed.
    pub email: String,
    /// Back to the e-mail step.
    pub change_email_url: String,
    /// `/saml/{slug}/login?return_to=…`.
    pub sso_url: String,
    /// True lets a browser with scripts follow the link at once.
    pub follow_at_once: bool,
    /// The way of an owner, who needs no identity provider: back to `POST /login`.
    pub owner: Option<OwnerForm>,
}

/// What an owner sends who signs in with a password where single sign-on is required.
pub struct OwnerForm {
    /// Field `workspace`.
    pub workspace: String,
    /// Field `return_to`.
    pub return_to: String,
}

/// 403: the address isn't in the allowlist.
#[derive(askama::Template)]
#[template(path = "sign_in/address_not_allowed.html")]
pub struct AddressNotAllowedPage {
    /// Chrome.
    pub page: Page,
    /// The address as we see it.
    pub ip: String,
    /// For the administrator, who finds it in the log.
    pub request_id: String,
    /// Where to try again from another network.
    pub retry_url: String,
}

/// `GET /setup/{token}`: the first owner, or an invited user, chooses a password.
#[derive(askama::Template)]
#[template(path = "sign_in/set_up.html")]
pub struct SetUpPage {
    /// Chrome.
    pub page: Page,
    /// `/setup/{token}`.
    pub action: String,
    /// Whose account it is.
    pub email: String,
    /// Fewest characters of a password.
    pub minimum_length: u16,
}

/// `GET /console/reauthenticate`: proving oneself again before something dangerous.
#[derive(askama::Template)]
#[template(path = "sign_in/reauthenticate.html")]
pub struct ReauthenticatePage {
    /// Chrome.
    pub page: Page,
    /// Whose session it is.
    pub email: String,
    /// Field `return_to`: where to go on.
    pub return_to: String,
    /// Where *Cancel* leads.
    pub cancel_url: String,
    /// Shows the password form.
    pub password_available: bool,
    /// `/saml/{slug}/login?return_to=…`; `None` without a provider.
    pub sso_url: Option<String>,
}

/// The answer to the identity provider's cross-site POST: the same fields, posted once more from our own origin, so
/// that the browser sends the cookie that began the sign-in.
#[derive(askama::Template)]
#[template(path = "sign_in/saml_continue.html")]
pub struct SamlContinuePage {
    /// Chrome.
    pub page: Page,
    /// `/saml/{slug}/acs`.
    pub acs_url: String,
    /// Field `SAMLResponse`, base64 as received.
    pub saml_response: String,
    /// Field `RelayState`, if one was received.
    pub relay_state: Option<String>,
}

/// The way to an identity provider that takes messages by POST: ours in a form, for its origin.
#[derive(askama::Template)]
#[template(path = "sign_in/saml_send.html")]
pub struct SamlSendPage {
    /// Chrome.
    pub page: Page,
    /// What happens here.
    pub heading: &'static str,
    /// Why: one sentence.
    pub text: &'static str,
    /// Host of the identity provider, for people.
    pub host: String,
    /// The message, perhaps signed, and `RelayState`.
    pub form: PostForm,
}

/// 403: the identity provider's answer was refused. Says how to go on; the exact check is in the audit log and among the
/// attempts.
#[derive(askama::Template)]
#[template(path = "sign_in/saml_refused.html")]
pub struct SamlRefusedPage {
    /// Chrome.
    pub page: Page,
    /// One sentence for the person who signs in.
    pub reason: String,
    /// For the administrator, who finds the attempt under it; `None`: there is none to be found.
    pub request_id: Option<String>,
    /// Where to begin again.
    pub retry_url: String,
}

/// A message above the sign-in form.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Colour.
    pub tone: Tone,
    /// What happened.
    pub heading: String,
    /// When it happened, if that is known.
    pub at: Option<Moment>,
    /// What to do.
    pub text: String,
}

/// Why a session ended, as its person is told.
#[derive(Debug, Clone)]
pub enum EndReason {
    /// They logged out themselves.
    LoggedOut,
    /// They logged out at their identity provider, or it logged them out.
    LoggedOutThere,
    /// An administrator ended this session or all of the user's.
    EndedByAdministrator,
    /// All users of the workspace were logged out.
    EverybodyLoggedOut {
        /// When.
        at: Moment,
    },
    /// Maximum age.
    Expired,
    /// Idle for too long.
    Idle,
    /// The policy no longer admits it.
    PolicyChanged,
    /// The client address left the allowlist.
    AddressNotAllowed,
    /// The account was suspended or deprovisioned.
    AccountDeactivated,
}

impl Notice {
    /// The message for a reason.
    pub fn for_end(reason: EndReason) -> Self {
        let (tone, heading, text) = match &reason {
            EndReason::LoggedOut => (Tone::Success, "You are logged out", "Your session has ended on every replica."),
            EndReason::LoggedOutThere => (
                Tone::Info,
                "Your identity provider signed you out",
                "You were signed out there, and so here as well. Sign in again to continue.",
            ),
            EndReason::EndedByAdministrator => (
                Tone::Info,
                "An administrator ended your session",
                "Sign in again to continue. If you didn't expect this, ask your administrator.",
            ),
            EndReason::EverybodyLoggedOut { .. } => (
                Tone::Info,
                "Everybody was logged out",
                "An administrator logged all users out of this workspace. Sign in again to continue.",
            ),
            EndReason::Expired => (Tone::Info, "Your session reached its maximum age", "Sign in again to continue."),
            EndReason::Idle => (Tone::Info, "You were away for too long", "Sign in again to continue."),
            EndReason::PolicyChanged => (
                Tone::Info,
                "The security policy changed",
                "Your session no longer meets it. Sign in again to continue.",
            ),
            EndReason::AddressNotAllowed => (
                Tone::Warning,
                "Your address is no longer allowed",
                "Sign in from a network that this workspace allows, or ask your administrator.",
            ),
            EndReason::AccountDeactivated => (
                Tone::Warning,
                "Your account was deactivated",
                "Ask your administrator if you think that is a mistake.",
            ),
        };
        let at = match reason {
            EndReason::EverybodyLoggedOut { at } => Some(at),
            _ => None,
        };
        Self { tone, heading: heading.to_owned(), at, text: text.to_owned() }
    }
}
