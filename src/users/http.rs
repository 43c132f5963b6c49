//! `/api/v1/users`: members of the workspace, for administrators.

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::access_groups;
use super::manage::{self, Loss, NewUser};
use super::model::User;
use crate::base::clock::rfc3339;
use crate::base::ids::UserId;
use crate::base::page::PageRequest;
use crate::base::text::line;
use crate::error::{Error, FORBIDDEN, Result};
use crate::login::setup;
use crate::security::log_all_users_out::reason;
use crate::sessions::model::{Role, Scope, Trigger, UserState};
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::sessions::revoke::{self, Order};
use crate::transact;
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body};
use crate::web::views::ReceiptView;

/// A member.
#[derive(Clone, Debug, Object, Serialize)]
pub struct UserView {
    pub id: String,
    pub user_name: String,
    pub email: Option<String>,
    pub display_name: String,
    pub role: String,
    pub state: String,
    pub source: String,
    pub external_id: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            user_name: user.user_name.clone(),
            email: user.email.clone(),
            display_name: user.display_name.clone(),
            role: user.role.as_str().into(),
            state: user.state.as_str().into(),
            source: user.source.as_str().into(),
            external_id: user.external_id.clone(),
            created_at: rfc3339(user.created_at),
            updated_at: rfc3339(user.updated_at),
        }
    }
}

/// A page of members, oldest first.
#[derive(Debug, Object, Serialize)]
struct UserPage {
    items: Vec<UserView>,
    next: Option<String>,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct NewUserBody {
    email: String,
    display_name: Option<String>,
    /// `member` if absent. Only an owner can make another.
    role: Option<String>,
}

/// A new member and the one-time link with which they choose a password.
#[derive(Object, Serialize)]
struct InvitedView {
    #[oai(flatten)]
    #[serde(flatten)]
    user: UserView,
    /// Shown once. Works for 24 hours.
    setup_link: String,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct ChangeBody {
    display_name: Option<String>,
    role: Option<String>,
    /// `active` or `suspended`.
    state: Option<String>,
}

/// A changed member, and what it ended.
#[derive(Object, Serialize)]
struct ChangedView {
    #[oai(flatten)]
    #[serde(flatten)]
    user: UserView,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct ReasonBody {
    reason: String,
}

/// A one-time link.
#[derive(Object, Serialize)]
struct LinkView {
    setup_link: String,
}

pub struct UsersApi;

#[OpenApi(prefix_path = "/api/v1")]
impl UsersApi {
    /// List members
    #[oai(path = "/users", method = "get", operation_id = "listUsers")]
    async fn list(
        &self,
        caller: Caller,
        limit: Query<Option<i64>>,
        after: Query<Option<String>>,
    ) -> poem::Result<Answer<UserPage>> {
        require_admin(&caller.facts)?;
        let page = PageRequest::parse(limit.0, after.0.as_deref())?;
        let found = manage::list(&caller.app, &caller.facts.workspace.id, &page).await?;
        Ok(Answer::ok(UserPage { items: found.items.iter().map(UserView::from).collect(), next: found.next }))
    }

    /// One member
    #[oai(path = "/users/:id", method = "get", operation_id = "getUser")]
    async fn get(&self, caller: Caller, id: Path<String>) -> poem::Result<Answer<UserView>> {
        require_admin(&caller.facts)?;
        Ok(Answer::ok(UserView::from(&load(&caller, id.0).await?)))
    }

    /// Invite a member
    #[oai(path = "/users", method = "post", operation_id = "createUser")]
    async fn create(&self, caller: Caller, body: Body<NewUserBody>) -> poem::Result<Answer<InvitedView>> {
        let role = role(&caller, body.0.role.as_deref())?.unwrap_or_default();
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let new = NewUser {
            user_name: &body.0.email,
            email: Some(&body.0.email),
            display_name: body.0.display_name.as_deref().unwrap_or(&body.0.email),
            role,
            ..NewUser::default()
        };
        let (app, workspace) = (&caller.app, &caller.facts.workspace.id);
        let (user, link) = transact!(app.db, |tx| {
            let user = manage::create_user(tx, app, &caller.actor, workspace, &new).await?;
            let link = setup::issue_setup_link(tx, app, &caller.actor, workspace, &user).await?;
            Ok((user, link))
        })?;
        Ok(Answer::created(InvitedView { user: UserView::from(&user), setup_link: link }))
    }

    /// Change a member
    ///
    /// Suspending ends their sessions before the answer. Making a member active again revives none.
    #[oai(path = "/users/:id", method = "patch", operation_id = "changeUser")]
    async fn change(
        &self,
        caller: Caller,
        id: Path<String>,
        body: Body<ChangeBody>,
    ) -> poem::Result<Answer<ChangedView>> {
        let role = role(&caller, body.0.role.as_deref())?;
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        Ok(Answer::ok(change(&caller, &UserId::from_text(id.0), role, &body.0).await?))
    }

    /// Delete a member
    #[oai(path = "/users/:id", method = "delete", operation_id = "deleteUser")]
    async fn delete(&self, caller: Caller, id: Path<String>) -> poem::Result<Answer<ReceiptView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let (app, id) = (&caller.app, UserId::from_text(id.0));
        let why = "the member was deleted";
        let revoked = transact!(app.db, |tx| {
            manage::hold_groups(tx, &caller.facts.workspace.id, &id).await?;
            let user = manage::lock(tx, &caller.facts.workspace.id, &id).await?;
            guard_owner(&caller, &user)?;
            manage::end_access(tx, app, &caller.actor, &user, Loss::Deleted, Trigger::Admin, why).await
        })?;
        Ok(Answer::ok(revoke::acknowledge(app, revoked).await?.into()))
    }

