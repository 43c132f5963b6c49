//! Roles and states: who may do what, that changes hold at once, that a workspace keeps an owner, and that nobody reaches
//! another workspace's people.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{OTHER_OWNER, OWNER, PASSWORD, Person, TestApp, send};

/// Calls that only an administrator may make: method, path, body.
fn administration(other: &Person) -> Vec<(Method, String, Value)> {
    let call = |method: Method, path: &str, body: Value| (method, path.to_owned(), body);
    vec![
        call(Method::POST, "/api/v1/security/log-all-users-out", json!({"reason": "a member tries"})),
        call(Method::GET, "/api/v1/security/policy", Value::Null),
        call(Method::GET, "/api/v1/security/ip-allowlist", Value::Null),
        call(Method::PUT, "/api/v1/security/ip-allowlist", json!({"mode": "off", "entries": []})),
        call(Method::GET, "/api/v1/security/saml", Value::Null),
        call(Method::DELETE, "/api/v1/security/saml?reason=a+member+tries", Value::Null),
        call(Method::GET, "/api/v1/security/saml/providers", Value::Null),
        call(Method::POST, "/api/v1/security/saml/providers", json!({"metadata_xml": "<a/>"})),
        call(Method::GET, "/api/v1/security/saml/providers/x", Value::Null),
        call(Method::PUT, "/api/v1/security/saml/providers/x", json!({"enabled": false})),
        call(Method::DELETE, "/api/v1/security/saml/providers/x", Value::Null),
        call(Method::GET, "/api/v1/security/saml/setup-links", Value::Null),
        call(Method::POST, "/api/v1/security/saml/setup-links", json!({"name": "mine"})),
        call(Method::DELETE, "/api/v1/security/saml/setup-links/x", Value::Null),
        call(Method::GET, "/api/v1/scim-tokens", Value::Null),
        call(Method::POST, "/api/v1/scim-tokens", json!({"name": "mine"})),
        call(Method::POST, "/api/v1/scim-tokens/x/rotate", json!({})),
        call(Method::GET, "/api/v1/scim-tokens/x/requests", Value::Null),
        call(Method::GET, "/api/v1/scim-clients", Value::Null),
        call(Method::POST, "/api/v1/scim-clients", json!({"name": "mine", "auth_method": "secret"})),
        call(Method::DELETE, "/api/v1/scim-clients/x", Value::Null),
        call(Method::GET, "/api/v1/scim-clients/x/requests", Value::Null),
        call(Method::GET, "/api/v1/api-keys", Value::Null),
        call(Method::POST, "/api/v1/api-keys", json!({"name": "mine", "scopes": ["sessions:check"]})),
        call(Method::GET, "/api/v1/audit", Value::Null),
        call(Method::GET, "/api/v1/audit/export?format=jsonl", Value::Null),
        call(Method::POST, "/api/v1/users", json!({"email": "new@corp.test"})),
        call(Method::PATCH, &format!("/api/v1/users/{}", other.id), json!({"display_name": "Renamed"})),
        call(Method::DELETE, &format!("/api/v1/users/{}", other.id), Value::Null),
        call(Method::POST, &format!("/api/v1/users/{}/log-out", other.id), json!({"reason": "a member tries"})),
    ]
}

async fn status(app: &TestApp, token: Option<&str>, call: &(Method, String, Value)) -> u16 {
    let mut request = app.request(call.0.clone(), &call.1);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if !call.2.is_null() {
        request = request.json(&call.2);
    }
    send(request).await.status
}

