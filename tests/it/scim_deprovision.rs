//! An identity provider switches somebody off, in each way that real ones do: their sessions are dead before it has its
//! answer, nobody else's are, and no way back revives them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::{okta_user, patch_op};
use crate::support::{PASSWORD, Person, Reply, TestApp, send};

/// A way to switch a user off.
struct Way {
    name: &'static str,
    method: Method,
    body: Value,
}

fn patch(name: &'static str, operations: Value) -> Way {
    Way { name, method: Method::PATCH, body: patch_op(operations) }
}

fn put(name: &'static str, email: &str, active: Value) -> Way {
    let mut body = okta_user(email);
    body["active"] = active;
    Way { name, method: Method::PUT, body }
}

/// Every form in which `active` false is really sent (reference: Okta, Entra ID, OneLogin, JumpCloud).
fn ways(email: &str) -> Vec<Way> {
    let mut bare = patch("lower-case operations, no schemas", json!([]));
    bare.body = json!({"operations": [{"op": "replace", "path": "active", "value": false}]});
    vec![
        patch("pathless", json!([{"op": "replace", "value": {"active": false}}])),
        patch("pathless string", json!([{"op": "Replace", "value": {"active": "False"}}])),
        patch("path, boolean", json!([{"op": "replace", "path": "active", "value": false}])),
        patch("path, string", json!([{"op": "Replace", "path": "active", "value": "False"}])),
        patch("path, lower-case string", json!([{"op": "replace", "path": "active", "value": "false"}])),
        patch("add", json!([{"op": "Add", "path": "active", "value": false}])),
        patch("odd spelling", json!([{"op": "rEplace", "path": "Active", "value": "FALSE"}])),
        patch(
            "with its schema",
            json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false}]),
        ),
        patch("empty path", json!([{"op": "replace", "path": "", "value": {"active": false}}])),
        patch(
            "second of two",
            json!([{"op": "replace", "path": "title", "value": "Leaver"}, {"op": "replace", "path": "active", "value": false}]),
        ),
        bare,
        put("put", email, json!(false)),
        put("put, string", email, json!("false")),
        Way { name: "delete", method: Method::DELETE, body: Value::Null },
    ]
}

async fn go(app: &TestApp, way: &Way, id: &str) -> Reply {
    let body = Some(way.body.clone()).filter(|body| !body.is_null());
    app.scim(way.method.clone(), &format!("/Users/{id}"), body).await
}

async fn two_sessions(app: &TestApp, person: &Person) -> Vec<String> {
    vec![app.sign_in(&person.email).await, app.sign_in(&person.email).await]
}

