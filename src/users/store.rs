//! Statements of users.

use super::model::{Found, Search, Source, User};
use crate::args;
use crate::base::canonical;
use crate::base::clock::UnixMillis;
use crate::base::ids::{UserId, WorkspaceId};
use crate::base::text::containing;
use crate::db::id_list::{id_list, of_these};
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};
use crate::sessions::living::{live, live_from};
use crate::sessions::model::{Role, UserState};

// What `read` reads.
macro_rules! columns {
    () => {
        "id, workspace_id, user_name, email, display_name, role, state, provider_active, source, external_id, epoch, epoch_seq, \
         password_hash, resource, version, created_at, updated_at"
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM users WHERE workspace_id = $1 AND state <> 'deleted' AND ", $rest)
    };
}

/// Adds a user; 0 if the name is taken, which leaves the transaction as it was.
pub async fn insert(tx: &mut Write, user: &User, user_name_key: &str, email_key: Option<&str>) -> Result<u64> {
    let sql = "INSERT INTO users (workspace_id, id, user_name, user_name_key, email, email_key, display_name, role, state, \
               source, external_id, epoch, epoch_seq, password_hash, resource, version, created_at, updated_at, provider_active, \
               group_access) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $15, $12, $13, 1, $14, $14, $16, \
               CASE WHEN $10 = 'scim' AND $8 <> 'owner' AND EXISTS (SELECT 1 FROM access_group WHERE workspace_id = $1) \
               THEN 0 ELSE 1 END) ON CONFLICT DO NOTHING";
    let arguments = args![
        &user.workspace,
        &user.id,
        &user.user_name,
        user_name_key,
        user.email.clone(),
        email_key,
        &user.display_name,
        user.role.as_str(),
        user.state.as_str(),
        user.source.as_str(),
        user.external_id.clone(),
        user.password_hash.clone(),
        serde_json::to_string(&user.resource).map_err(Error::internal)?,
        user.created_at,
        user.epoch_seq,
        user.provider_active
    ];
    tx.execute(sql, arguments).await
}

/// Writes what a provisioning client or administrator may change, and raises the version.
pub async fn update(
    tx: &mut Write,
    user: &User,
    user_name_key: &str,
    email_key: Option<&str>,
    now: UnixMillis,
) -> Result<()> {
    let sql = "UPDATE users SET user_name = $3, user_name_key = $4, email = $5, email_key = $6, display_name = $7, role = $8, \
               external_id = $9, resource = $10, updated_at = $11, provider_active = $12, version = version + 1, \
               role_given_by = CASE WHEN role = $8 THEN role_given_by ELSE NULL END \
               WHERE workspace_id = $1 AND id = $2 AND state <> 'deleted'";
    let arguments = args![
        &user.workspace,
        &user.id,
        &user.user_name,
        user_name_key,
        user.email.clone(),
        email_key,
        &user.display_name,
        user.role.as_str(),
        user.external_id.clone(),
        serde_json::to_string(&user.resource).map_err(Error::internal)?,
        now,
        user.provider_active
    ];
    tx.execute(sql, arguments).await?;
    Ok(())
}

/// Changes the state and nothing else.
pub async fn set_state(
    tx: &mut Write,
    workspace: &WorkspaceId,
    user: &UserId,
    state: UserState,
    now: UnixMillis,
) -> Result<u64> {
    let sql = "UPDATE users SET state = $3, updated_at = $4, version = version + 1 \
               WHERE workspace_id = $1 AND id = $2 AND state <> 'deleted'";
    tx.execute(sql, args![workspace, user, state.as_str(), now]).await
}

/// Frees the name of a deleted user and takes what signed them in. Who they were stays readable; that they were at an identity
/// provider is remembered, so that a sign-in there doesn't make them anew.
pub async fn bury(tx: &mut Write, workspace: &WorkspaceId, user: &UserId, now: UnixMillis) -> Result<()> {
    let sql = "UPDATE users SET state = 'deleted', buried_key = user_name_key, user_name_key = NULL, email_key = NULL, external_id = NULL, \
               password_hash = NULL, resource = '{}', deleted_at = $3, updated_at = $3, version = version + 1 \
               WHERE workspace_id = $1 AND id = $2";
    tx.execute(sql, args![workspace, user, now]).await?;
    tx.execute("DELETE FROM group_member WHERE workspace_id = $1 AND user_id = $2", args![workspace, user]).await?;
    tx.execute("DELETE FROM scim_unique WHERE workspace_id = $1 AND resource_id = $2", args![workspace, user]).await?;
    search_keys::delete(tx, workspace, user).await
}

