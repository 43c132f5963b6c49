//! What a session token is worth: the whole of it, once, in one place of a request, from our own pages.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::{Database, OWNER, PASSWORD, TestApp, send};

/// Tokens that look like `token` and aren't.
fn lookalikes(token: &str) -> Vec<String> {
    let mut found: Vec<String> = (0..token.len()).map(|length| token[..length].to_owned()).collect();
    for (index, byte) in token.bytes().enumerate() {
        for other in [b'A', b'b', b'7', b'_', byte ^ 0x20] {
            if other != byte && other.is_ascii_graphic() {
                let mut changed = token.as_bytes().to_vec();
                changed[index] = other;
                found.push(String::from_utf8(changed).expect("ASCII stays ASCII"));
            }
        }
    }
    for tail in ["x", "=", "==", "A", "%00", ".", "/", "+", "cfs_"] {
        found.push(format!("{token}{tail}"));
    }
    found.extend([token.to_uppercase(), token.to_lowercase(), format!("cfs_{token}"), token.replace("cfs_", "cfk_")]);
    found.extend([format!("\"{token}\""), format!("{token},{token}"), token.chars().rev().collect()]);
    found.retain(|candidate| candidate != token);
    found
}

fn session(app: &TestApp) -> RequestBuilder {
    app.request(Method::GET, "/api/v1/session")
}

