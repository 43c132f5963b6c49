//! Statements about the live sessions of a selection, which all of them describe in the same words.

use super::{COUNT_LIMIT, SAMPLE, Selection};
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{GroupId, SessionId, UserId, WorkspaceId};
use crate::base::ip_key::ip_range;
use crate::base::text::containing;
use crate::db::{Read, Row, Value, Write};
use crate::error::Result;
use crate::policy::model::Method;
use crate::sessions::living::{live, live_from};
use crate::sessions::model::{Count, Named};

// A live session of the selection: $1 workspace, $2 now, $3 to $11 the criteria, $12 the session that isn't meant, $13 and $14
// what a change affects. A criterion that isn't given is empty, or later than every instant. Addresses of the two families
// never are in one network; a domain has none of the characters that LIKE takes for more than themselves.
macro_rules! selected {
    () => {
        concat!(
            live_from!(),
            live!(),
            "AND ($3 = '' OR s.user_id = $3) AND ($4 = '' OR EXISTS (SELECT 1 FROM group_member m \
             WHERE m.workspace_id = s.workspace_id AND m.group_id = $4 AND m.user_id = s.user_id)) \
             AND ($5 = '' OR s.method = $5) AND ($6 = '' OR s.provider = $6) \
             AND ($7 = '' OR (s.last_ip_key >= $7 AND s.last_ip_key <= $8 \
             AND (SUBSTR(s.last_ip_key, 1, 24) = '00000000000000000000ffff') = (SUBSTR($7, 1, 24) = '00000000000000000000ffff'))) \
             AND s.created_at < $9 AND s.last_seen_at < $10 \
             AND ($11 = '' OR LOWER(s.user_agent) LIKE $11 ESCAPE '!') AND s.id <> $12 \
             AND (($13 = '' AND $14 = '') OR ($13 <> '' AND s.provider = $13) \
             OR ($14 <> '' AND s.method <> 'saml' AND u.role <> 'owner' AND EXISTS (SELECT 1 FROM domain d \
             WHERE d.workspace_id = s.workspace_id AND $14 LIKE ('%|' || d.domain || '|%') \
             AND (u.user_name_key LIKE ('%@' || d.domain) OR u.email_key LIKE ('%@' || d.domain))))) "
        )
    };
}

fn arguments(
    workspace: &WorkspaceId,
    selection: &Selection,
    spare: Option<&SessionId>,
    now: UnixMillis,
    more: Vec<Value>,
) -> Vec<Value> {
    let (first, last) = selection.network.as_ref().map(ip_range).unwrap_or_default();
    let affected = selection.affected.clone().unwrap_or_default();
    let agent = selection.user_agent.as_ref().map(|part| containing(&part.to_ascii_lowercase()));
    let mut arguments = args![
        workspace,
        now,
        selection.user.as_ref().map(UserId::as_str).unwrap_or_default(),
        selection.group.as_ref().map(GroupId::as_str).unwrap_or_default(),
        selection.method.map(Method::as_str).unwrap_or_default(),
        selection.identity_provider.as_deref().unwrap_or_default(),
        first,
        last,
        selection.created_before.unwrap_or(i64::MAX),
        selection.seen_before.unwrap_or(i64::MAX),
        agent.unwrap_or_default(),
        spare.map(SessionId::as_str).unwrap_or_default(),
        affected.provider.unwrap_or_default(),
        between_bars(&affected.password_domains)
    ];
    arguments.extend(more);
    arguments
}

/// `|one.test|another.test|`; empty if there is none.
fn between_bars(domains: &[String]) -> String {
    match domains {
        [] => String::new(),
        domains => format!("|{}|", domains.join("|")),
    }
}

/// Which criterion names something that the workspace doesn't have: `user` or `group`.
pub async fn find_unknown(
    db: &mut Read,
    workspace: &WorkspaceId,
    selection: &Selection,
) -> Result<Option<&'static str>> {
    let sql = "SELECT CASE WHEN $2 <> '' AND NOT EXISTS (SELECT 1 FROM users \
               WHERE workspace_id = $1 AND id = $2 AND state <> 'deleted') THEN 'user' \
               WHEN $3 <> '' AND NOT EXISTS (SELECT 1 FROM user_group WHERE workspace_id = $1 AND id = $3) THEN 'group' \
               ELSE '' END AS missing";
    let user = selection.user.as_ref().map(UserId::as_str).unwrap_or_default();
    let group = selection.group.as_ref().map(GroupId::as_str).unwrap_or_default();
    let missing = db.one(sql, args![workspace, user, group]).await?.text("missing")?;
    Ok(["user", "group"].into_iter().find(|name| *name == missing))
}

/// Sessions of a selection but `spare`, counted up to `COUNT_LIMIT`.
pub async fn count(
    db: &mut Read,
    workspace: &WorkspaceId,
    selection: &Selection,
    spare: Option<&SessionId>,
    now: UnixMillis,
) -> Result<Count> {
    let sql = concat!(
        "SELECT COUNT(*) AS sessions, COUNT(DISTINCT user_id) AS users FROM (SELECT s.user_id",
        selected!(),
        "LIMIT $15) AS found"
    );
    let row = db.one(sql, arguments(workspace, selection, spare, now, args![COUNT_LIMIT + 1])).await?;
    Ok(Count::up_to(COUNT_LIMIT, row.int("sessions")?, row.int("users")?))
}

