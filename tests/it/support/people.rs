//! People, sessions and settings in few words: what nearly every scenario begins with.

use reqwest::Method;
use serde_json::{Value, json};

use super::{OWNER, PASSWORD, Reply, TestApp, send};

/// A user whom the identity provider of `acme` created.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub email: String,
}

impl TestApp {
    /// Tries to sign in over the API.
    pub async fn try_sign_in(&self, workspace: &str, email: &str, password: &str) -> Reply {
        let body = json!({"workspace": workspace, "email": email, "password": password});
        send(self.request(Method::POST, "/api/v1/login").json(&body)).await
    }

    /// Signs in to `acme` with the password of everybody; gives the token.
    pub async fn sign_in(&self, email: &str) -> String {
        self.sign_in_to("acme", email).await
    }

    pub async fn sign_in_to(&self, workspace: &str, email: &str) -> String {
        let signed_in = self.try_sign_in(workspace, email, PASSWORD).await.expect(200).json();
        signed_in["token"].as_str().expect("a token").to_owned()
    }

    /// A new session of the owner of `acme`.
    pub async fn owner_token(&self) -> String {
        self.sign_in(OWNER).await
    }

    /// Creates `name@corp.test` over SCIM, with the password of everybody, in the form that Okta sends.
    pub async fn provision(&self, name: &str) -> Person {
        let email = format!("{name}@corp.test");
        let mut user = okta_user(&email);
        user["password"] = PASSWORD.into();
        let created = self.scim(Method::POST, "/Users", Some(user)).await.expect(201).json();
        Person { id: created["id"].as_str().expect("an id").to_owned(), email }
    }

    /// Like `provision`, then an owner makes an administrator of them.
    pub async fn provision_admin(&self, name: &str) -> Person {
        let person = self.provision(name).await;
        let owner = self.owner_token().await;
        let path = format!("/api/v1/users/{}", person.id);
        self.patch(&owner, &path, json!({"role": "admin"})).await.expect(200);
        self.post(&owner, "/api/v1/logout", json!({})).await.expect(204);
        person
    }

    /// SCIM's `active` in the pathless form.
    pub async fn set_active(&self, id: &str, active: bool) -> Reply {
        self.scim_patch(id, json!([{"op": "replace", "value": {"active": active}}])).await
    }

    pub async fn scim_patch(&self, id: &str, operations: Value) -> Reply {
        self.scim(Method::PATCH, &format!("/Users/{id}"), Some(patch_op(operations))).await
    }

    /// Whether the server accepts this session; any answer but yes and no fails the test.
    pub async fn is_live(&self, token: &str) -> bool {
        self.get(token, "/api/v1/session").await.expect_any(&[200, 401]).status == 200
    }

    /// How many of these the server accepts.
    pub async fn live(&self, tokens: &[String]) -> usize {
        let mut count = 0;
        for token in tokens {
            count += usize::from(self.is_live(token).await);
        }
        count
    }

    /// The id of the session of this token.
    pub async fn session_id(&self, token: &str) -> String {
        let own = self.get(token, "/api/v1/session").await.expect(200).json();
        own["session"]["id"].as_str().expect("an id").to_owned()
    }

    /// The id of the user of this token.
    pub async fn user_id(&self, token: &str) -> String {
        let own = self.get(token, "/api/v1/session").await.expect(200).json();
        own["user"]["id"].as_str().expect("an id").to_owned()
    }

    /// Logs everybody out but this session; gives the receipt.
    pub async fn log_all_users_out(&self, token: &str, reason: &str) -> Value {
        let path = "/api/v1/security/log-all-users-out";
        self.post(token, path, json!({"reason": reason})).await.expect(200).json()
    }

    /// Changes some settings of the policy and leaves the others.
    pub async fn set_policy(&self, token: &str, changes: Value) -> Reply {
        let current = self.get(token, "/api/v1/security/policy").await.expect(200);
        let etag = current.header("etag").expect("a policy has an ETag").to_owned();
        let mut policy = current.json();
        for (name, value) in changes.as_object().expect("an object") {
            policy[name] = value.clone();
        }
        send(
            self.request(Method::PUT, "/api/v1/security/policy")
                .bearer_auth(token)
                .header("if-match", etag)
                .json(&policy),
        )
        .await
    }

    /// An API key that may check sessions.
    pub async fn api_key(&self, token: &str) -> String {
        let body = json!({"name": "checker", "scopes": ["sessions:check"]});
        let created = self.post(token, "/api/v1/api-keys", body).await.expect(201).json();
        created["token"].as_str().expect("a key is shown once").to_owned()
    }

    /// What an API client hears about a session.
    pub async fn check(&self, api_key: &str, token: &str) -> Value {
        self.post(api_key, "/api/v1/sessions/check", json!({"token": token})).await.expect(200).json()
    }

    /// Everything of a list, page by page.
    pub async fn all_items(&self, token: &str, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page = self.get(token, &format!("{path}{separator}after={after}")).await.expect(200).json();
            items.extend(page["items"].as_array().expect("a list has items").iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = url::form_urlencoded::byte_serialize(next.as_bytes()).collect(),
                None => return items,
            }
        }
    }
}

/// The body of a SCIM PATCH (RFC 7644 §3.5.2).
pub fn patch_op(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// A user as Okta sends it, without a password.
pub fn okta_user(email: &str) -> Value {
    let number = email.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": email, "type": "work"}],
        "displayName": "Test User",
        "locale": "en-US",
        "externalId": format!("00u{number:x}"),
        "groups": [],
        "active": true,
    })
}

/// A user as Entra ID sends it.
pub fn entra_user(email: &str) -> Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": email,
        "active": true,
        "displayName": "lennay",
        "emails": [{"primary": true, "type": "work", "value": email}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Adrienne McNally", "familyName": "McNally", "givenName": "Adrienne"},
        "roles": [],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "employeeNumber": "42"},
    })
}

/// Fails unless the answer of a check says no, and nothing of the session.
#[track_caller]
pub fn only_inactive(answer: &Value) {
    let mut rest = answer.as_object().expect("an object").clone();
    assert!(rest.remove("max_staleness_ms").is_some_and(|age| age.is_u64()), "{answer}");
    assert!(rest.remove("sequence").is_some_and(|sequence| sequence.is_i64()), "{answer}");
    assert_eq!(Value::Object(rest), json!({"active": false}), "{answer}");
}
