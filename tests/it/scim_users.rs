//! Users over SCIM 2.0 (RFC 7643, 7644) as Okta and Entra ID speak it: their life, and what is refused.
//! Who may speak is in `scim_access.rs`, deprovisioning in `scim_deprovision.rs`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::{entra_user, okta_user, patch_op};
use crate::support::{PASSWORD, TestApp, send};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const NOWHERE: &str = "/Users/01890000-0000-7000-8000-000000000000";

/// How many users a filter finds, and the first of them.
async fn find(app: &TestApp, filter: &str) -> (i64, Value) {
    let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let list = app.scim(Method::GET, &format!("/Users?filter={filter}"), None).await.expect(200).json();
    assert_eq!(list["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:ListResponse", "{list}");
    (list["totalResults"].as_i64().expect("an integer"), list["Resources"][0].clone())
}

on_both_databases! {
    /// Okta's way: look up, create, read, replace; what is stored is what is read.
    async fn okta_creates_reads_and_replaces(app: TestApp) {
        assert_eq!(find(&app, r#"userName eq "ada@corp.test""#).await.0, 0);
        let mut user = okta_user("ada@corp.test");
        user["password"] = PASSWORD.into();
        let reply = app.scim(Method::POST, "/Users", Some(user.clone())).await.expect(201);
        let created = reply.json();
        let id = created["id"].as_str().expect("an id").to_owned();
        assert!(reply.header("content-type").is_some_and(|kind| kind.starts_with("application/scim+json")));
        assert_eq!(reply.header("location"), Some(app.url(&format!("/scim/v2/Users/{id}")).as_str()));
        assert_eq!(created["meta"]["location"], app.url(&format!("/scim/v2/Users/{id}")));
        assert_eq!(created["meta"]["resourceType"], "User");
        assert_eq!((&created["userName"], &created["active"]), (&json!("ada@corp.test"), &json!(true)));
        assert_eq!(created["externalId"], user["externalId"]);
        assert!(!reply.text.contains(PASSWORD) && created.get("password").is_none(), "SCIM shows a password");
        let mut read = app.scim(Method::GET, &format!("/Users/{id}"), None).await.expect(200).json();
        assert_eq!(read["name"]["givenName"], "Test");
        read["name"]["givenName"] = "Augusta".into();
        let replaced = app.scim(Method::PUT, &format!("/Users/{id}"), Some(read)).await.expect(200).json();
        assert_eq!(replaced["name"]["givenName"], "Augusta");
        assert_eq!(find(&app, r#"userName eq "ADA@corp.test""#).await.1["id"], id);
        app.sign_in("ada@corp.test").await;
    }

    /// Entra ID's way: filters over what it matches by, string operations, dotted names, the extension kept.
    async fn entra_matches_and_patches(app: TestApp) {
        let user = entra_user("adrienne@corp.test");
        let created = app.scim(Method::POST, "/Users", Some(user.clone())).await.expect(201).json();
        let id = created["id"].as_str().expect("an id");
        assert_eq!(created[ENTERPRISE]["department"], "R&D");
        let external = user["externalId"].as_str().expect("an id");
        for filter in [
            format!(r#"externalId eq "{external}""#),
            r#"userName eq "Adrienne@Corp.Test""#.to_owned(),
            r#"emails[type eq "work"].value eq "adrienne@corp.test""#.to_owned(),
        ] {
            let (total, found) = find(&app, &filter).await;
            assert_eq!((total, &found["id"]), (1, &json!(id)), "{filter}");
        }
        let operations = json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@corp.test"},
            {"op": "Replace", "path": "name.familyName", "value": "Nally"},
            {"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Sales"},
        ]);
        app.scim_patch(id, operations).await.expect_any(&[200, 204]);
        let dotted = json!([{"op": "replace", "value": {"displayName": "Addy", "name.givenName": "Ady"}}]);
        app.scim_patch(id, dotted).await.expect_any(&[200, 204]);
        let read = app.scim(Method::GET, &format!("/Users/{id}"), None).await.expect(200).json();
        assert_eq!(read["emails"][0]["value"], "new@corp.test");
        assert_eq!((&read["name"]["familyName"], &read["name"]["givenName"]), (&json!("Nally"), &json!("Ady")));
        assert_eq!((&read[ENTERPRISE]["department"], &read["displayName"]), (&json!("Sales"), &json!("Addy")));
        assert_eq!(
            find(&app, r#"userName eq "6f1d2a58-0000-4000-8000-000000000000""#).await.0,
            0,
            "Entra's connection test"
        );
    }

    /// One name is one user, however it is written.
    async fn names_are_unique(app: TestApp) {
        app.provision("ada").await;
        for twin in ["ada@corp.test", "ADA@corp.test", "Ada@Corp.Test"] {
            let error = app.scim(Method::POST, "/Users", Some(okta_user(twin))).await.expect_scim_error(409);
            assert_eq!(error["scimType"], "uniqueness");
            assert!(error["detail"].as_str().is_some_and(|detail| detail.starts_with("userName: ")), "{error}");
        }
        let bo = app.provision("bo").await;
        let taken = json!([{"op": "replace", "path": "userName", "value": "ADA@corp.test"}]);
        app.scim_patch(&bo.id, taken).await.expect_scim_error(409);
        assert_eq!(find(&app, r#"userName eq "bo@corp.test""#).await.1["id"], bo.id);
    }

    /// RFC 7644 §3.11: a token is nobody, by whatever method.
    async fn there_is_no_me(app: TestApp) {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            send(app.request(method.clone(), "/scim/v2/Me")).await.expect_scim_error(401);
            let body = (method != Method::GET).then(|| json!({}));
            let error = app.scim(method, "/Me", body).await.expect_scim_error(501);
            assert!(error["scimType"].is_null() && error["detail"].is_string(), "{error}");
        }
        app.scim(Method::GET, "/Me/x", None).await.expect_scim_error(404);
    }

    /// RFC 7644 §3.12: whatever is refused is refused as SCIM, and changes nothing.
    async fn refusals_are_scim_errors(app: TestApp) {
        let person = app.provision("ada").await;
        let path = format!("/Users/{}", person.id);
        let before = app.scim(Method::GET, &path, None).await.expect(200).json();
        app.scim(Method::GET, NOWHERE, None).await.expect_scim_error(404);
        app.scim(Method::GET, "/Nope", None).await.expect_scim_error(404);
        app.scim(Method::POST, "/Users", Some(json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]})))
            .await
            .expect_scim_error(400);
        app.scim(Method::PATCH, "/Users", Some(json!({}))).await.expect_scim_error(405);
        let filter = app.scim(Method::GET, "/Users?filter=userName%20xx%20%22a%22", None).await.expect_scim_error(400);
        assert_eq!(filter["scimType"], "invalidFilter");
        for (operations, kind) in [
            (json!([]), None),
            (json!([{"op": "move", "path": "title", "value": "x"}]), None),
            (json!([{"op": "remove"}]), Some("noTarget")),
            (json!([{"op": "replace", "path": "emails[type eq", "value": "x"}]), Some("invalidPath")),
            (json!([{"op": "replace", "path": "id", "value": "1"}]), Some("mutability")),
            (json!([{"op": "replace", "path": "active", "value": "maybe"}]), Some("invalidValue")),
            (json!([{"op": "replace", "path": "title", "value": "kept?"}, {"op": "remove"}]), Some("noTarget")),
        ] {
            let error = app.scim_patch(&person.id, operations.clone()).await.expect_scim_error(400);
            assert!(kind.is_none_or(|kind| error["scimType"] == kind), "{operations}: {error}");
        }
        assert_eq!(
            app.scim(Method::GET, &path, None).await.expect(200).json(),
            before,
            "a refused request left something"
        );
    }

    /// Bodies that aren't what they say: media type, syntax, size, depth.
    async fn malformed_bodies_are_refused(app: TestApp) {
        let post = |kind: &'static str, body: String| {
            let request = app.request(Method::POST, "/scim/v2/Users").bearer_auth(&app.home.scim_token);
            request.header("content-type", kind).body(body)
        };
        let scim = "application/scim+json";
        for body in ["", "{oops", "[]", "null", "\"text\"", "{\"userName\":1}"] {
            send(post(scim, body.to_owned())).await.expect_scim_error(400);
        }
        let twice = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"twice@corp.test","active":false,"active":true}"#;
        send(post(scim, twice.to_owned())).await.expect_scim_error(400);
        send(post(scim, "[".repeat(200_000))).await.expect_any(&[400, 413]);
        send(post("text/plain", okta_user("plain@corp.test").to_string())).await.expect_scim_error(415);
        let mut large = okta_user("large@corp.test");
        large["nickName"] = "n".repeat(1_048_577).into();
        send(post(scim, large.to_string())).await.expect_scim_error(413);
        let deep = format!("{}title pr{}", "(".repeat(5_000), ")".repeat(5_000));
        app.scim(Method::GET, &format!("/Users?filter={deep}"), None).await.expect_any(&[400, 414, 431]);
        for name in ["twice@corp.test", "plain@corp.test", "large@corp.test"] {
            assert_eq!(find(&app, &format!(r#"userName eq "{name}""#)).await.0, 0, "{name} was created");
        }
    }

    /// RFC 7644 §3.14: a change based on what is no longer true is refused.
    async fn a_stale_version_is_refused(app: TestApp) {
        let person = app.provision("ada").await;
        let path = format!("/Users/{}", person.id);
        let etag = app.scim(Method::GET, &path, None).await.expect(200).header("etag").expect("a version").to_owned();
        let patch = |value: Value| {
            let body = patch_op(json!([{"op": "replace", "value": value}]));
            let request = app.request(Method::PATCH, &format!("/scim/v2{path}")).bearer_auth(&app.home.scim_token);
            request.header("content-type", "application/scim+json").header("if-match", &etag).body(body.to_string())
        };
        send(patch(json!({"title": "first"}))).await.expect_any(&[200, 204]);
        send(patch(json!({"active": false}))).await.expect_scim_error(412);
        let read = app.scim(Method::GET, &path, None).await.expect(200).json();
        assert_eq!((&read["title"], &read["active"]), (&json!("first"), &json!(true)));
    }
}