pub async fn set_password(tx: &mut Write, workspace: &WorkspaceId, user: &UserId, hash: Option<&str>) -> Result<u64> {
    let sql = "UPDATE users SET password_hash = $3 WHERE workspace_id = $1 AND id = $2 AND state <> 'deleted'";
    tx.execute(sql, args![workspace, user, hash]).await
}

/// Replaces a hash by another of the same password; 0 if the password or an epoch changed meanwhile.
pub async fn rehash_password(tx: &mut Write, user: &User, hash: &str) -> Result<u64> {
    let sql =
        "UPDATE users SET password_hash = $3 WHERE workspace_id = $1 AND id = $2 AND password_hash = $4 AND epoch = $5";
    tx.execute(sql, args![&user.workspace, &user.id, hash, user.password_hash.clone(), user.epoch]).await
}

/// Whether a deleted user had this name.
pub async fn is_buried(db: &mut Read, workspace: &WorkspaceId, key: &str) -> Result<bool> {
    let sql = "SELECT 1 AS found FROM users WHERE workspace_id = $1 AND buried_key = $2 LIMIT 1";
    Ok(db.optional(sql, args![workspace, key]).await?.is_some())
}

/// Whether a deleted user had this address, which is ASCII and in lower case.
pub async fn is_buried_address(db: &mut Read, workspace: &WorkspaceId, key: &str) -> Result<bool> {
    let sql =
        "SELECT 1 AS found FROM users WHERE workspace_id = $1 AND state = 'deleted' AND LOWER(email) = $2 LIMIT 1";
    Ok(db.optional(sql, args![workspace, key]).await?.is_some())
}

/// Notes which identity provider gave a user their role. Whoever changes the role otherwise ends that.
pub async fn note_role_giver(tx: &mut Write, workspace: &WorkspaceId, user: &UserId, provider: &str) -> Result<u64> {
    let sql = "UPDATE users SET role_given_by = $3 WHERE workspace_id = $1 AND id = $2 AND state <> 'deleted'";
    tx.execute(sql, args![workspace, user, provider]).await
}

/// The identity provider that gave a user their role; `None` if nobody but people or SCIM did.
pub async fn find_role_giver(db: &mut Read, workspace: &WorkspaceId, user: &UserId) -> Result<Option<String>> {
    let sql = "SELECT role_given_by FROM users WHERE workspace_id = $1 AND id = $2";
    let row = db.optional(sql, args![workspace, user]).await?;
    row.map(|row| row.optional_text("role_given_by")).transpose().map(Option::flatten)
}

/// Locks a user until the transaction ends.
pub async fn lock(tx: &mut Write, workspace: &WorkspaceId, user: &UserId) -> Result<Option<User>> {
    let sql = concat!(
        "UPDATE users SET version = version WHERE workspace_id = $1 AND id = $2 AND state <> 'deleted' RETURNING ",
        columns!()
    );
    tx.optional(sql, args![workspace, user]).await?.as_ref().map(read).transpose()
}

/// Locks whom an identity provider knows by this name until the transaction ends; gives as well whether groups let them in.
/// `None` if nobody is linked to it, or they are not here any more.
pub async fn lock_by_identity(
    tx: &mut Write,
    workspace: &WorkspaceId,
    provider: &str,
    subject: &str,
) -> Result<Option<(User, bool)>> {
    let sql = concat!(
        "UPDATE users SET version = version WHERE workspace_id = $1 AND state <> 'deleted' AND id = \
         (SELECT user_id FROM identity WHERE workspace_id = $1 AND provider = $2 AND subject = $3) RETURNING ",
        columns!(),
        ", group_access"
    );
    let Some(row) = tx.optional(sql, args![workspace, provider, subject]).await? else { return Ok(None) };
    Ok(Some((read(&row)?, row.flag("group_access")?)))
}

pub async fn find(db: &mut Read, workspace: &WorkspaceId, user: &UserId) -> Result<Option<User>> {
    db.optional(select!("id = $2"), args![workspace, user]).await?.as_ref().map(read).transpose()
}

