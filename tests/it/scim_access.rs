//! Who may speak SCIM, and how far it reaches: a token opens one workspace, gives nobody a right, and never reaches an owner.

use reqwest::Method;
use serde_json::json;

use crate::support::people::{okta_user, patch_op};
use crate::support::{OTHER_OWNER, OWNER, PASSWORD, TestApp, send};

const NOWHERE: &str = "/Users/01890000-0000-7000-8000-000000000000";

on_both_databases! {
    /// SCM-02, SCM-11: no token, another secret, a changed token: 401 as SCIM, with a challenge.
    async fn only_a_scim_token_opens_scim(app: TestApp) {
        let owner = app.owner_token().await;
        let token = app.home.scim_token.clone();
        let wrong = [
            String::new(),
            "cfscim_wrong".to_owned(),
            token[..token.len() - 1].to_owned(),
            format!("{token}x"),
            token.to_uppercase(),
            owner.clone(),
            app.api_key(&owner).await,
        ];
        for wrong in wrong {
            for path in ["/Users", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes", NOWHERE] {
                let reply = app.scim_as(&wrong, Method::GET, path, None).await;
                assert!(reply.header("www-authenticate").is_some(), "401 without a challenge (RFC 6750 §3)");
                reply.expect_scim_error(401);
            }
        }
        for request in [
            app.request(Method::GET, "/scim/v2/Users"),
            app.request(Method::GET, "/scim/v2/Users").header("cookie", format!("curfew={owner}")),
            app.request(Method::GET, "/scim/v2/Users").header("authorization", &token),
        ] {
            send(request).await.expect_scim_error(401);
        }
    }

    /// SCM-01, SCM-08: tokens are made after a recent sign-in, shown once, run out, and are dead when revoked.
    async fn scim_tokens_come_and_go(app: TestApp) {
        let owner = app.owner_token().await;
        let path = "/api/v1/scim-tokens";
        let body = json!({"name": "Okta", "expires_in_days": 1});
        let created = app.post(&owner, path, body.clone()).await.expect(201).json();
        let token = created["token"].as_str().expect("shown once").to_owned();
        assert!(token.starts_with("cfscim_"));
        app.scim_as(&token, Method::GET, "/Users?count=1", None).await.expect(200);
        let listed = app.all_items(&owner, path).await;
        assert!(listed.iter().any(|listed| listed["id"] == created["id"]), "{listed:?}");
        assert!(!json!(listed).to_string().contains(&token[7..]), "a token is shown twice");
        let second = app.post(&owner, path, json!({"name": "Second"})).await.expect(201).json();
        let second_token = second["token"].as_str().expect("shown once").to_owned();
        app.delete(&owner, &format!("{path}/{}", second["id"].as_str().expect("an id"))).await.expect(204);
        app.scim_as(&second_token, Method::GET, "/Users", None).await.expect_scim_error(401);
        app.advance(24 * 3600 + 1);
        app.scim_as(&token, Method::GET, "/Users", None).await.expect_scim_error(401);
        let stale = app.owner_token().await;
        app.advance(10 * 60 + 1);
        app.post(&stale, path, body).await.expect_problem(403, "reauthentication-required");
    }

    /// SCM-06, CVE-2025-41115: whatever an identity provider calls somebody, it makes nobody an administrator.
    async fn scim_gives_no_rights(app: TestApp) {
        let owner = app.owner_token().await;
        let owner_id = app.user_id(&owner).await;
        let mut user = okta_user("climber@corp.test");
        let more = json!({
            "id": owner_id, "externalId": owner_id, "role": "owner", "is_owner": true, "workspace_id": "globex", "source": "local",
            "roles": [{"value": "owner", "primary": true}], "groups": [{"value": "admins"}], "userType": "owner",
            "meta": {"resourceType": "User", "role": "owner"}, "password": PASSWORD,
        });
        for (name, value) in more.as_object().expect("an object") {
            user[name] = value.clone();
        }
        let created = app.scim(Method::POST, "/Users", Some(user)).await.expect(201).json();
        let id = created["id"].as_str().expect("an id").to_owned();
        assert_ne!(id, owner_id, "the client chose the id");
        let climb = json!([
            {"op": "add", "path": "roles", "value": [{"value": "owner"}]},
            {"op": "replace", "value": {"userType": "admin"}},
        ]);
        app.scim_patch(&id, climb).await.expect_any(&[200, 204, 400]);
        let token = app.sign_in("climber@corp.test").await;
        let own = app.get(&token, "/api/v1/session").await.expect(200).json();
        assert_eq!((&own["user"]["role"], &own["user"]["source"]), (&json!("member"), &json!("scim")));
        assert_eq!(own["workspace"]["slug"], "acme");
        app.get(&token, "/api/v1/audit").await.expect_problem(403, "forbidden");
        let mut numeric = okta_user("numeric@corp.test");
        numeric["externalId"] = 1.into();
        app.scim(Method::POST, "/Users", Some(numeric)).await.expect_scim_error(400);
    }

    /// SCM-07: the owner is no user of the identity provider: not taken over, not switched off.
    async fn scim_does_not_reach_the_owner(app: TestApp) {
        let owner = app.owner_token().await;
        let owner_id = app.user_id(&owner).await;
        let mut twin = okta_user(OWNER);
        twin["password"] = "another-Passw0rd-of-SCIM".into();
        twin["active"] = false.into();
        app.scim(Method::POST, "/Users", Some(twin.clone())).await.expect_scim_error(409);
        let path = format!("/Users/{owner_id}");
        let refused = [400, 403, 404, 409];
        app.set_active(&owner_id, false).await.expect_any(&refused);
        app.scim(Method::PUT, &path, Some(twin)).await.expect_any(&refused);
        app.scim(Method::DELETE, &path, None).await.expect_any(&refused);
        assert!(app.is_live(&owner).await);
        assert!(app.is_live(&app.owner_token().await).await, "the owner's password or state was changed");
    }

    /// The last owner can't be removed by SCIM either, even if SCIM created them.
    async fn scim_does_not_remove_the_last_owner(app: TestApp) {
        let heir = app.provision("heir").await;
        let owner = app.owner_token().await;
        let owner_id = app.user_id(&owner).await;
        app.patch(&owner, &format!("/api/v1/users/{}", heir.id), json!({"role": "owner"})).await.expect(200);
        app.patch(&owner, &format!("/api/v1/users/{owner_id}"), json!({"role": "member"})).await.expect(200);
        let token = app.sign_in(&heir.email).await;
        let refused = [400, 403, 409];
        app.set_active(&heir.id, false).await.expect_any(&refused);
        app.scim(Method::DELETE, &format!("/Users/{}", heir.id), None).await.expect_any(&refused);
        let mut resource = okta_user(&heir.email);
        resource["active"] = false.into();
        app.scim(Method::PUT, &format!("/Users/{}", heir.id), Some(resource)).await.expect_any(&refused);
        let own = app.get(&token, "/api/v1/session").await.expect(200).json();
        assert_eq!((&own["user"]["role"], &own["user"]["state"]), (&json!("owner"), &json!("active")));
    }

    /// AZ-02: another workspace's token finds and changes nothing of ours.
    async fn another_workspaces_token_sees_nothing(app: TestApp) {
        let person = app.provision("ada").await;
        let token = app.sign_in(&person.email).await;
        let (theirs, path) = (app.home.other_scim_token.clone(), format!("/Users/{}", person.id));
        let off = patch_op(json!([{"op": "replace", "path": "active", "value": false}]));
        app.scim_as(&theirs, Method::GET, &path, None).await.expect_scim_error(404);
        app.scim_as(&theirs, Method::PATCH, &path, Some(off)).await.expect_scim_error(404);
        app.scim_as(&theirs, Method::PUT, &path, Some(okta_user(&person.email))).await.expect_scim_error(404);
        app.scim_as(&theirs, Method::DELETE, &path, None).await.expect_scim_error(404);
        let list = app.scim_as(&theirs, Method::GET, "/Users", None).await.expect(200).json();
        assert!(!list.to_string().contains("ada@corp.test"), "{list}");
        app.scim_as(&theirs, Method::POST, "/Users", Some(okta_user(&person.email))).await.expect(201);
        assert!(app.is_live(&token).await);
        app.sign_in_to("globex", OTHER_OWNER).await;
    }
}
