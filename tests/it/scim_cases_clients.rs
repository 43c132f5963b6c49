//! The numbered SCIM cases of the clients: Okta, Entra ID, OneLogin, authentik, each request as they send it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::deprovisioning::Watch;
use crate::support::people::{entra_user, okta_user, patch_op};
use crate::support::scim::{ENTERPRISE, GROUP, USER, escaped, id_of, members_of};
use crate::support::{TestApp, send};

/// How Entra ID marks its groups.
const ADSCIM: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

async fn group(app: &TestApp, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    id_of(&app.scim_create("/Groups", json!({"schemas": [GROUP], "displayName": name, "members": members})).await)
}

async fn patch_group(app: &TestApp, id: &str, operations: Value) -> Value {
    app.scim(Method::PATCH, &format!("/Groups/{id}"), Some(patch_op(operations))).await.expect(200).json()
}

/// A name that is null, at any depth.
fn null_in(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(null_in),
        Value::Object(parts) => parts.values().any(null_in),
        _ => false,
    }
}

on_both_databases! {
    /// The requests of Okta's own "SCIM 2.0 SPEC test", in its order.
    async fn case_30_the_specification_test_of_okta(app: TestApp) {
        app.provision("somebody").await;
        let filter = |name: &str| format!("/Users?filter={}", escaped(&format!("userName eq \"{name}\"")));
        let list = app.scim(Method::GET, "/Users?count=1&startIndex=1", None).await.expect(200).json();
        assert!(list["schemas"].as_array().is_some_and(|schemas| schemas.contains(&json!(LIST))), "{list}");
        assert!(["itemsPerPage", "startIndex", "totalResults"].iter().all(|name| list[*name].is_i64()), "{list}");
        let complete = |user: &Value| {
            let texts = [
                &user["id"],
                &user["userName"],
                &user["name"]["familyName"],
                &user["name"]["givenName"],
                &user["emails"][0]["value"],
            ];
            assert!(texts.iter().all(|text| text.is_string()) && user["active"].is_boolean(), "{user}");
        };
        let first = &list["Resources"][0];
        complete(first);
        complete(&app.scim_read(&format!("/Users/{}", id_of(first))).await);
        for unknown in ["nobody@corp.test", "01890000-0000-7000-8000-000000000000"] {
            let none = app.scim(Method::GET, &filter(unknown), None).await.expect(200).json();
            assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])), "{none}");
        }
        for unknown in ["/Users/010101001010101011001010101011", "/Users/00919288221112222"] {
            let error = app.scim(Method::GET, unknown, None).await.expect_scim_error(404);
            assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{error}");
        }
        let body = json!({"schemas": [USER], "userName": "runscope@corp.test", "active": true,
                          "name": {"givenName": "Runscope", "familyName": "Tester"}, "displayName": "Runscope Tester",
                          "emails": [{"primary": true, "value": "runscope@corp.test", "type": "work"}]});
        let text = body.to_string();
        let create = || app.scim_text(Method::POST, "/Users", "application/json", &text);
        let created = create().await.expect(201).json();
        for name in ["active", "name", "userName"] {
            assert_eq!(created[name], body[name], "{created}");
        }
        complete(&app.scim_read(&format!("/Users/{}", id_of(&created))).await);
        create().await.expect_scim_error(409);
        app.scim(Method::GET, &filter("RUNSCOPE@CORP.TEST"), None).await.expect(200);
        app.scim(Method::GET, "/Groups", None).await.expect(200);
        let bare = send(app.request(Method::GET, "/scim/v2/Users").header("authorization", "non-token")).await;
        let error = bare.expect_scim_error(401);
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{error}");
    }

    /// A custom app of Okta puts everything, also the end; a catalogue app patches without a path.
    async fn case_31_and_32_okta_deactivates_by_put_and_by_pathless_patch(app: TestApp) {
        let person = app.provision("custom").await;
        let staff = group(&app, "Staff", &[&person.id]).await;
        let watch = Watch::over(&app, &person).await;
        let mut whole = app.scim_read(&format!("/Users/{}", person.id)).await;
        assert_eq!(whole["groups"][0]["value"], staff);
        whole["active"] = false.into();
        let after = app.scim(Method::PUT, &format!("/Users/{}", person.id), Some(whole)).await.expect(200).json();
        watch.ended("put").await;
        assert_eq!((&after["active"], &after["groups"][0]["value"]), (&json!(false), &json!(staff)));
        let person = app.provision("catalogue").await;
        let watch = Watch::over(&app, &person).await;
        app.scim_patch(&person.id, json!([{"op": "replace", "value": {"active": false}}])).await.expect(200);
        watch.ended("pathless").await;
    }

    /// A group push: a new name with the group's own id, then one member out and one in, without a type.
    async fn case_33_and_34_okta_pushes_a_group(app: TestApp) {
        let (ana, ben) = (app.provision("ana").await, app.provision("ben").await);
        let id = group(&app, "Staff", &[&ana.id]).await;
        let renamed =
            patch_group(&app, &id, json!([{"op": "replace", "value": {"id": id, "displayName": "Crew"}}])).await;
        assert_eq!((&renamed["displayName"], members_of(&renamed)), (&json!("Crew"), vec![ana.id.clone()]));
        let swapped = patch_group(
            &app,
            &id,
            json!([
                {"op": "remove", "path": format!("members[value eq \"{}\"]", ana.id)},
                {"op": "add", "path": "members", "value": [{"value": ben.id, "display": ben.email}]},
            ]),
        )
        .await;
        assert_eq!(members_of(&swapped), std::slice::from_ref(&ben.id));
        assert_eq!(app.scim_read(&format!("/Users/{}", ben.id)).await["groups"][0]["display"], "Crew");
        assert!(app.scim_read(&format!("/Users/{}", ana.id)).await.get("groups").is_none());
        let other = patch_op(json!([{"op": "replace", "value": {"id": ana.id, "displayName": "Other"}}]));
        app.scim(Method::PATCH, &format!("/Groups/{id}"), Some(other)).await.expect_scim_error(400);
    }

    async fn case_36_bodies_may_name_their_character_set(app: TestApp) {
        for (number, kind) in [
            "application/scim+json; charset=utf-8",
            "application/json;charset=UTF-8",
            "Application/SCIM+JSON",
            "application/json ; odata.metadata=none",
        ]
        .into_iter()
        .enumerate()
        {
            let user = okta_user(&format!("charset-{number}@corp.test"));
            app.scim_text(Method::POST, "/Users", kind, &user.to_string()).await.expect(201);
        }
    }

    /// The first answer was lost on its way.
    async fn case_37_a_repeated_create_changes_nothing(app: TestApp) {
        let ada = app.provision("ada").await;
        let (watch, path) = (Watch::over(&app, &ada).await, format!("/Users/{}", ada.id));
        let before = app.scim_read(&path).await;
        let mut again = okta_user(&ada.email);
        again["password"] = "another-Passw0rd-of-SCIM".into();
        again["displayName"] = "Somebody Else".into();
        again["active"] = false.into();
        let error = app.scim(Method::POST, "/Users", Some(again)).await.expect_scim_error(409);
        assert_eq!(error["scimType"], "uniqueness");
        watch.untouched("a repeated create").await;
        assert_eq!(app.scim_read(&path).await, before);
        app.sign_in(&ada.email).await;
    }

    async fn case_39_the_connection_test_of_entra_id(app: TestApp) {
        for name in ["userName", "externalId", "emails[type eq \"work\"].value"] {
            let none =
                app.scim_find("/Users", &format!("{name} eq \"6f1d2a58-7a0c-4d5c-9d3f-000000000000\""), "").await;
            let expected =
                json!({"schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []});
            assert_eq!(none, expected, "{name}");
        }
    }

    async fn case_40_active_as_text_is_read_and_never_guessed(app: TestApp) {
        let ada = app.provision("ada").await;
        let watch = Watch::over(&app, &ada).await;
        let set = |value: Value| app.scim_patch(&ada.id, json!([{"op": "Replace", "path": "active", "value": value}]));
        for value in [json!("no"), json!(0), json!(""), json!("0"), json!(" False"), json!(["False"])] {
            let error = set(value.clone()).await.expect_scim_error(400);
            assert_eq!(error["scimType"], "invalidValue", "{value}");
        }
        watch.untouched("no boolean").await;
        assert_eq!(set(json!("False")).await.expect(200).json()["active"], false);
        watch.ended("\"False\"").await;
        assert_eq!(set(json!("True")).await.expect(200).json()["active"], true);
        app.sign_in(&ada.email).await;
    }

    async fn case_41_operations_in_capitals(app: TestApp) {
        let ada = app.provision("ada").await;
        let operations = json!([
            {"op": "Add", "path": "title", "value": "Countess"},
            {"op": "Replace", "path": "displayName", "value": "Ada"},
            {"op": "Remove", "path": "name.familyName"},
        ]);
        let after = app.scim_patch(&ada.id, operations).await.expect(200).json();
        assert_eq!((&after["title"], &after["displayName"]), (&json!("Countess"), &json!("Ada")));
        assert!(after["name"].get("familyName").is_none(), "{after}");
    }

    /// Membership alone grants nothing: leaving a group ends nobody's session.
    async fn case_45_and_46_members_come_and_go_in_one_request(app: TestApp) {
        let (ana, ben, cyd) = (app.provision("ana").await, app.provision("ben").await, app.provision("cyd").await);
        let watch = Watch::over(&app, &ana).await;
        let id = group(&app, "Staff", &[]).await;
        let values: Vec<Value> = [&ana, &ben, &cyd].map(|person| json!({"$ref": null, "value": person.id})).to_vec();
        let after = patch_group(&app, &id, json!([{"op": "Add", "path": "members", "value": values}])).await;
        assert_eq!(members_of(&after).len(), 3, "{after}");
        let after = patch_group(&app, &id, json!([{"op": "Remove", "path": "members", "value": values[..1]}])).await;
        let mut left = [ben.id.clone(), cyd.id.clone()];
        left.sort();
        assert_eq!(members_of(&after), left);
        watch.untouched("a removal from a group").await;
    }

    /// Entra ID's switch for the standard form hangs on the base address, and so on every request.
    async fn case_50_parameters_of_the_base_address_are_ignored(app: TestApp) {
        let flag = "aadOptscim062020";
        let user = entra_user("ada@corp.test");
        let created = app.scim_create(&format!("/Users?{flag}"), user.clone()).await;
        let path = format!("/Users/{}?{flag}", id_of(&created));
        assert_eq!(app.scim_read(&path).await, created);
        assert!(!created["meta"]["location"].as_str().unwrap_or_default().contains('?'), "{created}");
        let off = patch_op(json!([{"op": "replace", "path": "active", "value": false}]));
        app.scim(Method::PATCH, &path, Some(off)).await.expect(200);
        let by_name = escaped("userName eq \"ada@corp.test\"");
        for query in [format!("{flag}&filter={by_name}"), format!("{flag}=&filter={by_name}&{flag}")] {
            let list = app.scim(Method::GET, &format!("/Users?{query}"), None).await.expect(200).json();
            assert_eq!(list["totalResults"], 1, "{query}");
        }
        app.scim(Method::GET, &format!("/Groups?{flag}&excludedAttributes=members"), None).await.expect(200);
        app.scim(Method::DELETE, &path, None).await.expect(204);
    }

    async fn case_51_unknown_schemas_and_meta_are_no_error(app: TestApp) {
        let body = json!({"schemas": [GROUP, ADSCIM], "externalId": "8aa1a0c0", "displayName": "displayName",
                          "meta": {"resourceType": "Group"}});
        let created = app.scim_create("/Groups", body).await;
        assert_eq!((&created["schemas"], &created["externalId"]), (&json!([GROUP]), &json!("8aa1a0c0")));
        assert_eq!(created["meta"]["resourceType"], "Group");
        let mut user = entra_user("ada@corp.test");
        user["schemas"] = json!([USER, ENTERPRISE, "urn:nobody:knows:2.0:User"]);
        let created = app.scim_create("/Users", user).await;
        assert_eq!(created["schemas"], json!([USER, ENTERPRISE]));
    }

    async fn case_52_a_disabled_user_is_found_and_nothing_is_null(app: TestApp) {
        let mut user = entra_user("ada@corp.test");
        user["title"] = Value::Null;
        user[ENTERPRISE]["manager"] = Value::Null;
        let id = id_of(&app.scim_create("/Users", user).await);
        app.scim_patch(&id, json!([{"op": "Replace", "path": "active", "value": "False"}])).await.expect(200);
        let list = app.scim_find("/Users", "userName eq \"ada@corp.test\"", "").await;
        let found = &list["Resources"][0];
        assert_eq!((&found["id"], &found["active"]), (&json!(id), &json!(false)), "{list}");
        for name in ["resourceType", "created", "lastModified", "location", "version"] {
            assert!(found["meta"][name].is_string(), "{name} in {found}");
        }
        for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Users", "/Groups"] {
            assert!(!null_in(&app.scim_read(path).await), "{path} has a null");
        }
    }

    async fn case_53_the_template_of_onelogin(app: TestApp) {
        for (number, schemas) in [
            json!(["urn:scim:schemas:core:1.0"]),
            json!(["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"]),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("one-{number}@corp.test");
            let mut user = json!({"schemas": schemas, "id": null, "userName": name, "active": "true",
                                  "name": {"givenName": "A", "familyName": "B"}});
            let id = id_of(&app.scim_create("/Users", user.clone()).await);
            let query = format!("/Users?filter=userName+eq+%22{}&", name.replace('@', "%40") + "%22");
            let list = app.scim(Method::GET, &query, None).await.expect(200).json();
            assert_eq!(list["Resources"][0]["id"], id, "{list}");
            user["active"] = "false".into();
            let after = app.scim(Method::PUT, &format!("/Users/{id}?"), Some(user)).await.expect(200).json();
            assert_eq!(after["active"], false);
            let group = group(&app, &format!("Group {number}"), &[]).await;
            let add = patch_op(json!([{"op": "add", "path": "members", "value": [{"value": id}]}]));
            app.scim(Method::PATCH, &format!("/Groups/{group}?"), Some(add)).await.expect(200);
        }
    }

    /// authentik sends an operation for each member that leaves, and repeats those that have left.
    async fn case_54_five_hundred_removals_in_one_patch(app: TestApp) {
        let mut people = Vec::new();
        for number in 0..20 {
            people.push(app.provision(&format!("member-{number}")).await.id);
        }
        let everybody: Vec<&str> = people.iter().map(String::as_str).collect();
        let id = group(&app, "Staff", &everybody).await;
        let unknown = |number: usize| format!("01890000-0000-7000-8000-{number:012}");
        let operations: Vec<Value> = (0..500)
            .map(|number| people.get(number + 1).cloned().unwrap_or_else(|| unknown(number)))
            .map(|member| json!({"op": "remove", "path": "members", "value": [{"value": member}]}))
            .collect();
        let after = patch_group(&app, &id, json!(operations)).await;
        assert_eq!(members_of(&after), people[..1]);
    }

    /// What is said to be supported works, and what is said not to be is not there.
    async fn case_55_the_configuration_tells_the_truth(app: TestApp) {
        let config = app.scim_read("/ServiceProviderConfig").await;
        let ada = app.provision("ada").await;
        for name in ["patch", "filter", "sort", "etag", "changePassword"] {
            assert_eq!(config[name]["supported"], true, "{config}");
        }
        let reply =
            app.scim_patch(&ada.id, json!([{"op": "replace", "path": "title", "value": "x"}])).await.expect(200);
        assert!(reply.header("etag").is_some());
        let (patched, put) = ("wC5-mKs9-Tbq3-Xz7g-Hn4d", "pL4-xTr8-Hcn2-Vd6s-Jy9m");
        app.scim_patch(&ada.id, json!([{"op": "replace", "path": "password", "value": patched}])).await.expect(200);
        app.try_sign_in("acme", &ada.email, patched).await.expect(200);
        let mut whole = okta_user(&ada.email);
        whole["password"] = put.into();
        app.scim(Method::PUT, &format!("/Users/{}", ada.id), Some(whole)).await.expect(200);
        app.try_sign_in("acme", &ada.email, put).await.expect(200);
        app.try_sign_in("acme", &ada.email, patched).await.expect(401);
        let most = config["filter"]["maxResults"].as_u64().expect("a number");
        let list = app.scim(Method::GET, "/Users?count=1000000&sortBy=userName", None).await.expect(200).json();
        assert!(list["itemsPerPage"].as_u64().is_some_and(|shown| shown <= most), "{list}");
        let operations = json!([{"method": "POST", "path": "/Groups", "bulkId": "a",
                                 "data": {"schemas": [GROUP], "displayName": "Bulk"}}]);
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
        let reply = app.scim(Method::POST, "/Bulk", Some(bulk)).await;
        let expected: &[u16] = if config["bulk"]["supported"] == true { &[200] } else { &[404, 501] };
        reply.expect_any(expected);
    }
}
