//! Who did what, when, from where and why: one hash chain for each workspace, appended in the same transaction as the
//! change it tells of. It is never edited; there is no function that could.

pub mod chain;
pub mod entry;
pub mod http;
mod read;
pub mod store;

pub use entry::{Entry, Filter, Outcome, Target};
pub use read::{Verified, export, find_latest, find_revocation, list, verify};

use crate::actor::Actor;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::Write;
use crate::error::Result;

/// Appends an entry to the chain of `workspace`, and returns its sequence number. It is there if the transaction commits.
pub async fn append(
    tx: &mut Write,
    workspace: &WorkspaceId,
    now: UnixMillis,
    actor: &Actor,
    entry: &Entry,
) -> Result<i64> {
    let head = store::lock_head(tx, workspace).await?;
    let sequence = head.sequence + 1;
    let text = entry.canonical(sequence, now, actor);
    let hash = chain::link(&head.hash, &text);
    if tx.is_postgres() {
        store::insert_as_head(tx, workspace, sequence, now, actor, entry, &text, &hash).await?;
    } else {
        store::insert(tx, workspace, sequence, now, actor, entry, &text, &hash).await?;
        store::move_head(tx, workspace, sequence, &hash).await?;
    }
    Ok(sequence)
}
