//! A reverse proxy asks about every request: a real nginx with the shipped configuration, in front of an application that
//! believes its proxy. And the verdict itself: a 2xx if and only if there is an identity, whatever a client sends.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::client;
use crate::support::nginx::{Application, Nginx};
use crate::support::{Database, OTHER_OWNER, Reply, TestApp, send};

const IDENTITY: [&str; 7] = ["user", "email", "workspace", "role", "groups", "session", "assertion"];

/// The product, the application and the proxy between them.
async fn behind_nginx(database: Database) -> (TestApp, Application, Nginx) {
    let app =
        TestApp::with(database, |config| config.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")])
            .await;
    let application = Application::start().await;
    let nginx = Nginx::start(&app.base, &application).await;
    (app, application, nginx)
}

async fn through(nginx: &Nginx, headers: &[(&str, &str)]) -> Reply {
    let request = headers
        .iter()
        .fold(client().get(nginx.url("/report?q=1")), |request, (name, value)| request.header(*name, *value));
    send(request).await
}

/// The application was not reached: the way to sign in, or a plain 401 or 403.
#[track_caller]
fn turned_away(reply: &Reply) {
    let to_sign_in = reply.status == 302 && reply.header("location").is_some_and(|to| to.contains("/login?return_to="));
    assert!(to_sign_in || [401, 403].contains(&reply.status), "{} {:?} {}", reply.status, reply.headers, reply.text);
}

/// Status and `X-Curfew-User` of an answer to raw bytes; every identity header must be there, empty or not.
async fn verdict(app: &TestApp, head: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).await.expect("the server listens");
    let mut request = b"GET /forward-auth/nginx HTTP/1.1\r\nhost: curfew\r\nconnection: close\r\n".to_vec();
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
    /// Whoever is signed in reaches the application, which learns who it is from the proxy and from nobody else.
    async fn the_application_learns_who_it_is(database: Database) {
        let (app, application, nginx) = behind_nginx(database).await;
        let person = app.provision("ada").await;
        let token = app.sign_in(&person.email).await;
        turned_away(&through(&nginx, &[]).await);
        turned_away(&through(&nginx, &[("cookie", "curfew=cfs_wrong")]).await);
        assert!(application.seen().is_empty(), "somebody got through without a session: {:?}", application.seen());
        let cookie = format!("theme=dark; curfew={token}; lang=en");
        let bearer = format!("Bearer {token}");
        let evil = [
            ("X-Curfew-User", "evil"),
            ("x-curfew-email", "evil@corp.test"),
            ("X-CURFEW-ROLE", "evil-owner"),
            ("X_Curfew_User", "evil"),
            ("x_curfew_email", "evil"),
            ("X-Curfew_Role", "evil"),
            ("X-Curfew-Groups", "evil"),
            ("X-Curfew-Assertion", "evil"),
            ("X-Forwarded-For", "6.6.6.6"),
        ];
        for carried in [("cookie", cookie.as_str()), ("authorization", bearer.as_str())] {
            let headers: Vec<(&str, &str)> = evil.into_iter().chain([carried]).collect();
            let reply = through(&nginx, &headers).await.expect(200);
            assert_eq!(reply.text, "hello");
        }
        let seen = application.seen();
        assert_eq!(seen.len(), 2);
        for head in seen {
            let head = head.to_ascii_lowercase();
            for wanted in [
                format!("x-curfew-user: {}", person.id),
                format!("x-curfew-email: {}", person.email),
                "x-curfew-workspace: acme".to_owned(),
                "x-curfew-role: member".to_owned(),
            ] {
                assert_eq!(head.matches(&format!("\r\n{wanted}\r\n")).count(), 1, "no {wanted} in {head}");
            }
            assert!(!head.contains("evil") && !head.contains("6.6.6.6"), "a client's own header got through: {head}");
            assert!(!head.contains("cfs_"), "the application gets the session itself: {head}");
        }
        assert!(
            application.seen()[0].contains("theme=dark") && application.seen()[0].contains("lang=en"),
            "its own cookies are lost"
        );
    }

    /// The moment that everybody is logged out, the next request of the others is turned away; the caller's isn't.
    async fn the_next_request_after_a_log_out_is_refused(database: Database) {
        let (app, application, nginx) = behind_nginx(database).await;
        let person = app.provision("ada").await;
        let (owner, token) = (app.owner_token().await, app.sign_in(&person.email).await);
        let (mine, theirs) = (format!("curfew={owner}"), format!("curfew={token}"));
        for cookie in [&mine, &theirs] {
            through(&nginx, &[("cookie", cookie.as_str())]).await.expect(200);
        }
        app.log_all_users_out(&owner, "The proxy must notice").await;
        turned_away(&through(&nginx, &[("cookie", theirs.as_str())]).await);
        let post = send(client().post(nginx.url("/report")).header("cookie", &theirs).body("x")).await;
        assert_eq!(post.status, 401, "a form is sent to a page");
        assert_eq!(application.seen().len(), 2, "a request got through after the log-out");
        through(&nginx, &[("cookie", mine.as_str())]).await.expect(200);
        app.set_active(&person.id, false).await.expect_any(&[200, 204]);
        turned_away(&through(&nginx, &[("cookie", theirs.as_str())]).await);
    }

    /// A dead authority lets nobody through.
    async fn without_an_answer_nobody_passes(database: Database) {
        let (app, application, nginx) = behind_nginx(database).await;
        let cookie = format!("curfew={}", app.owner_token().await);
        through(&nginx, &[("cookie", cookie.as_str())]).await.expect(200);
        let home = app.stop().await;
        let reply = client().get(nginx.url("/report")).header("cookie", &cookie).send().await.expect("nginx answers");
        assert!(reply.status().is_server_error(), "nginx answered {} without an authority", reply.status());
        assert_eq!(application.seen().len(), 1);
        drop(home);
    }

    /// CVE-2026-25748's class: hundreds of malformed cookies and headers, and not one 2xx, nor anything that a proxy
    /// could take for one.
    async fn only_an_identity_is_a_yes(app: TestApp) {
        let token = app.owner_token().await;
        for head in malformed(&token) {
            let (status, user) = verdict(&app, &head).await;
            let shown = String::from_utf8_lossy(&head).into_owned();
            assert!([401, 403].contains(&status), "answered {status} for {user:?} to {shown:?}");
        }
        let own = app.get(&token, "/api/v1/session").await.expect(200).json();
        for head in [
            format!("cookie: curfew={token}\r\n"),
            format!("authorization: Bearer {token}\r\n"),
            format!("Authorization: bearer {token}\r\n"),
        ] {
            assert_eq!(
                verdict(&app, head.as_bytes()).await,
                (200, own["user"]["id"].as_str().expect("an id").to_owned())
            );
        }
        for secret in [app.home.scim_token.clone(), app.api_key(&token).await] {
            assert_eq!(verdict(&app, format!("authorization: Bearer {secret}\r\n").as_bytes()).await.0, 401);
        }
        app.post(&token, "/api/v1/logout", json!({})).await.expect(204);
        assert_eq!(verdict(&app, format!("cookie: curfew={token}\r\n").as_bytes()).await.0, 401);
    }

    /// An answer is small and is never kept, and says which workspace: one proxy may serve several.
    async fn an_answer_is_small_and_never_cached(app: TestApp) {
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let request = app.request(Method::GET, "/forward-auth/nginx").bearer_auth(&stranger);
        let reply = send(request).await.expect(200);
        assert_eq!(reply.header("x-curfew-workspace"), Some("globex"));
        assert_eq!(reply.header("x-curfew-role"), Some("owner"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let size: usize = reply.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        assert!(size + reply.text.len() < 4096, "{size} bytes");
        for other in ["/forward-auth", "/forward-auth/", "/forward-auth/nginx/x", "/forward-auth/unknown"] {
            send(app.request(Method::GET, other).bearer_auth(&stranger)).await.expect(404);
        }
    }
}
