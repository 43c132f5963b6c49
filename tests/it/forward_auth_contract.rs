//! The verdicts themselves, without a proxy: what each proxy sends by its documentation, and what it is answered. A 2xx if and
//! only if there is an identity, whatever a client sends.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Database, OTHER_OWNER, OWNER, PASSWORD, Reply, TestApp, send};

const IDENTITY: [&str; 7] = ["user", "email", "workspace", "role", "groups", "session", "assertion"];
const ENDPOINTS: [&str; 5] = [
    "/forward-auth/nginx",
    "/forward-auth/traefik",
    "/forward-auth/caddy",
    "/forward-auth/envoy/report",
    "/forward-auth/haproxy",
];
const PUBLIC: &str = "https://app.example.com";
const INSIDE: &str = "203.0.113.7";
const OUTSIDE: &str = "198.51.100.9";
const PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A server that knows its public address and believes the proxy at 127.0.0.1. Over TLS the cookie has its longer name.
async fn behind_a_proxy(database: Database) -> TestApp {
    TestApp::with(database, |config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
        config.public_url = PUBLIC.to_owned();
    })
    .await
}

fn cookie(token: &str) -> String {
    format!("theme=dark; __Host-curfew={token}")
}

/// Sends a question and judges what holds for every answer.
async fn judged(request: RequestBuilder) -> Reply {
    let reply = send(request).await;
    let named =
        |name: &str| reply.header(&format!("x-curfew-{name}")).unwrap_or_else(|| panic!("no {name}: {reply:?}"));
    let values = IDENTITY.map(named);
    let passes = (200..300).contains(&reply.status);
    assert_eq!(passes, !values[0].is_empty(), "a 2xx and an identity are not one: {reply:?}");
    assert!(passes || values.iter().all(|value| value.is_empty()), "a refusal names somebody: {reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
    assert!(reply.set_cookies().is_empty(), "{reply:?}");
    let size: usize = reply.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    assert!(size + reply.text.len() < 4096, "{size} bytes: {reply:?}");
    reply
}

/// Traefik's ForwardAuth: a GET with the client's headers (`authRequestHeaders`) and five of its own.
fn traefik(app: &TestApp, method: &str, host: &str, uri: &str) -> RequestBuilder {
    app.request(Method::GET, "/forward-auth/traefik")
        .header("x-forwarded-for", INSIDE)
        .header("x-forwarded-method", method)
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", host)
        .header("x-forwarded-uri", uri)
}

/// Caddy's forward_auth: a GET with all of the client's headers and its Host, and the client's query behind our path.
fn caddy(app: &TestApp, method: &str, host: &str, uri: &str) -> RequestBuilder {
    let query = uri.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    app.request(Method::GET, &format!("/forward-auth/caddy{query}"))
        .header("host", host)
        .header("x-forwarded-for", INSIDE)
        .header("x-forwarded-method", method)
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", host)
        .header("x-forwarded-uri", uri)
}

/// Envoy's ext_authz over HTTP: the client's method, Host and path, the path behind `path_prefix`; no body; the headers of
/// `allowed_headers`, and X-Forwarded-For, which it appended to.
fn envoy(app: &TestApp, method: &str, host: &str, uri: &str) -> RequestBuilder {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    app.request(method, &format!("/forward-auth/envoy{uri}"))
        .header("host", host)
        .header("content-length", "0")
        .header("x-forwarded-for", INSIDE)
        .header("x-forwarded-proto", "https")
}

/// How a proxy that hands our answer on puts the question.
type Question = fn(&TestApp, &str, &str, &str) -> RequestBuilder;
const HANDING_ON: [Question; 3] = [traefik, caddy, envoy];

async fn owner_inside(app: &TestApp) -> String {
    let body = json!({"workspace": "acme", "email": OWNER, "password": PASSWORD});
    let request = app.request(Method::POST, "/api/v1/login").json(&body).header("x-forwarded-for", INSIDE);
    send(request).await.expect(200).json()["token"].as_str().expect("a token").to_owned()
}

/// Only addresses like `INSIDE` may.
async fn enforce(app: &TestApp, token: &str) {
    let list = json!({
        "mode": "enforce",
        "entries": [{"cidr": "203.0.113.0/24", "label": "Office"}],
        "sessions": "keep",
        "confirm_lockout": true,
    });
    let request = app.request(Method::PUT, "/api/v1/security/ip-allowlist").bearer_auth(token).json(&list);
    send(request.header("x-forwarded-for", INSIDE)).await.expect(200);
}

/// What an assertion says, unverified.
fn claims(assertion: &str) -> Value {
    let payload = assertion.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(payload).unwrap_or_else(|error| panic!("no JWT: {assertion:?}: {error}"));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("no claims: {assertion:?}: {error}"))
}

