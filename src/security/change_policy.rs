//! Changing the policy. Shorter lifetimes and withdrawn sign-in methods hold at the next check of every session, because
//! checks read the policy; what they refuse is ended in the same transaction, so that no later change brings it back.

use serde_json::json;

use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::error::{Error, PRECONDITION_FAILED, Result};
use crate::policy::model::{Method, Policy};
use crate::policy::store;
use crate::sessions::model::Facts;
use crate::sessions::{revoke, seen};
use crate::transact;

/// Saves a policy and gives it with its new version. `merge` makes the new one of the one that is in force, under its lock.
///
/// # Errors
/// 400 naming the field; 412 if somebody changed it since `if_version`; 409 `would-lock-out-caller` if the caller's own
/// way of signing in would be withdrawn.
pub async fn change(
    app: &App,
    actor: &Actor,
    caller: &Facts,
    merge: impl Fn(&Policy) -> Result<Policy>,
    if_version: Option<i64>,
) -> Result<Policy> {
    let workspace = &caller.workspace.id;
    // Whoever was seen a moment ago isn't idle.
    seen::note(app).await;
    let (policy, event) = transact!(app.db, |tx| {
        let now = app.clock.now();
        let before = store::lock(tx, workspace).await?;
        if if_version.is_some_and(|version| version != before.version) {
            return Err(Error::new(PRECONDITION_FAILED, "the policy was changed since you read it"));
        }
        let new = merge(&before)?;
        judge(caller, &new)?;
        store::update(tx, workspace, &new, now).await?;
        let (ended, event) = revoke::end_refused_by_policy(tx, app, workspace, [&before, &new]).await?;
        let details = json!({"before": summary(&before), "after": summary(&new), "sessions_ended": ended});
        let target = Target::new("workspace", workspace.as_str(), &caller.workspace.slug);
        audit::append(tx, workspace, now, actor, &Entry::done("security.policy_changed", target).with(details)).await?;
        Ok((Policy { version: before.version + 1, ..new }, event))
    })?;
    revoke::settle(app, &event).await?;
    Ok(policy)
}

fn judge(caller: &Facts, new: &Policy) -> Result<()> {
    new.validate().map_err(|(field, detail)| Error::invalid(field, detail))?;
    if new.admits(caller.session.method) {
        return Ok(());
    }
    let text = format!("you signed in with {}: sign in another way before you switch it off", method(caller));
    Err(Error::new(crate::error::WOULD_LOCK_OUT_CALLER, text).with_field("sign_in_methods"))
}

fn method(caller: &Facts) -> &'static str {
    match caller.session.method {
        Method::Saml => "SAML",
        Method::Password | Method::Setup => "a password",
    }
}

fn summary(policy: &Policy) -> serde_json::Value {
    json!({
        "absolute_lifetime_seconds": policy.absolute_ms / 1000,
        "idle_timeout_seconds": policy.idle_ms / 1000,
        "password": policy.password_allowed,
        "saml": policy.saml_allowed,
        "just_in_time_users": policy.just_in_time,
        "on_saml_change": policy.on_saml_change,
        "on_ip_allowlist_change": policy.on_ip_allowlist_change,
    })
}
