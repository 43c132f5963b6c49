//! Statements of sessions. No statement inserts over an existing one: refresh and last-seen are updates of rows whose
//! stamps still match, so that nothing can bring a session back.

use super::living::live;
use super::model::{Facts, Holder, ListFilter, Role, Session, Tenant, Use, UserState};
use crate::args;
use crate::base::canonical;
use crate::base::clock::UnixMillis;
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::base::ip_key::ip_key;
use crate::base::secret::SecretHash;
use crate::base::text::containing;
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};
use crate::mutant;
use crate::policy::ip_allowlist::IpAllowlist;
use crate::policy::model::{Method, Policy};
use crate::policy::store as policy_store;

macro_rules! facts {
    ($where:literal) => {
        concat!(
            "SELECT s.id, s.workspace_id, s.user_id, s.method, s.workspace_epoch, s.user_epoch, s.created_at, \
             s.signed_in_at, s.last_seen_at, s.not_after, s.ip, s.last_ip, s.user_agent, s.ended_at, s.end_cause, \
             u.user_name, u.email, u.display_name, u.role, u.state, u.source, u.epoch AS current_user_epoch, u.spared_session AS user_spared_session, \
             w.slug, w.name, w.epoch AS current_workspace_epoch, w.spared_session, w.epoch_raised_at, w.epoch_cause, \
             p.absolute_ms, p.idle_ms, p.password_allowed, p.saml_allowed, p.just_in_time, p.on_saml_change, \
             p.on_ip_allowlist_change, p.version, a.mode, a.entries, a.version AS allowlist_version, \
             CASE WHEN EXISTS (SELECT 1 FROM group_member m WHERE m.workspace_id = s.workspace_id AND m.user_id = s.user_id) \
             THEN CAST(1 AS BIGINT) ELSE 0 END AS in_groups \
             FROM session s \
             JOIN users u ON u.workspace_id = s.workspace_id AND u.id = s.user_id \
             JOIN workspace w ON w.id = s.workspace_id \
             JOIN policy p ON p.workspace_id = s.workspace_id \
             JOIN ip_allowlist a ON a.workspace_id = s.workspace_id WHERE ",
            $where
        )
    };
}

// The known fault: whoever uses a session makes it be there.
const REVIVE: &str = "UPDATE session SET last_seen_at = $3, last_ip = $4, last_ip_key = $5, ended_at = NULL, \
    workspace_epoch = (SELECT w.epoch FROM workspace w WHERE w.id = session.workspace_id), \
    user_epoch = (SELECT u.epoch FROM users u WHERE u.workspace_id = session.workspace_id AND u.id = session.user_id) \
    WHERE workspace_id = $1 AND id = $2";

/// Everything a verdict needs, in one statement: one snapshot on either database. With the head of that snapshot.
pub async fn find_facts(db: &mut Read, token: &SecretHash) -> Result<(i64, Option<Facts>)> {
    let sql = concat!(
        "SELECT h.seq AS head_seq, found.* FROM head h LEFT JOIN (",
        facts!("s.token_hash = $1"),
        ") AS found ON 1 = 1 WHERE h.id = 1"
    );
    let row = db.one(sql, args![token]).await?;
    let facts = row.optional_text("id")?.map(|_| read_facts(&row)).transpose()?;
    Ok((row.int("head_seq")?, facts))
}

/// The same with the display names of the user's groups, which may be newer than the head.
pub async fn find_current(db: &mut Read, token: &SecretHash) -> Result<(i64, Option<(Facts, Vec<String>)>)> {
    let (head, facts) = find_facts(db, token).await?;
    let Some(facts) = facts else { return Ok((head, None)) };
    let mut groups = Vec::new();
    if facts.user.in_groups {
        let sql = "SELECT g.display_name FROM group_member m \
                   JOIN user_group g ON g.workspace_id = m.workspace_id AND g.id = m.group_id \
                   WHERE m.workspace_id = $1 AND m.user_id = $2 ORDER BY g.display_name LIMIT 100";
        let rows = db.all(sql, args![&facts.workspace.id, &facts.user.id]).await?;
        groups = rows.iter().map(|row| row.text("display_name")).collect::<Result<_>>()?;
    }
    Ok((head, Some((facts, groups))))
}

pub async fn find_facts_by_id(db: &mut Read, workspace: &WorkspaceId, session: &SessionId) -> Result<Option<Facts>> {
    let sql = facts!("s.workspace_id = $1 AND s.id = $2");
    db.optional(sql, args![workspace, session]).await?.as_ref().map(read_facts).transpose()
}

