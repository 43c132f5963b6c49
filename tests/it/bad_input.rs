//! Whatever arrives, the answer is a clear refusal that names what is wrong, and nothing is half done. No 5xx, no panic:
//! that no answer is a 500 is judged in `support/http.rs` for every test.

use futures_util::stream;
use reqwest::{Body, Method};
use serde_json::{Value, json};

use crate::support::{OWNER, PASSWORD, TestApp, send};

/// Calls with a JSON body: method, path, a body that would be right.
fn calls() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::POST, "/api/v1/login", json!({"workspace": "acme", "email": OWNER, "password": PASSWORD})),
        (Method::POST, "/api/v1/reauthenticate", json!({"password": PASSWORD})),
        (Method::POST, "/api/v1/session/assertion", json!({"audience": "https://app.test"})),
        (Method::POST, "/api/v1/security/log-all-users-out", json!({"reason": "Only to be spoilt"})),
        (Method::POST, "/api/v1/sessions/revoke", json!({"filter": {"method": "saml"}, "reason": "Only to be spoilt"})),
        (Method::PUT, "/api/v1/security/ip-allowlist", json!({"mode": "off", "entries": []})),
        (Method::PUT, "/api/v1/security/saml", json!({"metadata_xml": "<a/>"})),
        (Method::POST, "/api/v1/scim-tokens", json!({"name": "x"})),
        (Method::POST, "/api/v1/api-keys", json!({"name": "x", "scopes": ["sessions:check"]})),
        (Method::POST, "/api/v1/users", json!({"email": "new@corp.test"})),
    ]
}

/// A body that is no JSON object of any of these calls.
fn rubbish() -> Vec<Vec<u8>> {
    let texts = [
        "",
        " ",
        "{oops",
        "{",
        "}",
        "[]",
        "null",
        "true",
        "42",
        "\"text\"",
        "{}{}",
        "{\"a\":}",
        "{'a':1}",
        "NaN",
        "{\"\\ud800\":1}",
        "\u{feff}{}",
        "<xml/>",
        "a=b&c=d",
    ];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push(b"{\"reason\":\"\xff\xfe\"}".to_vec());
    bodies.push(vec![0; 64]);
    bodies.push("[".repeat(100_000).into_bytes());
    bodies.push("{\"a\":".repeat(100_000).into_bytes());
    bodies
}

