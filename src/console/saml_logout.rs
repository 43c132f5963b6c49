//! Single logout: on to the identity provider, back from it, and what became of it. These pages say no more than is known: that
//! somebody is signed out here, always; there, only if the provider said so.

use super::Page;
use crate::saml::outgoing::PostForm;

/// `POST /logout` of somebody whom an identity provider signed in: the session has ended, and the browser goes on there.
#[derive(askama::Template)]
#[template(path = "sign_in/log_out_there.html")]
pub struct LogOutTherePage {
    /// Chrome.
    pub page: Page,
    /// Where a link leads; `None` if a form is to be posted.
    pub location: Option<String>,
    /// The form; `None` if a link is to be followed.
    pub form: Option<PostForm>,
    /// Back to the sign-in page.
    pub sign_in_url: String,
}

/// The answer to the identity provider's cross-site POST: the same field, posted once more from our own origin.
#[derive(askama::Template)]
#[template(path = "sign_in/saml_logout_continue.html")]
pub struct SamlLogoutContinuePage {
    /// Chrome.
    pub page: Page,
    /// `/saml/{slug}/slo`.
    pub slo_url: String,
    /// Field `SAMLResponse`, base64 as received.
    pub saml_response: String,
}

/// What became of a log-out.
#[derive(askama::Template)]
#[template(path = "sign_in/signed_out.html")]
pub struct SignedOutPage {
    /// Chrome.
    pub page: Page,
    /// What happened.
    pub heading: String,
    /// What is known of the identity provider, and what to do.
    pub text: String,
    /// Back to the sign-in page.
    pub sign_in_url: String,
}
