//! Groups over SCIM: as Okta and Entra ID push them, and what a careless reading of them would end.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, TestApp};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

async fn create(app: &TestApp, name: &str, members: Value) -> Value {
    let body = json!({"schemas": [GROUP], "displayName": name, "externalId": format!("x-{name}"), "members": members});
    app.scim(Method::POST, "/Groups", Some(body)).await.expect(201).json()
}

async fn patch(app: &TestApp, id: &str, operations: Value) -> Reply {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    app.scim(Method::PATCH, &format!("/Groups/{id}"), Some(body)).await
}

fn members(group: &Value) -> Vec<String> {
    let list = group["members"].as_array().cloned().unwrap_or_default();
    list.iter().map(|member| member["value"].as_str().unwrap_or_default().to_owned()).collect()
}

on_both_databases! {
    /// Entra ID removes members by a value array: read literally, that would empty the group.
    async fn a_removal_with_values_removes_those_and_only_those(app: TestApp) {
        let (ana, ben) = (app.provision("ana").await, app.provision("ben").await);
        let (ana, ben) = (ana.id.clone(), ben.id.clone());
        let group = create(&app, "Staff", json!([{"value": ana}, {"value": ben}])).await;
        let id = group["id"].as_str().expect("an id");
        let operations = json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": ana}]}]);
        let after = patch(&app, id, operations).await.expect(200).json();
        assert_eq!(members(&after), std::slice::from_ref(&ben));
        let again = json!([{"op": "add", "path": "members", "value": [{"value": ben}, {"value": ana}]}]);
        let after = patch(&app, id, again).await.expect(200).json();
        assert_eq!(members(&after).len(), 2, "{after}");
        let user = app.scim(Method::GET, &format!("/Users/{ana}"), None).await.expect(200).json();
        assert_eq!(user["groups"][0]["value"], group["id"]);
    }

    /// Nothing of a refused PATCH is kept, and a stale version is refused.
    async fn a_patch_is_all_or_nothing(app: TestApp) {
        let ana = app.provision("ana").await.id.clone();
        let group = create(&app, "Staff", json!([])).await;
        let id = group["id"].as_str().expect("an id");
        let operations = json!([
            {"op": "replace", "path": "displayName", "value": "Renamed"},
            {"op": "add", "path": "members", "value": [{"value": ana}, {"value": "01890000-0000-7000-8000-00000000000a"}]},
        ]);
        patch(&app, id, operations).await.expect_scim_error(400);
        let after = app.scim(Method::GET, &format!("/Groups/{id}"), None).await.expect(200).json();
        assert_eq!((after["displayName"].as_str(), members(&after).len()), (Some("Staff"), 0));
        assert_eq!(after["meta"]["version"], group["meta"]["version"]);
    }

    /// A value that is no id of anybody, here or elsewhere, is passed over; one that could be somebody's is refused.
    async fn what_is_no_id_is_nobodys(app: TestApp) {
        let ana = app.provision("ana").await.id.clone();
        let group = create(&app, "Staff", json!([{"value": "fake-member-id"}])).await;
        let id = group["id"].as_str().expect("an id");
        let operations = json!([{"op": "add", "path": "members", "value": [{"value": "x"}, {"value": ana}]}]);
        assert_eq!(members(&patch(&app, id, operations).await.expect(200).json()), [ana]);
    }

    /// A group of one workspace is nothing to another's token, and another's user can't be put into it.
    async fn workspaces_keep_their_groups_apart(app: TestApp) {
        let group = create(&app, "Staff", json!([])).await;
        let path = format!("/Groups/{}", group["id"].as_str().expect("an id"));
        let other = app.home.other_scim_token.clone();
        for method in [Method::GET, Method::DELETE] {
            app.scim_as(&other, method, &path, None).await.expect_scim_error(404);
        }
        let stranger = json!({"schemas": [GROUP], "displayName": "X", "members": [{"value": app.provision("ana").await.id}]});
        app.scim_as(&other, Method::POST, "/Groups", Some(stranger)).await.expect_scim_error(400);
        let found = app.scim_as(&other, Method::GET, "/Groups?filter=displayName%20eq%20%22staff%22", None).await;
        assert_eq!(found.expect(200).json()["totalResults"], 0);
    }

    /// Found by name without regard to case, by external id exactly, and by a query in a body.
    async fn groups_are_found(app: TestApp) {
        create(&app, "Staff", json!([])).await;
        for filter in ["displayName eq \"sTAFF\"", "externalId eq \"x-Staff\"", "displayName co \"taf\""] {
            let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter,
                              "excludedAttributes": ["members"]});
            let found = app.scim(Method::POST, "/Groups/.search", Some(body)).await.expect(200).json();
            assert_eq!(found["totalResults"], 1, "{filter}: {found}");
        }
        let body = json!({"schemas": [], "filter": "externalId eq \"x-staff\""});
        let found = app.scim(Method::POST, "/Groups/.search", Some(body)).await.expect(200).json();
        assert_eq!(found["totalResults"], 0, "an external id is compared exactly");
    }
}