on_both_databases! {
    /// A body that doesn't parse is a 400 or 422 that names a field, on every call that takes one.
    async fn malformed_bodies_are_refused(app: TestApp) {
        let token = app.owner_token().await;
        for (method, path, _) in calls() {
            for body in rubbish() {
                let request =
                    app.request(method.clone(), path).bearer_auth(&token).header("content-type", "application/json");
                let reply = send(request.body(body)).await.expect_any(&[400, 422]);
                assert!(reply.problem()["field"].is_string(), "{path}: {}", reply.text);
            }
        }
        assert!(app.is_live(&token).await, "a malformed body logged somebody out");
    }

    /// Each member of the wrong type, and one that nobody knows, is named.
    async fn a_wrong_member_is_named(app: TestApp) {
        let token = app.owner_token().await;
        for (method, path, right) in calls() {
            let names: Vec<String> = right.as_object().expect("an object").keys().cloned().collect();
            for name in names {
                let mut body = right.clone();
                body[&name] = json!({"not": "this"});
                let reply = send(app.request(method.clone(), path).bearer_auth(&token).json(&body))
                    .await
                    .expect_any(&[400, 422]);
                let field = reply.problem()["field"].as_str().unwrap_or_default().to_owned();
                assert!(field.starts_with(&name), "{path}: {name} is wrong, {field:?} is blamed: {}", reply.text);
            }
            let mut body = right.clone();
            body["no_such_member"] = 1.into();
            send(app.request(method, path).bearer_auth(&token).json(&body)).await.expect_field("no_such_member");
        }
        assert!(app.is_live(&token).await);
    }

    /// JSON that says it is something else is not read; a form of another site can't pass as JSON.
    async fn other_media_types_are_refused(app: TestApp) {
        let token = app.owner_token().await;
        for (method, path, right) in calls() {
            for kind in [
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "application/xml",
                "application/jsonp",
                "json",
                "",
            ] {
                let request = app.request(method.clone(), path).bearer_auth(&token).header("content-type", kind);
                send(request.body(right.to_string())).await.expect_problem(415, "unsupported-media-type");
            }
            let bare = app.request(method, path).bearer_auth(&token).body(right.to_string());
            send(bare).await.expect_any(&[400, 415]).problem();
        }
        let login = json!({"workspace": "acme", "email": OWNER, "password": PASSWORD}).to_string();
        let charset =
            app.request(Method::POST, "/api/v1/login").header("content-type", "application/json; charset=utf-8");
        send(charset.body(login)).await.expect(200);
    }

    /// Bytes are counted, whether their number is announced or not. 1 MiB, 512 KiB for SAML.
    async fn oversized_bodies_are_refused(app: TestApp) {
        let token = app.owner_token().await;
        let announced = json!({"reason": "r".repeat(1_048_577)}).to_string();
        let request = app.request(Method::POST, "/api/v1/security/log-all-users-out").bearer_auth(&token);
        let request = request.header("content-type", "application/json").body(announced);
        send(request).await.expect_problem(413, "payload-too-large");
        for (path, kind, bytes) in [
            ("/api/v1/security/log-all-users-out", "application/json", 1_050_000),
            ("/api/v1/login", "application/json", 1_050_000),
            ("/scim/v2/Users", "application/scim+json", 1_050_000),
            ("/saml/acme/acs", "application/x-www-form-urlencoded", 530_000),
        ] {
            let credential = if path.starts_with("/scim") { app.home.scim_token.as_str() } else { token.as_str() };
            let chunks = (0..bytes / 10_000).map(|_| Ok::<_, std::io::Error>(vec![b' '; 10_000]));
            let request = app.request(Method::POST, path).bearer_auth(credential).header("content-type", kind);
            let reply = send(request.body(Body::wrap_stream(stream::iter(chunks)))).await;
            assert_eq!(reply.status, 413, "{path} read {bytes} bytes: {}", reply.text);
        }
        assert!(app.is_live(&token).await);
    }

    /// What doesn't exist is 404, what takes another method 405; in the words of whoever asks.
    async fn unknown_places_and_methods_are_refused(app: TestApp) {
        let token = app.owner_token().await;
        for path in [
            "/api/v1/nope",
            "/api/v1",
            "/api/v1/sessions/x/y/z",
            "/nope",
            "/api/v2/session",
            "/.env",
            "/metrics",
            "/healthz",
            "/readyz",
            "/debug",
            "/static/%2e%2e%2f%2e%2e%2fetc/passwd",
            "/static/..%5c..%5cetc",
            "/static/",
            "/static/nope.js",
            "/api/v1/users/%00",
            "/api/v1//session",
        ] {
            let reply = send(app.request(Method::GET, path).bearer_auth(&token)).await.expect_any(&[400, 404]);
            reply.problem();
        }
        send(app.request(Method::GET, "/nope").header("accept", "text/html")).await.expect(404);
        for (method, path) in [
            (Method::DELETE, "/api/v1/login"),
            (Method::GET, "/api/v1/login"),
            (Method::PUT, "/api/v1/session"),
            (Method::POST, "/api/v1/sessions"),
            (Method::PATCH, "/api/v1/security/policy"),
            (Method::POST, "/forward-auth/nginx"),
            (Method::TRACE, "/api/v1/session"),
        ] {
            let reply = send(app.request(method.clone(), path).bearer_auth(&token)).await;
            assert!([404, 405].contains(&reply.status), "{method} {path} answered {}: {}", reply.status, reply.text);
            reply.problem();
        }
        assert!(app.is_live(&token).await);
    }

    /// An unknown workspace is no different from a wrong password; on pages it is simply not there.
    async fn an_unknown_workspace_is_nobodys(app: TestApp) {
        app.try_sign_in("nowhere", OWNER, PASSWORD).await.expect_problem(401, "invalid-credentials");
        for workspace in ["", "acme/../globex", "acme%00", "acme\0", &"a".repeat(10_000), "🦀"] {
            app.try_sign_in(workspace, OWNER, PASSWORD).await.expect_any(&[400, 401, 422]).problem();
        }
        for email in [
            "",
            "@",
            "owner",
            "owner@corp.test\0",
            &"o".repeat(10_000),
            "ówner@corp.test",
            "owner@corp.test, other@corp.test",
        ] {
            app.try_sign_in("acme", email, PASSWORD).await.expect_any(&[400, 401, 422]).problem();
        }
        app.try_sign_in("acme", OWNER, &"p".repeat(100_000)).await.expect_any(&[400, 401, 422]).problem();
    }

    /// Headers that contradict themselves or can't be read, and queries that don't parse.
    async fn odd_headers_and_queries_are_refused(app: TestApp) {
        let token = app.owner_token().await;
        let path = "/api/v1/security/log-all-users-out";
        let body = json!({"reason": "Never carried out"});
        for key in ["", " ", &"k".repeat(10_000), "two words\tand a tab"] {
            let request =
                app.request(Method::POST, path).bearer_auth(&token).header("idempotency-key", key).json(&body);
            send(request).await.expect_any(&[200, 400, 422]);
        }
        let victim = app.owner_token().await;
        let twice =
            app.request(Method::POST, path).bearer_auth(&token).header("content-type", "text/plain").json(&body);
        let twice = twice.header("content-type", "application/json");
        send(twice).await.expect_any(&[400, 415]).problem();
        for (name, value) in [("if-match", "rubbish"), ("if-match", "W/\"x\"")] {
            let policy = app.get(&token, "/api/v1/security/policy").await.expect(200).json();
            let request = app
                .request(Method::PUT, "/api/v1/security/policy")
                .bearer_auth(&token)
                .header(name, value)
                .json(&policy);
            send(request).await.expect_any(&[400, 412]).problem();
        }
        for query in ["limit=-1", "limit=1e9", "limit=99999999999999999999", "after=%ff%fe", "created_before=%00"] {
            app.get(&token, &format!("/api/v1/sessions?{query}")).await.expect_any(&[400, 422]).problem();
        }
        assert!(app.is_live(&victim).await, "a refused request logged somebody out");
    }

    /// WEB-03: every answer, refusals too, forbids what a browser might do with it.
    async fn every_answer_is_safe_to_show(app: TestApp) {
        let token = app.owner_token().await;
        for path in [
            "/login",
            "/nope",
            "/api/v1/session",
            "/api/v1/nope",
            "/console",
            "/static/console.css",
            "/saml/nowhere/login",
            "/scim/v2/Users",
        ] {
            for credential in [Some(&token), None] {
                let mut request = app.request(Method::GET, path);
                if let Some(token) = credential {
                    request = request.bearer_auth(token);
                }
                let reply = send(request).await;
                assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
                assert!(
                    reply.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")),
                    "{path}"
                );
                assert!(reply.header("referrer-policy").is_some(), "{path}");
                assert!(reply.header("server").is_none(), "{path} names its server");
                assert!(reply.header("access-control-allow-origin").is_none(), "{path} lets other origins read");
                let kept = path.starts_with("/static/")
                    || reply.header("cache-control").is_some_and(|value| value.contains("no-store"));
                assert!(kept, "{path} may be cached: {:?}", reply.header("cache-control"));
            }
        }
    }
}
