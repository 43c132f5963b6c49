//! `/api/v1/security/…`: log all users out, policy, IP allowlist.

use poem_openapi::param::Header;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::change_allowlist::{self, Wanted};
use super::idempotency::Key;
use super::log_all_users_out::{Done, log_all_users_out, reason};
use super::preview::preview;
use super::{change_policy, log_all_users_out as operation};
use crate::base::ids::GroupId;
use crate::error::{Error, Result};
use crate::policy::ip_allowlist::{IpAllowlist, Mode};
use crate::policy::model::{OnChange, Policy};
use crate::policy::provisioning::{Provisioning, sorted};
use crate::policy::{read, rules};
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body, Raw, if_match};
use crate::web::views::ReceiptView;

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct LogOutBody {
    /// Why. The audit log keeps it. 1 to 500 characters.
    reason: String,
    /// Count, and change nothing.
    dry_run: Option<bool>,
    /// Revoke API keys with the sessions.
    include_api_keys: Option<bool>,
}

/// The policy of a workspace.
#[derive(Deserialize, Serialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct PolicyBody {
    /// From sign-in to the end. 60 to 31536000.
    absolute_lifetime_seconds: i64,
    /// Without a request to the end. 60 to `absolute_lifetime_seconds`.
    idle_timeout_seconds: i64,
    /// Of `password` and `saml`.
    sign_in_methods: Vec<String>,
    /// Whether a SAML sign-in may create a user of a verified domain.
    just_in_time_users: Option<bool>,
    /// `keep`, `log_out_affected` or `log_all_users_out`.
    on_saml_change: Option<String>,
    /// `keep` or `log_all_users_out`.
    on_ip_allowlist_change: Option<String>,
    /// Ids of groups: a provisioned user has to be in one of them to sign in and to stay signed in. Empty: everybody may.
    /// Owners, and people whom the identity provider did not create, need none.
    access_groups: Option<Vec<String>>,
    /// Whether provisioning may take over a member who has the same address, of a verified domain.
    link_by_verified_email: Option<bool>,
    /// Users who may lose access by provisioning within ten minutes before the next ones wait for approval. 0 to 1000000.
    deprovision_hold_count: Option<i64>,
    /// The same as a share of the provisioned users, 0 to 100; the larger of the two counts, and two zeros hold nothing.
    deprovision_hold_percent: Option<i64>,
}

#[derive(Deserialize, Serialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct NetworkBody {
    /// A network such as `203.0.113.0/24`, or an address.
    cidr: String,
    #[serde(default)]
    #[oai(default)]
    label: String,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct AllowlistBody {
    /// `off`, `report` or `enforce`.
    mode: String,
    entries: Vec<NetworkBody>,
    /// `keep` or `log_all_users_out`; the policy's `on_ip_allowlist_change` if absent.
    sessions: Option<String>,
    reason: Option<String>,
    /// Judge it, and change nothing.
    dry_run: Option<bool>,
    /// Save it although it refuses the caller.
    confirm_lockout: Option<bool>,
}

