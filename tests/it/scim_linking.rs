//! People whom SCIM did not create: out of its reach (case 74), unless the policy lets it take over members by an address of
//! a verified domain. Then what they sign in with stays (case 73), and switching them off ends their sessions (case 7).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::okta_user;
use crate::support::{OWNER, PASSWORD, Reply, TestApp, http, send};

/// Invites somebody, who chooses the password of everybody; gives their id.
async fn local_member(app: &TestApp, email: &str) -> String {
    let owner = app.owner_token().await;
    let made = app.post(&owner, "/api/v1/users", json!({"email": email})).await.expect(201).json();
    let link = made["setup_link"].as_str().expect("a link").strip_prefix(&app.base).expect("ours").to_owned();
    let client = http::client_with_cookies();
    let page = send(client.get(app.url(&link))).await.expect(200);
    let form = crate::support::forms::forms(&page.text).into_iter().find(|form| form.value("csrf").is_some());
    let form = form.expect("a form").fill("password", PASSWORD).fill("password_again", PASSWORD);
    send(client.post(app.url(&link)).header("origin", &app.base).form(&form.pairs())).await.expect(303);
    made["id"].as_str().expect("an id").to_owned()
}

async fn linking(app: &TestApp) {
    let owner = app.owner_token().await;
    app.set_policy(&owner, json!({"link_by_verified_email": true})).await.expect(200);
}

async fn provision(app: &TestApp, body: Value) -> Reply {
    app.scim(Method::POST, "/Users", Some(body)).await
}

async fn user(app: &TestApp, id: &str) -> Value {
    let owner = app.owner_token().await;
    app.get(&owner, &format!("/api/v1/users/{id}")).await.expect(200).json()
}

