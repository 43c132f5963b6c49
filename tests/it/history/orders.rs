//! Revocations, each with what it must end, what it must spare, and the entry that the audit log must have of it.

use serde_json::json;

use super::record::Scope;
use super::wire;
use super::world::{Live, World};
use crate::support::people::patch_op;

/// A revocation to carry out, as a request that any replica takes.
#[derive(Clone, Debug)]
pub struct Order {
    pub kind: &'static str,
    pub scope: Scope,
    pub spared: Option<usize>,
    pub ends_credentials_before: u32,
    pub entry: Option<&'static str>,
    pub request: Vec<u8>,
}

fn order(kind: &'static str, scope: Scope, entry: &'static str, request: Vec<u8>) -> Order {
    Order { kind, scope, spared: None, ends_credentials_before: 0, entry: Some(entry), request }
}

/// An administrator ends one session, which is not their own.
pub fn end_session(caller: &Live, target: &Live) -> Order {
    assert_ne!(caller.session, target.session, "one's own session is logged out");
    let request = wire::plain("DELETE", &format!("/api/v1/sessions/{}", target.id), &caller.token, "");
    order("ending a session", Scope::Session(target.session), "session.revoked", request)
}

/// A person logs out.
pub fn log_out(own: &Live) -> Order {
    let request = wire::json("POST", "/api/v1/logout", &own.token, &json!({}));
    order("logging out", Scope::Session(own.session), "session.logout", request)
}

/// An administrator ends all sessions of somebody else.
pub fn log_user_out(world: &World, caller: &Live, user: usize) -> Order {
    assert_ne!(caller.user, user, "one's own session would be spared");
    let path = format!("/api/v1/users/{}/log-out", world.people[user].id);
    let request = wire::json("POST", &path, &caller.token, &json!({"reason": "a history"}));
    order("logging a user out", Scope::User(user), "session.user_logged_out", request)
}

/// Everybody but the caller.
pub fn log_all_users_out(caller: &Live) -> Order {
    let body = json!({"reason": "a history"});
    let request = wire::json("POST", "/api/v1/security/log-all-users-out", &caller.token, &body);
    let order = order("logging all users out", Scope::Workspace, "session.log_all_users_out", request);
    Order { spared: Some(caller.session), ..order }
}

/// A change of the allowlist that logs everybody out but the caller. It goes on refusing nobody.
pub fn change_allowlist(caller: &Live) -> Order {
    let body = json!({"mode": "off", "entries": [], "sessions": "log_all_users_out", "reason": "a history"});
    let request = wire::json("PUT", "/api/v1/security/ip-allowlist", &caller.token, &body);
    let order = order("changing the allowlist", Scope::Workspace, "security.ip_allowlist_changed", request);
    Order { spared: Some(caller.session), ..order }
}

/// The identity provider deactivates a user. `was_active`: as far as anybody can know; else the log may have nothing to tell.
pub fn deactivate(world: &World, user: usize, was_active: bool) -> Order {
    let order = order("a SCIM deactivation", Scope::User(user), "user.deprovisioned", set_active(world, user, false));
    Order { entry: order.entry.filter(|_| was_active), ..order }
}

/// The identity provider chooses a new password for a user, who had the everyday one.
#[cfg(feature = "mutants")]
pub fn change_password(world: &World, user: usize, password: &str) -> Order {
    let request = patch_user(world, user, &json!({"password": password}));
    let order = order("a new password", Scope::User(user), "user.password_changed", request);
    Order { ends_credentials_before: 1, ..order }
}

/// Not a revocation if `active`: the way back.
pub fn set_active(world: &World, user: usize, active: bool) -> Vec<u8> {
    patch_user(world, user, &json!({"active": active}))
}

fn patch_user(world: &World, user: usize, value: &serde_json::Value) -> Vec<u8> {
    let path = format!("/scim/v2/Users/{}", world.people[user].id);
    let body = patch_op(json!([{"op": "replace", "value": value}]));
    wire::with_body("PATCH", &path, &world.scim_token, "application/scim+json", &body.to_string())
}
