//! Taking access from a user and giving it back, as an administrator does it: from the permission to the receipt.

use super::manage::{self, Loss};
use super::model::User;
use crate::actor::Actor;
use crate::app::App;
use crate::base::ids::UserId;
use crate::error::{Error, FORBIDDEN, Result};
use crate::sessions::model::{Facts, Receipt, Role, Trigger, UserState};
use crate::sessions::revoke;
use crate::transact;

/// Whether a user may change another: an owner is changed by owners only. Who may change anybody is decided before.
pub fn may_change(by: Role, whom: Role) -> bool {
    whom != Role::Owner || by == Role::Owner
}

/// Suspends a user: their sessions have ended when this returns.
///
/// # Errors
/// 403 for an owner, unless the caller is one; 409 `last-owner`; 422 for oneself, or somebody who has no access to lose.
pub async fn suspend(app: &App, actor: &Actor, caller: &Facts, user: &UserId, reason: &str) -> Result<Receipt> {
    if caller.user.id == *user {
        return Err(Error::unprocessable("state", "you can't suspend yourself"));
    }
    let revoked = transact!(app.db, |tx| {
        let user = manage::lock(tx, &caller.workspace.id, user).await?;
        guard(caller, &user)?;
        if !matches!(user.state, UserState::Active | UserState::Invited) {
            return Err(Error::unprocessable("state", "this user has no access that could be taken away"));
        }
        manage::end_access(tx, app, actor, &user, Loss::Suspended, Trigger::Admin, reason).await
    })?;
    revoke::acknowledge(app, revoked).await
}

/// Makes a suspended user active again. No session comes back.
///
/// # Errors
/// 403 for an owner, unless the caller is one; 422 unless an administrator suspended the user.
pub async fn reactivate(app: &App, actor: &Actor, caller: &Facts, user: &UserId) -> Result<()> {
    transact!(app.db, |tx| {
        let user = manage::lock(tx, &caller.workspace.id, user).await?;
        guard(caller, &user)?;
        if user.state != UserState::Suspended {
            return Err(Error::unprocessable("state", "only a suspended user can be made active again here"));
        }
        manage::restore_access(tx, app, actor, &user).await
    })
}

fn guard(caller: &Facts, user: &User) -> Result<()> {
    if may_change(caller.user.role, user.role) {
        return Ok(());
    }
    Err(Error::new(FORBIDDEN, "only an owner can change an owner"))
}