/// Live sessions of a workspace, newest first, before the session `before`.
pub async fn list(
    db: &mut Read,
    workspace: &WorkspaceId,
    filter: &ListFilter,
    now: UnixMillis,
    before: &str,
    limit: i64,
) -> Result<Vec<Facts>> {
    let sql = concat!(
        facts!(""),
        live!(),
        "AND ($3 = '' OR s.user_id = $3) AND ($4 = '' OR s.method = $4) AND s.created_at < $5 AND s.last_seen_at < $6 \
         AND ($7 = '' OR s.id < $7) \
         AND ($8 = '' OR s.user_id = $8 OR u.user_name_key LIKE $9 ESCAPE '!' OR u.email_key LIKE $9 ESCAPE '!' \
              OR LOWER(u.display_name) LIKE $9 ESCAPE '!' OR u.display_name LIKE $10 ESCAPE '!') \
         ORDER BY s.id DESC LIMIT $11"
    );
    let person = filter.person.clone().unwrap_or_default();
    let arguments = args![
        workspace,
        now,
        filter.user.clone().unwrap_or_default(),
        filter.method.clone().unwrap_or_default(),
        filter.created_before.unwrap_or(i64::MAX),
        filter.seen_before.unwrap_or(i64::MAX),
        before,
        &person,
        containing(&canonical::fold(&person)),
        containing(&person),
        limit
    ];
    db.all(sql, arguments).await?.iter().map(read_facts).collect()
}

/// A session that is about to be.
pub struct NewSession<'a> {
    pub session: &'a Session,
    pub token: &'a SecretHash,
    pub provider: Option<&'a str>,
    pub subject: Option<&'a str>,
    pub session_index: Option<&'a str>,
    pub name_id_form: Option<&'a str>,
}

/// Writes it if the groups that let people in have its user, and says whether. Whoever loses that loses the epoch in the same
/// transaction.
pub async fn insert(tx: &mut Write, new: &NewSession<'_>) -> Result<bool> {
    let sql = "INSERT INTO session (workspace_id, id, user_id, token_hash, method, provider, subject, session_index, \
               workspace_epoch, user_epoch, created_at, signed_in_at, last_seen_at, not_after, ip, last_ip, user_agent, \
               last_ip_key, name_id_form) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19 \
               WHERE EXISTS (SELECT 1 FROM users WHERE workspace_id = $1 AND id = $3 AND group_access = 1)";
    let session = new.session;
    let arguments = args![
        &session.workspace,
        &session.id,
        &session.user,
        new.token,
        session.method.as_str(),
        new.provider,
        new.subject,
        new.session_index,
        session.workspace_epoch,
        session.user_epoch,
        session.created_at,
        session.signed_in_at,
        session.last_seen_at,
        session.not_after,
        &session.ip,
        &session.last_ip,
        &session.user_agent,
        ip_key(&session.last_ip),
        new.name_id_form
    ];
    Ok(tx.execute(sql, arguments).await? == 1)
}

// The stamps of the row still hold, judged by the database at this moment.
macro_rules! still_lives {
    () => {
        " ended_at IS NULL AND EXISTS (SELECT 1 FROM workspace w JOIN users u ON u.workspace_id = w.id \
         WHERE w.id = session.workspace_id AND u.id = session.user_id AND u.state = 'active' \
         AND (session.workspace_epoch = w.epoch OR session.id = w.spared_session) \
         AND (session.user_epoch = u.epoch OR session.id = u.spared_session))"
    };
}

/// Remembers that a session was used. Never moves backwards and never touches one that has ended.
pub async fn touch(tx: &mut Write, used: &Use, ip: &str) -> Result<u64> {
    let sql = concat!(
        "UPDATE session SET last_seen_at = $3, last_ip = CASE WHEN $4 = '' THEN last_ip ELSE $4 END, \
         last_ip_key = CASE WHEN $4 = '' THEN last_ip_key ELSE $5 END \
         WHERE workspace_id = $1 AND id = $2 AND last_seen_at < $3 AND",
        still_lives!()
    );
    let sql = if mutant::on("upsert-refresh") { REVIVE } else { sql };
    tx.execute(sql, args![&used.workspace, &used.session, used.at, ip, ip_key(ip)]).await
}

/// Remembers that the person proved again who they are; 0 if the session has ended meanwhile.
pub async fn renew_sign_in(tx: &mut Write, session: &Session, now: UnixMillis) -> Result<u64> {
    let sql = concat!("UPDATE session SET signed_in_at = $3 WHERE workspace_id = $1 AND id = $2 AND", still_lives!());
    tx.execute(sql, args![&session.workspace, &session.id, now]).await
}

