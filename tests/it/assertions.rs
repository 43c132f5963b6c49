//! Assertions: who a session speaks for, to one application, for a minute. Verified by `support/jose.rs`, which knows nothing
//! of the product.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::jose::{Jws, genuine, mutilated, verify};
use crate::support::{OWNER, PASSWORD, TestApp, instant, send, true_now};

const TYPE: &str = "curfew-assertion+jwt";
const PATH: &str = "/api/v1/session/assertion";

/// A new assertion, verified.
async fn assertion(app: &TestApp, token: &str, audience: &str) -> Jws {
    let answer = app.post(token, PATH, json!({"audience": audience})).await.expect(200).json();
    let found = genuine(&answer["assertion"], TYPE, &app.jwks().await);
    assert_eq!(instant(&answer["expires_at"]), found.claims["exp"].as_i64().expect("exp") * 1000);
    found
}

fn number(jws: &Jws, claim: &str) -> i64 {
    jws.claims[claim].as_i64().unwrap_or_else(|| panic!("{claim} in {jws:?}"))
}

on_both_databases! {
    /// Every claim is there, and right.
    async fn an_assertion_says_who(app: TestApp) {
        let person = app.provision("person").await;
        for name in ["Night shift, A", "Équipe + 50 %"] {
            let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
                               "members": [{"value": person.id}]});
            app.scim(Method::POST, "/Groups", Some(group)).await.expect(201);
        }
        let token = app.sign_in(&person.email).await;
        let found = assertion(&app, &token, "https://app.test").await;
        for (claim, value) in [
            ("iss", json!(app.base)),
            ("aud", json!("https://app.test")),
            ("sub", json!(person.id)),
            ("sid", json!(app.session_id(&token).await)),
            ("email", json!(person.email)),
            ("workspace", json!("acme")),
            ("role", json!("member")),
        ] {
            assert_eq!(found.claims[claim], value, "{claim}");
        }
        let mut groups: Vec<&str> =
            found.claims["groups"].as_array().expect("an array").iter().filter_map(Value::as_str).collect();
        groups.sort_unstable();
        assert_eq!(groups, ["Night shift, A", "Équipe + 50 %"]);
        assert_eq!(number(&found, "exp") - number(&found, "iat"), 60);
        assert!((number(&found, "iat") - true_now() / 1000).abs() < 600, "{found:?}");
        assert_eq!(number(&found, "auth_time"), number(&found, "iat"));
        assert!(found.claims["jti"].as_str().is_some_and(|jti| jti.len() >= 20), "{found:?}");
    }

    /// Nobody can make one of another.
    async fn a_changed_byte_shows(app: TestApp) {
        let owner = app.owner_token().await;
        let answer = app.post(&owner, PATH, json!({"audience": "app"})).await.expect(200).json();
        let (text, jwks) = (answer["assertion"].as_str().expect("a text"), app.jwks().await);
        assert!(verify(text, &jwks).is_some());
        for changed in mutilated(text) {
            assert_eq!(verify(&changed, &jwks), None, "{changed}");
        }
    }

    /// A page gets one with its cookie; another site's page doesn't.
    async fn a_cookie_serves_its_own_pages(app: TestApp) {
        let owner = app.owner_token().await;
        let with_cookie = |site: &'static str| {
            let request = app.request(Method::POST, PATH).header("cookie", format!("curfew={owner}"));
            request.header("sec-fetch-site", site).json(&json!({"audience": "app"}))
        };
        let answer = send(with_cookie("same-origin")).await.expect(200).json();
        genuine(&answer["assertion"], TYPE, &app.jwks().await);
        send(with_cookie("cross-site")).await.expect_problem(403, "csrf");
    }

    /// It is for one application, which is named in visible characters.
    async fn the_audience_is_required(app: TestApp) {
        let owner = app.owner_token().await;
        for wrong in [
            json!({}),
            json!({"audience": ""}),
            json!({"audience": " "}),
            json!({"audience": "a b"}),
            json!({"audience": "é"}),
            json!({"audience": "a\n"}),
            json!({"audience": "x".repeat(256)}),
            json!({"audience": null}),
            json!({"audience": 7}),
            json!({"audience": ["a"]}),
        ] {
            app.post(&owner, PATH, wrong).await.expect_field("audience");
        }
        app.post(&owner, PATH, json!({"audience": "x".repeat(255)})).await.expect(200);
        app.post(&owner, PATH, json!({"audience": "a", "exp": 9_999_999_999_i64})).await.expect_field("exp");
    }

    /// Who is logged out gets none any more, nor does anything that is no session.
    async fn the_dead_get_none(app: TestApp) {
        let (owner, other) = (app.owner_token().await, app.owner_token().await);
        let body = json!({"audience": "app"});
        assertion(&app, &other, "app").await;
        app.log_all_users_out(&owner, "No more assertions").await;
        app.post(&other, PATH, body.clone()).await.expect_problem(401, "session-ended");
        assertion(&app, &owner, "app").await;
        send(app.request(Method::POST, PATH).json(&body)).await.expect_problem(401, "not-signed-in");
        let key = app.api_key(&owner).await;
        let problem = app.post(&key, PATH, body.clone()).await.expect_problem(401, "not-signed-in");
        assert_eq!(problem["detail"], "this takes a session (cfs_…), not an API key (cfk_…)");
        app.post(&owner, "/api/v1/logout", json!({})).await.expect(204);
        app.post(&owner, PATH, body).await.expect(401);
    }

    /// It says what holds when it is issued: a role, a renewed sign-in.
    async fn what_changes_is_in_the_next_one(app: TestApp) {
        let person = app.provision("person").await;
        let (owner, token) = (app.owner_token().await, app.sign_in(&person.email).await);
        let first = assertion(&app, &token, "app").await;
        app.patch(&owner, &format!("/api/v1/users/{}", person.id), json!({"role": "admin"})).await.expect(200);
        let second = assertion(&app, &token, "app").await;
        assert_eq!((&first.claims["role"], &second.claims["role"]), (&json!("member"), &json!("admin")));
        assert_ne!(first.claims["jti"], second.claims["jti"]);
        app.advance(1_000);
        app.post(&token, "/api/v1/reauthenticate", json!({"password": PASSWORD})).await.expect(200);
        let third = assertion(&app, &token, "app").await;
        assert_eq!(number(&third, "auth_time") - number(&second, "auth_time"), 1_000);
        assert_eq!(number(&third, "iat") - number(&second, "iat"), 1_000);
    }

    /// With a verdict comes one that may be some seconds old: never more than twenty, never of another audience or role.
    async fn with_a_verdict_it_is_remembered_for_a_moment(app: TestApp) {
        let person = app.provision("person").await;
        let (owner, token) = (app.owner_token().await, app.sign_in(&person.email).await);
        let first = app.assertion_with_verdict(&token, "app").await;
        assert_eq!(app.assertion_with_verdict(&token, "app").await, first);
        app.advance(19);
        assert_eq!(app.assertion_with_verdict(&token, "app").await, first);
        let elsewhere = app.assertion_with_verdict(&token, "elsewhere").await;
        assert_eq!(genuine(&json!(elsewhere), TYPE, &app.jwks().await).claims["aud"], "elsewhere");
        app.advance(2);
        let second = app.assertion_with_verdict(&token, "app").await;
        assert_ne!(second, first);
        app.patch(&owner, &format!("/api/v1/users/{}", person.id), json!({"role": "admin"})).await.expect(200);
        let third = app.assertion_with_verdict(&token, "app").await;
        assert_eq!(genuine(&json!(third), TYPE, &app.jwks().await).claims["role"], "admin");
        let another = app.sign_in(OWNER).await;
        let other = app.assertion_with_verdict(&another, "app").await;
        assert_ne!(genuine(&json!(other), TYPE, &app.jwks().await).claims["sid"], json!(app.session_id(&token).await));
    }
}