on_both_databases! {
    /// Case 74: without the policy's word they are neither seen nor changed, in any way.
    async fn case_74_others_are_out_of_reach(app: TestApp) {
        let id = local_member(&app, "ana@corp.test").await;
        let token = app.sign_in("ana@corp.test").await;
        provision(&app, okta_user("ana@corp.test")).await.expect_scim_error(409);
        let path = format!("/Users/{id}");
        app.scim(Method::GET, &path, None).await.expect_scim_error(404);
        app.set_active(&id, false).await.expect_scim_error(404);
        app.scim(Method::PUT, &path, Some(okta_user("ana@corp.test"))).await.expect_scim_error(404);
        app.scim(Method::DELETE, &path, None).await.expect_scim_error(404);
        let found = app.scim(Method::GET, "/Users?filter=userName%20eq%20%22ana@corp.test%22", None).await;
        assert_eq!(found.expect(200).json()["totalResults"], 0);
        assert!(app.is_live(&token).await);
    }

    /// What they have of the workspace's own schemas is theirs from then on, unless it is somebody else's.
    async fn own_attributes_come_with_the_takeover(app: TestApp) {
        let urn = "urn:example:corp:User";
        let owner = app.owner_token().await;
        let attributes = json!([{"name": "badge", "uniqueness": "server"}]);
        let schema = json!({"id": urn, "name": "Corp", "resource_type": "User", "attributes": attributes});
        app.post(&owner, "/api/v1/scim/schemas", schema).await.expect(201);
        let id = local_member(&app, "ana@corp.test").await;
        linking(&app).await;
        let with = |email: &str, badge: &str| {
            let mut body = okta_user(email);
            body[urn] = json!({"badge": badge});
            body
        };
        provision(&app, with("bo@corp.test", "1")).await.expect(201);
        provision(&app, with("ana@corp.test", "1")).await.expect_scim_error(409);
        assert_eq!(user(&app, &id).await["source"], "local");
        let taken = provision(&app, with("ana@corp.test", "2")).await.expect(201).json();
        assert_eq!((&taken["id"], &taken[urn]["badge"]), (&json!(id), &json!("2")));
        provision(&app, with("cy@corp.test", "2")).await.expect_scim_error(409);
    }

    /// In bulk, too, they keep their ids, and what refers to them finds them; whom it switches off is out when it answers.
    async fn in_bulk_they_keep_their_ids(app: TestApp) {
        let (ana, bo) = (local_member(&app, "ana@corp.test").await, local_member(&app, "bo@corp.test").await);
        let sessions = [app.sign_in("ana@corp.test").await, app.sign_in("bo@corp.test").await];
        linking(&app).await;
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let new = |name: &str, active: bool| {
            let mut data = okta_user(&format!("{name}@corp.test"));
            data["active"] = active.into();
            json!({"method": "POST", "path": "/Users", "bulkId": name, "data": data})
        };
        let mut report = new("cy", true);
        report["data"][enterprise] = json!({"manager": {"value": "bulkId:ana"}});
        let group = json!({"displayName": "Staff", "members": [{"value": "bulkId:ana"}, {"value": "bulkId:cy"}]});
        let operations = json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group}, new("ana", true), new("bo", false), report,
        ]);
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
        let answer = app.scim(Method::POST, "/Bulk", Some(body)).await.expect(200).json();
        let tried = answer["Operations"].as_array().expect("a list");
        assert!(tried.iter().all(|one| one["status"] == "201"), "{answer}");
        let id = |index: usize| tried[index]["location"].as_str().and_then(|at| at.rsplit('/').next()).expect("an id");
        assert_eq!((id(1), id(2)), (ana.as_str(), bo.as_str()));
        assert_eq!((app.is_live(&sessions[0]).await, app.is_live(&sessions[1]).await), (true, false));
        let read = async |path: String| app.scim(Method::GET, &path, None).await.expect(200).json();
        assert_eq!(read(format!("/Users/{}", id(3))).await[enterprise]["manager"]["value"], ana.as_str());
        let group = read(format!("/Groups/{}", id(0))).await;
        let mut members: Vec<&str> =
            group["members"].as_array().expect("a list").iter().filter_map(|one| one["value"].as_str()).collect();
        members.sort_unstable();
        let mut expected = vec![ana.as_str(), id(3)];
        expected.sort_unstable();
        assert_eq!(members, expected);
    }

    /// Case 73: taken over, they are the same person, with the same name, address, password and sessions.
    async fn case_73_what_they_sign_in_with_stays(app: TestApp) {
        let id = local_member(&app, "ana@corp.test").await;
        let token = app.sign_in("ana@corp.test").await;
        linking(&app).await;
        let mut body = okta_user("Ana.Smith@corp.test");
        body["emails"] = json!([{"value": "ANA@corp.test", "type": "work", "primary": true}]);
        body["password"] = "Chosen-By-The-Token-9".into();
        let created = provision(&app, body).await.expect(201).json();
        assert_eq!(created["id"], id);
        let linked = user(&app, &id).await;
        assert_eq!(
            (&linked["user_name"], &linked["email"], &linked["source"], &linked["role"]),
            (&json!("ana@corp.test"), &json!("ana@corp.test"), &json!("scim"), &json!("member"))
        );
        assert_eq!(linked["external_id"], created["externalId"]);
        assert!(app.is_live(&token).await, "being taken over ends nothing");
        app.sign_in("ana@corp.test").await;
        app.try_sign_in("acme", "ana@corp.test", "Chosen-By-The-Token-9").await.expect(401);
        let told = app.told("user.linked", &id).await;
        assert_eq!((told.len(), &told[0]["details"]["source_before"]), (1, &json!("local")));
        assert_eq!(told[0]["actor"]["kind"], "scim_token");
        let mut again = okta_user("Ana.Smith@corp.test");
        again["emails"] = json!([{"value": "ana@corp.test", "type": "work", "primary": true}]);
        provision(&app, again).await.expect_scim_error(409);
        // From now on the identity provider keeps them.
        app.set_active(&id, false).await.expect(200);
        assert!(!app.is_live(&token).await);
        provision(&app, okta_user("ana@corp.test")).await.expect_scim_error(409);
    }

    /// Case 7: taking somebody over and switching them off is one request, and ends their sessions.
    async fn case_7_taking_over_as_inactive_signs_out(app: TestApp) {
        let id = local_member(&app, "ana@corp.test").await;
        let token = app.sign_in("ana@corp.test").await;
        linking(&app).await;
        let mut body = okta_user("ana@corp.test");
        body["active"] = false.into();
        let created = provision(&app, body).await;
        assert!(!app.is_live(&token).await, "{}", created.text);
        assert_eq!(created.expect(201).json()["active"], false);
        assert_eq!(user(&app, &id).await["state"], "deprovisioned");
        let told = app.told("session.user_logged_out", &id).await;
        assert_eq!(told.iter().filter(|entry| entry["details"]["trigger"] == "scim").count(), 1, "{told:?}");
        app.set_active(&id, true).await.expect(200);
        assert!(!app.is_live(&token).await, "a session came back");
        app.sign_in("ana@corp.test").await;
    }

    /// Taken over while groups let people in: out until a group has them.
    async fn taken_over_they_need_a_group(app: TestApp) {
        let id = local_member(&app, "ana@corp.test").await;
        let token = app.sign_in("ana@corp.test").await;
        let group = app.group("Staff", &[]).await;
        app.let_in(&[&group]).await;
        assert!(app.is_live(&token).await);
        linking(&app).await;
        provision(&app, okta_user("ana@corp.test")).await.expect(201);
        assert!(!app.is_live(&token).await);
        app.try_sign_in("acme", "ana@corp.test", PASSWORD).await.expect(401);
        let ana = crate::support::Person { id, email: "ana@corp.test".to_owned() };
        app.join(&group, &ana).await;
        app.sign_in("ana@corp.test").await;
    }

    /// Owners and administrators are never taken over, nor anybody of a domain that isn't verified (case 75 for the owner).
    async fn case_75_administrators_and_other_domains_are_not(app: TestApp) {
        let admin = local_member(&app, "admin@corp.test").await;
        let stranger = local_member(&app, "ana@elsewhere.test").await;
        let owner = app.owner_token().await;
        app.patch(&owner, &format!("/api/v1/users/{admin}"), json!({"role": "admin"})).await.expect(200);
        linking(&app).await;
        for email in [OWNER, "admin@corp.test", "ana@elsewhere.test"] {
            let mut body = okta_user(email);
            body["active"] = false.into();
            provision(&app, body).await.expect_scim_error(409);
        }
        for id in [&admin, &stranger] {
            assert_eq!(user(&app, id).await["source"], "local");
        }
        assert!(app.is_live(&owner).await);
    }

    /// Somebody whom two people's names fit is nobody: a new user is made, or the request is refused.
    async fn who_could_be_two_is_neither(app: TestApp) {
        let (first, second) = (local_member(&app, "ana@corp.test").await, local_member(&app, "bea@corp.test").await);
        linking(&app).await;
        let mut body = okta_user("ana@corp.test");
        body["emails"] = json!([{"value": "bea@corp.test", "type": "work", "primary": true}]);
        provision(&app, body).await.expect_scim_error(409);
        for id in [&first, &second] {
            assert_eq!(user(&app, id).await["source"], "local");
        }
    }
}