/// Ends the sessions that a policy refuses at this moment, and says how many. For the door only.
pub async fn end_refused(tx: &mut Write, workspace: &WorkspaceId, policy: &Policy, now: UnixMillis) -> Result<u64> {
    let sql = "UPDATE session SET ended_at = $2, end_cause = 'policy' WHERE workspace_id = $1 AND ended_at IS NULL \
               AND (created_at <= $2 - $3 OR last_seen_at <= $2 - $4 \
               OR (method = 'saml' AND $5 = 0) OR (method <> 'saml' AND $6 = 0))";
    let methods = (policy.saml_allowed, policy.password_allowed);
    tx.execute(sql, args![workspace, now, policy.absolute_ms, policy.idle_ms, methods.0, methods.1]).await
}

/// Ends one session; 0 if it had ended already. For the door only.
pub async fn end_one(
    tx: &mut Write,
    workspace: &WorkspaceId,
    session: &SessionId,
    now: UnixMillis,
    cause: &str,
) -> Result<u64> {
    let sql =
        "UPDATE session SET ended_at = $3, end_cause = $4 WHERE workspace_id = $1 AND id = $2 AND ended_at IS NULL";
    tx.execute(sql, args![workspace, session, now, cause]).await
}

/// Raises a workspace's epoch and returns the new one: every session born before is dead but the spared one. `None` if the
/// session to spare doesn't live: judged under the lock, so that one which a concurrent revocation ended is not spared back
/// to life. For the door only.
pub async fn raise_workspace_epoch(
    tx: &mut Write,
    workspace: &WorkspaceId,
    spare: Option<&SessionId>,
    now: UnixMillis,
    cause: &str,
) -> Result<Option<i64>> {
    let sql = "UPDATE workspace SET epoch = epoch + 1, spared_session = $2, epoch_raised_at = $3, epoch_cause = $4 \
               WHERE id = $1 AND ($2 IS NULL OR EXISTS (SELECT 1 FROM session s \
               JOIN users u ON u.workspace_id = s.workspace_id AND u.id = s.user_id \
               WHERE s.workspace_id = workspace.id AND s.id = $2 AND s.ended_at IS NULL AND u.state = 'active' \
               AND (s.workspace_epoch = workspace.epoch OR s.id = workspace.spared_session) \
               AND (s.user_epoch = u.epoch OR s.id = u.spared_session))) RETURNING epoch";
    let row = tx.optional(sql, args![workspace, spare.map(SessionId::as_str), now, cause]).await?;
    row.map(|row| row.int("epoch")).transpose()
}

/// How many workspaces there are.
pub async fn count_workspaces(db: &mut Read) -> Result<u32> {
    let count = db.one("SELECT COUNT(*) AS count FROM workspace", args![]).await?.int("count")?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Raises the epoch of every workspace, sparing nobody, and gives their ids and slugs. For the door only.
pub async fn raise_every_epoch(tx: &mut Write, now: UnixMillis, cause: &str) -> Result<Vec<(WorkspaceId, String)>> {
    let sql = "UPDATE workspace SET epoch = epoch + 1, spared_session = NULL, epoch_raised_at = $1, epoch_cause = $2 \
               RETURNING id, slug";
    let rows = tx.all(sql, args![now, cause]).await?;
    rows.iter().map(|row| Ok((WorkspaceId::from_text(row.text("id")?), row.text("slug")?))).collect()
}

/// Locks a workspace's epoch until the transaction ends, without changing it.
pub async fn lock_workspace_epoch(tx: &mut Write, workspace: &WorkspaceId) -> Result<i64> {
    tx.one("UPDATE workspace SET epoch = epoch WHERE id = $1 RETURNING epoch", args![workspace]).await?.int("epoch")
}

/// Locks a user's epoch until the transaction ends; `None` if there is no such user.
pub async fn lock_user_epoch(tx: &mut Write, workspace: &WorkspaceId, user: &UserId) -> Result<Option<i64>> {
    let sql = "UPDATE users SET epoch = epoch WHERE workspace_id = $1 AND id = $2 RETURNING epoch";
    tx.optional(sql, args![workspace, user]).await?.map(|row| row.int("epoch")).transpose()
}

/// Raises a user's epoch by one: every session born before is dead but the spared one, and sign-ins that began before the
/// revocation of that number may not end in a session. For the door only.
pub async fn raise_user_epoch(
    tx: &mut Write,
    workspace: &WorkspaceId,
    user: &UserId,
    spare: Option<&SessionId>,
    sequence: i64,
) -> Result<()> {
    let sql =
        "UPDATE users SET epoch = epoch + 1, spared_session = $3, epoch_seq = $4 WHERE workspace_id = $1 AND id = $2";
    tx.execute(sql, args![workspace, user, spare.map(SessionId::as_str), sequence]).await?;
    Ok(())
}

/// Revokes all API keys of a workspace and says how many there were. For the door only.
pub async fn revoke_api_keys(tx: &mut Write, workspace: &WorkspaceId, now: UnixMillis) -> Result<i64> {
    let sql = "UPDATE credential SET revoked_at = $2 WHERE workspace_id = $1 AND kind = 'api_key' AND revoked_at IS NULL \
               AND (expires_at IS NULL OR expires_at > $2)";
    Ok(i64::try_from(tx.execute(sql, args![workspace, now]).await?).unwrap_or(i64::MAX))
}

/// Live API keys of a workspace.
pub async fn count_api_keys(db: &mut Read, workspace: &WorkspaceId, now: UnixMillis) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS found FROM credential WHERE workspace_id = $1 AND kind = 'api_key' \
               AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    db.one(sql, args![workspace, now]).await?.int("found")
}

