//! The numbered SCIM cases of those who mean harm, and of those who come at the same moment. Other workspaces are
//! `scim_isolation.rs`, names `scim_names.rs`, generated input `scim_bad_input.rs`.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::deprovisioning::Watch;
use crate::support::people::{okta_user, patch_op};
use crate::support::scim::{ENTERPRISE, GROUP, SEARCH, escaped, id_of, members_of};
use crate::support::{PASSWORD, TestApp};

/// Attributes that would grant something if they meant anything.
fn grants() -> Value {
    json!({
        "role": "owner", "isAdmin": true, "is_owner": true, "workspace_id": "globex", "workspace": "globex",
        "source": "local", "state": "active", "epoch": 99, "password_hash": "x", "user_name_key": "owner@corp.test",
        "urn:curfew:internal:2.0:User": {"role": "owner"}, "urn:ietf:params:scim:schemas:core:2.0:User:role": "owner",
        "__proto__": {"role": "owner"}, "constructor": {"prototype": {"role": "owner"}},
        "roles": [{"value": "owner", "primary": true}], "entitlements": [{"value": "owner"}], "userType": "owner",
    })
}

fn with(mut resource: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        resource[name] = value.clone();
    }
    resource
}

on_both_databases! {
    /// Refused before they are worked on; how long that takes is measured in `scim_bad_input.rs`.
    async fn case_56_filters_that_are_too_much_are_refused(app: TestApp) {
        let nested = |open: &str, depth: usize| format!("{}title pr{}", open.repeat(depth), ")".repeat(depth));
        let terms = |count: usize| vec!["title pr"; count].join(" or ");
        let hostile = [
            nested("(", 65),
            nested("(", 2_000),
            nested("(", 100_000),
            nested("not (", 65),
            nested("not (", 100_000),
            "emails[".repeat(100_000),
            terms(1_025),
            format!("title eq \"{}\"", "x".repeat(1_000_000)),
            "title eq ".repeat(100_000),
        ];
        for endpoint in ["/Users/.search", "/Groups/.search"] {
            for filter in &hostile {
                let body = json!({"schemas": [SEARCH], "filter": filter});
                let error = app.scim(Method::POST, endpoint, Some(body)).await.expect_scim_error(400);
                assert_eq!(error["scimType"], "invalidFilter", "{endpoint}: {}…", &filter[..20]);
            }
        }
        for bearable in [nested("(", 60), nested("not (", 60), terms(500)] {
            let body = json!({"schemas": [SEARCH], "filter": bearable});
            app.scim(Method::POST, "/Users/.search", Some(body)).await.expect(200);
        }
        app.scim(Method::GET, &format!("/Users?filter={}", escaped(&nested("(", 2_000))), None)
            .await
            .expect_scim_error(400);
    }

    /// CVE-2025-41115: whatever an identity provider calls somebody, nobody of ours is found by it.
    async fn case_61_an_external_id_is_data(app: TestApp) {
        let ada = app.provision("ada").await;
        let watch = Watch::over(&app, &ada).await;
        let owner = app.owner_token().await;
        let names = ["0".to_owned(), "1".to_owned(), app.user_id(&owner).await, ada.id.clone()];
        for (number, external) in names.iter().enumerate() {
            let mut user = okta_user(&format!("climber-{number}@corp.test"));
            user["externalId"] = external.clone().into();
            let created = id_of(&app.scim_create("/Users", user).await);
            assert!(!names.contains(&created));
            let found = app.scim_find("/Users", &format!("externalId eq \"{external}\""), "").await;
            assert_eq!(
                (&found["totalResults"], &found["Resources"][0]["id"]),
                (&json!(1), &json!(created)),
                "{external}"
            );
            let by_id = app.scim_find("/Users", &format!("id eq \"{external}\""), "").await;
            assert_eq!(by_id["totalResults"], usize::from(*external == ada.id), "{external}: {by_id}");
        }
        for external in &names[..3] {
            let path = format!("/Users/{external}");
            for (method, body) in [
                (Method::GET, None),
                (Method::PATCH, Some(patch_op(json!([{"op": "replace", "path": "active", "value": false}])))),
                (Method::PUT, Some(okta_user("climber-9@corp.test"))),
                (Method::DELETE, None),
            ] {
                app.scim(method, &path, body).await.expect_scim_error(404);
            }
        }
        watch.untouched("external ids").await;
        for wrong in [json!(1), json!(0), json!(true), json!(["1"]), json!({"value": "1"})] {
            let mut user = okta_user("number@corp.test");
            user["externalId"] = wrong.clone();
            app.scim(Method::POST, "/Users", Some(user)).await.expect_scim_error(400);
            let operations = json!([{"op": "replace", "path": "externalId", "value": wrong}]);
            app.scim_patch(&ada.id, operations).await.expect_scim_error(400);
        }
    }

    async fn case_62_no_attribute_grants_anything(app: TestApp) {
        let grants = grants();
        let mut user = with(okta_user("climber@corp.test"), &grants);
        user["password"] = PASSWORD.into();
        let created = app.scim_create("/Users", user.clone()).await;
        let path = format!("/Users/{}", id_of(&created));
        app.scim(Method::PUT, &path, Some(user)).await.expect(200);
        app.scim_patch(&id_of(&created), json!([{"op": "replace", "value": grants}])).await.expect(200);
        app.scim_patch(&id_of(&created), json!([{"op": "add", "value": {ENTERPRISE: grants}}])).await.expect(200);
        for (name, value) in grants.as_object().expect("an object") {
            let operations = json!([{"op": "add", "path": name, "value": value}]);
            app.scim_patch(&id_of(&created), operations).await.expect_any(&[200, 400]);
        }
        let token = app.sign_in("climber@corp.test").await;
        let own = app.get(&token, "/api/v1/session").await.expect(200).json();
        let user = &own["user"];
        assert_eq!(
            (&user["role"], &user["source"], &user["state"]),
            (&json!("member"), &json!("scim"), &json!("active"))
        );
        assert_eq!((&own["workspace"]["slug"], &user["id"]), (&json!("acme"), &created["id"]));
        app.get(&token, "/api/v1/audit").await.expect_problem(403, "forbidden");
        let read = app.scim_read(&path).await;
        for name in ["role", "isAdmin", "is_owner", "workspace_id", "state", "epoch", "password_hash", "__proto__"] {
            assert!(read.get(name).is_none() && read[ENTERPRISE].get(name).is_none(), "{name} is kept: {read}");
        }
    }

    /// Read, changed and written back without a lock, some of these would be lost.
    async fn case_67_fifty_at_once_lose_nobody(app: TestApp) {
        let mut people = Vec::new();
        for number in 0..50 {
            people.push(app.provision(&format!("member-{number}")).await.id);
        }
        people.sort();
        let group = app.scim_create("/Groups", json!({"schemas": [GROUP], "displayName": "Staff"})).await;
        let path = format!("/Groups/{}", id_of(&group));
        let change = |operation: Value| app.scim(Method::PATCH, &path, Some(patch_op(json!([operation]))));
        let add = |id: &String| change(json!({"op": "add", "path": "members", "value": [{"value": id}]}));
        for reply in join_all(people.iter().map(add)).await {
            reply.expect(200);
        }
        assert_eq!(members_of(&app.scim_read(&path).await), people);
        let (leave, stay) = people.split_at(30);
        let remove = |id: &String| change(json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}));
        let rename = change(json!({"op": "replace", "path": "displayName", "value": "Crew"}));
        let (removed, renamed) = tokio::join!(join_all(leave.iter().map(remove)), rename);
        for reply in removed.into_iter().chain([renamed]) {
            reply.expect(200);
        }
        let after = app.scim_read(&path).await;
        assert_eq!((members_of(&after), &after["displayName"]), (stay.to_vec(), &json!("Crew")));
    }

    async fn case_68_of_two_changes_of_one_version_one_is_refused(app: TestApp) {
        for round in 0..5 {
            let person = app.provision(&format!("raced-{round}")).await;
            let (watch, path) = (Watch::over(&app, &person).await, format!("/Users/{}", person.id));
            let etag =
                app.scim(Method::GET, &path, None).await.expect(200).header("etag").expect("a version").to_owned();
            let on = with(okta_user(&person.email), &json!({"nickName": "on"}));
            let off = patch_op(json!([{"op": "replace", "path": "active", "value": false}]));
            let (put, patch) = tokio::join!(
                app.scim_with(("if-match", &etag), Method::PUT, &path, Some(on)),
                app.scim_with(("if-match", &etag), Method::PATCH, &path, Some(off)),
            );
            let active = app.scim_read(&path).await["active"] == true;
            match (put.status, patch.status) {
                (200, 412) => {
                    assert!(active, "round {round}");
                    watch.untouched("the PUT won").await;
                }
                (412, 200) => {
                    assert!(!active, "round {round}");
                    watch.ended("the PATCH won").await;
                }
                other => panic!("round {round}: {other:?} {} {}", put.text, patch.text),
            }
        }
    }

    /// Without a version both are carried out, in one order or the other: the sessions end in each.
    async fn case_68_two_changes_without_a_version_end_as_one_of_them(app: TestApp) {
        for round in 0..5 {
            let person = app.provision(&format!("raced-{round}")).await;
            let (watch, path) = (Watch::over(&app, &person).await, format!("/Users/{}", person.id));
            let on = with(okta_user(&person.email), &json!({"nickName": "on"}));
            let (put, patch) = tokio::join!(app.scim(Method::PUT, &path, Some(on)), app.set_active(&person.id, false));
            put.expect(200);
            patch.expect(200);
            watch.ended("both").await;
            let active = app.scim_read(&path).await["active"] == true;
            let tried = app.try_sign_in("acme", &person.email, PASSWORD).await;
            assert_eq!(tried.status, if active { 200 } else { 401 }, "round {round}: {}", tried.text);
        }
    }

    async fn case_70_a_stale_activation_is_refused(app: TestApp) {
        let person = app.provision("leaver").await;
        let (watch, path) = (Watch::over(&app, &person).await, format!("/Users/{}", person.id));
        let etag = app.scim(Method::GET, &path, None).await.expect(200).header("etag").expect("a version").to_owned();
        app.set_active(&person.id, false).await.expect(200);
        let on = patch_op(json!([{"op": "replace", "path": "active", "value": true}]));
        app.scim_with(("if-match", &etag), Method::PATCH, &path, Some(on)).await.expect_scim_error(412);
        let put = okta_user(&person.email);
        app.scim_with(("if-match", &etag), Method::PUT, &path, Some(put)).await.expect_scim_error(412);
        watch.ended("the deactivation").await;
        assert_eq!(app.scim_read(&path).await["active"], false);
    }
}
