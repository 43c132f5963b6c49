//! `/api/v1/scim/…`: what administrators say about provisioning: which groups give roles, and whether many may leave at once.

use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use crate::base::clock::rfc3339;
use crate::base::ids::GroupId;
use crate::error::{Error, Result};
use crate::sessions::model::Role;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::users::group_roles::{self, GroupRole};
use crate::users::hold::{self, WINDOW_MS};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body};

/// A group and the role that it gives.
#[derive(Deserialize, Serialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct GroupRoleBody {
    /// Id of the group.
    group: String,
    /// `admin` or `member`.
    role: String,
}

/// Which groups give which role.
#[derive(Deserialize, Serialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct GroupRolesBody {
    group_roles: Vec<GroupRoleBody>,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct ApprovalBody {
    /// How many users may still lose access, 1 to 1000000; any number if absent. Either way for an hour.
    users: Option<i64>,
}

/// The brake on many users who lose access by provisioning at once.
#[derive(Serialize, Object)]
struct HoldView {
    /// Whether deprovisioning waits for approval.
    held: bool,
    held_since: Option<String>,
    /// Requests that were turned away since then.
    held_requests: i64,
    last_held_at: Option<String>,
    /// Until when an approval holds; null if none does.
    approved_until: Option<String>,
    /// Users whom it still lets through; null is any number.
    approved_users_left: Option<i64>,
    /// Users who lost access within the window, those who were approved left out.
    recent_users: i64,
    /// How many may; null if nothing is held.
    limit: Option<i64>,
    window_seconds: i64,
}

pub struct ProvisioningApi;

#[OpenApi(prefix_path = "/api/v1")]
impl ProvisioningApi {
    /// Groups that give roles
    #[oai(path = "/scim/group-roles", method = "get", operation_id = "getGroupRoles")]
    async fn group_roles(&self, caller: Caller) -> poem::Result<Answer<GroupRolesBody>> {
        require_admin(&caller.facts)?;
        Ok(Answer::ok(group_roles_view(&caller).await?))
    }

    /// Say which groups give roles
    ///
    /// Provisioned users in such a group have the highest role that theirs give, at once; who leaves the last of them is a
    /// member. Nobody becomes an owner by it or ceases to be one. Needs an owner who signed in within ten minutes.
    #[oai(path = "/scim/group-roles", method = "put", operation_id = "putGroupRoles")]
    async fn put_group_roles(
        &self,
        caller: Caller,
        body: Body<GroupRolesBody>,
    ) -> poem::Result<Answer<GroupRolesBody>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let wanted = body.0.group_roles.iter().map(given).collect::<Result<Vec<GroupRole>>>()?;
        group_roles::set(&caller.app, &caller.actor, &caller.facts, &wanted).await?;
        Ok(Answer::ok(group_roles_view(&caller).await?))
    }

    /// Whether deprovisioning waits for approval
    #[oai(path = "/scim/hold", method = "get", operation_id = "getDeprovisioningHold")]
    async fn hold(&self, caller: Caller) -> poem::Result<Answer<HoldView>> {
        require_admin(&caller.facts)?;
        Ok(Answer::ok(hold_view(&caller).await?))
    }

    /// Approve that many lose access
    ///
    /// What was held passes when the identity provider sends it again. Needs an administrator who signed in within ten
    /// minutes.
    #[oai(path = "/scim/hold/approve", method = "post", operation_id = "approveDeprovisioning")]
    async fn approve(&self, caller: Caller, body: Body<ApprovalBody>) -> poem::Result<Answer<HoldView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        hold::approve(&caller.app, &caller.actor, &caller.facts.workspace.id, body.0.users).await?;
        Ok(Answer::ok(hold_view(&caller).await?))
    }
}

fn given(sent: &GroupRoleBody) -> Result<GroupRole> {
    let role = Role::parse(&sent.role).filter(|role| *role != Role::Owner);
    let role = role.ok_or_else(|| Error::invalid("group_roles", "may give the roles admin and member"))?;
    Ok(GroupRole { group: GroupId::from_text(&sent.group), role })
}

async fn group_roles_view(caller: &Caller) -> Result<GroupRolesBody> {
    let found = group_roles::list(&caller.app, &caller.facts.workspace.id).await?;
    let view = |given: GroupRole| GroupRoleBody { group: given.group.to_string(), role: given.role.as_str().into() };
    Ok(GroupRolesBody { group_roles: found.into_iter().map(view).collect() })
}

async fn hold_view(caller: &Caller) -> Result<HoldView> {
    let found = hold::standing(&caller.app, &caller.facts.workspace.id).await?;
    let (hold, now) = (found.hold, caller.app.clock.now());
    let approved = now < hold.approved_until;
    Ok(HoldView {
        held: hold.held_since.is_some(),
        held_since: hold.held_since.map(rfc3339),
        held_requests: hold.held_requests,
        last_held_at: hold.last_held_at.map(rfc3339),
        approved_until: approved.then(|| rfc3339(hold.approved_until)),
        approved_users_left: hold.approved_left.filter(|_| approved),
        recent_users: found.recent,
        limit: found.limit,
        window_seconds: WINDOW_MS / 1000,
    })
}
