//! The keys that a workspace's assertions are encrypted to: made when metadata first shows one, shown, tried, replaced.
//!
//! The newest two count. The private halves are in the database, sealed under a key that is not (`key_sealing.rs`), because
//! every replica needs them.

use std::sync::{Arc, OnceLock};

use serde_json::json;
use tokio::sync::Mutex;

use super::decrypt::DecryptionKey;
use super::key_sealing::SealingKey;
use super::key_store::{self, StoredKey};
use super::{certificate, key_pair};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::error::{CONFLICT, Error, Result};
use crate::transact;

/// What this process needs to open private keys.
#[derive(Default)]
pub struct KeyRing {
    sealing: OnceLock<Arc<SealingKey>>,
    /// Taken by whoever makes a key: one at a time.
    turn: Mutex<()>,
}

/// The certificates to encrypt to, DER, newest first: one, or two after a change. The first one is made here.
///
/// # Errors
/// 500 if none can be made; 503 if the database doesn't answer.
pub async fn published(app: &App, workspace: &WorkspaceId) -> Result<Vec<Vec<u8>>> {
    let known = existing(app, workspace).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    let _turn = app.saml_keys.turn.lock().await;
    let known = existing(app, workspace).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    let key = prepare(app, workspace, 1).await?;
    transact!(app.db, |tx| { key_store::insert(tx, workspace, &key).await })?;
    // Another process may have been first.
    existing(app, workspace).await
}

/// As `published`; none if none can be made: metadata is of use without.
pub async fn offered(app: &App, workspace: &WorkspaceId) -> Vec<Vec<u8>> {
    published(app, workspace).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error.log(), "there is no key to encrypt SAML assertions to");
        Vec::new()
    })
}

/// The certificates to encrypt to, if there are any yet.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn existing(app: &App, workspace: &WorkspaceId) -> Result<Vec<Vec<u8>>> {
    let stored = key_store::list(&mut app.db.read().await?, workspace).await?;
    Ok(stored.into_iter().map(|key| key.certificate).collect())
}

/// The private keys that this process can open. One that was sealed under another process's key is left out, and logged.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn usable(app: &App, workspace: &WorkspaceId) -> Result<Vec<DecryptionKey>> {
    let stored = key_store::list(&mut app.db.read().await?, workspace).await?;
    if stored.is_empty() {
        return Ok(Vec::new());
    }
    let sealing = match sealing_key(app).await {
        Ok(sealing) => sealing,
        Err(error) => {
            tracing::error!(error = %error.log(), "no SAML decryption key can be opened");
            return Ok(Vec::new());
        }
    };
    let mut usable = Vec::new();
    for key in stored {
        let pem = sealing.open(&place(workspace, key.generation), &key.sealed_key);
        match pem.and_then(|pem| DecryptionKey::from_pem(&pem)) {
            Some(key) => usable.push(key),
            None => tracing::error!(
                %workspace,
                generation = key.generation,
                "a SAML decryption key can't be opened: give all processes the same key_file"
            ),
        }
    }
    Ok(usable)
}

/// Makes a new key. The one before stays, for identity providers that don't know the new one yet; older ones go.
///
/// # Errors
/// 409 if somebody else does it at this moment; 500 if none can be made.
pub async fn rotate(app: &App, actor: &Actor, workspace: &WorkspaceId, label: &str) -> Result<()> {
    published(app, workspace).await?;
    let _turn = app.saml_keys.turn.lock().await;
    let stored = key_store::list(&mut app.db.read().await?, workspace).await?;
    let newest = stored.first().map_or(0, |key| key.generation);
    let key = prepare(app, workspace, newest + 1).await?;
    let details = json!({"certificate": certificate::fingerprint(&key.certificate)});
    transact!(app.db, |tx| {
        if key_store::insert(tx, workspace, &key).await? == 0 {
            return Err(Error::new(CONFLICT, "somebody else is changing this key right now"));
        }
        key_store::delete_before(tx, workspace, newest).await?;
        let target = Target::new("workspace", workspace.as_str(), label);
        let entry = Entry::done("security.saml_encryption_key_rotated", target).with(details.clone());
        audit::append(tx, workspace, app.clock.now(), actor, &entry).await
    })?;
    Ok(())
}

async fn prepare(app: &App, workspace: &WorkspaceId, generation: i64) -> Result<StoredKey> {
    let now = app.clock.now();
    let sealing = sealing_key(app).await?;
    let pair = tokio::task::spawn_blocking(move || key_pair::generate(now)).await.map_err(Error::internal)??;
    let sealed_key = sealing.seal(&place(workspace, generation), &pair.private_pem, app.random.as_ref())?;
    Ok(StoredKey { generation, certificate: pair.certificate, sealed_key, created_at: now })
}

async fn sealing_key(app: &App) -> Result<Arc<SealingKey>> {
    if let Some(key) = app.saml_keys.sealing.get() {
        return Ok(key.clone());
    }
    let (config, random) = (app.config.clone(), app.random.clone());
    let load = tokio::task::spawn_blocking(move || SealingKey::load(&config, random.as_ref()));
    let loaded = Arc::new(load.await.map_err(Error::internal)??);
    // Of two that loaded it at once, both have the same.
    let _ = app.saml_keys.sealing.set(loaded.clone());
    Ok(loaded)
}

/// What a private key is sealed for.
fn place(workspace: &WorkspaceId, generation: i64) -> String {
    format!("saml-encryption-key/{workspace}/{generation}")
}
