//! Proving again who one is: what administrative changes ask for when the sign-in is older than ten minutes.

use super::{store, throttle};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::error::{Error, INVALID_CREDENTIALS, Result, SESSION_ENDED};
use crate::feed::EventScope;
use crate::policy::model::Method;
use crate::sessions::model::Facts;
use crate::sessions::{revoke, store as sessions};
use crate::transact;
use crate::users::store as users;
use crate::workspaces::single_sign_on;

/// Renews the sign-in time of the caller's session.
///
/// # Errors
/// 401 `invalid-credentials` for a wrong password; 403 `sso-required` for a right one of somebody who has to prove it at their
/// identity provider; 429; 401 `session-ended` if it ended meanwhile.
pub async fn reauthenticate(app: &App, actor: &Actor, facts: &Facts, password: &str) -> Result<()> {
    app.addresses.admit_password(actor.origin.ip)?;
    let workspace = &facts.workspace.id;
    // A count of its own: strangers who fail to sign in must not keep an administrator from acting.
    let account = format!("again:{}", facts.session.id);
    throttle::reserve(app, workspace, &account).await?;
    let user = users::find(&mut app.db.read().await?, workspace, &facts.user.id).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let target = Target::new("session", facts.session.id.as_str(), &facts.user.user_name);
    let now = app.clock.now();
    let allowed = facts.policy.admits(Method::Password);
    let verified = app.passwords.verify(password, hash.as_deref().filter(|_| allowed)).await;
    if verified.is_err() {
        // Nobody looked at the password: that is no wrong one.
        throttle::give_back(app, workspace, &account).await?;
    }
    if !verified? {
        let entry = Entry::refused("login.reauthentication_failed", target);
        transact!(app.db, |tx| { audit::append(tx, workspace, now, actor, &entry).await })?;
        return Err(Error::new(INVALID_CREDENTIALS, "this is not your password").with_field("password"));
    }
    if let Some(user) = &user
        && single_sign_on::has_to(app, user).await?
    {
        return Err(single_sign_on::refusal(app, &facts.workspace.slug));
    }
    let entry = Entry::done("login.reauthenticated", target);
    let renewed = transact!(app.db, |tx| {
        if sessions::renew_sign_in(tx, &facts.session, now).await? == 0 {
            return Err(Error::new(SESSION_ENDED, "this session has ended meanwhile"));
        }
        // Who remembers the session would go on to tell applications the old time.
        let renewed = revoke::announce(tx, app, workspace, EventScope::Profile, Some(&facts.user.id)).await?;
        store::forget(tx, workspace, &account).await?;
        audit::append(tx, workspace, now, actor, &entry).await?;
        Ok(renewed)
    })?;
    // It is done, whoever knows by now: an old time makes nobody less careful.
    let settled = revoke::settle(app, &renewed).await;
    if let Err(error) = settled {
        tracing::warn!(error = error.log(), "not every replica may know of a renewed sign-in yet");
    }
    Ok(())
}
