//! The IP allowlist: judged at sign-in and at every check, with the client's true address. Behind a trusted proxy that is
//! what the proxy says; from anybody else forwarding headers are noise.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::people::only_inactive;
use crate::support::{Database, OWNER, PASSWORD, Reply, TestApp, send};

const PATH: &str = "/api/v1/security/ip-allowlist";
const INSIDE: &str = "203.0.113.7";
const OUTSIDE: &str = "198.51.100.9";

/// A server that believes forwarding headers of 127.0.0.1, as behind a local proxy.
async fn behind_a_proxy(database: Database) -> TestApp {
    TestApp::with(database, |config| config.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")]).await
}

fn from(request: RequestBuilder, address: &str) -> RequestBuilder {
    request.header("x-forwarded-for", address)
}

async fn session_from(app: &TestApp, token: &str, address: &str) -> Reply {
    send(from(app.request(Method::GET, "/api/v1/session").bearer_auth(token), address)).await
}

async fn sign_in_from(app: &TestApp, address: &str) -> Reply {
    let body = json!({"workspace": "acme", "email": OWNER, "password": PASSWORD});
    send(from(app.request(Method::POST, "/api/v1/login").json(&body), address)).await
}

async fn put_from(app: &TestApp, token: &str, address: &str, body: Value) -> Reply {
    send(from(app.request(Method::PUT, PATH).bearer_auth(token).json(&body), address)).await
}

/// What the server believes the caller's address to be.
async fn believed(request: RequestBuilder) -> Value {
    send(request).await.expect(200).json()["your_ip"].clone()
}

fn office(mode: &str) -> Value {
    json!({"mode": mode, "entries": [{"cidr": "203.0.113.0/24", "label": "Office"}], "sessions": "keep"})
}

async fn owner_inside(app: &TestApp) -> String {
    sign_in_from(app, INSIDE).await.expect(200).json()["token"].as_str().expect("a token").to_owned()
}

on_both_databases! {
    /// Off and report let everybody pass; enforce refuses at sign-in and at every check, and ends nothing for good.
    async fn enforcing_holds_at_every_check(database: Database) {
        let app = behind_a_proxy(database).await;
        let token = owner_inside(&app).await;
        for mode in ["off", "report"] {
            put_from(&app, &token, INSIDE, office(mode)).await.expect(200);
            session_from(&app, &token, OUTSIDE).await.expect(200);
            sign_in_from(&app, OUTSIDE).await.expect(200);
        }
        let set = put_from(&app, &token, INSIDE, office("enforce")).await.expect(200).json();
        assert_eq!(
            (&set["mode"], &set["allows_you"], &set["your_ip"]),
            (&json!("enforce"), &json!(true), &json!(INSIDE))
        );
        session_from(&app, &token, INSIDE).await.expect(200);
        session_from(&app, &token, OUTSIDE).await.expect_problem(403, "ip-not-allowed");
        sign_in_from(&app, OUTSIDE).await.expect_problem(403, "ip-not-allowed");
        let verdict = app.request(Method::GET, "/forward-auth/nginx").bearer_auth(&token);
        let refused = send(from(verdict, OUTSIDE)).await.expect(403);
        assert!(refused.header("x-curfew-user").is_none_or(str::is_empty), "a refusal names a user");
        session_from(&app, &token, INSIDE).await.expect(200);
        sign_in_from(&app, "203.0.113.255").await.expect(200);
        sign_in_from(&app, "203.0.114.0").await.expect_problem(403, "ip-not-allowed");
    }

    /// An API client asks for somebody at an address, and is told what that person would be told.
    async fn a_check_judges_the_address_it_is_given(database: Database) {
        let app = behind_a_proxy(database).await;
        let token = owner_inside(&app).await;
        let body = json!({"name": "checker", "scopes": ["sessions:check"]});
        let made =
            send(from(app.request(Method::POST, "/api/v1/api-keys").bearer_auth(&token).json(&body), INSIDE)).await;
        let key = made.expect(201).json()["token"].as_str().expect("shown once").to_owned();
        put_from(&app, &token, INSIDE, office("enforce")).await.expect(200);
        let check = async |address: Value| {
            let body = json!({"token": token, "client_ip": address});
            send(from(app.request(Method::POST, "/api/v1/sessions/check").bearer_auth(&key).json(&body), INSIDE)).await
        };
        assert_eq!(check(json!(INSIDE)).await.expect(200).json()["active"], true);
        only_inactive(&check(json!(OUTSIDE)).await.expect(200).json());
        for wrong in [json!("nowhere"), json!(7), json!("203.0.113.0/24")] {
            check(wrong).await.expect_field("client_ip");
        }
    }

    /// Nobody locks themselves out by mistake: 409 and nothing is saved, unless they say that they mean it.
    async fn a_lock_out_needs_a_confirmation(app: TestApp) {
        let owner = app.owner_token().await;
        let before = app.get(&owner, PATH).await.expect(200).json();
        let mut list = office("enforce");
        app.put(&owner, PATH, list.clone()).await.expect_problem(409, "would-lock-out-caller");
        app.put(&owner, PATH, json!({"mode": "enforce", "entries": []})).await.expect_any(&[400, 409, 422]);
        assert_eq!(app.get(&owner, PATH).await.expect(200).json(), before, "a refused list was saved");
        list["dry_run"] = true.into();
        list["confirm_lockout"] = true.into();
        app.put(&owner, PATH, list.clone()).await.expect(200);
        assert_eq!(app.get(&owner, PATH).await.expect(200).json(), before, "a dry run was saved");
        list["dry_run"] = false.into();
        app.put(&owner, PATH, list).await.expect(200);
        app.get(&owner, "/api/v1/session").await.expect_problem(403, "ip-not-allowed");
        app.try_sign_in("acme", OWNER, PASSWORD).await.expect_problem(403, "ip-not-allowed");
        let home = app.stop().await;
        home.cli().run(&["ip-allowlist", "disable", "--workspace", "acme"]).succeeded();
        let app = TestApp::reopen(home).await;
        assert!(app.is_live(&owner).await, "the operator's way back does not open");
    }

    /// WEB-08: whoever is not a trusted proxy is where they are, whatever they write.
    async fn strangers_cannot_choose_their_address(app: TestApp) {
        let owner = app.owner_token().await;
        for (name, value) in [
            ("x-forwarded-for", INSIDE),
            ("x-real-ip", INSIDE),
            ("forwarded", "for=203.0.113.7"),
            ("x-client-ip", INSIDE),
            ("cf-connecting-ip", INSIDE),
            ("true-client-ip", INSIDE),
            ("x_forwarded_for", INSIDE),
        ] {
            let request = app.request(Method::GET, PATH).bearer_auth(&owner).header(name, value);
            assert_eq!(believed(request).await, "127.0.0.1", "{name} from a stranger is believed");
        }
        let list =
            json!({"mode": "enforce", "entries": [{"cidr": "127.0.0.0/8", "label": "Here"}], "sessions": "keep"});
        app.put(&owner, PATH, list).await.expect(200);
        session_from(&app, &owner, OUTSIDE).await.expect(200);
    }

    /// From a trusted proxy the right-most address that isn't a proxy counts; what stands left of it is the client's fiction.
    async fn a_trusted_proxy_is_read_from_the_right(database: Database) {
        let app = TestApp::with(database, |config| {
            config.trusted_proxies =
                ["127.0.0.1/32", "10.0.0.0/8"].map(|network| network.parse().expect("a network")).to_vec();
        })
        .await;
        let owner = owner_inside(&app).await;
        let ask = |lines: &[&str]| {
            let request = app.request(Method::GET, PATH).bearer_auth(&owner);
            lines.iter().fold(request, |request, line| request.header("x-forwarded-for", *line))
        };
        for (lines, expected) in [
            (vec![INSIDE], INSIDE),
            (vec!["1.1.1.1, 203.0.113.7"], INSIDE),
            (vec!["203.0.113.7, 198.51.100.9"], OUTSIDE),
            (vec!["203.0.113.7, 198.51.100.9, 10.1.2.3"], OUTSIDE),
            (vec!["1.1.1.1", "203.0.113.7"], INSIDE),
            (vec!["203.0.113.7", "198.51.100.9, 10.0.0.1"], OUTSIDE),
            (vec!["203.0.113.7:4711"], INSIDE),
            (vec!["::ffff:203.0.113.7"], INSIDE),
            (vec!["[::ffff:203.0.113.7]:4711"], INSIDE),
            (vec!["[2001:db8::7]:4711"], "2001:db8::7"),
            (vec!["rubbish, 203.0.113.7"], INSIDE),
        ] {
            assert_eq!(believed(ask(&lines)).await, expected, "{lines:?}");
        }
        assert_eq!(
            believed(app.request(Method::GET, PATH).bearer_auth(&owner)).await,
            "",
            "a trusted proxy that names nobody vouches for nobody, its own address included"
        );
    }

    /// A hop that can't be read is a refusal where addresses count, never a guess.
    async fn an_unreadable_hop_is_a_refusal(database: Database) {
        let app = behind_a_proxy(database).await;
        let token = owner_inside(&app).await;
        put_from(&app, &token, INSIDE, office("enforce")).await.expect(200);
        for hop in [
            "rubbish",
            "203.0.113.7, rubbish",
            "203.0.113.7,",
            "unknown",
            "203.0.113",
            "203.0.113.7.9",
            "203.0.113.7 203.0.113.8",
            "0x7f.1",
        ] {
            let reply = session_from(&app, &token, hop).await;
            assert!([400, 401, 403].contains(&reply.status), "{hop:?} answered {}: {}", reply.status, reply.text);
        }
        session_from(&app, &token, "::ffff:203.0.113.7").await.expect(200);
    }

    /// Entries are networks with a label; anything else is named and nothing is saved.
    async fn entries_are_networks(app: TestApp) {
        let owner = app.owner_token().await;
        for cidr in ["nowhere", "10.0.0.0/33", "10.0.0.0/-1", "", "10.0.0.0/8, 11.0.0.0/8", "2001:db8::/129"] {
            let list = json!({"mode": "report", "entries": [{"cidr": cidr, "label": "x"}]});
            let problem = app.put(&owner, PATH, list).await.expect_any(&[400, 422]).problem();
            assert!(problem["field"].as_str().is_some_and(|field| field.contains("entries")), "{cidr:?}: {problem}");
        }
        app.put(&owner, PATH, json!({"mode": "sometimes", "entries": []})).await.expect_field("mode");
        app.put(&owner, PATH, json!({"entries": []})).await.expect_field("mode");
        assert_eq!(app.get(&owner, PATH).await.expect(200).json()["mode"], "off");
        let both = json!({"mode": "enforce", "sessions": "keep", "entries": [{"cidr": "127.0.0.1", "label": ""}, {"cidr": "2001:db8::/32", "label": "Six"}]});
        let set = app.put(&owner, PATH, both).await.expect(200).json();
        assert_eq!(set["entries"].as_array().map(Vec::len), Some(2), "{set}");
        assert!(app.is_live(&owner).await);
    }
}
