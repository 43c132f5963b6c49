//! What others can verify without asking: receipts and assertions, signed with Ed25519 (JWS `EdDSA`).
//!
//! A private key never leaves its process. Each process makes one when it first signs something, and writes the public half
//! into the database before it uses the private one; after a day it makes another. The public halves of all processes are at
//! `/.well-known/jwks.json`, for longer than anything signed is of interest.

pub mod assertion;
pub mod http;
pub mod jwk;
mod key;
pub mod receipt;
pub mod store;
pub mod verify;

use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;
use serde_json::Value;

use self::jwk::PublicKey;
use self::key::SigningKey;
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::error::Result;
use crate::transact;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long before a key may sign that it says so: in between no signature costs a statement.
const AHEAD_MS: i64 = 2 * HOUR_MS;
/// What a key should have left, so that nobody waits for its renewal.
const RESERVE_MS: i64 = HOUR_MS;
/// How long after its last signature a key can be asked for: 400 days.
pub const KEEP_MS: i64 = 400 * 24 * HOUR_MS;
/// Keys in the published set at the most.
const PUBLISHED: i64 = 1_000;

/// The signing key of this process, once it has one.
#[derive(Default)]
pub struct Signer {
    current: RwLock<Option<Arc<SigningKey>>>,
    /// Taken by whoever makes or extends a key: one at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Signer {
    fn current(&self) -> Option<Arc<SigningKey>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key, if it may sign at that instant.
    fn usable(&self, at: UnixMillis) -> Option<Arc<SigningKey>> {
        self.current().filter(|key| key.may_sign(at))
    }

    fn put(&self, key: Arc<SigningKey>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }
}

/// A compact JWS of `claims` whose header names this type. Costs no statement unless the key is new, or to be extended.
///
/// # Errors
/// 503 if there is no key that may sign, and the database doesn't take one.
pub async fn sign(app: &App, typ: &str, claims: &impl Serialize) -> Result<String> {
    let key = match app.signer.usable(app.clock.now()) {
        Some(key) => key,
        None => prepare(app, 0).await?,
    };
    key.sign(typ, claims)
}

/// Extends or replaces the key before somebody has to wait for that. A process that has signed nothing needs none.
///
/// # Errors
/// 503 if the database doesn't answer: the key goes on for as long as it may.
pub async fn renew(app: &App) -> Result<()> {
    if app.signer.current().is_some() {
        prepare(app, RESERVE_MS).await?;
    }
    Ok(())
}

/// A key that may sign now and for `reserve_ms` more; written before it is used.
async fn prepare(app: &App, reserve_ms: i64) -> Result<Arc<SigningKey>> {
    let _turn = app.signer.turn.lock().await;
    let now = app.clock.now();
    let needed = now + reserve_ms;
    if let Some(key) = app.signer.usable(needed) {
        return Ok(key);
    }
    let key = match app.signer.current().filter(|key| key.last_moment() > needed) {
        Some(key) => key,
        None => Arc::new(SigningKey::generate(app.random.as_ref(), now)?),
    };
    let until = (now + AHEAD_MS).min(key.last_moment());
    let jwk = key.public().to_json().to_string();
    transact!(app.db, |tx| {
        store::publish(tx, key.public().kid(), &app.replica, &jwk, key.created_at(), until).await
    })?;
    key.extend(until);
    app.signer.put(key.clone());
    Ok(key)
}

/// The public keys of every process that signed something within 400 days, newest first, as a JWK set (RFC 7517 §5).
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn published(app: &App) -> Result<Value> {
    let since = app.clock.now() - KEEP_MS;
    let texts = store::list(&mut app.db.read().await?, since, PUBLISHED).await?;
    let keys: Vec<PublicKey> = texts.iter().filter_map(|text| PublicKey::from_text(text)).collect();
    Ok(jwk::set(&keys))
}

/// A public key by its thumbprint.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn find(app: &App, kid: &str) -> Result<Option<PublicKey>> {
    let text = store::find(&mut app.db.read().await?, kid).await?;
    Ok(text.and_then(|text| PublicKey::from_text(&text)))
}
