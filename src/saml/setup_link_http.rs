//! `/api/v1/security/saml/setup-links`: links by which an IT contact sets single sign-on up.

use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::setup_links::{self, SetupLink};
use crate::app::App;
use crate::base::clock::rfc3339;
use crate::base::ids::ProviderId;
use crate::base::secret::Secret;
use crate::error::Result;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body, NoContent};

/// A link that shall be made.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct SamlSetupLinkBody {
    /// Whom it is for: 1 to 100 characters.
    name: String,
    /// The identity provider that the contact shall change, which must be switched off; absent: a new one.
    provider_id: Option<String>,
}

/// A link for an IT contact.
#[derive(Serialize, Object)]
struct SamlSetupLinkView {
    id: String,
    name: String,
    /// What it is for: `sso`.
    intent: String,
    /// The identity provider that it may change; null until the contact has made it.
    provider_id: Option<String>,
    /// Id of the administrator who made it.
    created_by: String,
    created_at: String,
    expires_at: String,
    /// When its code was typed into a browser. Each opens one.
    opened_at: Option<String>,
    revoked_at: Option<String>,
    /// Whether it opens something now: it has not ended, and no sessions of its maker, or of everybody, were ended since.
    works: bool,
    /// The page where the code is typed.
    url: String,
    /// Only in the answer that makes it: the code. It can't be asked for again.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Only in the answer that makes it: the page with the code behind a `#`, which browsers send to nobody. It needs scripts.
    #[serde(skip_serializing_if = "Option::is_none")]
    url_with_code: Option<String>,
}

#[derive(Serialize, Object)]
struct SamlSetupLinkPage {
    items: Vec<SamlSetupLinkView>,
    next: Option<String>,
}

/// The page where the code of a link is typed.
pub fn page_url(app: &App, slug: &str) -> String {
    format!("{}/saml/{slug}/setup", app.config.public_url)
}

/// The same page with the code in the part of the address that browsers keep to themselves.
pub fn page_url_with(app: &App, slug: &str, code: &Secret) -> String {
    format!("{}#{}", page_url(app, slug), code.reveal())
}

pub struct SamlSetupLinksApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SamlSetupLinksApi {
    /// List set-up links, newest first
    ///
    /// Those that work, and those that ended within thirty days.
    #[oai(path = "/security/saml/setup-links", method = "get", operation_id = "listSamlSetupLinks")]
    async fn links(&self, caller: Caller) -> poem::Result<Answer<SamlSetupLinkPage>> {
        require_admin(&caller.facts)?;
        let found = setup_links::list(&caller.app, &caller.facts.workspace.id).await?;
        let items = found.iter().map(|link| view(&caller, link, None)).collect();
        Ok(Answer::ok(SamlSetupLinkPage { items, next: None }))
    }

    /// Make a set-up link for an IT contact
    ///
    /// Whoever has its code sees our values, gives the metadata of one identity provider, and tests it. They can neither switch
    /// it on nor see anybody. It works for 72 hours, once, in one browser; it ends with the sessions of whoever made it.
    #[oai(path = "/security/saml/setup-links", method = "post", operation_id = "createSamlSetupLink")]
    async fn create_link(
        &self,
        caller: Caller,
        body: Body<SamlSetupLinkBody>,
    ) -> poem::Result<Answer<SamlSetupLinkView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let (link, code) = create(&caller, &body.0.name, body.0.provider_id.as_deref()).await?;
        Ok(Answer::created(view(&caller, &link, Some(&code))))
    }

    /// Revoke a set-up link
    ///
    /// The browser that it was opened in is out, too. What the contact has made stays, switched off.
    #[oai(path = "/security/saml/setup-links/:id", method = "delete", operation_id = "revokeSamlSetupLink")]
    async fn revoke_link(&self, caller: Caller, id: Path<String>) -> poem::Result<NoContent> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        setup_links::revoke(&caller.app, &caller.actor, &caller.facts.workspace.id, &id.0).await?;
        Ok(NoContent)
    }
}

/// Makes a link in the caller's workspace.
///
/// # Errors
/// As `setup_links::create`.
pub async fn create(caller: &Caller, name: &str, provider: Option<&str>) -> Result<(SetupLink, Secret)> {
    let (workspace, user) = (&caller.facts.workspace.id, &caller.facts.user.id);
    setup_links::create(&caller.app, &caller.actor, workspace, user, name, provider).await
}

fn view(caller: &Caller, link: &SetupLink, code: Option<&Secret>) -> SamlSetupLinkView {
    let slug = &caller.facts.workspace.slug;
    SamlSetupLinkView {
        id: link.id.to_string(),
        name: link.name.clone(),
        intent: "sso".to_owned(),
        provider_id: link.provider.as_ref().map(ProviderId::to_string),
        created_by: link.created_by.to_string(),
        created_at: rfc3339(link.created_at),
        expires_at: rfc3339(link.expires_at),
        opened_at: link.opened_at.map(rfc3339),
        revoked_at: link.revoked_at.map(rfc3339),
        works: link.works,
        url: page_url(&caller.app, slug),
        code: code.map(|code| code.reveal().to_owned()),
        url_with_code: code.map(|code| page_url_with(&caller.app, slug, code)),
    }
}
