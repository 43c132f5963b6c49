//! `Idempotency-Key`: a request that is sent twice is carried out once, and the second gets the first one's answer.
//! The key is claimed in the transaction of the change, so that two at the same moment can't both go on.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::store;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::db::Write;
use crate::error::{Error, IDEMPOTENCY_KEY_REUSED, Result};

/// How long a key is remembered: 24 hours.
pub const MEMORY_MS: i64 = 24 * 60 * 60 * 1000;

/// A caller's key for one request.
pub struct Key<'a> {
    /// Keys of different principals are different keys.
    pub actor: &'a str,
    pub key: &'a str,
    pub request: [u8; 32],
}

impl<'a> Key<'a> {
    /// # Errors
    /// 400 naming the header unless it has 1 to 255 printable ASCII characters.
    pub fn parse(actor: &'a str, key: &'a str, request: &str) -> Result<Self> {
        let printable = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if key.is_empty() || key.len() > 255 || !printable {
            return Err(Error::invalid("Idempotency-Key", "must have 1 to 255 printable ASCII characters"));
        }
        Ok(Self { actor, key, request: Sha256::digest(request.as_bytes()).into() })
    }
}

/// Claims a key; gives the earlier answer if it is known.
///
/// # Errors
/// 422 if it belongs to a different request.
pub async fn claim(tx: &mut Write, app: &App, workspace: &WorkspaceId, key: &Key<'_>) -> Result<Option<String>> {
    let now = app.clock.now();
    store::forget_key(tx, workspace, key.actor, key.key, now - MEMORY_MS).await?;
    if store::claim_key(tx, workspace, key.actor, key.key, &key.request, now).await? == 1 {
        return Ok(None);
    }
    let (request, response) = store::load_key(tx, workspace, key.actor, key.key).await?;
    if request != key.request {
        return Err(Error::new(IDEMPOTENCY_KEY_REUSED, "this key was used for a request with another body")
            .with_field("Idempotency-Key"));
    }
    Ok(Some(response))
}

/// Keeps the answer of a claimed key.
pub async fn keep(tx: &mut Write, workspace: &WorkspaceId, key: &Key<'_>, answer: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(answer).map_err(Error::internal)?;
    store::keep_answer(tx, workspace, key.actor, key.key, &text).await
}
