//! The key pairs of a workspace, whatever they are for: made when one is first needed, kept, opened.
//!
//! They are in the database, because every replica needs them, the private halves sealed under a key that is not
//! (`key_sealing.rs`). When one is replaced, `encryption_keys.rs` and `signing_keys.rs` decide.

use std::sync::{Arc, OnceLock};

use tokio::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

use super::key_pair;
use super::key_sealing::{Missing, REMEDY, SealingKey};
use super::key_store::{self, StoredKey};
use super::key_use::KeyUse;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{Error, Result};
use crate::transact;

/// What this process needs to make and open private keys.
#[derive(Default)]
pub struct KeyRing {
    sealing: OnceLock<Arc<SealingKey>>,
    turn: Mutex<()>,
}

impl KeyRing {
    /// Taken by whoever makes a key: one at a time.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}

/// Under which key a new private key is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Under {
    /// The one that those in the database are sealed under.
    Theirs,
    /// Whatever this process has, or makes: for an administrator who replaces keys, also such as nobody can open any more.
    Ours,
}

/// The keys of a use, newest first: one, or two after a change. The first one is made here.
///
/// # Errors
/// 500 if none can be made; 503 if the database doesn't answer.
pub(super) async fn published(
    app: &App,
    workspace: &WorkspaceId,
    key_use: KeyUse,
    under: Under,
) -> Result<Vec<StoredKey>> {
    let known = existing(app, workspace, key_use).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    let _turn = app.saml_keys.turn().await;
    let known = existing(app, workspace, key_use).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    let mut key = prepare(app, workspace, key_use, 1, under).await?;
    // Before it there was none to sign with.
    key.signs_since = (key_use == KeyUse::Signing).then_some(key.created_at);
    transact!(app.db, |tx| { key_store::insert(tx, workspace, key_use, &key).await })?;
    // Another process may have been first.
    existing(app, workspace, key_use).await
}

/// The keys of a use, newest first, if there are any yet.
///
/// # Errors
/// 503 if the database doesn't answer.
pub(super) async fn existing(app: &App, workspace: &WorkspaceId, key_use: KeyUse) -> Result<Vec<StoredKey>> {
    key_store::list(&mut app.db.read().await?, workspace, key_use).await
}

/// Makes a key pair, sealed, and doesn't store it.
///
/// # Errors
/// 500 if none can be made, or may be sealed: the log says what to do.
pub(super) async fn prepare(
    app: &App,
    workspace: &WorkspaceId,
    key_use: KeyUse,
    generation: i64,
    under: Under,
) -> Result<StoredKey> {
    let now = app.clock.now();
    let sealing = match (under, newest(app).await?) {
        (Under::Ours, _) | (_, None) => sealing_key(app, Missing::Make).await?,
        (Under::Theirs, Some(newest)) => shared_key(app, &newest).await?,
    };
    let pair =
        tokio::task::spawn_blocking(move || key_pair::generate(key_use, now)).await.map_err(Error::internal)??;
    let sealed_key = sealing.seal(&key_use.place(workspace, generation), &pair.private_pem, app.random.as_ref())?;
    Ok(StoredKey { generation, certificate: pair.certificate, sealed_key, created_at: now, signs_since: None })
}

/// The private half, PKCS #8 in PEM. `None`, and a line in the log, if it was sealed under another process's key.
pub(super) async fn open(
    app: &App,
    workspace: &WorkspaceId,
    key_use: KeyUse,
    key: &StoredKey,
) -> Option<Zeroizing<Vec<u8>>> {
    let sealing = match sealing_key(app, Missing::Refuse).await {
        Ok(sealing) => sealing,
        Err(error) => {
            tracing::error!(error = %error.log(), "no SAML key can be opened");
            return None;
        }
    };
    let opened = sealing.open(&key_use.place(workspace, key.generation), &key.sealed_key);
    if opened.is_none() {
        tracing::error!(
            %workspace,
            key_use = key_use.as_str(),
            generation = key.generation,
            "a SAML key can't be opened: it was sealed under another key_file; {REMEDY}"
        );
    }
    opened
}

/// What is wrong with the sealing key of this process, in a sentence for the operator. `None` if it opens the newest key in the
/// database, or if there is none yet.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn trouble(app: &App) -> Result<Option<String>> {
    let Some(newest) = newest(app).await? else { return Ok(None) };
    Ok(shared_key(app, &newest).await.err().map(|error| error.log().to_owned()))
}

/// Of each use of a workspace's keys how many this process can open, and how many it can't.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn count_open(app: &App, workspace: &WorkspaceId) -> Result<[(KeyUse, usize, usize); 2]> {
    let mut counted = [(KeyUse::Encryption, 0, 0), (KeyUse::Signing, 0, 0)];
    for (key_use, opened, closed) in &mut counted {
        for key in existing(app, workspace, *key_use).await? {
            let count = if open(app, workspace, *key_use, &key).await.is_some() { &mut *opened } else { &mut *closed };
            *count += 1;
        }
    }
    Ok(counted)
}

/// A key in the database: its place, and the sealed octets.
type Newest = (String, Vec<u8>);

async fn newest(app: &App) -> Result<Option<Newest>> {
    key_store::find_newest(&mut app.db.read().await?).await
}

/// This process's sealing key, if it opens that one.
async fn shared_key(app: &App, (place, sealed): &Newest) -> Result<Arc<SealingKey>> {
    let sealing = sealing_key(app, Missing::Refuse).await?;
    let other = || Error::internal(format!("private keys in the database are sealed under another key_file; {REMEDY}"));
    sealing.open(place, sealed).map(|_| ()).ok_or_else(other)?;
    Ok(sealing)
}

async fn sealing_key(app: &App, missing: Missing) -> Result<Arc<SealingKey>> {
    if let Some(key) = app.saml_keys.sealing.get() {
        return Ok(key.clone());
    }
    let (config, random) = (app.config.clone(), app.random.clone());
    let load = tokio::task::spawn_blocking(move || SealingKey::load(&config, random.as_ref(), missing));
    let loaded = Arc::new(load.await.map_err(Error::internal)??);
    // Of two that loaded it at once, both have the same.
    let _ = app.saml_keys.sealing.set(loaded.clone());
    Ok(loaded)
}
