//! Reverse proxies ask about every request: real ones, with the shipped configurations, in front of an application that
//! believes its proxy. The same scenarios for each of them.

use std::net::IpAddr;

use reqwest::{Client, Method};
use serde_json::json;

use crate::support::application::Application;
use crate::support::http::{client, client_from};
use crate::support::proxy::{Kind, Proxy, Reserved};
use crate::support::{Database, Reply, TestApp, send};

/// The product, the application and the proxy between them.
struct Scene {
    app: TestApp,
    application: Application,
    proxy: Proxy,
}

impl Scene {
    async fn start(kind: Kind, database: Database) -> Self {
        let reserved = Reserved::new();
        let public_url = reserved.url();
        let app = TestApp::with(database, |config| {
            config.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
            config.public_url = public_url;
        })
        .await;
        let application = Application::start().await;
        let proxy = Proxy::start(kind, reserved, &app.base, &application).await;
        Self { app, application, proxy }
    }

    /// `GET /report?q=1` through the proxy.
    async fn ask(&self, headers: &[(&str, &str)]) -> Reply {
        self.ask_as(&client(), headers).await
    }

    async fn ask_as(&self, client: &Client, headers: &[(&str, &str)]) -> Reply {
        let request = client.get(self.proxy.url("/report?q=1"));
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// How many requests reached the application.
    fn reached(&self) -> usize {
        self.application.seen().len()
    }
}

/// Of `async fn name(scene: Scene) { … }` the tests `name::nginx`, `name::caddy` and `name::haproxy` on both databases.
macro_rules! behind_every_proxy {
    ($($(#[$about:meta])* async fn $name:ident($scene:ident: Scene) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$about])*
            async fn behind($scene: Scene) $body

            on_both_databases! {
                async fn nginx(database: Database) {
                    behind(Scene::start(Kind::Nginx, database).await).await;
                }
                async fn caddy(database: Database) {
                    behind(Scene::start(Kind::Caddy, database).await).await;
                }
                async fn haproxy(database: Database) {
                    behind(Scene::start(Kind::HaProxy, database).await).await;
                }
            }
        }
    )*};
}

/// What a client sends that would be somebody else, in every spelling, or somewhere else.
const EVIL: [(&str, &str); 17] = [
    ("X-Curfew-User", "evil"),
    ("x-curfew-email", "evil@corp.test"),
    ("X-CURFEW-ROLE", "evil-owner"),
    ("X_Curfew_User", "evil"),
    ("x_curfew_email", "evil"),
    ("X-Curfew_Role", "evil"),
    ("X.Curfew.Role", "evil"),
    ("X-Curfew-Groups", "evil"),
    ("X-Curfew-Assertion", "evil"),
    ("X-Forwarded-For", "6.6.6.6"),
    ("X_Forwarded_For", "6.6.6.6"),
    ("X-Real-IP", "6.6.6.6"),
    ("Forwarded", "for=6.6.6.6"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Uri", "/evil"),
    ("X-Forwarded-Method", "EVIL"),
    // Headers that are to be dropped on the way.
    ("Connection", "X-Curfew-User, X-Curfew-Role, X-Forwarded-For"),
];

/// The application was not reached: the way to sign in, or a plain 401 or 403.
#[track_caller]
fn turned_away(reply: &Reply) {
    let to_sign_in = reply.status == 302 && reply.header("location").is_some_and(|to| to.contains("/login"));
    assert!(to_sign_in || [401, 403].contains(&reply.status), "{} {:?} {}", reply.status, reply.headers, reply.text);
}

behind_every_proxy! {
    /// Whoever is signed in reaches the application, which learns who it is from the proxy and from nobody else.
    async fn the_application_learns_who_it_is(scene: Scene) {
        let person = scene.app.provision("ada").await;
        let token = scene.app.sign_in(&person.email).await;
        turned_away(&scene.ask(&[]).await);
        turned_away(&scene.ask(&EVIL).await);
        turned_away(&scene.ask(&[("cookie", "curfew=cfs_wrong")]).await);
        assert_eq!(scene.reached(), 0, "somebody got through without a session: {:?}", scene.application.seen());
        // A second cookie of the other name is a decoy: an application could have set it.
        let cookie = format!("theme=dark; curfew={token}; __Host-curfew=decoy; lang=en");
        let bearer = format!("Bearer {token}");
        for carried in [("cookie", cookie.as_str()), ("authorization", bearer.as_str())] {
            let headers: Vec<(&str, &str)> = EVIL.into_iter().chain([carried]).collect();
            assert_eq!(scene.ask(&headers).await.expect(200).text, "hello");
        }
        let seen = scene.application.seen();
        assert_eq!(seen.len(), 2);
        for request in &seen {
            let head = request.head.to_ascii_lowercase();
            for wanted in [
                format!("x-curfew-user: {}", person.id),
                format!("x-curfew-email: {}", person.email),
                "x-curfew-workspace: acme".to_owned(),
                "x-curfew-role: member".to_owned(),
                "x-forwarded-for: 127.0.0.1".to_owned(),
            ] {
                assert_eq!(head.matches(&format!("\r\n{wanted}\r\n")).count(), 1, "no {wanted} in {head}");
            }
            assert!(!head.contains("evil") && !head.contains("6.6.6.6"), "a client's own header got through: {head}");
            assert!(!head.contains("cfs_"), "the application gets the session itself: {head}");
        }
        assert!(
            seen[0].head.contains("theme=dark") && seen[0].head.contains("lang=en"),
            "its own cookies are lost: {}",
            seen[0].head
        );
    }

    /// The application's own Authorization is its own, beside a session.
    async fn the_applications_own_credentials_reach_it(scene: Scene) {
        let cookie = format!("curfew={}", scene.app.owner_token().await);
        for own in ["Basic YWRhOng=", "Bearer its-own"] {
            scene.ask(&[("cookie", cookie.as_str()), ("authorization", own)]).await.expect(200);
            let seen = scene.application.seen().pop().expect("it got through").head;
            assert!(seen.contains(own) && !seen.contains("cfs_"), "{seen}");
        }
    }

    /// A person who opens a page is led to the sign-in and back; a script gets an answer that it can read.
    async fn a_page_leads_to_the_sign_in(scene: Scene) {
        let reply = scene.ask(&[("accept", "text/html,application/xhtml+xml;q=0.9")]).await.expect(302);
        let location = reply.header("location").expect("a redirect leads somewhere");
        let location = location.strip_prefix(&scene.proxy.url("")).unwrap_or(location);
        assert!(["/login?return_to=/report?q=1", "/login?return_to=%2Freport%3Fq%3D1"].contains(&location), "{location}");
        send(client().get(scene.proxy.url(location)).header("accept", "text/html")).await.expect(200);
        let form = client().post(scene.proxy.url("/report")).header("accept", "text/html").body("x=1");
        send(form).await.expect(401);
        assert_eq!(scene.reached(), 0);
    }

    /// The moment that everybody is logged out, the next request of the others is turned away; the caller's isn't.
    async fn the_next_request_after_a_log_out_is_refused(scene: Scene) {
        let person = scene.app.provision("ada").await;
        let (owner, token) = (scene.app.owner_token().await, scene.app.sign_in(&person.email).await);
        let (mine, theirs) = (format!("curfew={owner}"), format!("curfew={token}"));
        for cookie in [&mine, &theirs] {
            scene.ask(&[("cookie", cookie.as_str())]).await.expect(200);
        }
        scene.app.log_all_users_out(&owner, "The proxy must notice").await;
        turned_away(&scene.ask(&[("cookie", theirs.as_str())]).await);
        let post = send(client().post(scene.proxy.url("/report")).header("cookie", &theirs).body("x")).await;
        assert_eq!(post.status, 401, "a form is sent to a page");
        assert_eq!(scene.reached(), 2, "a request got through after the log-out");
        scene.ask(&[("cookie", mine.as_str())]).await.expect(200);
        scene.app.set_active(&person.id, false).await.expect_any(&[200, 204]);
        turned_away(&scene.ask(&[("cookie", theirs.as_str())]).await);
    }

    /// A dead authority lets nobody through.
    async fn without_an_answer_nobody_passes(scene: Scene) {
        let cookie = format!("curfew={}", scene.app.owner_token().await);
        scene.ask(&[("cookie", cookie.as_str())]).await.expect(200);
        let Scene { app, application, proxy } = scene;
        let home = app.stop().await;
        let request = client().get(proxy.url("/report")).header("cookie", &cookie);
        let reply = request.send().await.expect("the proxy answers");
        assert!(reply.status().is_server_error(), "{} without an authority", reply.status());
        assert_eq!(application.seen().len(), 1);
        drop(home);
    }

    /// The question has no body, and takes none away from the application.
    async fn a_body_arrives_as_it_was_sent(scene: Scene) {
        let cookie = format!("curfew={}", scene.app.owner_token().await);
        let body: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[usize::from(number % 2 == 1)]).collect();
        for method in [Method::POST, Method::PUT] {
            let request = client().request(method.clone(), scene.proxy.url("/upload")).header("cookie", &cookie);
            send(request.header("content-type", "application/octet-stream").body(body.clone())).await.expect(200);
            let seen = scene.application.seen().pop().expect("it got through");
            assert!(seen.head.starts_with(&format!("{method} /upload HTTP/1.1\r\n")), "{}", seen.head);
            assert!(seen.head.contains("application/octet-stream"), "{}", seen.head);
            assert!(seen.body == body, "{} of {} bytes arrived, or others", seen.body.len(), body.len());
        }
    }

    /// The client's own address is judged, whatever the client says of it.
    async fn an_address_outside_the_allowlist_is_refused(scene: Scene) {
        let [inside, outside] = ["127.0.0.2", "127.0.0.3"];
        let owner = scene.app.owner_token().await;
        let list = json!({
            "mode": "enforce",
            "entries": [{"cidr": format!("{inside}/32"), "label": "Office"}],
            "sessions": "keep",
        });
        let path = "/api/v1/security/ip-allowlist";
        let request = scene.app.request(Method::PUT, path).bearer_auth(&owner).json(&list);
        send(request.header("x-forwarded-for", inside)).await.expect(200);
        let cookie = format!("curfew={owner}");
        let [near, far] = [inside, outside].map(|from| client_from(from.parse::<IpAddr>().expect("an address")));
        scene.ask_as(&near, &[("cookie", cookie.as_str())]).await.expect(200);
        for claim in ["", inside] {
            let headers = [("cookie", cookie.as_str()), ("x-forwarded-for", claim), ("x-real-ip", claim)];
            scene.ask_as(&far, &headers).await.expect(403);
        }
        assert_eq!(scene.reached(), 1);
    }
}