#[derive(Serialize, Object)]
struct AllowlistView {
    mode: String,
    entries: Vec<NetworkBody>,
    /// The caller's address as the allowlist sees it.
    your_ip: String,
    /// Whether that address is in one of the networks.
    allows_you: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    /// Sessions that would end with this change.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_end_sessions: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

pub struct SecurityApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SecurityApi {
    /// Log all users out
    ///
    /// Ends every session of the workspace except the caller's, at once and everywhere. With `dry_run` it counts only.
    /// Send an `Idempotency-Key` and a repeated request gets the first one's receipt. Needs an administrator who signed in
    /// within ten minutes.
    #[oai(path = "/security/log-all-users-out", method = "post", operation_id = "logAllUsersOut")]
    async fn log_all_users_out(
        &self,
        caller: Caller,
        body: Body<LogOutBody>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> poem::Result<Raw> {
        require_admin(&caller.facts)?;
        let body = body.0;
        let include_api_keys = body.include_api_keys.unwrap_or(false);
        let workspace = &caller.facts.workspace;
        if body.dry_run == Some(true) {
            reason(&body.reason)?;
            let found = preview(&caller.app, &workspace.id, caller.actor.session.as_ref(), include_api_keys).await?;
            return Ok(Raw::json(&found)?);
        }
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let fingerprint = format!("log-all-users-out\n{include_api_keys}\n{}", body.reason);
        let key = key.0.as_deref().map(|key| Key::parse(&caller.actor.id, key, &fingerprint)).transpose()?;
        let label = workspace.slug.as_str();
        let request =
            operation::Request { workspace: &workspace.id, label, reason: &body.reason, include_api_keys, key };
        Ok(match log_all_users_out(&caller.app, &caller.actor, &request).await? {
            Done::Now(receipt) => Raw::json(&receipt)?,
            Done::Before(receipt) => Raw::json(&receipt)?.with_header("idempotency-replayed", "true"),
        })
    }

    /// The policy
    #[oai(path = "/security/policy", method = "get", operation_id = "getPolicy")]
    async fn policy(&self, caller: Caller) -> poem::Result<Answer<PolicyBody>> {
        require_admin(&caller.facts)?;
        let policy = read::policy(&caller.app, &caller.facts.workspace.id).await?;
        let provisioning = read::provisioning(&caller.app, &caller.facts.workspace.id).await?;
        Ok(Answer::ok(policy_view(&policy, &provisioning)).version(policy.version))
    }

    /// Change the policy
    ///
    /// It holds for every session from its next check on. Send the ETag as `If-Match` to be told if somebody was faster.
    #[oai(path = "/security/policy", method = "put", operation_id = "putPolicy")]
    async fn put_policy(
        &self,
        caller: Caller,
        body: Body<PolicyBody>,
        #[oai(name = "If-Match")] expected: Header<Option<String>>,
    ) -> poem::Result<Answer<PolicyBody>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let version = if_match(expected.0.as_deref())?;
        let merge = |before: &Policy, kept: &Provisioning| {
            Ok((wanted_policy(&body.0, before)?, wanted_provisioning(&body.0, kept)))
        };
        let (policy, provisioning) =
            change_policy::change(&caller.app, &caller.actor, &caller.facts, merge, version).await?;
        Ok(Answer::ok(policy_view(&policy, &provisioning)).version(policy.version))
    }

    /// The IP allowlist
    #[oai(path = "/security/ip-allowlist", method = "get", operation_id = "getIpAllowlist")]
    async fn allowlist(&self, caller: Caller) -> poem::Result<Answer<AllowlistView>> {
        require_admin(&caller.facts)?;
        let list = read::allowlist(&caller.app, &caller.facts.workspace.id).await?;
        Ok(Answer::ok(allowlist_view(&caller, &list)).version(list.version))
    }

