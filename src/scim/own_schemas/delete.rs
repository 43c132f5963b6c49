//! Deleting a schema, and with it what is kept by it. From the first commit on it exists for nobody. Then the data go, some
//! resources at a time, so that no revocation waits behind it; the row stays until they are gone, and what a stopped
//! process left is finished by a job, or by whoever declares the URN anew.

use super::change::{required, target};
use super::model::{OwnSchema, urn_key};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::base::clock::UnixMillis;
use crate::base::ids::{WorkspaceId, uuid_v7};
use crate::db::Write;
use crate::error::Result;
use crate::policy::model::MINUTE_MS;
use crate::transact;

const BATCH: i64 = 100;

/// Deletes a schema. When it is answered, nothing that was kept by it is left in any resource.
///
/// # Errors
/// 404; 412 if it is not the version of `If-Match`.
pub async fn delete(
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    urn: &str,
    if_version: Option<i64>,
) -> Result<()> {
    let now = app.clock.now();
    let (key, stamp) = (urn_key(urn), uuid_v7(now, app.random.as_ref()));
    let deleted = transact!(app.db, |tx| {
        store::lock(tx, workspace).await?;
        let before = required(tx, workspace, &key, if_version).await?;
        audit::append(tx, workspace, now, actor, &Entry::done("scim_schema.deleted", target(&before))).await?;
        store::mark_deleted(tx, workspace, &key, now).await?;
        store::delete_values(tx, workspace, &key, "").await?;
        store::set_stamp(tx, workspace, &stamp).await?;
        Ok(before)
    })?;
    purge(app, workspace, &deleted).await.map(|_| ())
}

/// Finishes a deletion that was begun, if there is one.
pub(super) async fn finish(app: &App, workspace: &WorkspaceId, urn_key: &str) -> Result<()> {
    let found = store::find(&mut app.db.read().await?, workspace, urn_key).await?;
    if let Some((own, Some(_))) = found {
        purge(app, workspace, &own).await?;
    }
    Ok(())
}

/// Finishes deletions of any workspace that were begun a while ago, and says how many resources were changed.
pub async fn finish_deletions(app: &App) -> Result<u64> {
    let before = app.clock.now() - 5 * MINUTE_MS;
    let found = store::list_deleted(&mut app.db.read().await?, before).await?;
    let mut changed = 0;
    for (workspace, own) in found {
        changed += purge(app, &workspace, &own).await?;
    }
    Ok(changed)
}

async fn purge(app: &App, workspace: &WorkspaceId, own: &OwnSchema) -> Result<u64> {
    let now = app.clock.now();
    let (mut last, mut changed) = (String::new(), 0);
    loop {
        let (next, stripped) = transact!(app.db, |tx| { strip(tx, workspace, own, &last, now).await })?;
        changed += stripped;
        match next {
            Some(id) => last = id,
            None => break,
        }
    }
    transact!(app.db, |tx| { store::remove_deleted(tx, workspace, &own.key()).await })?;
    Ok(changed)
}

/// Strips the resources of a batch; gives the last of them, if there was any, and how many were changed. Nothing is done if
/// the schema is not, or no longer, one that is being deleted.
async fn strip(
    tx: &mut Write,
    workspace: &WorkspaceId,
    own: &OwnSchema,
    after: &str,
    now: UnixMillis,
) -> Result<(Option<String>, u64)> {
    if !store::lock_deleted(tx, workspace, &own.key()).await? {
        return Ok((None, 0));
    }
    let found = store::list_resources_with(tx, workspace, own, after, BATCH).await?;
    let mut changed = 0;
    for (id, _) in &found {
        let Some(mut resource) = store::lock_resource(tx, workspace, own.kind, id).await? else { continue };
        if resource.remove(&own.schema.id).is_some() {
            store::set_resource(tx, workspace, own.kind, id, &resource, now).await?;
            changed += 1;
        }
    }
    Ok((found.last().map(|(id, _)| id.clone()), changed))
}