/// Status and `X-Curfew-User` of an answer to raw bytes; every identity header must be there, empty or not.
async fn verdict(app: &TestApp, endpoint: &str, head: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).await.expect("the server listens");
    let mut request = format!("GET {endpoint} HTTP/1.1\r\nhost: curfew\r\nconnection: close\r\n").into_bytes();
    request.extend_from_slice(head);
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.expect("the server reads");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let status =
        answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let header = |name: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(&format!("x-curfew-{name}:")));
        line.unwrap_or_else(|| panic!("no x-curfew-{name} in {answer}")).trim().to_owned()
    };
    let values = IDENTITY.map(header);
    assert!(status == 200 || values.iter().all(String::is_empty), "a refusal names somebody: {answer}");
    (status, values[0].clone())
}

/// Heads that carry no valid session, some hundreds of them; `token` is a valid one that is sent in the wrong ways.
fn malformed(token: &str) -> Vec<Vec<u8>> {
    let mut heads: Vec<String> = Vec::new();
    for value in [
        "",
        "=",
        ";",
        ";;;",
        "curfew",
        "curfew=",
        "=curfew",
        "curfew==",
        "curfew=;",
        "curfew=\"\"",
        "curfew=%00",
        "curfew=cfs_",
        "curfew=null",
        "curfew=undefined",
        "curfew=true",
        "curfew=0",
        "curfew=[]",
        "curfew={}",
        "curfew=' OR 1=1 --",
        "curfew=../../etc",
    ] {
        heads.push(format!("cookie: {value}\r\n"));
        heads.push(format!("cookie: theme=dark; {value}; lang=en\r\n"));
        heads.push(format!("authorization: Bearer {value}\r\n"));
        heads.push(format!("authorization: {value}\r\n"));
    }
    for name in [
        "Curfew",
        "CURFEW",
        "curfew2",
        "xcurfew",
        "__Host-curfew",
        "__Secure-curfew",
        "curfew ",
        " \u{2000}curfew",
        "$curfew",
        "session",
    ] {
        heads.push(format!("cookie: {name}={token}\r\n"));
    }
    for value in [
        format!("\"{token}\""),
        format!("{token}x"),
        format!("x{token}"),
        token.to_uppercase(),
        token[..20].to_owned(),
        format!("{token}%00"),
        format!("{token},{token}"),
        format!("'{token}'"),
        token.replace("cfs_", "cfk_"),
    ] {
        heads.push(format!("cookie: curfew={value}\r\n"));
        heads.push(format!("authorization: Bearer {value}\r\n"));
        heads.push(format!("authorization: Basic {value}\r\n"));
    }
    for name in [
        "x-curfew-user",
        "x-curfew-session",
        "x-original-uri",
        "x-forwarded-user",
        "x-auth-request-user",
        "remote-user",
        "x-middleware-subrequest",
        "x-curfew-token",
        "x-session-token",
        "proxy-authorization",
        "x-api-key",
        "user-agent",
        "x-forwarded-for",
        "x-real-ip",
        "referer",
    ] {
        heads.push(format!("{name}: {token}\r\n"));
        heads.push(format!("{name}: owner\r\n"));
    }
    for length in [1, 10, 100, 1_000, 4_000] {
        heads.push(format!("cookie: curfew={}\r\n", "A".repeat(length)));
        heads.push(format!("cookie: curfew=cfs_{}\r\n", "-".repeat(length)));
        heads.push(format!("authorization: Bearer {}\r\n", "é".repeat(length)));
    }
    heads.push(format!("cookie: curfew={token}\r\ncookie: curfew={token}\r\n"));
    heads.push(format!("cookie: curfew={token}; curfew=other\r\n"));
    heads.push(format!("authorization: Bearer {token}\r\nauthorization: Bearer {token}\r\n"));
    heads.push(format!("authorization: Bearer cfs_other\r\ncookie: curfew={token}\r\n"));
    let mut heads: Vec<Vec<u8>> = heads.into_iter().map(String::into_bytes).collect();
    for byte in (0x80..=0xff_u8).chain([b'\t']) {
        heads.push([&b"cookie: curfew=cfs_"[..], &[byte; 48][..], &b"\r\n"[..]].concat());
    }
    heads
}