/// The newest sessions of a selection but `spare`, `SAMPLE` at the most.
pub async fn sample(
    db: &mut Read,
    workspace: &WorkspaceId,
    selection: &Selection,
    spare: Option<&SessionId>,
    now: UnixMillis,
) -> Result<Vec<SessionId>> {
    let sql = concat!("SELECT s.id", selected!(), "ORDER BY s.id DESC LIMIT $15");
    let rows = db.all(sql, arguments(workspace, selection, spare, now, args![SAMPLE])).await?;
    rows.iter().map(|row| row.text("id").map(SessionId::from_text)).collect()
}

/// Whose sessions they are, by name, `limit` people at the most. Of a very large selection some are looked at only.
pub async fn sample_people(
    db: &mut Read,
    workspace: &WorkspaceId,
    selection: &Selection,
    spare: Option<&SessionId>,
    now: UnixMillis,
    limit: i64,
) -> Result<Vec<Named>> {
    let sql = concat!(
        "SELECT person.id, person.user_name, person.display_name FROM users person WHERE person.workspace_id = $1 \
         AND person.id IN (SELECT found.user_id FROM (SELECT s.user_id",
        selected!(),
        "LIMIT $15) AS found) ORDER BY person.user_name_key, person.id LIMIT $16"
    );
    let rows = db.all(sql, arguments(workspace, selection, spare, now, args![COUNT_LIMIT + 1, limit])).await?;
    let named = |row: &Row| {
        Ok(Named {
            id: UserId::from_text(row.text("id")?),
            user_name: row.text("user_name")?,
            display_name: row.text("display_name")?,
        })
    };
    rows.iter().map(named).collect()
}

/// Locks the sessions of a selection, in the order in which their uses are written: the two must not wait for each other in a
/// circle. A use that was being written is seen by the statement that follows. An embedded database has one writer only.
pub async fn lock(
    tx: &mut Write,
    workspace: &WorkspaceId,
    selection: &Selection,
    spare: Option<&SessionId>,
    now: UnixMillis,
) -> Result<()> {
    if tx.is_postgres() {
        let sql = concat!(
            "SELECT COUNT(*) AS locked FROM (SELECT s.id",
            selected!(),
            "ORDER BY s.id FOR UPDATE OF s) AS found"
        );
        tx.one(sql, arguments(workspace, selection, spare, now, Vec::new())).await?;
    }
    Ok(())
}

/// Ends the sessions of a selection but `spare`, and says of each whose it was. For the door only.
pub async fn end_selected(
    tx: &mut Write,
    workspace: &WorkspaceId,
    selection: &Selection,
    spare: Option<&SessionId>,
    now: UnixMillis,
    cause: &str,
) -> Result<Vec<UserId>> {
    let sql = concat!(
        "UPDATE session SET ended_at = $2, end_cause = $15 WHERE workspace_id = $1 AND ended_at IS NULL \
         AND id IN (SELECT s.id",
        selected!(),
        ") RETURNING user_id"
    );
    let rows = tx.all(sql, arguments(workspace, selection, spare, now, args![cause])).await?;
    rows.iter().map(|row| row.text("user_id").map(UserId::from_text)).collect()
}

/// Remembers the newest revocation of a selection: sign-ins that began before it may not end in a session.
pub async fn mark_newest(tx: &mut Write, workspace: &WorkspaceId, sequence: i64) -> Result<()> {
    tx.execute("UPDATE workspace SET selection_seq = $2 WHERE id = $1", args![workspace, sequence]).await?;
    Ok(())
}

/// Waits for sign-ins of the workspace that are ending in a session, and keeps new ones away until the transaction ends. Row
/// locks alone would not do: a shared one passes whoever waits for an exclusive one, and a storm of sign-ins never lets go.
pub async fn keep_sign_ins_away(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    if tx.is_postgres() {
        tx.one("SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) IS NULL AS waited", args![workspace]).await?;
    }
    Ok(())
}

/// Lines up behind whoever keeps sign-ins away; then gives the newest revocation of a selection, and the workspace's epoch. Neither
/// is raised until the transaction ends.
pub async fn hold(tx: &mut Write, workspace: &WorkspaceId) -> Result<(i64, i64)> {
    let sql = match tx.is_postgres() {
        // The row is locked last, when it has been its turn, and is read then as it is then.
        true => {
            "SELECT w.selection_seq, w.epoch, turn.waited FROM workspace w, \
             (SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0)) IS NULL AS waited OFFSET 0) AS turn \
             WHERE w.id = $1 FOR SHARE OF w"
        }
        // The transaction holds the one right to write.
        false => "SELECT selection_seq, epoch FROM workspace WHERE id = $1",
    };
    let row = tx.one(sql, args![workspace]).await?;
    Ok((row.int("selection_seq")?, row.int("epoch")?))
}
