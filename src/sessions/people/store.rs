//! Statements about several people of a workspace, named by a JSON array of ids.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{UserId, WorkspaceId};
use crate::db::id_list::{id_list, of_these};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::sessions::living::{live, live_from};
use crate::sessions::model::Count;

/// Locks users until the transaction ends, in the order of their ids: nobody waits in a circle. An embedded database has
/// one writer only.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId, users: &[UserId]) -> Result<()> {
    if tx.is_postgres() {
        let sql = "SELECT COUNT(*) AS locked FROM (SELECT id FROM users WHERE workspace_id = $1 \
                   AND id IN (SELECT jsonb_array_elements_text(CAST($2 AS jsonb))) ORDER BY id FOR UPDATE) AS chosen";
        tx.one(sql, args![workspace, id_list(users.iter().map(UserId::as_str))]).await?;
    }
    Ok(())
}

/// Live sessions of these users, counted up to `limit`.
pub async fn count_live(
    db: &mut Read,
    workspace: &WorkspaceId,
    users: &[UserId],
    now: UnixMillis,
    limit: i64,
) -> Result<Count> {
    let sql = of_these!(
        db,
        concat!(
            "SELECT COUNT(*) AS sessions, COUNT(DISTINCT user_id) AS users FROM (SELECT s.user_id",
            live_from!(),
            live!(),
            "AND s.user_id"
        ),
        "$3",
        "LIMIT $4) AS found"
    );
    let row = db.one(sql, args![workspace, now, id_list(users.iter().map(UserId::as_str)), limit + 1]).await?;
    Ok(Count::up_to(limit, row.int("sessions")?, row.int("users")?))
}

/// Raises the epochs of these users: every session born before is dead, and sign-ins that began before the revocation of that
/// number may not end in a session. For the door only.
pub async fn raise_epochs(tx: &mut Write, workspace: &WorkspaceId, users: &[UserId], sequence: i64) -> Result<()> {
    let sql = of_these!(
        tx,
        "UPDATE users SET epoch = epoch + 1, spared_session = NULL, epoch_seq = $3 WHERE workspace_id = $1 AND id",
        "$2",
        ""
    );
    tx.execute(sql, args![workspace, id_list(users.iter().map(UserId::as_str)), sequence]).await?;
    Ok(())
}

/// Whether groups let this user in. Whoever loses that loses the epoch in the same transaction.
pub async fn has_group_access(db: &mut Read, workspace: &WorkspaceId, user: &UserId) -> Result<bool> {
    let sql = "SELECT group_access FROM users WHERE workspace_id = $1 AND id = $2 AND group_access = 1";
    Ok(db.optional(sql, args![workspace, user]).await?.is_some())
}
