//! Signing in with a password: one answer for every failure, throttles that follow the account, proving oneself again,
//! logging out. What a token is worth is in `tokens.rs`.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::okta_user;
use crate::support::{OWNER, PASSWORD, Reply, TestApp, instant, send};

const WRONG: &str = "wR0ng-wR0ng-wR0ng-wR0ng";

/// What an outsider can see of an answer, but for the number that every request has.
fn visible(reply: &Reply) -> (u16, String, BTreeSet<String>) {
    let mut body = reply.json();
    body.as_object_mut().expect("a problem is an object").remove("request_id");
    let names = reply.headers.keys().map(|name| name.as_str().to_owned()).collect();
    (reply.status, body.to_string(), names)
}

on_both_databases! {
    /// AUT-06: unknown, wrong, suspended, deprovisioned, without password, unknown workspace: no difference to see.
    async fn one_answer_for_every_failure(app: TestApp) {
        let owner = app.owner_token().await;
        let suspended = app.provision("suspended").await;
        let path = format!("/api/v1/users/{}", suspended.id);
        app.patch(&owner, &path, json!({"state": "suspended"})).await.expect(200);
        let gone = app.provision("gone").await;
        app.set_active(&gone.id, false).await.expect_any(&[200, 204]);
        app.scim(Method::POST, "/Users", Some(okta_user("sso-only@corp.test"))).await.expect(201);
        let attempts = [
            ("acme", OWNER, WRONG),
            ("acme", "nobody@corp.test", PASSWORD),
            ("acme", suspended.email.as_str(), PASSWORD),
            ("acme", gone.email.as_str(), PASSWORD),
            ("acme", "sso-only@corp.test", PASSWORD),
            ("globex", OWNER, PASSWORD),
            ("nowhere", OWNER, PASSWORD),
        ];
        let mut seen = Vec::new();
        for (workspace, email, password) in attempts {
            let reply = app.try_sign_in(workspace, email, password).await;
            assert!(reply.set_cookies().iter().all(|cookie| !cookie.contains("cfs_")), "a failure sets a session");
            seen.push((email, visible(&reply)));
            reply.expect_problem(401, "invalid-credentials");
        }
        for (email, answer) in &seen {
            assert_eq!(answer, &seen[0].1, "{email} can be told from {}", seen[0].0);
        }
        assert!(app.is_live(&app.owner_token().await).await);
    }

    /// AUT-01: no truncation, no folding, no trimming; 73 and more bytes count.
    async fn the_whole_password_counts(app: TestApp) {
        let long = "aB3-".repeat(25);
        let mut user = okta_user("long@corp.test");
        user["password"] = long.clone().into();
        app.scim(Method::POST, "/Users", Some(user)).await.expect(201);
        app.try_sign_in("acme", "long@corp.test", &long).await.expect(200);
        for wrong in [&long[..72], &long[..99], &long.to_uppercase(), &format!("{long} "), &format!(" {long}")] {
            app.try_sign_in("acme", "long@corp.test", wrong).await.expect_problem(401, "invalid-credentials");
        }
    }

    /// AUT-05: the throttle counts per account, however it is spelt and whether it exists, and its Retry-After is true.
    async fn guessing_is_throttled_for_the_account(app: TestApp) {
        let person = app.provision("target").await;
        let spellings = [person.email.clone(), person.email.to_uppercase(), "Target@Corp.test".to_owned()];
        let mut refused = None;
        for attempt in 0..60 {
            let spelling = &spellings[attempt % spellings.len()];
            let known = app.try_sign_in("acme", spelling, WRONG).await.expect_any(&[401, 429]);
            let unknown = app.try_sign_in("acme", "missing@corp.test", WRONG).await.expect_any(&[401, 429]);
            assert_eq!(known.status, unknown.status, "attempt {attempt} tells which account exists");
            if known.status == 429 {
                refused = Some(known);
                break;
            }
        }
        let refused = refused.expect("60 wrong passwords for one account are never throttled");
        let seconds: u64 =
            refused.header("retry-after").and_then(|text| text.parse().ok()).expect("Retry-After in seconds");
        refused.expect_problem(429, "too-many-attempts");
        app.try_sign_in("acme", &person.email, PASSWORD).await.expect_problem(429, "too-many-attempts");
        app.try_sign_in("acme", OWNER, PASSWORD).await.expect(200);
        app.advance(seconds + 1);
        app.try_sign_in("acme", &person.email, PASSWORD).await.expect(200);
    }

    /// One address that tries many accounts is stopped, too.
    async fn guessing_is_throttled_for_the_address(app: TestApp) {
        let mut stopped = false;
        for attempt in 0..600 {
            let reply =
                app.try_sign_in("acme", &format!("guess-{attempt}@corp.test"), WRONG).await.expect_any(&[401, 429]);
            if reply.status == 429 {
                assert!(reply.header("retry-after").is_some(), "429 without Retry-After");
                stopped = true;
                break;
            }
        }
        assert!(stopped, "600 accounts were tried from one address");
    }

    /// Administrative changes need a sign-in of the last 10 minutes; a password, not the token alone, renews it.
    async fn proving_oneself_again_renews_the_sign_in(app: TestApp) {
        let token = app.owner_token().await;
        let before = app.get(&token, "/api/v1/session").await.expect(200).json();
        let change = json!({"name": "later"});
        app.advance(10 * 60 + 1);
        app.post(&token, "/api/v1/scim-tokens", change.clone()).await.expect_problem(403, "reauthentication-required");
        app.post(&token, "/api/v1/reauthenticate", json!({"password": WRONG}))
            .await
            .expect_problem(401, "invalid-credentials");
        app.post(&token, "/api/v1/reauthenticate", json!({})).await.expect_field("password");
        app.post(&token, "/api/v1/scim-tokens", change.clone()).await.expect_problem(403, "reauthentication-required");
        let renewed =
            app.post(&token, "/api/v1/reauthenticate", json!({"password": PASSWORD})).await.expect(200).json();
        assert_eq!(renewed["session"]["id"], before["session"]["id"]);
        assert_eq!(renewed["session"]["created_at"], before["session"]["created_at"]);
        assert!(instant(&renewed["session"]["signed_in_at"]) > instant(&before["session"]["signed_in_at"]));
        app.post(&token, "/api/v1/scim-tokens", change).await.expect(201);
    }

    /// Logging out ends this session at the server, and only this one.
    async fn logging_out_ends_one_session(app: TestApp) {
        let (token, sibling) = (app.owner_token().await, app.owner_token().await);
        app.post(&token, "/api/v1/logout", json!({})).await.expect(204);
        assert!(!app.is_live(&token).await, "a session outlived its log-out");
        assert!(app.is_live(&sibling).await, "another session ended, too");
        app.post(&token, "/api/v1/logout", json!({})).await.expect(401);
    }

    /// A browser that sends its cookie gets it cleared.
    async fn logging_out_clears_the_cookie(app: TestApp) {
        let token = app.owner_token().await;
        let request = app.request(Method::POST, "/api/v1/logout").header("cookie", format!("curfew={token}"));
        let reply = send(request.header("origin", &app.base).json(&json!({}))).await.expect(204);
        let past = |cookie: &str| cookie.contains("Max-Age=0") || cookie.contains("1970");
        let cleared = reply.set_cookies().into_iter().any(|cookie| cookie.starts_with("curfew=;") && past(cookie));
        assert!(cleared, "{:?}", reply.set_cookies());
        assert!(!app.is_live(&token).await);
    }

    /// What a sign-in answers is what the session says of itself afterwards.
    async fn a_sign_in_tells_who_and_until_when(app: TestApp) {
        let person = app.provision("ada").await;
        let answer = app.try_sign_in("acme", &person.email.to_uppercase(), PASSWORD).await.expect(200).json();
        let token = answer["token"].as_str().expect("a token");
        assert!(token.starts_with("cfs_"), "not a session token: {token}");
        assert_eq!(answer["user"]["id"], person.id);
        assert_eq!(answer["user"]["email"], person.email);
        assert_eq!(answer["user"]["role"], "member");
        assert_eq!(answer["workspace"]["slug"], "acme");
        assert_eq!(answer["session"]["method"], "password");
        assert_eq!(answer["session"]["ip"], "127.0.0.1");
        assert!(instant(&answer["session"]["idle_expires_at"]) <= instant(&answer["session"]["expires_at"]));
        let own = app.get(token, "/api/v1/session").await.expect(200).json();
        for part in ["user", "workspace"] {
            assert_eq!(own[part], answer[part]);
        }
        assert_eq!(own["session"]["id"], answer["session"]["id"]);
        assert_eq!(own["token"], Value::Null, "a session shows its own token again");
    }
}
