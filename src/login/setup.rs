//! One-time links with which somebody chooses their first password, or a new one: an administrator starts this but never
//! learns the password. A link dies when it is used, when a newer one is made, and when its user loses access.

use super::sign_in::admit_address;
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::base::secret::{Secret, SecretKind, recognise};
use crate::db::Write;
use crate::error::{CONFLICT, Error, GONE, Result};
use crate::feed;
use crate::policy::model::Method;
use crate::sessions::issue::{Earned, Held, Stamps, hold, issue};
use crate::sessions::model::{Session, UserState};
use crate::sessions::revoke;
use crate::transact;
use crate::users::manage::change_password;
use crate::users::model::User;
use crate::users::store as users;
use crate::users::store::links as store;
use crate::workspaces::single_sign_on;

/// How long a link works: 24 hours.
const LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// Makes a link for a user and gives its address, which can't be asked for again. Older ones stop working.
pub async fn issue_setup_link(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    user: &User,
) -> Result<String> {
    let now = app.clock.now();
    // The lock makes one of two links at the same moment the older one.
    let user = users::lock(tx, workspace, &user.id).await?.ok_or_else(gone)?;
    let workspace_epoch = crate::workspaces::store::load(tx, workspace).await?.epoch;
    store::use_all(tx, workspace, &user.id, now).await?;
    let secret = Secret::generate(SecretKind::SetupLink, app.random.as_ref());
    let stamps = (workspace_epoch, user.epoch);
    store::insert(tx, workspace, &user.id, &secret.hash(), stamps, now, now + LIFETIME_MS).await?;
    let entry = Entry::done("user.setup_link_created", Target::new("user", user.id.as_str(), user.label()));
    audit::append(tx, workspace, now, actor, &entry).await?;
    Ok(format!("{}/setup/{}", app.config.public_url, secret.reveal()))
}

/// Whom an open link is for.
///
/// # Errors
/// 410 for one that was used, replaced, has run out or never was; 403 `sso-required` if they have to sign in elsewhere by now.
pub async fn open_link(app: &App, token: &str) -> Result<User> {
    let hash = recognise(SecretKind::SetupLink, token).ok_or_else(gone)?;
    let mut read = app.db.read().await?;
    let (workspace, user) = store::find_open(&mut read, &hash, app.clock.now()).await?.ok_or_else(gone)?;
    let user = users::find(&mut read, &workspace, &user).await?.ok_or_else(gone)?;
    if single_sign_on::is_required(&mut read, &user).await? {
        let workspace = crate::workspaces::store::load(&mut read, &workspace).await?;
        return Err(single_sign_on::refusal(app, &workspace.slug));
    }
    Ok(user)
}

/// Redeems a link: sets the password, ends older sessions, signs in.
///
/// # Errors
/// 410 for a link that no longer works; 403 `sso-required`; 422 naming `password`; 409 if revocations overtook it twice: the link
/// works still.
pub async fn redeem(app: &App, token: &str, password: &str, origin: &Origin) -> Result<(Session, Secret)> {
    match attempt(app, token, password, origin).await? {
        Some(issued) => Ok(issued),
        // Somebody revoked a selection while this went on: it begins once more.
        None => attempt(app, token, password, origin).await?.ok_or_else(overtaken),
    }
}

/// One attempt; `None`, and nothing changed, if a revocation of a selection overtook it.
async fn attempt(app: &App, token: &str, password: &str, origin: &Origin) -> Result<Option<(Session, Secret)>> {
    let head = feed::store::load_head(&mut app.db.read().await?).await?;
    let invited = open_link(app, token).await?;
    let workspace = crate::workspaces::store::load(&mut app.db.read().await?, &invited.workspace).await?;
    admit_address(app, &workspace, origin).await?;
    // The link's own stamps must be these: a revocation between the two reads would be missed otherwise.
    let began = (workspace.epoch, invited.epoch);
    let hash = app.passwords.hash_new(password).await?;
    let link = recognise(SecretKind::SetupLink, token).ok_or_else(gone)?;
    let actor = Actor::user(&invited.id, invited.label(), None, origin.clone());
    let written = transact!(app.db, |tx| {
        let now = app.clock.now();
        let Some(held) = hold(tx, &invited.workspace, head).await? else { return Ok(None) };
        let user = users::lock(tx, &invited.workspace, &invited.id).await?.ok_or_else(gone)?;
        let workspace = crate::workspaces::store::load(tx, &user.workspace).await?;
        let overtaken = (workspace.epoch, user.epoch) != began;
        if overtaken || !matches!(user.state, UserState::Invited | UserState::Active) {
            return Err(gone());
        }
        if single_sign_on::is_required(tx, &user).await? {
            return Err(single_sign_on::refusal(app, &workspace.slug));
        }
        if store::use_one(tx, &link, began, now).await? == 0 {
            return Err(gone());
        }
        let revoked = change_password(tx, app, &actor, &user, &hash, None).await?;
        users::set_state(tx, &user.workspace, &user.id, UserState::Active, now).await?;
        // The change of password raised the user's epoch, under this transaction's own lock.
        let user = users::find(tx, &user.workspace, &user.id).await?.ok_or_else(gone)?;
        let stamps = Stamps { workspace_epoch: began.0, user_epoch: user.epoch };
        let issued = issue(tx, app, &earned(&user, held, stamps, origin)).await?;
        let entry = Entry::done("login.succeeded", Target::new("session", issued.0.id.as_str(), user.label()));
        let entry = entry.with(serde_json::json!({"method": Method::Setup.as_str()}));
        audit::append(tx, &user.workspace, now, &actor, &entry).await?;
        Ok(Some((issued, revoked)))
    })?;
    let Some((issued, revoked)) = written else { return Ok(None) };
    revoke::acknowledge(app, revoked).await?;
    Ok(Some(issued))
}

fn earned<'a>(user: &'a User, held: Held, stamps: Stamps, origin: &'a Origin) -> Earned<'a> {
    Earned {
        held,
        workspace: &user.workspace,
        user: &user.id,
        method: Method::Setup,
        stamps,
        origin,
        provider: None,
        subject: None,
        session_index: None,
        name_id_form: None,
        not_after: None,
        signed_in_at: None,
    }
}

fn overtaken() -> Error {
    Error::new(CONFLICT, "sessions of this workspace were ended meanwhile: open the link once more")
}

fn gone() -> Error {
    Error::new(GONE, "this link was used, replaced or has run out: ask for a new one")
}
