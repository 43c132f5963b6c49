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
    append_all(tx, workspace, now, actor, std::slice::from_ref(entry)).await
}

/// As `append`, for several entries of one instant: the end of the chain is locked and moved once.
pub async fn append_all(
    tx: &mut Write,
    workspace: &WorkspaceId,
    now: UnixMillis,
    actor: &Actor,
    entries: &[Entry],
) -> Result<i64> {
    let mut head = store::lock_head(tx, workspace).await?;
    let Some((last, before)) = entries.split_last() else { return Ok(head.sequence) };
    let (eights, rest) = before.as_chunks::<8>();
    for eight in eights {
        let rows = eight.each_ref().map(|entry| {
            let text = link(&mut head, entry, now, actor);
            (head.sequence, entry, text, head.hash)
        });
        store::insert_eight(tx, workspace, now, actor, &rows).await?;
    }
    for entry in rest {
        let text = link(&mut head, entry, now, actor);
        store::insert(tx, workspace, head.sequence, now, actor, entry, &text, &head.hash).await?;
    }
    let text = link(&mut head, last, now, actor);
    if tx.is_postgres() {
        store::insert_as_head(tx, workspace, head.sequence, now, actor, last, &text, &head.hash).await?;
    } else {
        store::insert(tx, workspace, head.sequence, now, actor, last, &text, &head.hash).await?;
        store::move_head(tx, workspace, head.sequence, &head.hash).await?;
    }
    Ok(head.sequence)
}

/// Moves the end of a chain on to an entry, and gives its text.
fn link(head: &mut store::Head, entry: &Entry, now: UnixMillis, actor: &Actor) -> String {
    head.sequence += 1;
    let text = entry.canonical(head.sequence, now, actor);
    head.hash = chain::link(&head.hash, &text);
    text
}