pub async fn find_by_name(db: &mut Read, workspace: &WorkspaceId, key: &str) -> Result<Option<User>> {
    db.optional(select!("user_name_key = $2"), args![workspace, key]).await?.as_ref().map(read).transpose()
}

/// Users with that e-mail address; two of them at the most, which is enough to know that it is ambiguous.
pub async fn list_by_email(db: &mut Read, workspace: &WorkspaceId, key: &str) -> Result<Vec<User>> {
    db.all(select!("email_key = $2 ORDER BY id LIMIT 2"), args![workspace, key]).await?.iter().map(read).collect()
}

/// Users that their identity provider knows by this id, in the order of their creation.
pub async fn list_by_external_id(
    db: &mut Read,
    workspace: &WorkspaceId,
    external: &str,
    limit: i64,
) -> Result<Vec<User>> {
    let sql = select!("external_id = $2 ORDER BY id || '' LIMIT $3");
    db.all(sql, args![workspace, external, limit]).await?.iter().map(read).collect()
}

/// Users by their ids, in the order of their creation.
pub async fn list_by_ids(db: &mut Read, workspace: &WorkspaceId, ids: &[String]) -> Result<Vec<User>> {
    let sql = of_these!(db, select!("id"), "$2", "ORDER BY id");
    let listed = id_list(ids.iter().map(String::as_str));
    db.all(sql, args![workspace, listed]).await?.iter().map(read).collect()
}

/// Users after an id, in the order of their creation.
pub async fn list(db: &mut Read, workspace: &WorkspaceId, after: &str, limit: i64) -> Result<Vec<User>> {
    db.all(select!("id > $2 ORDER BY id LIMIT $3"), args![workspace, after, limit]).await?.iter().map(read).collect()
}

/// Users by name, after the user `after`, with the number of their live sessions.
pub async fn search(
    db: &mut Read,
    workspace: &WorkspaceId,
    search: &Search,
    now: UnixMillis,
    after: &str,
    limit: i64,
) -> Result<Vec<Found>> {
    let sql = concat!(
        "SELECT found.id, found.workspace_id, found.user_name, found.email, found.display_name, found.role, found.state, found.provider_active, \
         found.source, found.external_id, found.epoch, found.epoch_seq, found.password_hash, found.resource, found.version, \
         found.created_at, found.updated_at, (SELECT COUNT(*)",
        live_from!(),
        live!(),
        "AND s.user_id = found.id) AS sessions, (SELECT MAX(seen.last_seen_at) FROM session seen \
         WHERE seen.workspace_id = $1 AND seen.user_id = found.id) AS last_seen_at \
         FROM users found WHERE found.workspace_id = $1 AND found.state <> 'deleted' AND ($3 = '' OR found.state = $3) \
         AND ($4 = '' OR found.user_name_key LIKE $5 ESCAPE '!' OR found.email_key LIKE $5 ESCAPE '!' \
              OR LOWER(found.display_name) LIKE $5 ESCAPE '!' OR found.display_name LIKE $6 ESCAPE '!') \
         AND ($7 = '' OR found.user_name_key > COALESCE((SELECT last.user_name_key FROM users last \
              WHERE last.workspace_id = $1 AND last.id = $7), '')) \
         ORDER BY found.user_name_key LIMIT $8"
    );
    let state = search.state.map(UserState::as_str).unwrap_or_default();
    let patterns = (containing(&canonical::fold(&search.text)), containing(&search.text));
    let arguments = args![workspace, now, state, &search.text, patterns.0, patterns.1, after, limit];
    let found = |row: &Row| {
        Ok(Found { user: read(row)?, sessions: row.int("sessions")?, last_seen_at: row.optional_int("last_seen_at")? })
    };
    db.all(sql, arguments).await?.iter().map(found).collect()
}

/// Users of a state, or of every state.
pub async fn count(db: &mut Read, workspace: &WorkspaceId, state: Option<UserState>) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS found FROM users WHERE workspace_id = $1 AND state <> 'deleted' AND ($2 = '' OR state = $2)";
    db.one(sql, args![workspace, state.map(UserState::as_str).unwrap_or_default()]).await?.int("found")
}

