//! Ways to become somebody else, or to come back, that look like ordinary administration.

use reqwest::Method;
use serde_json::json;

use crate::support::saml::{Flow, configure};
use crate::support::{OWNER, PASSWORD, TestApp, send};

async fn redeem(app: &TestApp, link: &str) -> u16 {
    let path = link.strip_prefix(&app.base).expect("a link of ours").to_owned();
    let client = crate::support::http::client_with_cookies();
    let page = send(client.get(app.url(&path))).await;
    let Some(form) = crate::support::forms::forms(&page.text).into_iter().find(|form| form.value("csrf").is_some())
    else {
        return page.status;
    };
    let form = form.fill("password", "Another-Pass-9-phrase").fill("password_again", "Another-Pass-9-phrase");
    send(client.post(app.url(&path)).form(&form.pairs())).await.status
}

on_both_databases! {
    /// A link to choose a password is a sign-in that has begun: logging all users out ends it.
    async fn a_link_from_before_opens_nothing(app: TestApp) {
        let owner = app.owner_token().await;
        let invite = async |email: &str| {
            let made = app.post(&owner, "/api/v1/users", json!({"email": email})).await.expect(201).json();
            made["setup_link"].as_str().expect("a link").to_owned()
        };
        let (early, late) = (invite("early@corp.test").await, invite("late@corp.test").await);
        assert_eq!(redeem(&app, &early).await, 303, "a fresh link works");
        assert_eq!(redeem(&app, &early).await, 410, "and works once");
        app.log_all_users_out(&owner, "links too").await;
        assert_eq!(redeem(&app, &late).await, 410);
    }

    /// A SCIM token is no way to become an administrator, nor to remove an owner.
    async fn a_scim_token_does_not_reach_administrators(app: TestApp) {
        let admin = app.provision_admin("ada").await;
        for operation in [
            json!({"op": "replace", "path": "password", "value": "Chosen-By-The-Token-9"}),
            json!({"op": "replace", "path": "userName", "value": "other@corp.test"}),
        ] {
            app.scim_patch(&admin.id, json!([operation])).await.expect_scim_error(400);
        }
        app.sign_in(&admin.email).await;
        let owner = app.owner_token().await;
        let path = format!("/api/v1/users/{}", admin.id);
        app.patch(&owner, &path, json!({"role": "owner"})).await.expect(200);
        let session = app.sign_in(&admin.email).await;
        app.set_active(&admin.id, false).await.expect_scim_error(400);
        app.scim(Method::DELETE, &format!("/Users/{}", admin.id), None).await.expect_any(&[400, 409]);
        assert!(app.is_live(&session).await, "a refused request ended a session");
    }

    /// Leaving `active` out, or removing it, reactivates nobody.
    async fn nobody_is_reactivated_by_leaving_it_out(app: TestApp) {
        let person = app.provision("ana").await;
        app.set_active(&person.id, false).await.expect(200);
        for operation in [
            json!({"op": "remove", "path": "active"}),
            json!({"op": "replace", "path": "title", "value": "x"}),
        ] {
            let reply = app.scim_patch(&person.id, json!([operation])).await;
            assert!(matches!(reply.status, 200 | 400), "{}", reply.text);
            app.try_sign_in("acme", &person.email, PASSWORD).await.expect(401);
        }
    }

    /// What an administrator and what the identity provider say are two facts: access needs both.
    async fn suspended_and_deactivated_are_two_facts(app: TestApp) {
        let (owner, person) = (app.owner_token().await, app.provision("ana").await);
        let path = format!("/api/v1/users/{}", person.id);
        app.patch(&owner, &path, json!({"state": "suspended"})).await.expect(200);
        app.set_active(&person.id, false).await.expect(200);
        app.patch(&owner, &path, json!({"state": "active"})).await.expect(200);
        app.try_sign_in("acme", &person.email, PASSWORD).await.expect(401);
        app.patch(&owner, &path, json!({"state": "suspended"})).await.expect_any(&[200, 422]);
        app.set_active(&person.id, true).await.expect(200);
        app.patch(&owner, &path, json!({"state": "active"})).await.expect_any(&[200, 422]);
        app.try_sign_in("acme", &person.email, PASSWORD).await.expect(200);
    }

    /// Denied never becomes accepted: what a stricter policy ended stays ended when the policy is relaxed.
    async fn a_relaxed_policy_brings_nothing_back(app: TestApp) {
        let person = app.provision("ana").await;
        let session = app.sign_in(&person.email).await;
        app.advance(2 * 3_600);
        let owner = app.owner_token().await;
        let hours = |hours: i64| json!({"absolute_lifetime_seconds": hours * 3_600, "idle_timeout_seconds": hours * 3_600});
        assert!(app.is_live(&session).await);
        app.set_policy(&owner, hours(1)).await.expect(200);
        assert!(!app.is_live(&session).await);
        app.set_policy(&owner, hours(24)).await.expect(200);
        assert!(!app.is_live(&session).await, "a session came back");
        assert!(app.is_live(&owner).await);
    }

    /// An administrator who brings an identity provider of their own is not let in as the owner.
    async fn an_administrators_provider_makes_no_owner(app: TestApp) {
        let admin = app.provision_admin("ada").await;
        let token = app.sign_in(&admin.email).await;
        configure(&app, &token).await;
        let flow = Flow::begin(&app).await;
        flow.deliver(&flow.response(OWNER, &[])).await;
        assert!(flow.who().await.is_none(), "an administrator's provider signed in the owner");
        configure(&app, &app.owner_token().await).await;
        let flow = Flow::begin(&app).await;
        flow.deliver(&flow.response(OWNER, &[])).await;
        assert!(flow.who().await.is_some(), "the owner's own provider is theirs to use");
    }

    /// A person who was deleted, having signed in by SAML or not, is not made anew by signing in.
    async fn whoever_was_deleted_is_not_made_anew(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let person = app.provision("gone").await;
        let waiting = Flow::begin(&app).await;
        app.scim(Method::DELETE, &format!("/Users/{}", person.id), None).await.expect(204);
        for flow in [waiting, Flow::begin(&app).await] {
            flow.deliver(&flow.response(&person.email, &[])).await;
            assert!(flow.who().await.is_none(), "a deleted person signed in");
        }
        let again = app.provision("gone").await;
        assert_ne!(again.id, person.id);
        let flow = Flow::begin(&app).await;
        flow.deliver(&flow.response(&again.email, &[])).await;
        let who = flow.who().await.expect("provisioned again, they may sign in");
        assert_eq!(who["user"]["id"], again.id.as_str());
    }
}
