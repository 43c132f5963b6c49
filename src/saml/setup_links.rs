//! Links by which an IT contact, who has no account here, sets one identity provider up: sees our values, gives its metadata,
//! tests it. The provider stays switched off until an administrator decides.
//!
//! The secret is a code that is typed into a page, not a part of its address. It opens the link once, for one browser, which
//! gets a secret of its own. A link works for 72 hours, and only under the epochs that it was made under: logging all users out
//! ends it, and so does whatever ends the sessions, or the rights, of whoever made it. Whatever is wrong with a code, the answer
//! is the same.

use serde_json::json;

use super::begin::Begun;
use super::configure::Change;
use super::provider::StoredProvider;
use super::wanted::{Wanted, Which};
use super::{provider_store, providers, setup_link_store as store, test_connection};
use crate::actor::{Actor, ActorKind, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::UnixMillis;
use crate::base::ids::{ProviderId, SetupLinkId, UserId, WorkspaceId};
use crate::base::secret::{Secret, SecretKind, recognise};
use crate::base::text::line;
use crate::db::Write;
use crate::error::{CONFLICT, Error, GONE, Result};
use crate::login::sign_in::admit_address;
use crate::policy::model::{MINUTE_MS, OnChange};
use crate::transact;
use crate::users::store as users;
use crate::workspaces;
use crate::workspaces::model::Workspace;

/// How long a link works: 72 hours.
const LIFETIME_MS: i64 = 72 * 60 * MINUTE_MS;
/// How long it works in the browser that it was opened in: 8 hours, as the page for the code says.
pub const BROWSER_MS: i64 = 8 * 60 * MINUTE_MS;
/// Ended links are listed for thirty days more.
const KEEP_MS: i64 = 30 * 24 * 60 * MINUTE_MS;
/// Links of a workspace that work at the same time.
const MOST_OPEN: usize = 20;
/// Links in a list.
const SHOWN: i64 = 100;
/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Before the id of a link, where it stands for a person.
const ACTOR: &str = "setup-link:";

/// A link for an IT contact.
#[derive(Clone, Debug)]
pub struct SetupLink {
    pub workspace: WorkspaceId,
    pub id: SetupLinkId,
    /// Whom it is for: 1 to 100 characters.
    pub name: String,
    /// The one provider that it may change; `None` until the contact has made it.
    pub provider: Option<ProviderId>,
    pub created_by: UserId,
    pub created_at: UnixMillis,
    pub expires_at: UnixMillis,
    /// When its code was typed into a browser.
    pub opened_at: Option<UnixMillis>,
    pub revoked_at: Option<UnixMillis>,
    /// Whether it opens something at this moment.
    pub works: bool,
}

/// Whoever came by a link, and what they may see.
pub struct Contact {
    pub link: SetupLink,
    pub workspace: Workspace,
    pub actor: Actor,
    /// Their identity provider, once they have made it.
    pub provider: Option<StoredProvider>,
}

/// Makes a link; its code can't be asked for again. `user`: the administrator who makes it. `provider`: the one that the contact
/// shall change; `None`: a new one.
///
/// # Errors
/// 400 naming `name`; 404 for a provider that isn't there; 409 if it is switched on, or if 20 links work.
pub async fn create(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    user: &UserId,
    name: &str,
    provider: Option<&str>,
) -> Result<(SetupLink, Secret)> {
    let bad = || Error::invalid("name", "must have 1 to 100 characters, and no control characters");
    let name = line(name, MAX_NAME).filter(|name| !name.contains(char::is_control)).ok_or_else(bad)?;
    let code = Secret::generate(SecretKind::SetupCode, app.random.as_ref());
    let now = app.clock.now();
    let link = SetupLink {
        workspace: workspace.clone(),
        id: SetupLinkId::generate(now, app.random.as_ref()),
        name: name.to_owned(),
        provider: provider.map(ProviderId::from_text),
        created_by: user.clone(),
        created_at: now,
        expires_at: now + LIFETIME_MS,
        opened_at: None,
        revoked_at: None,
        works: true,
    };
    transact!(app.db, |tx| {
        // The workspace first, as whoever ends sessions; then whoever makes it, whose epoch it carries.
        workspaces::store::lock(tx, workspace).await?;
        let user = users::lock(tx, workspace, user).await?.ok_or_else(|| Error::not_found("user"))?;
        let epoch = workspaces::store::load(tx, workspace).await?.epoch;
        if let Some(provider) = &link.provider {
            let missing = || Error::not_found("identity provider");
            require_off(&provider_store::find(tx, workspace, provider).await?.ok_or_else(missing)?)?;
        }
        let known = store::list(tx, workspace, now, SHOWN).await?;
        if known.iter().filter(|known| known.works).count() >= MOST_OPEN {
            return Err(Error::new(CONFLICT, format!("{MOST_OPEN} set-up links work already: revoke one first")));
        }
        store::insert(tx, &link, &code.hash(), (epoch, user.epoch)).await?;
        let details = json!({"provider": link.provider.as_ref().map(ProviderId::as_str), "intent": "sso"});
        let entry = Entry::done("security.saml_setup_link_created", target(&link)).with(details);
        audit::append(tx, workspace, now, actor, &entry).await
    })?;
    Ok((link, code))
}

/// The links of a workspace, the newest first: those that work, and those that ended within thirty days.
pub async fn list(app: &App, workspace: &WorkspaceId) -> Result<Vec<SetupLink>> {
    store::list(&mut app.db.read().await?, workspace, app.clock.now(), SHOWN).await
}

/// Ends a link before its time, in the browser that it was opened in, too.
///
/// # Errors
/// 404 if there is none, or it has ended.
pub async fn revoke(app: &App, actor: &Actor, workspace: &WorkspaceId, id: &str) -> Result<()> {
    let id = SetupLinkId::from_text(id);
    transact!(app.db, |tx| {
        let now = app.clock.now();
        let name = store::revoke(tx, workspace, &id, now).await?.ok_or_else(|| Error::not_found("set-up link"))?;
        let target = Target::new("setup_link", id.as_str(), name);
        audit::append(tx, workspace, now, actor, &Entry::done("security.saml_setup_link_revoked", target)).await?;
        Ok(())
    })
}

/// Opens a link with its code, in one browser; gives the secret that this browser keeps.
///
/// # Errors
/// 410, whatever is wrong with the code; 403 for a refused address; 429 as for a password.
pub async fn open(app: &App, slug: &str, code: &str, origin: &Origin) -> Result<Secret> {
    app.addresses.admit_password(origin.ip)?;
    let hash = recognise(SecretKind::SetupCode, code.trim()).ok_or_else(gone)?;
    let workspace = workspaces::find(app, slug).await?.ok_or_else(gone)?;
    admit_address(app, &workspace, origin).await?;
    let browser = Secret::generate(SecretKind::SetupBrowser, app.random.as_ref());
    transact!(app.db, |tx| {
        let now = app.clock.now();
        let found = store::find_by_code(tx, &hash, now).await?;
        let link = found.filter(|link| link.workspace == workspace.id).ok_or_else(gone)?;
        let until = link.expires_at.min(now + BROWSER_MS);
        if store::open(tx, &link, &browser.hash(), now, until).await? == 0 {
            return Err(gone());
        }
        let actor = Actor::setup_link(&link.id, &link.name, origin.clone());
        let entry = Entry::done("security.saml_setup_link_opened", target(&link));
        audit::append(tx, &workspace.id, now, &actor, &entry).await
    })?;
    Ok(browser)
}

/// Whoever asks from a browser that a link was opened in; `browser` is the secret of its cookie. `None` if no link works there
/// any more.
///
/// # Errors
/// 403 for a refused address.
pub async fn find_contact(app: &App, slug: &str, browser: &str, origin: &Origin) -> Result<Option<Contact>> {
    let Some(hash) = recognise(SecretKind::SetupBrowser, browser) else { return Ok(None) };
    let Some(workspace) = workspaces::find(app, slug).await? else { return Ok(None) };
    let found = store::find_by_browser(&mut app.db.read().await?, &hash, app.clock.now()).await?;
    let Some(link) = found.filter(|link| link.workspace == workspace.id) else { return Ok(None) };
    admit_address(app, &workspace, origin).await?;
    let provider = match &link.provider {
        Some(id) => provider_store::find(&mut app.db.read().await?, &workspace.id, id).await?,
        None => None,
    };
    // Its provider was deleted: there is nothing left to set up.
    if link.provider.is_some() && provider.is_none() {
        return Ok(None);
    }
    let actor = Actor::setup_link(&link.id, &link.name, origin.clone());
    Ok(Some(Contact { link, workspace, actor, provider }))
}

/// Makes the contact's provider of its metadata, or changes it. It stays switched off, and no owner stands behind it.
///
/// # Errors
/// 409 if it is switched on, or known already; 410 if the link ended meanwhile; 422 naming `metadata_xml`.
pub async fn upload(app: &App, contact: &Contact, metadata: &str) -> Result<StoredProvider> {
    let change = Change {
        workspace: &contact.workspace.id,
        label: &contact.workspace.slug,
        // Nobody signs in by it yet.
        sessions: Some(OnChange::Keep),
        reason: Some("set up by an IT contact"),
        by_owner: false,
        encrypted_assertions: None,
    };
    let which = match &contact.provider {
        Some(provider) => Which::Id(provider.id.as_str()),
        None => Which::New,
    };
    let if_version = contact.provider.as_ref().map(|provider| provider.version);
    let wanted = Wanted { metadata: Some(metadata), enabled: Some(false), if_version, ..Wanted::of(which) };
    if let Some(provider) = &contact.provider {
        require_off(provider)?;
    }
    if metadata.trim().is_empty() {
        return Err(Error::unprocessable("metadata_xml", "paste the metadata"));
    }
    Ok(providers::save(app, &contact.actor, None, &change, &wanted).await?.provider)
}

/// Begins a test of the contact's provider.
///
/// # Errors
/// 404 if there is none yet; else as a test that an administrator begins.
pub async fn begin_test(app: &App, contact: &Contact) -> Result<Begun> {
    let provider = contact.provider.as_ref().ok_or_else(|| Error::not_found("identity provider"))?;
    let by = UserId::from_text(&contact.actor.id);
    let (slug, id) = (&contact.workspace.slug, provider.id.as_str());
    test_connection::begin(app, slug, Some(id), &by, &contact.actor.origin).await
}

/// The actor behind a test, if a link began it.
pub(super) fn actor_of(begun_by: &UserId, origin: &Origin) -> Option<Actor> {
    let id = begun_by.as_str().strip_prefix(ACTOR)?;
    Some(Actor::setup_link(&SetupLinkId::from_text(id), "", origin.clone()))
}

/// Whether a link began it.
pub fn is_contact(begun_by: &UserId) -> bool {
    begun_by.as_str().starts_with(ACTOR)
}

/// In the transaction of a change of a provider: whoever came by a link changes its own provider only, while that is switched
/// off and the link works. Everybody else passes.
///
/// # Errors
/// 409 for a provider that is, or would be, switched on; 410 if the link ended, or has another provider.
pub(super) async fn admit_change(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    before: Option<&StoredProvider>,
    after: &StoredProvider,
) -> Result<()> {
    if actor.kind != ActorKind::SetupLink {
        return Ok(());
    }
    before.map_or(Ok(()), require_off)?;
    require_off(after)?;
    let id = SetupLinkId::from_text(actor.id.strip_prefix(ACTOR).unwrap_or_default());
    if store::bind(tx, workspace, &id, &after.id, app.clock.now()).await? == 0 {
        return Err(gone());
    }
    Ok(())
}

/// Forgets links that ended more than thirty days ago.
pub async fn tidy(app: &App) -> Result<u64> {
    let before = app.clock.now() - KEEP_MS;
    transact!(app.db, |tx| { store::tidy(tx, before).await })
}

fn require_off(provider: &StoredProvider) -> Result<()> {
    if !provider.enabled {
        return Ok(());
    }
    let text = "this identity provider is switched on: from then on administrators change it";
    Err(Error::new(CONFLICT, text))
}

fn target(link: &SetupLink) -> Target {
    Target::new("setup_link", link.id.as_str(), &link.name)
}

fn gone() -> Error {
    Error::new(GONE, "this code was mistyped, used or revoked, or has run out: ask for a new one")
}
