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
        let links = eight.each_ref().map(|entry| link(&mut head, entry, now, actor));
        store::insert_eight(tx, workspace, now, actor, &links).await?;
    }
    for entry in rest {
        store::insert(tx, workspace, now, actor, &link(&mut head, entry, now, actor)).await?;
    }
    let last = link(&mut head, last, now, actor);
    store::insert_as_head(tx, workspace, now, actor, &last).await?;
    Ok(head.sequence)
}

/// Moves the end of a chain on to an entry.
fn link<'a>(head: &mut store::Head, entry: &'a Entry, now: UnixMillis, actor: &Actor) -> store::Link<'a> {
    head.sequence += 1;
    let text = entry.canonical(head.sequence, now, actor);
    head.hash = chain::link(&head.hash, &text);
    store::Link { sequence: head.sequence, entry, text, hash: head.hash }
}