    /// End all sessions of a member
    #[oai(path = "/users/:id/log-out", method = "post", operation_id = "logUserOut")]
    async fn log_out(
        &self,
        caller: Caller,
        id: Path<String>,
        body: Body<ReasonBody>,
    ) -> poem::Result<Answer<ReceiptView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let user = load(&caller, id.0).await?;
        Ok(Answer::ok(log_out(&caller, &user, &body.0.reason).await?.into()))
    }

    /// Make a link with which a member chooses a new password
    #[oai(path = "/users/:id/reset-password", method = "post", operation_id = "resetPassword")]
    async fn reset(&self, caller: Caller, id: Path<String>) -> poem::Result<Answer<LinkView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let (app, id) = (&caller.app, UserId::from_text(id.0));
        let link = transact!(app.db, |tx| {
            let user = manage::lock(tx, &caller.facts.workspace.id, &id).await?;
            guard_owner(&caller, &user)?;
            if !matches!(user.state, UserState::Active | UserState::Invited) {
                return Err(Error::unprocessable("state", "only an active or invited member can choose a password"));
            }
            setup::issue_setup_link(tx, app, &caller.actor, &user.workspace, &user).await
        })?;
        Ok(Answer::ok(LinkView { setup_link: link }))
    }
}

async fn load(caller: &Caller, id: String) -> Result<User> {
    manage::load(&caller.app, &caller.facts.workspace.id, &UserId::from_text(id)).await
}

/// Ends all sessions of a member; the caller's own is spared.
pub async fn log_out(caller: &Caller, user: &User, why: &str) -> Result<crate::sessions::model::Receipt> {
    let why = reason(why)?;
    let own = user.id == caller.facts.user.id;
    let spare = caller.actor.session.clone().filter(|_| own);
    let scope = Scope::User { user: user.id.clone(), spare };
    let trigger = Trigger::Admin;
    let order = Order { workspace: &user.workspace, scope, trigger, reason: &why, target_label: user.label() };
    let app = &caller.app;
    let revoked = transact!(app.db, |tx| { revoke::revoke(tx, app, &caller.actor, &order).await })?;
    revoke::acknowledge(app, revoked).await
}

/// Reads a role that the caller may give.
fn role(caller: &Caller, text: Option<&str>) -> Result<Option<Role>> {
    let Some(text) = text else { return Ok(None) };
    let role = Role::parse(text).ok_or_else(|| Error::invalid("role", "must be owner, admin or member"))?;
    if role == Role::Owner && caller.facts.user.role != Role::Owner {
        return Err(Error::new(FORBIDDEN, "only an owner can make another").with_field("role"));
    }
    Ok(Some(role))
}

/// An owner is changed by owners only.
fn guard_owner(caller: &Caller, user: &User) -> Result<()> {
    if user.role == Role::Owner && caller.facts.user.role != Role::Owner {
        return Err(Error::new(FORBIDDEN, "only an owner can change an owner"));
    }
    Ok(())
}

async fn change(caller: &Caller, id: &UserId, role: Option<Role>, body: &ChangeBody) -> Result<ChangedView> {
    let app = &caller.app;
    let wanted = match body.state.as_deref() {
        None => None,
        Some("active") => Some(UserState::Active),
        Some("suspended") => Some(UserState::Suspended),
        Some(_) => return Err(Error::invalid("state", "must be active or suspended")),
    };
    let name = body.display_name.as_deref().map(display_name).transpose()?;
    let revoked = transact!(app.db, |tx| {
        if role.is_some() {
            // Whoever ceases to be an owner is judged by these settings; whoever changes them locks them before users.
            access_groups::hold_settings(tx, &caller.facts.workspace.id).await?;
        }
        let before = manage::lock(tx, &caller.facts.workspace.id, id).await?;
        guard_owner(caller, &before)?;
        let mut after = before.clone();
        after.role = role.unwrap_or(before.role);
        after.display_name = name.clone().unwrap_or_else(|| before.display_name.clone());
        // First: it may lock the workspace, which comes before the head that all of them raise.
        if (after.role, &after.display_name) != (before.role, &before.display_name) {
            manage::update_user(tx, app, &caller.actor, &before, &after).await?;
        }
        let ended = match (before.state, wanted) {
            (UserState::Suspended, Some(UserState::Active)) => {
                manage::restore_access(tx, app, &caller.actor, &before).await?;
                Ok(None)
            }
            (UserState::Active | UserState::Invited, Some(UserState::Suspended)) => {
                let why = "the member was suspended";
                let actor = &caller.actor;
                let ended = manage::end_access(tx, app, actor, &before, Loss::Suspended, Trigger::Admin, why).await?;
                Ok(Some(ended))
            }
            (UserState::Deprovisioned, Some(UserState::Active)) => {
                Err(Error::unprocessable("state", "the identity provider switched this member off: switch it on there"))
            }
            _ => Ok(None),
        }?;
        Ok(ended)
    })?;
    let receipt = match revoked {
        Some(revoked) => Some(revoke::acknowledge(app, revoked).await?.into()),
        None => None,
    };
    // A new role or name, too, is known everywhere when this is answered.
    revoke::settle_all(app).await?;
    let user = manage::load(app, &caller.facts.workspace.id, id).await?;
    Ok(ChangedView { user: UserView::from(&user), receipt })
}

fn display_name(text: &str) -> Result<String> {
    let long = || Error::invalid("display_name", "must have 1 to 256 characters");
    line(text, 256).map(str::to_owned).ok_or_else(long)
}