on_both_databases! {
    /// Whoever is signed in passes, whatever they ask for; a refusal says what the client can do about it.
    async fn proxies_that_hand_answers_on(database: Database) {
        let app = behind_a_proxy(database).await;
        let token = owner_inside(&app).await;
        for question in HANDING_ON {
            for method in ["GET", "POST", "DELETE", "OPTIONS"] {
                let asked = question(&app, method, "app.example.com", "/report?q=1").header("cookie", cookie(&token));
                let reply = judged(asked).await.expect(200);
                assert_eq!(reply.header("x-curfew-role"), Some("owner"));
                assert_eq!(reply.header("x-curfew-assertion"), Some(""), "an assertion that nobody asked for");
            }
            let refused = |method: &'static str, host: &'static str, uri: &'static str| question(&app, method, host, uri);
            let back = format!("{PUBLIC}/login?return_to=%2Freport%3Fq%3D1%26r%3Da%2520b");
            for (name, value) in [("accept", PAGE), ("sec-fetch-mode", "navigate")] {
                let page = refused("GET", "app.example.com", "/report?q=1&r=a%20b").header(name, value);
                assert_eq!(judged(page).await.expect(302).header("location"), Some(back.as_str()));
            }
            for (host, uri) in [("evil.example", "/report"), ("app.example.com", "//evil.example/")] {
                let page = refused("GET", host, uri).header("accept", PAGE);
                let reply = judged(page).await.expect(302);
                assert_eq!(reply.header("location"), Some(format!("{PUBLIC}/login").as_str()), "{host} {uri}");
            }
            for script in [
                refused("POST", "app.example.com", "/report").header("accept", PAGE),
                refused("GET", "app.example.com", "/report").header("accept", "application/json"),
                refused("GET", "app.example.com", "/report").header("accept", PAGE).header("sec-fetch-mode", "cors"),
                refused("GET", "app.example.com", "/report"),
            ] {
                let reply = judged(script).await.expect(401);
                assert!(reply.header("location").is_none() && reply.header("www-authenticate").is_some(), "{reply:?}");
            }
        }
    }

    /// Nobody but a trusted proxy says what was asked for, where, and by whom.
    async fn strangers_say_nothing_about_others(database: Database) {
        let app = TestApp::with(database, |config| config.public_url = PUBLIC.to_owned()).await;
        let token = app.owner_token().await;
        for question in HANDING_ON {
            let page = question(&app, "GET", "app.example.com", "/report").header("accept", PAGE);
            judged(page).await.expect(401);
        }
        enforce(&app, &token).await;
        for endpoint in ENDPOINTS {
            let asked = app.request(Method::GET, endpoint).bearer_auth(&token);
            judged(asked.header("x-forwarded-for", INSIDE).header("x-forwarded-for", "x")).await.expect(403);
        }
    }

    /// Each endpoint has its own words for the same verdict, and says each of them.
    async fn every_endpoint_says_every_verdict(database: Database) {
        let app = behind_a_proxy(database).await;
        let token = owner_inside(&app).await;
        enforce(&app, &token).await;
        for endpoint in ENDPOINTS {
            let ask = |address: &str| {
                app.request(Method::GET, endpoint).header("x-forwarded-for", address).header("accept", "*/*")
            };
            judged(ask(INSIDE)).await.expect(401);
            judged(ask(INSIDE).bearer_auth(&token)).await.expect(200);
            judged(ask(OUTSIDE).bearer_auth(&token)).await.expect(403);
            judged(ask("nowhere").bearer_auth(&token)).await.expect(403);
            judged(app.request(Method::GET, endpoint).bearer_auth(&token)).await.expect(403);
            let head = app.request(Method::HEAD, endpoint).header("x-forwarded-for", INSIDE).bearer_auth(&token);
            judged(head).await.expect(200);
        }
    }

    /// Two that contradict each other, or another spelling of one that counts, mean nothing.
    async fn ambiguous_headers_are_refused(database: Database) {
        let app = behind_a_proxy(database).await;
        let token = owner_inside(&app).await;
        for endpoint in ENDPOINTS {
            let ask = || app.request(Method::GET, endpoint).header("x-forwarded-for", INSIDE).bearer_auth(&token);
            judged(ask()).await.expect(200);
            for name in [
                "x_forwarded_for", "x-forwarded_for", "x_forwarded_host", "x_forwarded_uri", "x_forwarded_method",
                "x_curfew_user", "x-curfew_user", "x.curfew.user", "x_curfew_assertion", "x_real_ip",
            ] {
                judged(ask().header(name, INSIDE)).await.expect_field(name);
            }
            for name in ["x-forwarded-for", "x-forwarded-host", "x-forwarded-uri", "x-forwarded-method"] {
                let twice = ask().header(name, INSIDE).header(name, OUTSIDE);
                judged(twice).await.expect_field(name);
            }
        }
    }

    /// A signed assertion for the application that the operator named, and for nobody that a client names.
    async fn only_the_operator_names_the_audience(database: Database) {
        let app = behind_a_proxy(database).await;
        let token = owner_inside(&app).await;
        let ask = |path: &str| {
            let request = app.request(Method::GET, path).header("x-forwarded-for", INSIDE).bearer_auth(&token);
            request.header("x-forwarded-uri", "/report?audience=other")
        };
        for path in [
            "/forward-auth/nginx?audience=app.example.com",
            "/forward-auth/traefik?audience=app.example.com",
            "/forward-auth/haproxy?audience=app.example.com",
            "/forward-auth/caddy-for/app.example.com?audience=other",
            "/forward-auth/envoy-for/app.example.com/report?audience=other",
        ] {
            let reply = judged(ask(path)).await.expect(200);
            let assertion = reply.header("x-curfew-assertion").expect("judged").to_owned();
            assert_eq!(claims(&assertion)["aud"], "app.example.com", "{path}");
        }
        for path in ["/forward-auth/caddy?audience=other", "/forward-auth/envoy/report?audience=other"] {
            let reply = judged(ask(path)).await.expect(200);
            assert_eq!(reply.header("x-curfew-assertion"), Some(""), "a client asked for an assertion");
        }
        let long = "a".repeat(256);
        for wrong in ["", "a%20b", "%C3%A9", "%0A", long.as_str()] {
            for endpoint in ["nginx?audience=", "traefik?audience=", "haproxy?audience="] {
                judged(ask(&format!("/forward-auth/{endpoint}{wrong}"))).await.expect_field("audience");
            }
        }
        judged(ask("/forward-auth/caddy-for/a%20b")).await.expect_field("audience");
        judged(ask("/forward-auth/envoy-for/a%20b/report")).await.expect_field("audience");
        judged(ask("/forward-auth/nginx?audience=a&audience=a")).await.expect_field("audience");
        judged(ask("/forward-auth/nginx?audiance=a")).await.expect_field("audiance");
    }

    /// An authority that can't know lets nobody pass, and says when to come again.
    async fn what_cannot_be_judged_is_refused(database: Database) {
        let app = behind_a_proxy(database).await;
        let token = owner_inside(&app).await;
        app.sql("ALTER TABLE replica RENAME TO replica_elsewhere").await;
        app.advance(60);
        for endpoint in ENDPOINTS {
            let ask = |path: &str| app.request(Method::GET, path).header("x-forwarded-for", INSIDE).bearer_auth(&token);
            let reply = judged(ask(endpoint)).await.expect(503);
            assert!(reply.header("retry-after").is_some(), "{reply:?}");
        }
        let asked = app.request(Method::GET, "/forward-auth/nginx?unavailable=403").header("x-forwarded-for", INSIDE);
        judged(asked.bearer_auth(&token)).await.expect(403);
    }

    /// CVE-2026-25748's class: hundreds of malformed cookies and headers, and not one 2xx, nor anything that a proxy
    /// could take for one.
    async fn only_an_identity_is_a_yes(app: TestApp) {
        let token = app.owner_token().await;
        for endpoint in ENDPOINTS {
            for head in malformed(&token) {
                let (status, user) = verdict(&app, endpoint, &head).await;
                let shown = String::from_utf8_lossy(&head).into_owned();
                assert!([401, 403].contains(&status), "{endpoint} answered {status} for {user:?} to {shown:?}");
            }
        }
        let own = app.get(&token, "/api/v1/session").await.expect(200).json();
        let own = own["user"]["id"].as_str().expect("an id");
        for endpoint in ENDPOINTS {
            for head in [
                format!("cookie: curfew={token}\r\n"),
                format!("authorization: Bearer {token}\r\n"),
                format!("Authorization: bearer {token}\r\n"),
            ] {
                assert_eq!(verdict(&app, endpoint, head.as_bytes()).await, (200, own.to_owned()));
            }
            for secret in [app.home.scim_token.clone(), app.api_key(&token).await] {
                assert_eq!(verdict(&app, endpoint, format!("authorization: Bearer {secret}\r\n").as_bytes()).await.0, 401);
            }
        }
        app.post(&token, "/api/v1/logout", json!({})).await.expect(204);
        for endpoint in ENDPOINTS {
            assert_eq!(verdict(&app, endpoint, format!("cookie: curfew={token}\r\n").as_bytes()).await.0, 401);
        }
    }

    /// An answer says which workspace: one proxy may serve several. And there are five endpoints, no more.
    async fn an_answer_says_which_workspace(app: TestApp) {
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        for endpoint in ENDPOINTS {
            let reply = judged(app.request(Method::GET, endpoint).bearer_auth(&stranger)).await.expect(200);
            assert_eq!(reply.header("x-curfew-workspace"), Some("globex"));
            assert_eq!(reply.header("x-curfew-role"), Some("owner"));
        }
        for other in ["/forward-auth/", "/forward-auth/nginx/x", "/forward-auth/unknown", "/forward-auth/caddy-for/"] {
            judged(app.request(Method::GET, other).bearer_auth(&stranger)).await.expect(404);
        }
        send(app.request(Method::GET, "/forward-auth").bearer_auth(&stranger)).await.expect(404);
    }
}