on_both_databases! {
    /// SES-01, SES-03: nothing but the whole token is a token.
    async fn a_changed_token_is_no_token(app: TestApp) {
        let token = app.owner_token().await;
        for changed in lookalikes(&token) {
            let reply = send(session(&app).header("authorization", format!("Bearer {changed}"))).await;
            assert_eq!(reply.status, 401, "accepted as bearer: {changed:?} for {token:?}");
            let reply = send(session(&app).header("cookie", format!("curfew={changed}"))).await;
            assert!([400, 401].contains(&reply.status), "accepted as cookie: {changed:?} for {token:?}");
        }
        assert!(app.is_live(&token).await);
    }

    /// Cookie and bearer are two ways to carry one session.
    async fn a_session_is_carried_by_cookie_or_bearer(app: TestApp) {
        let reply = app.try_sign_in("acme", OWNER, PASSWORD).await.expect(200);
        let cookies = reply.set_cookies();
        assert_eq!(cookies.len(), 1, "{cookies:?}");
        let parts: Vec<&str> = cookies[0].split("; ").collect();
        for wanted in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(parts.contains(&wanted), "the cookie lacks {wanted}: {parts:?}");
        }
        assert!(!parts.iter().any(|part| part.starts_with("Domain") || *part == "Secure"), "{parts:?}");
        let pair = parts[0].to_owned();
        assert!(pair.starts_with("curfew="), "{pair}");
        let by_cookie = send(session(&app).header("cookie", pair)).await.expect(200).json();
        let by_bearer =
            app.get(reply.json()["token"].as_str().expect("a token"), "/api/v1/session").await.expect(200).json();
        assert_eq!(by_cookie["session"]["id"], by_bearer["session"]["id"]);
        assert_eq!(reply.header("cache-control"), Some("no-store"), "a token may be cached");
    }

    /// WEB-01: where people come by TLS, the cookie can't be set by a neighbour or read on the way.
    async fn by_tls_the_cookie_has_the_host_prefix(database: Database) {
        let app = TestApp::with(database, |config| config.public_url = "https://id.corp.test".into()).await;
        let body = json!({"workspace": "acme", "email": OWNER, "password": PASSWORD});
        let login = app.request(Method::POST, "/api/v1/login").header("host", "id.corp.test").json(&body);
        let reply = send(login).await.expect(200);
        let cookie = reply.set_cookies().first().expect("a cookie").to_string();
        assert!(cookie.starts_with("__Host-curfew=cfs_"), "{cookie}");
        for wanted in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(wanted), "the cookie lacks {wanted}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        let token = reply.json()["token"].as_str().expect("a token").to_owned();
        let check =
            |name: &str| session(&app).header("host", "id.corp.test").header("cookie", format!("{name}={token}"));
        assert_eq!(send(check("__Host-curfew")).await.status, 200);
        for name in ["curfew", "__host-curfew", "__Host-Curfew", "__Secure-curfew"] {
            assert_eq!(send(check(name)).await.status, 401, "a cookie named {name} is believed");
        }
    }

    /// Two answers to "who are you?" are none: a proxy and we might each believe another.
    async fn contradictory_credentials_are_refused(app: TestApp) {
        let (first, second) = (app.owner_token().await, app.owner_token().await);
        let cases = [
            ("two cookies in one header", session(&app).header("cookie", format!("curfew={first}; curfew={second}"))),
            ("the same cookie twice", session(&app).header("cookie", format!("curfew={first}; curfew={first}"))),
            ("a cookie and an empty one", session(&app).header("cookie", format!("curfew=; curfew={first}"))),
            (
                "two cookie headers",
                session(&app).header("cookie", format!("curfew={first}")).header("cookie", format!("curfew={second}")),
            ),
            ("two authorizations", session(&app).bearer_auth(&first).bearer_auth(&second)),
            ("the same authorization twice", session(&app).bearer_auth(&first).bearer_auth(&first)),
            (
                "cookie and another bearer",
                session(&app).bearer_auth(&first).header("cookie", format!("curfew={second}")),
            ),
        ];
        for (what, request) in cases {
            let reply = send(request).await;
            assert!([400, 401].contains(&reply.status), "{what} answered {}", reply.status);
            reply.problem();
        }
        assert_eq!(app.live(&[first, second]).await, 2, "a refused request ended a session");
    }

    /// Other secrets and other schemes open nothing here.
    async fn only_a_session_token_is_a_session(app: TestApp) {
        let token = app.owner_token().await;
        let key = app.api_key(&token).await;
        for wrong in [&app.home.scim_token, &key] {
            app.get(wrong, "/api/v1/session").await.expect(401);
            app.get(wrong, "/api/v1/users").await.expect_any(&[401, 403]);
        }
        for header in
            [format!("Basic {token}"), token.clone(), "Bearer".to_owned(), "Bearer ".to_owned(), String::new()]
        {
            let reply = send(session(&app).header("authorization", &header)).await;
            assert_eq!(reply.status, 401, "accepted: {header:?}");
        }
        let in_url =
            send(app.request(Method::GET, &format!("/api/v1/session?token={token}&access_token={token}"))).await;
        assert!([400, 401, 422].contains(&in_url.status), "a token in the address is believed");
        for (reply, scope) in [
            (app.post(&token, "/api/v1/sessions/check", json!({"token": token})).await, "sessions:check"),
            (app.get(&token, "/api/v1/revocations/stream").await, "revocations:read"),
        ] {
            let wanted = format!("this takes an API key (cfk_…) with the scope {scope}, not a session");
            assert_eq!(reply.expect_problem(401, "not-signed-in")["detail"], wanted);
        }
    }

    /// SES-04: a token is made at sign-in; one that was there before never becomes a session.
    async fn a_token_cannot_be_chosen_beforehand(app: TestApp) {
        let chosen = format!("cfs_{}", "A".repeat(48));
        let body = json!({"workspace": "acme", "email": OWNER, "password": PASSWORD});
        let login = app.request(Method::POST, "/api/v1/login").header("cookie", format!("curfew={chosen}")).json(&body);
        let token = send(login).await.expect(200).json()["token"].as_str().expect("a token").to_owned();
        assert_ne!(token, chosen);
        assert!(!app.is_live(&chosen).await);
        let again = app.owner_token().await;
        assert_ne!(token, again, "two sign-ins share a token");
    }

    /// WEB-04: a browser sends its cookie along with what other sites post; that must change nothing.
    async fn a_cookie_is_not_enough_from_another_site(app: TestApp) {
        let token = app.owner_token().await;
        let from = |name: &'static str, value: &'static str| {
            let request = app.request(Method::POST, "/api/v1/logout").header("cookie", format!("curfew={token}"));
            request.header(name, value).json(&json!({}))
        };
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1.evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            send(from(name, value)).await.expect_problem(403, "csrf");
        }
        assert!(app.is_live(&token).await, "another site logged somebody out");
    }
}
