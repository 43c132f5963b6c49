//! Signing in with a password.
//!
//! Unknown workspace, unknown name, wrong password, suspended, SSO-only by the policy: one answer after one password hash. Who has
//! the right password and must sign in at their identity provider is told so. The epochs are read when the sign-in begins; if
//! somebody revokes meanwhile, it begins once more.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{store, throttle};
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::canonical;
use crate::base::secret::Secret;
use crate::base::text::hex;
use crate::db::Read;
use crate::error::{Error, INVALID_CREDENTIALS, IP_NOT_ALLOWED, Result, SSO_REQUIRED};
use crate::feed;
use crate::policy::ip_allowlist::{IpAllowlist, Passage};
use crate::policy::model::Method;
use crate::policy::store as policies;
use crate::sessions::issue::{Earned, Held, Stamps, hold, issue};
use crate::sessions::model::{Session, UserState};
use crate::sessions::people::store::has_group_access;
use crate::users::model::User;
use crate::users::store as users;
use crate::workspaces::model::{Workspace, is_slug};
use crate::workspaces::single_sign_on;
use crate::workspaces::store as workspaces;
use crate::{mutant, transact};

/// What somebody typed.
pub struct Credentials<'a> {
    pub workspace: &'a str,
    /// User name or e-mail address.
    pub name: &'a str,
    pub password: &'a str,
}

/// Signs in.
///
/// # Errors
/// 401 `invalid-credentials`, the same for every failure; 403 `ip-not-allowed`, or `sso-required` for a right password; 429 with
/// the wait; 503 if hashing is busy.
pub async fn sign_in(app: &App, credentials: &Credentials<'_>, origin: &Origin) -> Result<(Session, Secret)> {
    app.addresses.admit_password(origin.ip)?;
    let Some(workspace) = find_workspace(app, credentials.workspace).await? else {
        app.passwords.verify(credentials.password, None).await?;
        return Err(refused());
    };
    admit_address(app, &workspace, origin).await?;
    match attempt(app, &workspace, credentials, origin).await? {
        Some(issued) => Ok(issued),
        // Somebody revoked while this went on: with the epochs of now, once.
        None => attempt(app, &workspace, credentials, origin).await?.ok_or_else(refused),
    }
}

async fn find_workspace(app: &App, slug: &str) -> Result<Option<Workspace>> {
    if !is_slug(slug) {
        return Ok(None);
    }
    workspaces::find_by_slug(&mut app.db.read().await?, slug).await
}

/// One attempt; `None` if its epochs were overtaken.
async fn attempt(
    app: &App,
    workspace: &Workspace,
    credentials: &Credentials<'_>,
    origin: &Origin,
) -> Result<Option<(Session, Secret)>> {
    // 1. The stamps, before anything is decided.
    let (began, user) = begin(app, workspace, credentials.name).await?;
    // 2. The brake, by the account and not by what it was called.
    let account = account_key(user.as_ref(), credentials.name);
    throttle::reserve(app, &workspace.id, &account).await?;
    // 3. The password. Always one hash, whatever is known.
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let matches = match app.passwords.verify(credentials.password, hash).await {
        Ok(matches) => matches,
        Err(busy) => {
            throttle::give_back(app, &workspace.id, &account).await?;
            return Err(busy);
        }
    };
    let policy = policies::load(&mut app.db.read().await?, &workspace.id).await?;
    let mut accepted =
        user.filter(|user| matches && user.state == UserState::Active && policy.admits(Method::Password));
    if let Some(user) = &accepted {
        let let_in = has_group_access(&mut app.db.read().await?, &user.workspace, &user.id).await?;
        accepted = accepted.filter(|_| let_in);
    }
    let Some(user) = accepted else {
        record_failure(app, workspace, &account, origin).await?;
        return Err(refused());
    };
    mutant::pause("before-issue").await;
    // 4. The session, with the stamps of 1.
    let ended = finish(app, workspace, &user, &began, &account, credentials.password, origin).await;
    if ended.as_ref().is_err_and(|error| error.problem() == SSO_REQUIRED) {
        record_other_way(app, &user, origin).await?;
    }
    ended
}

/// How things were when a sign-in began. The user's epoch is in what was read of the user.
struct Began {
    /// The newest change.
    head: i64,
    workspace_epoch: i64,
}

async fn begin(app: &App, workspace: &Workspace, name: &str) -> Result<(Began, Option<User>)> {
    let mut read = app.db.read().await?;
    // First: whatever is read after it is at least as new.
    let head = feed::store::load_head(&mut read).await?;
    let workspace_epoch = workspaces::load(&mut read, &workspace.id).await?.epoch;
    Ok((Began { head, workspace_epoch }, find_account(&mut read, workspace, name).await?))
}

