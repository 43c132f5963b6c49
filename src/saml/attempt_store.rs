//! Statements of attempts to sign in.

use super::attempt_model::{Attempt, Checked, Person};
use super::flow::Purpose;
use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::{ProviderId, UserId, WorkspaceId};
use crate::db::{Read, Row, Write};
use crate::error::{Error, Result};

const ACCEPTED: &str = "accepted";
const REFUSED: &str = "refused";

fn outcome(accepted: bool) -> &'static str {
    if accepted { ACCEPTED } else { REFUSED }
}

macro_rules! insert {
    () => {
        "INSERT INTO saml_attempt (workspace_id, id, at, provider_id, purpose, outcome, refused_check, request_id, ip, \
         checks, clock_difference_ms, certificate, outline, person, user_id, begun_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    };
}

macro_rules! like {
    () => {
        "workspace_id = $1 AND COALESCE(provider_id, '') = COALESCE($4, '') AND purpose = $5 AND outcome = $6 \
         AND CASE WHEN certificate IS NULL THEN 0 ELSE 1 END = CASE WHEN $12 IS NULL THEN 0 ELSE 1 END"
    };
}

macro_rules! trim {
    ($keep:literal) => {
        concat!(
            "DELETE FROM saml_attempt WHERE ",
            like!(),
            " AND (at, id) <= (SELECT at, id FROM saml_attempt WHERE ",
            like!(),
            " ORDER BY at DESC, id DESC LIMIT 1 OFFSET ",
            $keep,
            ")"
        )
    };
}

/// Adds one, and removes all but the newest `keep` of the same provider and kind: what it was for, how it ended, and whether a
/// certificate verified it.
pub async fn add(tx: &mut Write, new: &Attempt, keep: i64) -> Result<()> {
    let person = new.person.as_ref().map(serde_json::to_string).transpose().map_err(Error::internal)?;
    let arguments = args![
        &new.workspace,
        &new.id,
        new.at,
        new.provider_id.as_deref(),
        new.purpose.as_str(),
        outcome(new.accepted),
        new.refused_check.as_deref(),
        &new.request_id,
        &new.ip,
        serde_json::to_string(&new.checks).map_err(Error::internal)?,
        new.clock_difference_ms,
        new.certificate.as_deref(),
        new.outline.as_deref(),
        person,
        new.user_id.as_deref(),
        new.begun_by.as_deref(),
        keep,
    ];
    if tx.is_postgres() {
        // At once; what is removed is chosen among those before it.
        tx.execute(concat!("WITH added AS (", insert!(), ") ", trim!("$17 - 1")), arguments).await?;
    } else {
        tx.execute(insert!(), arguments.clone()).await?;
        tx.execute(trim!("$17"), arguments).await?;
    }
    Ok(())
}

/// Attempts before (`at`, `id`), newest first; of one provider and one request, each unless it is empty.
pub async fn list(
    db: &mut Read,
    workspace: &WorkspaceId,
    [provider, request]: [&str; 2],
    at: UnixMillis,
    id: &str,
    limit: i64,
) -> Result<Vec<Attempt>> {
    let sql = "SELECT * FROM saml_attempt WHERE workspace_id = $1 AND ($2 = '' OR provider_id = $2) \
               AND ($3 = '' OR request_id = $3) AND (at < $4 OR (at = $4 AND id < $5)) \
               ORDER BY at DESC, id DESC LIMIT $6";
    db.all(sql, args![workspace, provider, request, at, id, limit]).await?.iter().map(attempt).collect()
}

pub async fn find(db: &mut Read, workspace: &WorkspaceId, id: &str) -> Result<Option<Attempt>> {
    let sql = "SELECT * FROM saml_attempt WHERE workspace_id = $1 AND id = $2";
    db.optional(sql, args![workspace, id]).await?.as_ref().map(attempt).transpose()
}

/// Notes that an administrator tried the provider's settings of this version, and they worked.
pub async fn note_test(
    tx: &mut Write,
    workspace: &WorkspaceId,
    provider: &ProviderId,
    version: i64,
    by: Option<&UserId>,
    now: UnixMillis,
) -> Result<u64> {
    let sql =
        "UPDATE saml_provider SET tested_at = $4, tested_by = $5 WHERE workspace_id = $1 AND id = $2 AND version = $3";
    tx.execute(sql, args![workspace, provider, version, now, by.map(UserId::as_str)]).await
}

/// Forgets what is older.
pub async fn tidy(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM saml_attempt WHERE at < $1", args![before]).await
}

fn attempt(row: &Row) -> Result<Attempt> {
    let purpose = Purpose::from_text(&row.text("purpose")?);
    let checks: Vec<Checked> = serde_json::from_str(&row.text("checks")?).map_err(Error::internal)?;
    let person = row.optional_text("person")?;
    let person: Option<Person> = person.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
    Ok(Attempt {
        workspace: WorkspaceId::from_text(row.text("workspace_id")?),
        id: row.text("id")?,
        at: row.int("at")?,
        provider_id: row.optional_text("provider_id")?,
        purpose: purpose.ok_or_else(|| Error::internal("an attempt is neither a sign-in nor a test"))?,
        accepted: row.text("outcome")? == ACCEPTED,
        refused_check: row.optional_text("refused_check")?,
        request_id: row.text("request_id")?,
        ip: row.text("ip")?,
        checks,
        clock_difference_ms: row.optional_int("clock_difference_ms")?,
        certificate: row.optional_text("certificate")?,
        outline: row.optional_text("outline")?,
        person,
        user_id: row.optional_text("user_id")?,
        begun_by: row.optional_text("begun_by")?,
    })
}
