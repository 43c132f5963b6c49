//! The keys that a workspace signs with: made when metadata first shows one, and replaced in two steps.
//!
//! An identity provider that verifies our requests knows only the keys of the metadata it has read, and many read it once, by
//! hand. So a new key is first shown beside the one that signs (`rotate`), and signs when an administrator says that the
//! identity providers know it (`activate`). No clock decides that: none knows when somebody has uploaded a file. The one before
//! is shown until the next change, so that what it signed a moment ago is still verified.

use serde_json::json;

use super::certificate;
use super::key_ring::{self, Under};
use super::key_store::{self, StoredKey};
use super::key_use::KeyUse;
pub use super::signing_key::SigningKey;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::error::{CONFLICT, Error, Result};
use crate::transact;
use crate::workspaces::store as workspaces;

const USE: KeyUse = KeyUse::Signing;

/// What a key that metadata shows is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It signs.
    Signs,
    /// It will sign once it is activated.
    Next,
    /// It signed before.
    Before,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signs => "signs",
            Self::Next => "next",
            Self::Before => "before",
        }
    }
}

/// A key as metadata shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// X.509, DER.
    pub certificate: Vec<u8>,
    pub standing: Standing,
}

/// The key to sign with; the first one is made here.
///
/// # Errors
/// 500 if none can be made, or this process can't open it; 503 if the database doesn't answer.
pub async fn signing_key(app: &App, workspace: &WorkspaceId) -> Result<SigningKey> {
    let stored = key_ring::published(app, workspace, USE, Under::Theirs).await?;
    let key = in_use(&stored).ok_or_else(|| Error::internal("none of the workspace's SAML keys signs"))?;
    opened(app, workspace, key).await.ok_or_else(|| Error::internal("the SAML signing key can't be opened"))
}

/// The keys to show, the one that signs first: not everybody reads further. The first one is made here.
///
/// # Errors
/// 500 if none can be made; 503 if the database doesn't answer.
pub async fn published(app: &App, workspace: &WorkspaceId) -> Result<Vec<Shown>> {
    Ok(shown(key_ring::published(app, workspace, USE, Under::Theirs).await?))
}

/// As `published`; none if none can be made: metadata is of use without.
pub async fn offered(app: &App, workspace: &WorkspaceId) -> Vec<Shown> {
    published(app, workspace).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error.log(), "there is no key to sign SAML messages with");
        Vec::new()
    })
}

/// The keys that are shown, if there are any yet.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn existing(app: &App, workspace: &WorkspaceId) -> Result<Vec<Shown>> {
    Ok(shown(key_ring::existing(app, workspace, USE).await?))
}

/// Makes the next key and shows it. The one that signs goes on signing; one from before is forgotten. It can be made also where
/// those before can't be opened any more.
///
/// # Errors
/// 409 if one is waiting already, or somebody else does it at this moment; 500 if none can be made.
pub async fn rotate(app: &App, actor: &Actor, workspace: &WorkspaceId, label: &str) -> Result<()> {
    key_ring::published(app, workspace, USE, Under::Ours).await?;
    let _turn = app.saml_keys.turn().await;
    let stored = key_ring::existing(app, workspace, USE).await?;
    // One that can't be opened would wait for ever: it is replaced.
    if let Some(waiting) = waiting(&stored)
        && opened(app, workspace, waiting).await.is_some()
    {
        return Err(Error::new(CONFLICT, "a new key is waiting already: activate it first"));
    }
    let newest = stored.first().map_or(0, |key| key.generation);
    let key = key_ring::prepare(app, workspace, USE, newest + 1, Under::Ours).await?;
    let details = json!({"certificate": certificate::fingerprint(&key.certificate)});
    transact!(app.db, |tx| {
        // Nobody activates a key meanwhile: what signs by now stays.
        workspaces::lock(tx, workspace).await?;
        if key_store::insert(tx, workspace, USE, &key).await? == 0 {
            return Err(Error::new(CONFLICT, "somebody else is changing this key right now"));
        }
        let signs = key_store::find_signing(tx, workspace).await?.unwrap_or(newest);
        key_store::delete_all_but(tx, workspace, USE, signs, key.generation).await?;
        let target = Target::new("workspace", workspace.as_str(), label);
        let entry = Entry::done("security.saml_signing_key_rotated", target).with(details.clone());
        audit::append(tx, workspace, app.clock.now(), actor, &entry).await
    })?;
    Ok(())
}

/// Lets the key that is waiting sign from now on.
///
/// # Errors
/// 409 if none is waiting, or this process can't open it.
pub async fn activate(app: &App, actor: &Actor, workspace: &WorkspaceId, label: &str) -> Result<()> {
    let stored = key_ring::existing(app, workspace, USE).await?;
    let none = || Error::new(CONFLICT, "no new key is waiting: make one first");
    let key = waiting(&stored).ok_or_else(none)?;
    if opened(app, workspace, key).await.is_none() {
        let text = "the new key can't be opened here: give all processes the same key_file, or make another key";
        return Err(Error::new(CONFLICT, text));
    }
    let details = json!({"certificate": certificate::fingerprint(&key.certificate)});
    transact!(app.db, |tx| {
        let now = app.clock.now();
        workspaces::lock(tx, workspace).await?;
        if key_store::activate(tx, workspace, key.generation, now).await? == 0 {
            return Err(none());
        }
        let target = Target::new("workspace", workspace.as_str(), label);
        let entry = Entry::done("security.saml_signing_key_activated", target).with(details.clone());
        audit::append(tx, workspace, now, actor, &entry).await
    })?;
    Ok(())
}

async fn opened(app: &App, workspace: &WorkspaceId, key: &StoredKey) -> Option<SigningKey> {
    let pem = key_ring::open(app, workspace, USE, key).await?;
    SigningKey::from_pem(&pem, key.certificate.clone())
}

/// The newest key that signs. The list is newest first.
fn in_use(stored: &[StoredKey]) -> Option<&StoredKey> {
    stored.iter().find(|key| key.signs_since.is_some())
}

/// The key that is shown and doesn't sign yet.
fn waiting(stored: &[StoredKey]) -> Option<&StoredKey> {
    stored.first().filter(|key| key.signs_since.is_none())
}

fn shown(stored: Vec<StoredKey>) -> Vec<Shown> {
    let signs = in_use(&stored).map(|key| key.generation);
    let mut shown: Vec<Shown> = stored
        .into_iter()
        .map(|key| {
            let standing = match key.signs_since {
                None => Standing::Next,
                Some(_) if Some(key.generation) == signs => Standing::Signs,
                Some(_) => Standing::Before,
            };
            Shown { certificate: key.certificate, standing }
        })
        .collect();
    shown.sort_by_key(|key| key.standing != Standing::Signs);
    shown
}