/// The user of a name, else of an e-mail address that only one has.
async fn find_account(read: &mut Read, workspace: &Workspace, name: &str) -> Result<Option<User>> {
    let Ok(key) = canonical::key(name) else { return Ok(None) };
    if let Some(user) = users::find_by_name(read, &workspace.id, &key).await? {
        return Ok(Some(user));
    }
    let mut found = users::list_by_email(read, &workspace.id, &key).await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

fn account_key(user: Option<&User>, name: &str) -> String {
    match user {
        Some(user) => user.id.to_string(),
        // Nobody's name: people type their passwords here by mistake, and neither log nor table may keep one.
        None => format!("unknown:{}", hex(&Sha256::digest(canonical::key(name).unwrap_or_default())[..16])),
    }
}

async fn finish(
    app: &App,
    workspace: &Workspace,
    user: &User,
    began: &Began,
    account: &str,
    password: &str,
    origin: &Origin,
) -> Result<Option<(Session, Secret)>> {
    let stamps = Stamps { workspace_epoch: began.workspace_epoch, user_epoch: user.epoch };
    let stored = user.password_hash.as_deref().unwrap_or_default();
    let rehashed = if app.passwords.outdated(stored) { Some(app.passwords.hash(password).await?) } else { None };
    transact!(app.db, |tx| {
        let held = hold(tx, &user.workspace, began.head).await?;
        let current = users::find(tx, &user.workspace, &user.id).await?;
        let at_end = held
            .zip(current.as_ref())
            .map(|(held, user)| Stamps { workspace_epoch: held.workspace_epoch(), user_epoch: user.epoch });
        let stamps = at_end.filter(|_| mutant::on("stamp-at-end")).unwrap_or(stamps);
        // Here, where no change of the identity provider comes in between.
        if let Some(current) = &current
            && single_sign_on::is_required(tx, current).await?
        {
            return Err(single_sign_on::refusal(app, &workspace.slug));
        }
        let same =
            current.is_some_and(|current| current.epoch == stamps.user_epoch && current.state == UserState::Active);
        let in_time = |held: &Held| held.workspace_epoch() == stamps.workspace_epoch;
        let Some(held) = held.filter(in_time).filter(|_| same) else { return Ok(None) };
        if let Some(hash) = &rehashed
            && users::rehash_password(tx, user, hash).await? == 0
        {
            return Ok(None);
        }
        store::forget(tx, &user.workspace, account).await?;
        let issued = issue(tx, app, &earned(user, held, stamps, origin)).await?;
        let actor = Actor::user(&user.id, user.label(), Some(issued.0.id.clone()), origin.clone());
        let entry = Entry::done("login.succeeded", Target::new("session", issued.0.id.as_str(), user.label()));
        let entry = entry.with(json!({"method": Method::Password.as_str()}));
        audit::append(tx, &user.workspace, app.clock.now(), &actor, &entry).await?;
        Ok(Some(issued))
    })
}

fn earned<'a>(user: &'a User, held: Held, stamps: Stamps, origin: &'a Origin) -> Earned<'a> {
    Earned {
        held,
        workspace: &user.workspace,
        user: &user.id,
        method: Method::Password,
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

/// Refuses a client whose address the allowlist does not let in, before any password is looked at.
pub async fn admit_address(app: &App, workspace: &Workspace, origin: &Origin) -> Result<()> {
    let allowlist = policies::load_allowlist(&mut app.db.read().await?, &workspace.id).await?;
    admit_address_by(app, workspace, &allowlist, origin).await
}

/// As `admit_address`, by an allowlist that was read already.
pub async fn admit_address_by(
    app: &App,
    workspace: &Workspace,
    allowlist: &IpAllowlist,
    origin: &Origin,
) -> Result<()> {
    match allowlist.judge(origin.ip) {
        Passage::Allowed => Ok(()),
        Passage::Reported => {
            tracing::info!(workspace = %workspace.slug, ip = %origin.ip_text(), "address would be refused by the allowlist");
            Ok(())
        }
        Passage::Refused => {
            let entry = Entry::refused(
                "login.address_refused",
                Target::new("workspace", workspace.id.as_str(), &workspace.slug),
            );
            let actor = Actor::anonymous("", origin.clone());
            transact!(app.db, |tx| { audit::append(tx, &workspace.id, app.clock.now(), &actor, &entry).await })?;
            let text = format!("sign-in from {} is not allowed in this workspace", origin.ip_text());
            Err(Error::new(IP_NOT_ALLOWED, text))
        }
    }
}

/// The same writes for an unknown name as for a wrong password.
async fn record_failure(app: &App, workspace: &Workspace, account: &str, origin: &Origin) -> Result<()> {
    let entry = Entry::refused("login.failed", Target::new("account", account, ""));
    let actor = Actor::anonymous("", origin.clone());
    transact!(app.db, |tx| { audit::append(tx, &workspace.id, app.clock.now(), &actor, &entry).await })?;
    Ok(())
}

/// Somebody with the right password who has to sign in at their identity provider.
async fn record_other_way(app: &App, user: &User, origin: &Origin) -> Result<()> {
    let entry = Entry::refused("login.sso_required", Target::new("user", user.id.as_str(), user.label()));
    let actor = Actor::user(&user.id, user.label(), None, origin.clone());
    transact!(app.db, |tx| { audit::append(tx, &user.workspace, app.clock.now(), &actor, &entry).await })?;
    Ok(())
}

fn refused() -> Error {
    Error::new(INVALID_CREDENTIALS, "these credentials are not accepted")
}
