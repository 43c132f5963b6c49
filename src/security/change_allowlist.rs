//! Changing the IP allowlist, and logging everybody out with it if the request or the policy says so: one transaction.

use std::net::IpAddr;

use serde_json::json;

use super::log_all_users_out::reason;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::error::{Error, PRECONDITION_FAILED, Result, WOULD_LOCK_OUT_CALLER};
use crate::feed::EventScope;
use crate::policy::ip_allowlist::{IpAllowlist, MAX_ENTRIES, Mode, Network, parse_network};
use crate::policy::model::OnChange;
use crate::policy::rules::{self, AllowlistRefusal};
use crate::policy::store;
use crate::sessions::model::{Receipt, Scope, Trigger};
use crate::sessions::revoke::{self, Order};
use crate::transact;

/// The allowlist as somebody wants it.
pub struct Wanted<'a> {
    pub workspace: &'a WorkspaceId,
    pub label: &'a str,
    pub mode: Mode,
    pub entries: Vec<Network>,
    pub sessions: Option<OnChange>,
    pub reason: Option<&'a str>,
    pub confirm_lockout: bool,
    pub if_version: Option<i64>,
}

/// The caller's address; `None` at the command line, which no allowlist shuts out.
pub fn caller_address(actor: &Actor) -> Option<IpAddr> {
    actor.origin.ip
}

/// Judges a wanted allowlist without saving it.
///
/// # Errors
/// 422 for enforcing an empty list; 409 `would-lock-out-caller` unless confirmed.
pub fn judge(actor: &Actor, wanted: &Wanted<'_>) -> Result<()> {
    let list = IpAllowlist { mode: wanted.mode, entries: wanted.entries.as_slice().into(), version: 0 };
    rules::may_save(&list, caller_address(actor), wanted.confirm_lockout).map_err(|refusal| match refusal {
        AllowlistRefusal::EnforcesNothing => {
            Error::unprocessable("entries", "an empty list can't be enforced: it would refuse everybody")
        }
        AllowlistRefusal::LocksOutCaller => Error::new(
            WOULD_LOCK_OUT_CALLER,
            format!(
                "your address {} is in none of these networks: you would be refused from the next request on; add it, or \
                 send confirm_lockout: true",
                actor.origin.ip_text()
            ),
        )
        .with_field("entries"),
    })
}

/// Saves it.
///
/// # Errors
/// As `judge`; 412 if somebody changed the list since `if_version`.
pub async fn change(app: &App, actor: &Actor, wanted: &Wanted<'_>) -> Result<(IpAllowlist, Option<Receipt>)> {
    judge(actor, wanted)?;
    let why = wanted.reason.map(reason).transpose()?;
    let reason = why.as_deref().unwrap_or("the IP allowlist was changed");
    let new = IpAllowlist { mode: wanted.mode, entries: wanted.entries.as_slice().into(), version: 0 };
    let written = transact!(app.db, |tx| {
        let now = app.clock.now();
        let policy = store::load(tx, wanted.workspace).await?;
        let before = store::lock_allowlist(tx, wanted.workspace).await?;
        if wanted.if_version.is_some_and(|version| version != before.version) {
            return Err(Error::new(PRECONDITION_FAILED, "the allowlist was changed since you read it"));
        }
        store::update_allowlist(tx, wanted.workspace, &new, now).await?;
        let revoked = match rules::on_change(wanted.sessions, policy.on_ip_allowlist_change) {
            // An allowlist affects nobody whom checks wouldn't refuse anyhow.
            OnChange::Keep | OnChange::LogOutAffected => None,
            OnChange::LogAllUsersOut => {
                let scope = Scope::Workspace { spare: actor.session.clone(), include_api_keys: false };
                let trigger = Trigger::IpAllowlistChange;
                let order = Order { workspace: wanted.workspace, scope, trigger, reason, target_label: wanted.label };
                Some(revoke::revoke(tx, app, actor, &order).await?)
            }
        };
        // After the workspace was locked: whoever locks both begins with that.
        let event = revoke::announce(tx, app, wanted.workspace, EventScope::Policy, None).await?;
        let target = Target::new("workspace", wanted.workspace.as_str(), wanted.label);
        let details = json!({"before": summary(&before), "after": summary(&new)});
        let entry = Entry::done("security.ip_allowlist_changed", target).because(reason).with(details);
        audit::append(tx, wanted.workspace, now, actor, &entry).await?;
        Ok((IpAllowlist { version: before.version + 1, ..new.clone() }, revoked, event))
    })?;
    let (list, revoked, event) = written;
    let receipt = revoke::acknowledge_some(app, revoked).await?;
    revoke::settle(app, &event).await?;
    Ok((list, receipt))
}

fn summary(list: &IpAllowlist) -> serde_json::Value {
    json!({"mode": list.mode.as_str(), "networks": list.entries.iter().map(|entry| entry.cidr.to_string()).collect::<Vec<_>>()})
}

/// Reads networks as they come from outside.
///
/// # Errors
/// 400 naming the entry that is none, or `entries` if there are too many.
pub fn networks<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<Network>> {
    let mut networks: Vec<Network> = Vec::new();
    for (index, (cidr, label)) in entries.into_iter().enumerate() {
        if index >= MAX_ENTRIES {
            return Err(Error::invalid("entries", format!("must be at most {MAX_ENTRIES} networks")));
        }
        let wrong = |detail: &'static str, part: &str| Err(Error::invalid(format!("entries[{index}].{part}"), detail));
        let Some(cidr) = parse_network(cidr) else {
            return wrong("must be a network such as 203.0.113.0/24 or an address", "cidr");
        };
        if label.chars().count() > 100 || label.chars().any(char::is_control) {
            return wrong("must have at most 100 characters", "label");
        }
        networks.push(Network { cidr, label: label.trim().to_owned() });
    }
    Ok(networks)
}
