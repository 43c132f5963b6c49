//! Set-up links: the administrator's list of them, and the pages of the IT contact who has one.

use super::Page;
use super::parts::{Badge, CopyField, Moment};
use super::saml_attempts::CheckRow;
use super::saml_providers::{ProductValues, ReadMetadata};

/// `GET /console/security/saml/setup-links`.
#[derive(askama::Template)]
#[template(path = "saml/setup_links.html")]
pub struct SetupLinksPage {
    /// Chrome.
    pub page: Page,
    /// The newest first.
    pub rows: Vec<SetupLinkRow>,
    /// Field `name`, as typed.
    pub name: String,
    /// Choices of the field `provider`: id, name, and whether it is chosen.
    pub providers: Vec<(String, String, bool)>,
}

/// One link.
#[derive(Debug, Clone)]
pub struct SetupLinkRow {
    /// Whom it is for.
    pub name: String,
    /// `Waiting`, `Opened`, `Ended`, `Revoked`.
    pub state: Badge,
    /// When it was made.
    pub created: Moment,
    /// When it ends at the latest.
    pub expires: Moment,
    /// When its code was typed.
    pub opened: Option<Moment>,
    /// The provider that was made with it; `None` if there is none yet.
    pub provider_url: Option<String>,
    /// The confirmation page; `None` if there is nothing to revoke.
    pub revoke_url: Option<String>,
}

/// A new link, once.
#[derive(askama::Template)]
#[template(path = "saml/setup_link_created.html")]
pub struct SetupLinkCreatedPage {
    /// Chrome.
    pub page: Page,
    /// Whom it is for.
    pub name: String,
    /// When it ends.
    pub expires: Moment,
    /// The page, the code, and both in one.
    pub fields: Vec<CopyField>,
}

/// `GET /saml/{slug}/setup`: asks for the code.
#[derive(askama::Template)]
#[template(path = "saml/setup_code.html")]
pub struct SetupCodePage {
    /// Chrome.
    pub page: Page,
    /// Path that the form posts to.
    pub action: String,
}

/// `GET /saml/{slug}/setup/provider`: everything that an IT contact does.
#[derive(askama::Template)]
#[template(path = "saml/setup_provider.html")]
pub struct SetupProviderPage {
    /// Chrome.
    pub page: Page,
    /// `/saml/{slug}/setup`.
    pub base: String,
    /// Until when this browser may come back.
    pub until: Moment,
    /// Every product: name, address, and whether it is shown.
    pub products: Vec<(&'static str, String, bool)>,
    /// What to enter at the one that is shown.
    pub product: ProductValues,
    /// Hidden field `product`.
    pub product_slug: &'static str,
    /// Field `metadata_xml`, as typed.
    pub metadata_xml: String,
    /// What was read of the metadata that is there; `None` if there is none.
    pub read: Option<ReadMetadata>,
    /// True if there is a provider already.
    pub exists: bool,
    /// True once an administrator has switched it on.
    pub enabled: bool,
    /// When the contact's own test passed last.
    pub tested: Option<Moment>,
}

/// `POST /saml/{slug}/setup/test` answers it: the way to the identity provider.
#[derive(askama::Template)]
#[template(path = "saml/setup_test.html")]
pub struct SetupTestPage {
    /// Chrome.
    pub page: Page,
    /// The identity provider's address with the request, or that of our page that posts it.
    pub location: String,
    /// Back to the set-up.
    pub back_url: String,
}

/// `GET /saml/{slug}/setup/attempts/{id}`: how the contact's test went.
#[derive(askama::Template)]
#[template(path = "saml/setup_attempt.html")]
pub struct SetupAttemptPage {
    /// Chrome.
    pub page: Page,
    /// `The test passed` or `The test failed`.
    pub heading: &'static str,
    /// Accepted or refused.
    pub outcome: Badge,
    /// When.
    pub at: Moment,
    /// Every check, in order.
    pub checks: Vec<CheckRow>,
    /// The message without its values; empty if there is none.
    pub outline: String,
    /// True if a certificate verified the message.
    pub verified: bool,
    /// Back to the set-up.
    pub back_url: String,
}