on_both_databases! {
    /// Each form ends the sessions within the same answer, and a way back revives none of them.
    async fn every_form_ends_every_session(app: TestApp) {
        let bystander = app.sign_in(&app.provision("bystander").await.email).await;
        for (number, way) in ways("").into_iter().enumerate() {
            let person = app.provision(&format!("leaver-{number}")).await;
            let way = ways(&person.email).into_iter().find(|other| other.name == way.name).expect("the same list");
            let tokens = two_sessions(&app, &person).await;
            let reply = go(&app, &way, &person.id).await;
            assert_eq!(app.live(&tokens).await, 0, "{}: sessions live after {} {}", way.name, reply.status, reply.text);
            reply.expect_any(&[200, 204]);
            assert!(app.is_live(&bystander).await, "{}: somebody else's session ended", way.name);
            app.try_sign_in("acme", &person.email, PASSWORD).await.expect_problem(401, "invalid-credentials");
            let path = format!("/Users/{}", person.id);
            if way.name == "delete" {
                app.scim(Method::GET, &path, None).await.expect_scim_error(404);
                app.scim(Method::DELETE, &path, None).await.expect_scim_error(404);
                continue;
            }
            let read = app.scim(Method::GET, &path, None).await.expect(200).json();
            assert_eq!(read["active"], json!(false), "{}: {read}", way.name);
            app.set_active(&person.id, true).await.expect_any(&[200, 204]);
            assert_eq!(app.live(&tokens).await, 0, "{}: a session came back", way.name);
            assert!(app.is_live(&app.sign_in(&person.email).await).await, "{}: no new sign-in", way.name);
        }
    }

    /// What isn't a boolean is refused, never guessed: neither off nor on.
    async fn what_is_no_boolean_changes_nothing(app: TestApp) {
        let person = app.provision("stays").await;
        let tokens = two_sessions(&app, &person).await;
        for value in [json!("no"), json!("0"), json!(0), json!(""), json!("off"), json!([]), json!({"value": false})] {
            let reply = app.scim_patch(&person.id, json!([{"op": "replace", "path": "active", "value": value}])).await;
            reply.expect_scim_error(400);
        }
        for value in [json!("maybe"), json!(0), json!([false])] {
            let mut body = okta_user(&person.email);
            body["active"] = value;
            app.scim(Method::PUT, &format!("/Users/{}", person.id), Some(body)).await.expect_scim_error(400);
        }
        assert_eq!(app.live(&tokens).await, 2);
    }

    /// A PATCH is one change (RFC 7644 §3.5.2): if a later operation fails, nobody was logged out by an earlier one.
    async fn a_failed_patch_ends_nothing(app: TestApp) {
        let person = app.provision("stays").await;
        let tokens = two_sessions(&app, &person).await;
        let operations = json!([{"op": "replace", "path": "active", "value": false}, {"op": "remove"}]);
        app.scim_patch(&person.id, operations).await.expect_scim_error(400);
        let twins = [
            r#"{"Operations":[{"op":"replace","value":{"active":false,"active":true}}]}"#,
            r#"{"Operations":[{"op":"replace","value":{"active":false,"Active":true}}]}"#,
        ];
        for body in twins {
            let request = app.request(Method::PATCH, &format!("/scim/v2/Users/{}", person.id));
            let request = request.bearer_auth(&app.home.scim_token).header("content-type", "application/scim+json");
            send(request.body(body)).await.expect_scim_error(400);
        }
        assert_eq!(app.live(&tokens).await, 2);
        let read = app.scim(Method::GET, &format!("/Users/{}", person.id), None).await.expect(200).json();
        assert_eq!(read["active"], true);
    }

    /// What says nothing about `active` ends nothing, and switches nobody on.
    async fn other_changes_leave_sessions_alone(app: TestApp) {
        let person = app.provision("renamed").await;
        let tokens = two_sessions(&app, &person).await;
        app.scim_patch(&person.id, json!([{"op": "replace", "path": "title", "value": "Engineer"}]))
            .await
            .expect_any(&[200, 204]);
        app.scim_patch(&person.id, json!([{"op": "replace", "path": "active", "value": true}]))
            .await
            .expect_any(&[200, 204]);
        app.scim(Method::PUT, &format!("/Users/{}", person.id), Some(okta_user(&person.email))).await.expect(200);
        assert_eq!(app.live(&tokens).await, 2, "a change of a title ended a session");
        app.set_active(&person.id, false).await.expect_any(&[200, 204]);
        let mut silent = okta_user(&person.email);
        silent.as_object_mut().expect("an object").remove("active");
        app.scim(Method::PUT, &format!("/Users/{}", person.id), Some(silent)).await.expect_any(&[200, 400]);
        let read = app.scim(Method::GET, &format!("/Users/{}", person.id), None).await.expect(200).json();
        assert_eq!(read["active"], false, "a PUT without `active` switched a user on");
    }

    /// AZ-06: who is created again under the same name is somebody else.
    async fn a_recreated_user_is_a_new_one(app: TestApp) {
        let first = app.provision("again").await;
        let tokens = two_sessions(&app, &first).await;
        app.scim(Method::DELETE, &format!("/Users/{}", first.id), None).await.expect(204);
        let second = app.provision("again").await;
        assert_ne!(first.id, second.id);
        assert_eq!(app.live(&tokens).await, 0);
        let own = app.get(&app.sign_in(&second.email).await, "/api/v1/session").await.expect(200).json();
        assert_eq!(own["user"]["id"], second.id);
    }

    /// LOG-01: the log says that the provider's token did it, and how many sessions it ended, once.
    async fn the_audit_log_names_the_identity_provider(app: TestApp) {
        let person = app.provision("leaver").await;
        two_sessions(&app, &person).await;
        app.set_active(&person.id, false).await.expect_any(&[200, 204]);
        let owner = app.owner_token().await;
        let entries = app.all_items(&owner, &format!("/api/v1/audit?target={}", person.id)).await;
        let by_token: Vec<&Value> = entries.iter().filter(|entry| entry["actor"]["kind"] == "scim_token").collect();
        assert!(by_token.iter().any(|entry| entry.to_string().contains("deprovision")), "{entries:?}");
        let ended = by_token.iter().filter(|entry| entry["details"]["sessions"] == 2).count();
        assert_eq!(ended, 1, "the end of 2 sessions is told {ended} times: {entries:?}");
    }
}