    /// Change the IP allowlist
    ///
    /// Applied to every sign-in and every check, with the client's true address. `sessions` can log everybody out with it.
    #[oai(path = "/security/ip-allowlist", method = "put", operation_id = "putIpAllowlist")]
    async fn put_allowlist(
        &self,
        caller: Caller,
        body: Body<AllowlistBody>,
        #[oai(name = "If-Match")] expected: Header<Option<String>>,
    ) -> poem::Result<Answer<AllowlistView>> {
        require_admin(&caller.facts)?;
        let body = body.0;
        let mode = Mode::parse(&body.mode).ok_or_else(|| Error::invalid("mode", "must be off, report or enforce"))?;
        let pairs = body.entries.iter().map(|entry| (entry.cidr.as_str(), entry.label.as_str()));
        let wanted = Wanted {
            workspace: &caller.facts.workspace.id,
            label: &caller.facts.workspace.slug,
            mode,
            entries: change_allowlist::networks(pairs)?,
            sessions: on_change("sessions", body.sessions.as_deref())?,
            reason: body.reason.as_deref(),
            confirm_lockout: body.confirm_lockout.unwrap_or(false),
            if_version: if_match(expected.0.as_deref())?,
        };
        if body.dry_run == Some(true) {
            return Ok(Answer::ok(judged(&caller, &wanted).await?));
        }
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let (list, receipt) = change_allowlist::change(&caller.app, &caller.actor, &wanted).await?;
        let view = AllowlistView { receipt: receipt.map(ReceiptView::from), ..allowlist_view(&caller, &list) };
        Ok(Answer::ok(view).version(list.version))
    }
}

fn policy_view(policy: &Policy, provisioning: &Provisioning) -> PolicyBody {
    let methods = [("password", policy.password_allowed), ("saml", policy.saml_allowed)];
    PolicyBody {
        absolute_lifetime_seconds: policy.absolute_ms / 1000,
        idle_timeout_seconds: policy.idle_ms / 1000,
        sign_in_methods: methods.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect(),
        just_in_time_users: Some(policy.just_in_time),
        on_saml_change: Some(policy.on_saml_change.as_str().into()),
        on_ip_allowlist_change: Some(policy.on_ip_allowlist_change.as_str().into()),
        access_groups: Some(provisioning.access_groups.iter().map(GroupId::to_string).collect()),
        link_by_verified_email: Some(provisioning.link_by_verified_email),
        deprovision_hold_count: Some(provisioning.deprovision_hold_count),
        deprovision_hold_percent: Some(provisioning.deprovision_hold_percent),
    }
}

fn wanted_provisioning(body: &PolicyBody, before: &Provisioning) -> Provisioning {
    let groups = body.access_groups.as_ref().map(|ids| sorted(ids.iter().map(GroupId::from_text).collect()));
    Provisioning {
        access_groups: groups.unwrap_or_else(|| before.access_groups.clone()),
        link_by_verified_email: body.link_by_verified_email.unwrap_or(before.link_by_verified_email),
        deprovision_hold_count: body.deprovision_hold_count.unwrap_or(before.deprovision_hold_count),
        deprovision_hold_percent: body.deprovision_hold_percent.unwrap_or(before.deprovision_hold_percent),
    }
}

fn wanted_policy(body: &PolicyBody, before: &Policy) -> Result<Policy> {
    let methods = &body.sign_in_methods;
    if methods.iter().any(|method| !matches!(method.as_str(), "password" | "saml")) {
        return Err(Error::invalid("sign_in_methods", "may name password and saml"));
    }
    let seconds = |field, value: i64| value.checked_mul(1000).ok_or_else(|| Error::invalid(field, "is too large"));
    Ok(Policy {
        absolute_ms: seconds("absolute_lifetime_seconds", body.absolute_lifetime_seconds)?,
        idle_ms: seconds("idle_timeout_seconds", body.idle_timeout_seconds)?,
        password_allowed: methods.iter().any(|method| method == "password"),
        saml_allowed: methods.iter().any(|method| method == "saml"),
        just_in_time: body.just_in_time_users.unwrap_or(before.just_in_time),
        on_saml_change: on_saml_change("on_saml_change", body.on_saml_change.as_deref())?
            .unwrap_or(before.on_saml_change),
        on_ip_allowlist_change: on_change("on_ip_allowlist_change", body.on_ip_allowlist_change.as_deref())?
            .unwrap_or(before.on_ip_allowlist_change),
        version: before.version,
    })
}

/// Reads what a change of the allowlist shall do to sessions.
///
/// # Errors
/// 400 naming the field.
pub fn on_change(field: &'static str, text: Option<&str>) -> Result<Option<OnChange>> {
    let bad = || Error::invalid(field, "must be keep or log_all_users_out");
    let read = |text| OnChange::parse(text).filter(|choice| *choice != OnChange::LogOutAffected).ok_or_else(bad);
    text.map(read).transpose()
}

/// Reads what a change of SAML settings shall do to sessions.
///
/// # Errors
/// 400 naming the field.
pub fn on_saml_change(field: &'static str, text: Option<&str>) -> Result<Option<OnChange>> {
    let bad = || Error::invalid(field, "must be keep, log_out_affected or log_all_users_out");
    text.map(|text| OnChange::parse(text).ok_or_else(bad)).transpose()
}

fn allowlist_view(caller: &Caller, list: &IpAllowlist) -> AllowlistView {
    let entry = |network: &crate::policy::ip_allowlist::Network| NetworkBody {
        cidr: network.cidr.to_string(),
        label: network.label.clone(),
    };
    AllowlistView {
        mode: list.mode.as_str().into(),
        entries: list.entries.iter().map(entry).collect(),
        your_ip: caller.actor.origin.ip_text(),
        allows_you: caller.actor.origin.ip.is_some_and(|ip| list.contains(ip)),
        dry_run: None,
        would_end_sessions: None,
        receipt: None,
    }
}

async fn judged(caller: &Caller, wanted: &Wanted<'_>) -> Result<AllowlistView> {
    change_allowlist::judge(&caller.actor, wanted)?;
    let policy = read::policy(&caller.app, wanted.workspace).await?;
    let ends = rules::on_change(wanted.sessions, policy.on_ip_allowlist_change) == OnChange::LogAllUsersOut;
    let found = preview(&caller.app, wanted.workspace, caller.actor.session.as_ref(), false).await?;
    let list = IpAllowlist { mode: wanted.mode, entries: wanted.entries.as_slice().into(), version: 0 };
    let would_end = if ends { found.would_end.sessions } else { 0 };
    Ok(AllowlistView { dry_run: Some(true), would_end_sessions: Some(would_end), ..allowlist_view(caller, &list) })
}
