//! What administrators see of their identity provider's requests: what was asked and what was wrong, and never a value that was
//! sent. The numbers are those of the cases that SCIM servers are tested with.

use std::time::Duration;

use curfew::base::clock::{Clock, rfc3339};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::http::client;
use crate::support::people::okta_user;
use crate::support::process::Serve;
use crate::support::{Database, Home, OTHER_OWNER, PASSWORD, TestApp, send};

const TOKENS: &str = "/api/v1/scim-tokens";

/// The id of the token with which tests provision.
async fn token_id(app: &TestApp) -> String {
    let tokens = app.all_items(&app.owner_token().await, TOKENS).await;
    tokens[0]["id"].as_str().expect("an id").to_owned()
}

/// What was asked with it, newest first.
async fn log(app: &TestApp) -> Vec<Value> {
    app.write_scim_log().await;
    app.all_items(&app.owner_token().await, &format!("{TOKENS}/{}/requests", token_id(app).await)).await
}

/// Asks a millisecond later than before, so that the order is known.
async fn ask(app: &TestApp, method: Method, path: &str, body: Option<Value>) -> u16 {
    app.clock.advance(Duration::from_millis(1));
    app.scim(method, path, body).await.status
}

on_both_databases! {
    /// Each request is there with its outcome, and nothing of it names a person or opens a door.
    async fn case_77_the_log_has_no_values(app: TestApp) {
        let mut user = okta_user("ana@corp.test");
        user["password"] = PASSWORD.into();
        user["displayName"] = "Ana Lovelace".into();
        assert_eq!(ask(&app, Method::POST, "/Users", Some(user.clone())).await, 201);
        assert_eq!(ask(&app, Method::POST, "/Users", Some(user)).await, 409);
        for (path, status) in [
            ("/Users?filter=userName+eq+%22ana@corp.test%22&startIndex=1&count=100", 200),
            ("/Users?filter=externalId%20eq%20Lovelace", 200),
            ("/Users?filter=ana%40corp.test", 400),
            ("/Users/ana@corp.test", 404),
            ("/Users/Ana%20Lovelace?ana@corp.test=Lovelace", 404),
            ("/Ana", 404),
        ] {
            assert_eq!(ask(&app, Method::GET, path, None).await, status, "{path}");
        }
        let request = app.request(Method::GET, "/scim/v2/Users?count=0").bearer_auth(&app.home.scim_token);
        send(request.header("user-agent", format!("ana@corp.test {}", app.home.scim_token))).await.expect(200);
        assert_eq!(ask(&app, Method::PUT, "/Users", Some(json!({}))).await, 405);
        let entries = log(&app).await;
        assert_eq!(entries.len(), 10, "{entries:?}");
        for secret in ["ana@", "Ana", "Lovelace", "corp.test", PASSWORD, "cfscim_", &app.home.scim_token] {
            assert!(!json!(entries).to_string().contains(secret), "{secret} is in the log: {entries:?}");
        }
        let oldest_first: Vec<&Value> = entries.iter().rev().collect();
        assert_eq!((&oldest_first[0]["method"], &oldest_first[0]["path"]), (&json!("POST"), &json!("/Users")));
        assert_eq!((&oldest_first[1]["status"], &oldest_first[1]["scim_type"]), (&json!(409), &json!("uniqueness")));
        assert!(oldest_first[1]["detail"].is_string() && oldest_first[0]["detail"].is_null(), "{entries:?}");
        assert_eq!(oldest_first[2]["path"], "/Users?filter=userName eq …&startIndex=1&count=100");
        for entry in &entries {
            assert_eq!(entry["ip"], "127.0.0.1", "{entry}");
            assert!(entry["duration_ms"].is_u64() && entry["request_id"].as_str().is_some_and(|id| id.len() == 16));
        }
        assert_eq!(entries[0]["at"], rfc3339(app.clock.now()));
    }

    /// Bulk and searches are there like anything else.
    async fn the_log_has_every_kind_of_request(app: TestApp) {
        let user = json!({"method": "POST", "path": "/Users", "bulkId": "q", "data": okta_user("ana@corp.test")});
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [user]});
        let search = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "userName eq \"ana@corp.test\"",
        });
        assert_eq!(ask(&app, Method::POST, "/Bulk", Some(bulk)).await, 200);
        assert_eq!(ask(&app, Method::POST, "/.search", Some(search)).await, 200);
        assert_eq!(ask(&app, Method::GET, "/?filter=userName+eq+%22ana@corp.test%22&cursor", None).await, 200);
        let entries = log(&app).await;
        let asked: Vec<String> =
            entries.iter().rev().map(|entry| format!("{} {}", entry["method"], entry["path"]).replace('"', "")).collect();
        assert_eq!(asked, ["POST /Bulk", "POST /.search", "GET /?filter=userName eq …&cursor=…"]);
        assert!(!json!(entries).to_string().contains("ana@"), "{entries:?}");
    }

    /// A refused token that is known is in its own log, with the reason that its holder didn't hear; an unknown one is nowhere.
    async fn the_log_says_why_a_token_was_refused(app: TestApp) {
        let owner = app.owner_token().await;
        let created = app.post(&owner, TOKENS, json!({"name": "short", "expires_in_days": 1})).await.expect(201).json();
        let (id, token) = (created["id"].as_str().expect("an id"), created["token"].as_str().expect("a token"));
        let uses = || app.scim_as(token, Method::GET, "/Users?count=1", None);
        uses().await.expect(200);
        app.advance(24 * 3600);
        uses().await.expect_scim_error(401);
        let owner = app.owner_token().await;
        app.delete(&owner, &format!("{TOKENS}/{id}")).await.expect(204);
        app.advance(1);
        uses().await.expect_scim_error(401);
        app.write_scim_log().await;
        let entries = app.all_items(&owner, &format!("{TOKENS}/{id}/requests")).await;
        let told: Vec<(Option<u64>, Option<&str>)> =
            entries.iter().map(|entry| (entry["status"].as_u64(), entry["detail"].as_str())).collect();
        let expected = [
            (Some(401), Some("refused: it was revoked")),
            (Some(401), Some("refused: it has expired")),
            (Some(200), None),
        ];
        assert_eq!(told, expected);
        assert_eq!(log(&app).await.len(), 0, "another token's log has them");
    }

    /// Page by page, of the own workspace only.
    async fn the_log_is_a_list_of_ones_own(app: TestApp) {
        for number in 0..5 {
            ask(&app, Method::GET, &format!("/Users?count={number}"), None).await;
        }
        assert_eq!(log(&app).await.len(), 5);
        let (owner, id) = (app.owner_token().await, token_id(&app).await);
        let path = format!("{TOKENS}/{id}/requests");
        let first = app.get(&owner, &format!("{path}?limit=2")).await.expect(200).json();
        let second = format!("{path}?limit=2&after={}", first["next"].as_str().expect("a next page"));
        let second = app.get(&owner, &second).await.expect(200).json();
        let paths = |page: &Value| {
            let items = page["items"].as_array().expect("items");
            items.iter().map(|item| item["path"].as_str().expect("a path").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(paths(&first), ["/Users?count=4", "/Users?count=3"]);
        assert_eq!(paths(&second), ["/Users?count=2", "/Users?count=1"]);
        app.get(&owner, &format!("{path}?limit=0")).await.expect_field("limit");
        app.get(&owner, &format!("{TOKENS}/nothing/requests")).await.expect_problem(404, "not-found");
        app.get(&owner, &format!("/api/v1/scim-clients/{id}/requests")).await.expect_problem(404, "not-found");
        let theirs = app.sign_in_to("globex", OTHER_OWNER).await;
        app.get(&theirs, &path).await.expect_problem(404, "not-found");
    }

    /// So many of each token, and none that is older than a week.
    async fn the_log_is_tidied(database: Database) {
        let app = TestApp::with(database, |config| config.scim.logged_requests = 3).await;
        for number in 0..6 {
            ask(&app, Method::GET, &format!("/Users?count={number}"), None).await;
        }
        app.scim_as(&app.home.other_scim_token, Method::GET, "/Users?count=9", None).await.expect(200);
        assert_eq!(log(&app).await.len(), 6);
        assert_eq!(app.tidy_scim().await, 3);
        let kept = log(&app).await;
        assert_eq!((kept.len(), &kept[0]["path"], &kept[2]["path"]), (3, &json!("/Users?count=5"), &json!("/Users?count=3")));
        app.advance(7 * 24 * 3600 - 1);
        assert_eq!(app.tidy_scim().await, 0);
        app.advance(2);
        assert_eq!(app.tidy_scim().await, 4, "the other workspace's is old, too");
        assert_eq!(log(&app).await.len(), 0);
    }

    /// It can be switched off.
    async fn the_log_can_be_off(database: Database) {
        let app = TestApp::with(database, |config| config.scim.logged_requests = 0).await;
        ask(&app, Method::GET, "/Users", None).await;
        assert_eq!(log(&app).await.len(), 0);
    }

    /// A server that is asked to stop writes what it has; and at the most talkative setting it says no secret.
    async fn case_77_stopping_loses_nothing_and_tells_nothing(database: Database) {
        let home = Home::new(database);
        let serve = Serve::new(&home).with("CURFEW_LOG__FILTER", "trace").with("CURFEW_LOG__FORMAT", "json");
        let mut server = serve.start().await;
        let mut user = okta_user("ana@corp.test");
        user["password"] = PASSWORD.into();
        let request = client().post(format!("{}/scim/v2/Users", serve.base())).bearer_auth(&home.scim_token);
        let request = request.header("content-type", "application/scim+json").body(user.to_string());
        send(request).await.expect(201);
        let wrong = format!("cfcs_{}", "B".repeat(48));
        let fields = [("grant_type", "client_credentials"), ("client_id", "x"), ("client_secret", wrong.as_str())];
        send(client().post(format!("{}/oauth2/token", serve.base())).form(&fields)).await.expect(401);
        server.terminate();
        assert!(server.wait(Duration::from_secs(60)).expect("it stops").success(), "{}", serve.said());
        let said = serve.said();
        for secret in [home.scim_token.as_str(), PASSWORD, wrong.as_str()] {
            assert!(!said.contains(secret), "the log has a secret at trace level");
        }
        let app = TestApp::reopen(home).await;
        let entries = log(&app).await;
        assert_eq!((entries.len(), &entries[0]["status"]), (1, &json!(201)), "{entries:?}");
    }
}
