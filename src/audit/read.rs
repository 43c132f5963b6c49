//! Reading the log: a filtered page, the whole of it, and whether the chain still holds.

use super::chain::{Broken, Found, Walk};
use super::entry::Filter;
use super::store;
use crate::base::ids::WorkspaceId;
use crate::base::page::{Page, PageRequest};
use crate::db::{Db, Read};
use crate::error::Result;

const CHUNK: i64 = 500;

/// The verdict on a chain.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Entries that hold, from the first on.
    pub entries: i64,
    pub head: [u8; 32],
    pub broken: Option<Broken>,
}

/// A page of entries, newest first.
pub async fn list(db: &mut Read, workspace: &WorkspaceId, filter: &Filter, page: &PageRequest) -> Result<Page<Found>> {
    let before = page.after.as_ref().map_or(i64::MAX, |(sequence, _)| *sequence);
    let rows = store::list_backward(db, workspace, filter, before, page.limit + 1).await?;
    Ok(page.page(rows, |found| (found.sequence, String::new())))
}

/// The newest entry of an action.
pub async fn find_latest(db: &Db, workspace: &WorkspaceId, action: &str) -> Result<Option<Found>> {
    let filter = Filter { action: Some(action.to_owned()), ..Filter::default() };
    Ok(store::list_backward(&mut db.read().await?, workspace, &filter, i64::MAX, 1).await?.pop())
}

/// The entry of the revocation of everybody's sessions that has this number.
pub async fn find_revocation(db: &Db, workspace: &WorkspaceId, revocation: i64) -> Result<Option<Found>> {
    store::find_revocation(&mut db.read().await?, workspace, revocation).await
}

/// The next part of an export: entries after `after`, oldest first. Empty at the end.
pub async fn export(db: &Db, workspace: &WorkspaceId, after: i64) -> Result<Vec<Found>> {
    store::list_forward(&mut db.read().await?, workspace, after, CHUNK).await
}

/// Walks the whole chain. Entries appended meanwhile are left to the next verification.
pub async fn verify(db: &Db, workspace: &WorkspaceId) -> Result<Verified> {
    let mut read = db.read().await?;
    let head = store::load_head(&mut read, workspace).await?;
    let mut walk = Walk::default();
    let mut last = 0;
    while last < head.sequence {
        let chunk = store::list_forward(&mut read, workspace, last, CHUNK.min(head.sequence - last)).await?;
        if chunk.is_empty() {
            break;
        }
        for found in &chunk {
            if let Err(broken) = walk.step(found) {
                return Ok(Verified { entries: broken.sequence - 1, head: head.hash, broken: Some(broken) });
            }
            last = found.sequence;
        }
    }
    match walk.finish(head.sequence, &head.hash) {
        Ok(entries) => Ok(Verified { entries, head: head.hash, broken: None }),
        Err(broken) => Ok(Verified { entries: broken.sequence - 1, head: head.hash, broken: Some(broken) }),
    }
}