/// Owners who can sign in, other than `except`; `invited` counts those who were invited to, as well.
pub async fn count_other_owners(db: &mut Read, workspace: &WorkspaceId, except: &UserId, invited: bool) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS found FROM users WHERE workspace_id = $1 AND role = 'owner' AND id <> $2 \
               AND (state = 'active' OR (state = 'invited' AND $3 = 1))";
    db.one(sql, args![workspace, except, invited]).await?.int("found")
}

/// Active users who have no way to sign in: no password where passwords are admitted, and SAML is not to be had.
pub async fn count_without_sign_in(db: &mut Read, workspace: &WorkspaceId) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS found FROM users u JOIN policy p ON p.workspace_id = u.workspace_id \
               WHERE u.workspace_id = $1 AND u.state = 'active' \
               AND NOT (u.password_hash IS NOT NULL AND p.password_allowed = 1) \
               AND NOT (p.saml_allowed = 1 AND EXISTS (SELECT 1 FROM saml_provider i \
                        WHERE i.workspace_id = u.workspace_id AND i.enabled = 1))";
    db.one(sql, args![workspace]).await?.int("found")
}

/// The user whom an identity provider's subject stands for.
pub async fn find_identity(
    db: &mut Read,
    workspace: &WorkspaceId,
    provider: &str,
    subject: &str,
) -> Result<Option<UserId>> {
    let sql = "SELECT user_id FROM identity WHERE workspace_id = $1 AND provider = $2 AND subject = $3";
    let row = db.optional(sql, args![workspace, provider, subject]).await?;
    row.map(|row| row.text("user_id").map(UserId::from_text)).transpose()
}

pub async fn link_identity(
    tx: &mut Write,
    workspace: &WorkspaceId,
    provider: &str,
    subject: &str,
    user: &UserId,
    now: UnixMillis,
) -> Result<()> {
    let sql = "INSERT INTO identity (workspace_id, provider, subject, user_id, linked_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (workspace_id, provider, subject) DO UPDATE SET user_id = excluded.user_id, linked_at = excluded.linked_at";
    tx.execute(sql, args![workspace, provider, subject, user, now]).await?;
    Ok(())
}

/// Unlinks everybody who is known by an identity provider's subjects, but for deleted users: that they were there is remembered.
pub async fn unlink_identities(tx: &mut Write, workspace: &WorkspaceId, provider: &str) -> Result<u64> {
    let sql = "DELETE FROM identity WHERE workspace_id = $1 AND provider = $2 AND EXISTS (SELECT 1 FROM users u \
               WHERE u.workspace_id = identity.workspace_id AND u.id = identity.user_id AND u.state <> 'deleted')";
    tx.execute(sql, args![workspace, provider]).await
}