/// Removes sessions that ended or could not be accepted any more before `before`, at most `limit` of them.
pub async fn tidy(tx: &mut Write, before: UnixMillis, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM session WHERE token_hash IN (SELECT s.token_hash FROM session s \
               JOIN policy p ON p.workspace_id = s.workspace_id \
               WHERE s.ended_at < $1 OR s.created_at < $1 - p.absolute_ms LIMIT $2)";
    tx.execute(sql, args![before, limit]).await
}

fn read_facts(row: &Row) -> Result<Facts> {
    let policy: Policy = policy_store::policy(row)?;
    let allowlist: IpAllowlist =
        policy_store::from_columns(&row.text("mode")?, &row.text("entries")?, row.int("allowlist_version")?)?;
    Ok(Facts { session: read_session(row)?, user: read_holder(row)?, workspace: read_tenant(row)?, policy, allowlist })
}

fn read_session(row: &Row) -> Result<Session> {
    let method = row.text("method")?;
    Ok(Session {
        id: SessionId::from_text(row.text("id")?),
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        user: UserId::from_text(row.text("user_id")?),
        method: Method::parse(&method).ok_or_else(|| unknown("method", &method))?,
        workspace_epoch: row.int("workspace_epoch")?,
        user_epoch: row.int("user_epoch")?,
        created_at: row.int("created_at")?,
        signed_in_at: row.int("signed_in_at")?,
        last_seen_at: row.int("last_seen_at")?,
        not_after: row.optional_int("not_after")?,
        ip: row.text("ip")?,
        last_ip: row.text("last_ip")?,
        user_agent: row.text("user_agent")?,
        ended_at: row.optional_int("ended_at")?,
        end_cause: row.optional_text("end_cause")?,
    })
}

fn read_holder(row: &Row) -> Result<Holder> {
    let (role, state) = (row.text("role")?, row.text("state")?);
    Ok(Holder {
        id: UserId::from_text(row.text("user_id")?),
        user_name: row.text("user_name")?,
        email: row.optional_text("email")?.unwrap_or_default(),
        display_name: row.text("display_name")?,
        role: Role::parse(&role).ok_or_else(|| unknown("role", &role))?,
        state: UserState::parse(&state).ok_or_else(|| unknown("state", &state))?,
        source: row.text("source")?,
        epoch: row.int("current_user_epoch")?,
        spared_session: row.optional_text("user_spared_session")?.map(SessionId::from_text),
        in_groups: row.flag("in_groups")?,
    })
}

fn read_tenant(row: &Row) -> Result<Tenant> {
    Ok(Tenant {
        id: WorkspaceId::from_text(row.text("workspace_id")?),
        slug: row.text("slug")?,
        name: row.text("name")?,
        epoch: row.int("current_workspace_epoch")?,
        spared_session: row.optional_text("spared_session")?.map(SessionId::from_text),
        epoch_raised_at: row.optional_int("epoch_raised_at")?,
        epoch_cause: row.optional_text("epoch_cause")?,
    })
}

fn unknown(column: &str, value: &str) -> Error {
    Error::internal(format!("{column} holds {value}"))
}
