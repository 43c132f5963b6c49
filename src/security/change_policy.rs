//! Changing the policy. Shorter lifetimes and withdrawn sign-in methods hold at the next check of every session, because
//! checks read the policy; what they refuse is ended in the same transaction, so that no later change brings it back.

use serde_json::json;

use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::db::Write;
use crate::error::{Error, PRECONDITION_FAILED, Result};
use crate::feed::EventScope;
use crate::policy::model::{Method, Policy};
use crate::policy::provisioning::Provisioning;
use crate::policy::{provisioning_store, store};
use crate::sessions::model::Facts;
use crate::sessions::{revoke, seen};
use crate::transact;
use crate::users::access_groups::{self, POLICY};
use crate::users::groups::store as groups;

/// Saves a policy and gives it with its new version. `merge` makes the new one of the one that is in force, under its lock.
/// Whom the new access groups don't let in has no session any more.
///
/// # Errors
/// 400 naming the field; 412 if somebody changed it since `if_version`; 409 `would-lock-out-caller` if the caller's own
/// way of signing in would be withdrawn, or they are in none of the new access groups.
pub async fn change(
    app: &App,
    actor: &Actor,
    caller: &Facts,
    merge: impl Fn(&Policy, &Provisioning) -> Result<(Policy, Provisioning)>,
    if_version: Option<i64>,
) -> Result<(Policy, Provisioning)> {
    let workspace = &caller.workspace.id;
    // Whoever was seen a moment ago isn't idle.
    seen::note(app).await;
    let (saved, event) = transact!(app.db, |tx| {
        let now = app.clock.now();
        let before = store::lock(tx, workspace).await?;
        if if_version.is_some_and(|version| version != before.version) {
            return Err(Error::new(PRECONDITION_FAILED, "the policy was changed since you read it"));
        }
        let kept = provisioning_store::load(tx, workspace).await?;
        let (new, provisioning) = merge(&before, &kept)?;
        judge(caller, &new)?;
        store::update(tx, workspace, &new, now).await?;
        // Users are locked before the head, which the next step raises.
        let losers = provision(tx, workspace, &kept, &provisioning).await?;
        if losers.iter().any(|loser| loser.id == caller.user.id) {
            let text = "you are in none of these groups yourself: you would be shut out";
            return Err(Error::new(crate::error::WOULD_LOCK_OUT_CALLER, text).with_field("access_groups"));
        }
        let (ended, mut event) = revoke::end_refused_by_policy(tx, app, workspace, [&before, &new]).await?;
        for revoked in access_groups::shut_out(tx, app, actor, workspace, &losers, POLICY).await? {
            revoke::leave_to_settle(app, revoked);
        }
        if !losers.is_empty() {
            // The newest change is what everybody is told of.
            event = revoke::announce(tx, app, workspace, EventScope::Policy, None).await?;
        }
        let details = json!({
            "before": summary(&before, &kept),
            "after": summary(&new, &provisioning),
            "sessions_ended": ended,
            "users_shut_out": losers.len(),
        });
        let target = Target::new("workspace", workspace.as_str(), &caller.workspace.slug);
        audit::append(tx, workspace, now, actor, &Entry::done("security.policy_changed", target).with(details)).await?;
        Ok(((Policy { version: before.version + 1, ..new }, provisioning), event))
    })?;
    revoke::settle(app, &event).await?;
    Ok(saved)
}

/// Writes the settings of provisioning, and finds whom they shut out.
async fn provision(
    tx: &mut Write,
    workspace: &WorkspaceId,
    before: &Provisioning,
    new: &Provisioning,
) -> Result<Vec<access_groups::Loser>> {
    new.validate().map_err(|(field, detail)| Error::invalid(field, detail))?;
    provisioning_store::update(tx, workspace, new).await?;
    if new.access_groups == before.access_groups {
        return Ok(Vec::new());
    }
    provisioning_store::remove_access_groups(tx, workspace).await?;
    for group in &new.access_groups {
        // One that was deleted may stay: taking it out could let everybody in.
        if !before.access_groups.contains(group) && groups::find(tx, workspace, group).await?.is_none() {
            return Err(Error::invalid("access_groups", "names a group that is not of this workspace"));
        }
        provisioning_store::add_access_group(tx, workspace, group).await?;
    }
    access_groups::find_losers(tx, workspace).await
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

fn summary(policy: &Policy, provisioning: &Provisioning) -> serde_json::Value {
    json!({
        "absolute_lifetime_seconds": policy.absolute_ms / 1000,
        "idle_timeout_seconds": policy.idle_ms / 1000,
        "password": policy.password_allowed,
        "saml": policy.saml_allowed,
        "just_in_time_users": policy.just_in_time,
        "on_saml_change": policy.on_saml_change,
        "on_ip_allowlist_change": policy.on_ip_allowlist_change,
        "access_groups": provisioning.access_groups,
        "link_by_verified_email": provisioning.link_by_verified_email,
        "deprovision_hold_count": provisioning.deprovision_hold_count,
        "deprovision_hold_percent": provisioning.deprovision_hold_percent,
    })
}
