//! Pure: what a session's user may do, and whether they proved recently enough who they are.

use super::model::{Facts, Session};
use crate::base::clock::UnixMillis;
use crate::error::{Error, FORBIDDEN, REAUTHENTICATION_REQUIRED, Result};

/// How old a sign-in may be for an administrative change: ten minutes.
pub const RECENT_MS: i64 = 10 * 60_000;

/// # Errors
/// 403 `reauthentication-required` if the sign-in is older than ten minutes.
pub fn require_recent(session: &Session, now: UnixMillis) -> Result<()> {
    if now - session.signed_in_at <= RECENT_MS {
        return Ok(());
    }
    Err(Error::new(REAUTHENTICATION_REQUIRED, "your sign-in is older than 10 minutes: confirm your password first"))
}

/// # Errors
/// 403 `forbidden` unless the session's user may administer.
pub fn require_admin(facts: &Facts) -> Result<()> {
    if facts.user.role.administers() {
        return Ok(());
    }
    Err(Error::new(FORBIDDEN, "this needs an administrator"))
}

/// Both: an administrator who signed in within ten minutes.
///
/// # Errors
/// 403 `forbidden` or `reauthentication-required`.
pub fn require_recent_admin(facts: &Facts, now: UnixMillis) -> Result<()> {
    require_admin(facts)?;
    require_recent(&facts.session, now)
}
