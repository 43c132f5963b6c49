//! Statements that count live sessions: exactly as far as people look, and no further.

use super::living::{live, live_from, unexpired};
use super::model::Count;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::db::Read;
use crate::error::Result;

/// Where counting stops: a page that shows a number must not cost what the sessions cost.
pub const COUNT_LIMIT: i64 = 10_000;

/// Live sessions of a workspace but `spare`, counted up to `COUNT_LIMIT`. An empty `user` counts everybody's.
pub async fn count_live(
    db: &mut Read,
    workspace: &WorkspaceId,
    user: Option<&UserId>,
    spare: Option<&SessionId>,
    now: UnixMillis,
) -> Result<Count> {
    let sql = concat!(
        "SELECT COUNT(*) AS sessions, COUNT(DISTINCT user_id) AS users FROM (SELECT s.user_id",
        live_from!(),
        live!(),
        "AND ($3 = '' OR s.user_id = $3) AND s.id <> $4 LIMIT $5) AS found"
    );
    let text = |id: Option<&str>| id.unwrap_or_default().to_owned();
    let (user, spare) = (text(user.map(UserId::as_str)), text(spare.map(SessionId::as_str)));
    let row = db.one(sql, args![workspace, now, user, spare, COUNT_LIMIT + 1]).await?;
    Ok(Count::up_to(COUNT_LIMIT, row.int("sessions")?, row.int("users")?))
}

/// Where a receipt stops counting: a revocation of everybody costs the same for ten sessions and ten million.
pub const RECEIPT_LIMIT: i64 = 1_000;

// The sessions that are looked at: $1 workspace, $2 now, $4 how many.
macro_rules! used_last {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM session WHERE workspace_id = $1 AND ended_at IS NULL \
             AND workspace_epoch = (SELECT epoch FROM workspace WHERE id = $1) \
             AND last_seen_at > (SELECT $2 - idle_ms FROM policy WHERE workspace_id = $1) ORDER BY last_seen_at DESC LIMIT $4"
        )
    };
}

// Those of them that live, but $3. Of people only those are looked up whom something ever happened to, in an index of their own,
// which SQLite has to be told to take.
macro_rules! count_used_last {
    ($changed:literal) => {
        concat!(
            "SELECT COUNT(*) AS sessions, COUNT(DISTINCT s.user_id) AS users, CASE WHEN COUNT(*) >= $4 THEN $4 \
             ELSE (SELECT COUNT(*) FROM (",
            used_last!("1"),
            ") AS every) END AS looked_at, (SELECT spared_session FROM workspace WHERE id = $1) AS spared_session FROM (",
            used_last!("id, user_id, user_epoch, created_at, not_after, method"),
            ") AS s JOIN policy p ON p.workspace_id = $1 \
             WHERE s.id <> $3 AND ",
            unexpired!("s"),
            "AND NOT EXISTS (SELECT 1 FROM users u ",
            $changed,
            " WHERE u.workspace_id = $1 AND u.id = s.user_id AND (u.epoch > 0 OR u.state <> 'active') \
             AND (u.state <> 'active' OR (u.epoch <> s.user_epoch AND COALESCE(u.spared_session, '') <> s.id)))"
        )
    };
}

/// As `count_live` of a workspace, of the `RECEIPT_LIMIT` sessions that were used last: those are found first, in the order of
/// an index, and only they are looked at closely.
pub async fn count_for_receipt(
    db: &mut Read,
    workspace: &WorkspaceId,
    spare: Option<&SessionId>,
    now: UnixMillis,
) -> Result<Count> {
    let sql = match db.is_postgres() {
        true => count_used_last!(""),
        false => count_used_last!("INDEXED BY users_changed"),
    };
    let own = spare.map(SessionId::as_str).unwrap_or_default();
    let row = db.one(sql, args![workspace, now, own, RECEIPT_LIMIT + 1]).await?;
    let (mut sessions, mut users) = (row.int("sessions")?, row.int("users")?);
    let more = row.int("looked_at")? > RECEIPT_LIMIT;
    // Whom the revocation before spared has an older epoch.
    let spared = row.optional_text("spared_session")?.filter(|spared| spared != own);
    if let Some(spared) = spared
        && let Some(alone) = find_spared(db, workspace, &spared, own, now).await?
    {
        (sessions, users) = (sessions + 1, users + i64::from(alone));
    }
    let count = Count::up_to(RECEIPT_LIMIT, sessions, users);
    Ok(Count { more: more || count.more, ..count })
}

/// Whether the spared session lives with an older epoch, and if so, whether its user has no other one that lives with the newest,
/// but for `own`.
async fn find_spared(
    db: &mut Read,
    workspace: &WorkspaceId,
    session: &str,
    own: &str,
    now: UnixMillis,
) -> Result<Option<bool>> {
    let sql = concat!(
        "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM session other WHERE other.workspace_id = $1 AND other.user_id = s.user_id \
         AND other.id <> $4 AND other.ended_at IS NULL AND other.workspace_epoch = w.epoch \
         AND (other.user_epoch = u.epoch OR other.id = u.spared_session) \
         AND other.last_seen_at > $2 - p.idle_ms AND ",
        unexpired!("other"),
        "LIMIT 1) AS one) AS others",
        live_from!(),
        live!(),
        "AND s.id = $3 AND s.workspace_epoch <> w.epoch"
    );
    db.optional(sql, args![workspace, now, session, own]).await?.map(|row| Ok(row.int("others")? == 0)).transpose()
}
