//! A new token in place of an old one, with a time in which both work.

use serde_json::json;

use super::model::{Credential, CredentialKind};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::{CredentialId, WorkspaceId};
use crate::base::secret::Secret;
use crate::error::{CONFLICT, Error, Result};
use crate::transact;

/// Seconds that both work if nobody says otherwise: a day.
pub const USUAL_OVERLAP: i64 = 24 * 60 * 60;
/// Seconds that both may work at the most: 30 days.
const LONGEST_OVERLAP: i64 = 30 * USUAL_OVERLAP;

/// Makes a SCIM token with the name, the networks, the lifetime and the answers of an old one, and gives its secret, once. The
/// old one ends by itself after `overlap_seconds`; with 0, at once.
///
/// # Errors
/// 400 naming `overlap_seconds`; 404 if there is no such token or it was revoked; 409 if it was replaced before.
pub async fn rotate(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    id: &CredentialId,
    overlap_seconds: i64,
) -> Result<(Credential, Secret)> {
    if !(0..=LONGEST_OVERLAP).contains(&overlap_seconds) {
        return Err(Error::invalid("overlap_seconds", format!("must be between 0 and {LONGEST_OVERLAP}")));
    }
    let kind = CredentialKind::ScimToken;
    let (now, random) = (app.clock.now(), app.random.as_ref());
    let (secret, new_id) = (Secret::generate(kind.secret(), random), CredentialId::generate(now, random));
    let end = now + overlap_seconds * 1000;
    let new = transact!(app.db, |tx| {
        let old = store::load(tx, workspace, kind, id).await?.filter(|old| old.revoked_at.is_none());
        let old = old.ok_or_else(|| Error::not_found("credential"))?;
        if !store::replace(tx, workspace, kind, id, &new_id, end).await? {
            return Err(Error::new(CONFLICT, "this token was replaced before: rotate the newer one"));
        }
        let new = successor(&old, new_id.clone(), now);
        store::insert(tx, &new, &secret.hash(), &actor.id).await?;
        let target = Target::new(kind.as_str(), id.as_str(), old.name.as_str());
        let details = json!({"replaced_by": new_id, "overlap_seconds": overlap_seconds});
        audit::append(tx, workspace, now, actor, &Entry::done("scim_token.rotated", target).with(details)).await?;
        Ok(new)
    })?;
    Ok((new, secret))
}

fn successor(old: &Credential, id: CredentialId, now: i64) -> Credential {
    Credential {
        id,
        created_at: now,
        expires_at: old.expires_at.map(|end| now + (end - old.created_at)),
        last_used_at: None,
        last_used_ip: String::new(),
        ..old.clone()
    }
}