on_both_databases! {
    /// AZ-01: a member is refused, a stranger is asked to sign in, and neither has changed anything.
    async fn administration_is_for_administrators(app: TestApp) {
        let (member, other) = (app.provision("member").await, app.provision("other").await);
        let token = app.sign_in(&member.email).await;
        let others = app.sign_in(&other.email).await;
        for call in administration(&other) {
            assert_eq!(status(&app, Some(&token), &call).await, 403, "a member: {} {}", call.0, call.1);
            assert_eq!(status(&app, None, &call).await, 401, "nobody: {} {}", call.0, call.1);
        }
        assert_eq!(app.live(&[token, others]).await, 2);
        let owner = app.owner_token().await;
        let seen = app.get(&owner, &format!("/api/v1/users/{}", other.id)).await.expect(200).json();
        assert_eq!((&seen["display_name"], &seen["state"]), (&json!("Test User"), &json!("active")));
    }

    /// SES-18: a role counts from the next request on, in both directions.
    async fn a_change_of_role_holds_at_once(app: TestApp) {
        let person = app.provision("promoted").await;
        let path = format!("/api/v1/users/{}", person.id);
        let owner = app.owner_token().await;
        app.patch(&owner, &path, json!({"role": "admin"})).await.expect(200);
        let token = app.sign_in(&person.email).await;
        app.get(&token, "/api/v1/audit").await.expect(200);
        app.patch(&owner, &path, json!({"role": "member"})).await.expect(200);
        app.get(&token, "/api/v1/audit").await.expect_any(&[401, 403]);
    }

    /// An administrator can't make owners, nor touch one.
    async fn administrators_do_not_rule_owners(app: TestApp) {
        let (admin, other) = (app.provision_admin("admin").await, app.provision("other").await);
        let owner = app.owner_token().await;
        let owner_id = app.user_id(&owner).await;
        let token = app.sign_in(&admin.email).await;
        for id in [&admin.id, &other.id] {
            app.patch(&token, &format!("/api/v1/users/{id}"), json!({"role": "owner"}))
                .await
                .expect_problem(403, "forbidden");
        }
        let path = format!("/api/v1/users/{owner_id}");
        app.patch(&token, &path, json!({"role": "member"})).await.expect_any(&[403, 409]);
        app.patch(&token, &path, json!({"state": "suspended"})).await.expect_any(&[403, 409]);
        app.delete(&token, &path).await.expect_any(&[403, 409]);
        assert_eq!(app.get(&owner, "/api/v1/session").await.expect(200).json()["user"]["role"], "owner");
    }

    /// The last owner stays owner, whoever asks. With a second one it may go.
    async fn the_last_owner_stays(app: TestApp) {
        let second = app.provision("second").await;
        let owner = app.owner_token().await;
        let id = app.user_id(&owner).await;
        let path = format!("/api/v1/users/{id}");
        app.patch(&owner, &path, json!({"role": "admin"})).await.expect_problem(409, "last-owner");
        app.patch(&owner, &path, json!({"state": "suspended"})).await.expect_problem(409, "last-owner");
        app.delete(&owner, &path).await.expect_problem(409, "last-owner");
        assert!(app.is_live(&owner).await);
        app.patch(&owner, &format!("/api/v1/users/{}", second.id), json!({"role": "owner"})).await.expect(200);
        app.patch(&owner, &path, json!({"role": "member"})).await.expect(200);
        let second_token = app.sign_in(&second.email).await;
        let second_path = format!("/api/v1/users/{}", second.id);
        app.patch(&second_token, &second_path, json!({"role": "member"})).await.expect_problem(409, "last-owner");
    }

    /// SES-08: a suspended user's sessions are dead, and stay dead when the user comes back.
    async fn suspending_ends_sessions_for_good(app: TestApp) {
        let (person, other) = (app.provision("person").await, app.provision("other").await);
        let tokens = [app.sign_in(&person.email).await, app.sign_in(&person.email).await];
        let others = app.sign_in(&other.email).await;
        let owner = app.owner_token().await;
        let path = format!("/api/v1/users/{}", person.id);
        app.patch(&owner, &path, json!({"state": "suspended"})).await.expect(200);
        assert_eq!(app.live(&tokens).await, 0);
        app.patch(&owner, &path, json!({"state": "active"})).await.expect(200);
        assert_eq!(app.live(&tokens).await, 0, "a session came back with its user");
        assert!(app.is_live(&app.sign_in(&person.email).await).await);
        app.delete(&owner, &path).await.expect_any(&[200, 204]);
        app.try_sign_in("acme", &person.email, PASSWORD).await.expect_problem(401, "invalid-credentials");
        assert_eq!(app.live(&[others, owner]).await, 2);
    }

    /// SES-10: an administrator ends all sessions of one user, gives a reason and gets a receipt.
    async fn one_user_is_logged_out(app: TestApp) {
        let (person, other) = (app.provision("person").await, app.provision("other").await);
        let mut tokens = Vec::new();
        for _ in 0..3 {
            tokens.push(app.sign_in(&person.email).await);
        }
        let others = app.sign_in(&other.email).await;
        let owner = app.owner_token().await;
        let path = format!("/api/v1/users/{}/log-out", person.id);
        app.post(&owner, &path, json!({})).await.expect_field("reason");
        assert_eq!(app.live(&tokens).await, 3);
        let receipt = app.post(&owner, &path, json!({"reason": "laptop was lost"})).await.expect(200).json();
        assert_eq!((&receipt["scope"], &receipt["trigger"]), (&json!("user"), &json!("admin")));
        assert_eq!((&receipt["sessions"], &receipt["users"]), (&json!(3), &json!(1)));
        assert_eq!(app.live(&tokens).await, 0);
        assert_eq!(app.live(&[others, owner]).await, 2);
        assert!(app.is_live(&app.sign_in(&person.email).await).await, "a log-out is not a lock-out");
    }

    /// AZ-02: what belongs to another workspace does not exist, in the same words as what exists nowhere.
    async fn another_workspace_does_not_exist(app: TestApp) {
        let owner = app.owner_token().await;
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let theirs = app.get(&stranger, "/api/v1/session").await.expect(200).json();
        let (user, session) =
            (theirs["user"]["id"].as_str().expect("an id"), theirs["session"]["id"].as_str().expect("an id"));
        let nowhere = "01890000-0000-7000-8000-000000000000";
        for (path, body) in [("/api/v1/users/", json!({"display_name": "Mine"})), ("/api/v1/sessions/", Value::Null)] {
            let id = if path.contains("users") { user } else { session };
            for method in [Method::GET, Method::PATCH, Method::DELETE] {
                if method == Method::PATCH && body.is_null() {
                    continue;
                }
                let mut answers = Vec::new();
                for id in [id, nowhere] {
                    let mut request = app.request(method.clone(), &format!("{path}{id}")).bearer_auth(&owner);
                    if method == Method::PATCH {
                        request = request.json(&body);
                    }
                    let mut problem = send(request).await.expect_problem(404, "not-found");
                    problem["request_id"] = Value::Null;
                    answers.push(problem);
                }
                assert_eq!(answers[0], answers[1], "{method} {path} tells that the id exists elsewhere");
            }
        }
        let log_out =
            app.post(&owner, &format!("/api/v1/users/{user}/log-out"), json!({"reason": "not my workspace"})).await;
        log_out.expect_problem(404, "not-found");
        let listed = app.all_items(&owner, "/api/v1/users").await;
        assert!(listed.iter().all(|listed| listed["email"] != OTHER_OWNER), "{listed:?}");
        assert!(app.is_live(&stranger).await);
        app.sign_in(OWNER).await;
    }
}
