//! Statements of the account throttle.

use crate::args;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::db::Write;
use crate::error::Result;

/// An account's failures, the one just counted included.
pub struct Failures {
    pub failures: i64,
    pub blocked_until: UnixMillis,
}

/// Adds one failure; those before `forget` don't count any more.
pub async fn count_failure(
    tx: &mut Write,
    workspace: &WorkspaceId,
    account: &str,
    now: UnixMillis,
    forget: UnixMillis,
) -> Result<Failures> {
    let sql = "INSERT INTO sign_in_failure (workspace_id, account, failures, first_at, blocked_until) \
               VALUES ($1, $2, 1, $3, 0) ON CONFLICT (workspace_id, account) DO UPDATE SET \
               failures = CASE WHEN sign_in_failure.first_at < $4 AND sign_in_failure.blocked_until < $3 THEN 1 \
                          ELSE sign_in_failure.failures + 1 END, \
               first_at = CASE WHEN sign_in_failure.first_at < $4 AND sign_in_failure.blocked_until < $3 THEN $3 \
                          ELSE sign_in_failure.first_at END \
               RETURNING failures, blocked_until";
    let row = tx.one(sql, args![workspace, account, now, forget]).await?;
    Ok(Failures { failures: row.int("failures")?, blocked_until: row.int("blocked_until")? })
}

/// Takes one failure back.
pub async fn uncount_failure(tx: &mut Write, workspace: &WorkspaceId, account: &str) -> Result<()> {
    let sql =
        "UPDATE sign_in_failure SET failures = failures - 1 WHERE workspace_id = $1 AND account = $2 AND failures > 0";
    tx.execute(sql, args![workspace, account]).await?;
    Ok(())
}

pub async fn block(tx: &mut Write, workspace: &WorkspaceId, account: &str, until: UnixMillis) -> Result<()> {
    let sql = "UPDATE sign_in_failure SET blocked_until = $3 WHERE workspace_id = $1 AND account = $2";
    tx.execute(sql, args![workspace, account, until]).await?;
    Ok(())
}

pub async fn forget(tx: &mut Write, workspace: &WorkspaceId, account: &str) -> Result<()> {
    tx.execute("DELETE FROM sign_in_failure WHERE workspace_id = $1 AND account = $2", args![workspace, account])
        .await?;
    Ok(())
}

/// Removes counts that no longer matter.
pub async fn tidy(tx: &mut Write, before: UnixMillis) -> Result<u64> {
    tx.execute("DELETE FROM sign_in_failure WHERE first_at < $1 AND blocked_until < $1", args![before]).await
}