fn read(row: &Row) -> Result<User> {
    let (role, state, source) = (row.text("role")?, row.text("state")?, row.text("source")?);
    let unknown = |column: &str, value: &str| Error::internal(format!("users.{column} holds {value}"));
    Ok(User {
        id: UserId::from_text(row.text("id")?),
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        user_name: row.text("user_name")?,
        email: row.optional_text("email")?,
        display_name: row.text("display_name")?,
        role: Role::parse(&role).ok_or_else(|| unknown("role", &role))?,
        state: UserState::parse(&state).ok_or_else(|| unknown("state", &state))?,
        provider_active: row.flag("provider_active")?,
        source: Source::parse(&source).ok_or_else(|| unknown("source", &source))?,
        external_id: row.optional_text("external_id")?,
        epoch: row.int("epoch")?,
        epoch_seq: row.int("epoch_seq")?,
        password_hash: row.optional_text("password_hash")?,
        resource: serde_json::from_str(&row.text("resource")?).map_err(Error::internal)?,
        version: row.int("version")?,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}

/// Statements of the texts that a user is looked up by.
pub mod search_keys {
    use crate::args;
    use crate::base::ids::{UserId, WorkspaceId};
    use crate::db::{Read, Row, Write};
    use crate::error::Result;

    macro_rules! insert {
        ($($more:literal),*) => {
            concat!("INSERT INTO user_search_key (workspace_id, attribute, value, user_id) VALUES ($1, $3, $4, $2)" $(, $more)*)
        };
    }

    /// For one row, two, three and four: a statement is what a row costs.
    const INSERTS: [&str; 4] = [
        insert!(),
        insert!(", ($1, $5, $6, $2)"),
        insert!(", ($1, $5, $6, $2), ($1, $7, $8, $2)"),
        insert!(", ($1, $5, $6, $2), ($1, $7, $8, $2), ($1, $9, $10, $2)"),
    ];

    /// Writes keys that the user doesn't have yet: attributes and values.
    pub async fn insert(
        tx: &mut Write,
        workspace: &WorkspaceId,
        user: &UserId,
        keys: &[(&'static str, String)],
    ) -> Result<()> {
        for some in keys.chunks(INSERTS.len()) {
            let mut arguments = args![workspace, user];
            for (attribute, value) in some {
                arguments.extend(args![*attribute, value]);
            }
            tx.execute(INSERTS[some.len() - 1], arguments).await?;
        }
        Ok(())
    }

    /// Users whose keys are not known, of every workspace.
    pub async fn list_unknown(db: &mut Read, limit: i64) -> Result<Vec<(WorkspaceId, UserId)>> {
        let sql =
            "SELECT workspace_id, user_id FROM user_search_key WHERE attribute = 'unknown' ORDER BY user_id LIMIT $1";
        let ids = |row: &Row| {
            Ok((WorkspaceId::from_text(row.text("workspace_id")?), UserId::from_text(row.text("user_id")?)))
        };
        db.all(sql, args![limit]).await?.iter().map(ids).collect()
    }

    /// Forgets all of a user's.
    pub async fn delete(tx: &mut Write, workspace: &WorkspaceId, user: &UserId) -> Result<()> {
        let sql = "DELETE FROM user_search_key WHERE workspace_id = $1 AND user_id = $2";
        tx.execute(sql, args![workspace, user]).await?;
        Ok(())
    }
}

/// Statements of set-up links.
pub mod links {
    use crate::args;
    use crate::base::clock::UnixMillis;
    use crate::base::ids::{UserId, WorkspaceId};
    use crate::base::secret::SecretHash;
    use crate::db::{Read, Write};
    use crate::error::Result;

    pub async fn insert(
        tx: &mut Write,
        workspace: &WorkspaceId,
        user: &UserId,
        hash: &SecretHash,
        stamps: (i64, i64),
        now: UnixMillis,
        expires_at: UnixMillis,
    ) -> Result<()> {
        let sql = "INSERT INTO setup_link (token_hash, workspace_id, user_id, workspace_epoch, user_epoch, created_at, expires_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        tx.execute(sql, args![hash, workspace, user, stamps.0, stamps.1, now, expires_at]).await?;
        Ok(())
    }

    pub async fn use_all(tx: &mut Write, workspace: &WorkspaceId, user: &UserId, now: UnixMillis) -> Result<()> {
        let sql = "UPDATE setup_link SET used_at = $3 WHERE workspace_id = $1 AND user_id = $2 AND used_at IS NULL";
        tx.execute(sql, args![workspace, user, now]).await?;
        Ok(())
    }

    /// Uses a link that was made under these epochs, of its workspace and its user.
    pub async fn use_one(tx: &mut Write, hash: &SecretHash, stamps: (i64, i64), now: UnixMillis) -> Result<u64> {
        let sql = "UPDATE setup_link SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 \
                   AND workspace_epoch = $3 AND user_epoch = $4";
        tx.execute(sql, args![hash, now, stamps.0, stamps.1]).await
    }

    /// An open link that no revocation has voided since it was made.
    pub async fn find_open(db: &mut Read, hash: &SecretHash, now: UnixMillis) -> Result<Option<(WorkspaceId, UserId)>> {
        let sql = "SELECT l.workspace_id, l.user_id FROM setup_link l JOIN workspace w ON w.id = l.workspace_id \
                   JOIN users u ON u.workspace_id = l.workspace_id AND u.id = l.user_id \
                   WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.expires_at > $2 \
                   AND l.workspace_epoch = w.epoch AND l.user_epoch = u.epoch";
        let row = db.optional(sql, args![hash, now]).await?;
        let ids = |row: crate::db::Row| {
            Ok((WorkspaceId::from_text(row.text("workspace_id")?), UserId::from_text(row.text("user_id")?)))
        };
        row.map(ids).transpose()
    }
}
