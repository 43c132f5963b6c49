//! The keys that a workspace's assertions are encrypted to: made when metadata first shows one, shown, tried, replaced.
//! The newest two count.

use serde_json::json;

use super::certificate;
use super::decrypt::DecryptionKey;
use super::key_ring::{self, Under};
use super::key_store::{self, StoredKey};
use super::key_use::KeyUse;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::error::{CONFLICT, Error, Result};
use crate::transact;

const USE: KeyUse = KeyUse::Encryption;

/// The certificates to encrypt to, DER, newest first: one, or two after a change. The first one is made here.
///
/// # Errors
/// 500 if none can be made; 503 if the database doesn't answer.
pub async fn published(app: &App, workspace: &WorkspaceId) -> Result<Vec<Vec<u8>>> {
    Ok(certificates(key_ring::published(app, workspace, USE, Under::Theirs).await?))
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
    Ok(certificates(key_ring::existing(app, workspace, USE).await?))
}

fn certificates(keys: Vec<StoredKey>) -> Vec<Vec<u8>> {
    keys.into_iter().map(|key| key.certificate).collect()
}

/// The private keys that this process can open. One that was sealed under another process's key is left out, and logged.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn usable(app: &App, workspace: &WorkspaceId) -> Result<Vec<DecryptionKey>> {
    let mut usable = Vec::new();
    for key in key_ring::existing(app, workspace, USE).await? {
        let Some(pem) = key_ring::open(app, workspace, USE, &key).await else { continue };
        match DecryptionKey::from_pem(&pem) {
            Some(key) => usable.push(key),
            None => tracing::error!(%workspace, generation = key.generation, "a SAML decryption key can't be read"),
        }
    }
    Ok(usable)
}

/// Makes a new key. The one before stays, for identity providers that don't know the new one yet; older ones go. It can be made
/// also where those before can't be opened any more.
///
/// # Errors
/// 409 if somebody else does it at this moment; 500 if none can be made.
pub async fn rotate(app: &App, actor: &Actor, workspace: &WorkspaceId, label: &str) -> Result<()> {
    key_ring::published(app, workspace, USE, Under::Ours).await?;
    let _turn = app.saml_keys.turn().await;
    let stored = key_ring::existing(app, workspace, USE).await?;
    let newest = stored.first().map_or(0, |key| key.generation);
    let key = key_ring::prepare(app, workspace, USE, newest + 1, Under::Ours).await?;
    let details = json!({"certificate": certificate::fingerprint(&key.certificate)});
    transact!(app.db, |tx| {
        if key_store::insert(tx, workspace, USE, &key).await? == 0 {
            return Err(Error::new(CONFLICT, "somebody else is changing this key right now"));
        }
        key_store::delete_all_but(tx, workspace, USE, newest, key.generation).await?;
        let target = Target::new("workspace", workspace.as_str(), label);
        let entry = Entry::done("security.saml_encryption_key_rotated", target).with(details.clone());
        audit::append(tx, workspace, app.clock.now(), actor, &entry).await
    })?;
    Ok(())
}
