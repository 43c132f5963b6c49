//! SCIM tokens in their life: limited in time and place, used, rotated, too fast; and what somebody without one is told.
//! The numbers are those of the cases that SCIM servers are tested with.

use curfew::base::clock::{Clock, rfc3339};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::cli::rows;
use crate::support::pages::Visitor;
use crate::support::{Database, OWNER, Reply, TestApp, send};

const TOKENS: &str = "/api/v1/scim-tokens";

struct Token {
    id: String,
    text: String,
}

fn token(created: &Value) -> Token {
    let text = |name: &str| created[name].as_str().unwrap_or_else(|| panic!("no {name}: {created}")).to_owned();
    Token { id: text("id"), text: text("token") }
}

async fn create(app: &TestApp, body: Value) -> Token {
    token(&app.post(&app.owner_token().await, TOKENS, body).await.expect(201).json())
}

async fn rotate(app: &TestApp, id: &str, body: Value) -> Reply {
    app.post(&app.owner_token().await, &format!("{TOKENS}/{id}/rotate"), body).await
}

async fn list(app: &TestApp) -> Vec<Value> {
    app.all_items(&app.owner_token().await, TOKENS).await
}

async fn found(app: &TestApp, id: &str) -> Value {
    list(app).await.into_iter().find(|token| token["id"] == id).unwrap_or_else(|| panic!("{id} is not in the list"))
}

async fn uses(app: &TestApp, token: &str) -> Reply {
    app.scim_as(token, Method::GET, "/Users?count=1", None).await
}

/// Fails unless the token was refused in the words that every refused token hears.
#[track_caller]
fn not_accepted(reply: Reply) {
    let challenge = reply.header("www-authenticate").expect("a challenge (RFC 6750 §3)").to_owned();
    assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    let error = reply.expect_scim_error(401);
    assert_eq!(error["detail"], "this token is not accepted: it is wrong, or has ended");
}

on_both_databases! {
    /// Rotated: both work inside the overlap, the old one ends by itself, and either can be revoked at once.
    async fn case_65_both_tokens_work_inside_the_overlap(app: TestApp) {
        let wanted = json!({
            "name": "Okta", "expires_in_days": 30, "networks": ["127.0.0.1"], "patch_response": "no_content",
        });
        let old = create(&app, wanted).await;
        let new = token(&rotate(&app, &old.id, json!({"overlap_seconds": 3600})).await.expect(201).json());
        assert_ne!((&old.id, &old.text), (&new.id, &new.text));
        for token in [&old, &new] {
            uses(&app, &token.text).await.expect(200);
        }
        let (before, after) = (found(&app, &old.id).await, found(&app, &new.id).await);
        assert_eq!(before["replaced_by"], new.id);
        assert_eq!((&after["name"], &after["networks"]), (&json!("Okta"), &json!(["127.0.0.1/32"])));
        assert_eq!(after["patch_response"], "no_content");
        assert!(before["expires_at"].as_str() < after["expires_at"].as_str(), "{before} {after}");
        assert!(!json!(list(&app).await).to_string().contains(&new.text), "a token is shown twice");
        app.advance(3600);
        not_accepted(uses(&app, &old.text).await);
        uses(&app, &new.text).await.expect(200);
        let owner = app.owner_token().await;
        app.delete(&owner, &format!("{TOKENS}/{}", new.id)).await.expect(204);
        not_accepted(uses(&app, &new.text).await);
        let entries = app.all_items(&owner, &format!("/api/v1/audit?target={}", old.id)).await;
        let rotated: Vec<&Value> = entries.iter().filter(|entry| entry["action"] == "scim_token.rotated").collect();
        assert_eq!(rotated.len(), 1, "{entries:?}");
        assert_eq!(rotated[0]["details"]["replaced_by"], new.id);
    }

    /// Without an overlap the old one ends at once; it is replaced once; and nobody chooses an overlap without an end.
    async fn case_65_an_overlap_may_be_nothing(app: TestApp) {
        let old = create(&app, json!({"name": "Okta"})).await;
        let stolen = create(&app, json!({"name": "Revoked"})).await;
        for overlap in [json!(-1), json!(2_592_001)] {
            rotate(&app, &old.id, json!({"overlap_seconds": overlap})).await.expect_field("overlap_seconds");
        }
        uses(&app, &old.text).await.expect(200);
        let new = token(&rotate(&app, &old.id, json!({"overlap_seconds": 0})).await.expect(201).json());
        not_accepted(uses(&app, &old.text).await);
        uses(&app, &new.text).await.expect(200);
        assert_eq!(found(&app, &new.id).await["expires_at"], Value::Null);
        rotate(&app, &old.id, json!({})).await.expect_problem(409, "conflict");
        app.delete(&app.owner_token().await, &format!("{TOKENS}/{}", stolen.id)).await.expect(204);
        rotate(&app, &stolen.id, json!({})).await.expect_problem(404, "not-found");
        rotate(&app, "nothing", json!({})).await.expect_problem(404, "not-found");
        let theirs = app.sign_in_to("globex", crate::support::OTHER_OWNER).await;
        app.post(&theirs, &format!("{TOKENS}/{}/rotate", new.id), json!({})).await.expect_problem(404, "not-found");
        app.advance(8 * 24 * 3600);
        assert!(list(&app).await.iter().all(|token| token["id"] != old.id), "what was replaced stays for ever");
    }

    /// A token ends at an instant, or after so many days.
    async fn a_token_ends(app: TestApp) {
        let owner = app.owner_token().await;
        let at = |seconds: i64| rfc3339(app.clock.now() + seconds * 1000);
        for (body, field) in [
            (json!({"name": "x", "expires_at": at(0)}), "expires_at"),
            (json!({"name": "x", "expires_at": "tomorrow"}), "expires_at"),
            (json!({"name": "x", "expires_at": at(60), "expires_in_days": 1}), "expires_at"),
            (json!({"name": "x", "expires_in_days": 0}), "expires_in_days"),
            (json!({"name": "x", "networks": ["example.com"]}), "networks"),
            (json!({"name": "x", "networks": "10.0.0.0/8"}), "networks"),
            (json!({"name": ""}), "name"),
        ] {
            app.post(&owner, TOKENS, body).await.expect_field(field);
        }
        let token = create(&app, json!({"name": "short", "expires_at": at(60)})).await;
        app.advance(59);
        uses(&app, &token.text).await.expect(200);
        app.advance(1);
        not_accepted(uses(&app, &token.text).await);
    }

    /// From outside its networks a token is as good as a wrong one, and nobody who stole it hears more.
    async fn a_token_is_for_its_networks(app: TestApp) {
        let elsewhere = create(&app, json!({"name": "elsewhere", "networks": ["192.0.2.0/24", "2001:db8::/32"]})).await;
        let here = create(&app, json!({"name": "here", "networks": ["192.0.2.0/24", "::ffff:127.0.0.0/104"]})).await;
        not_accepted(uses(&app, &elsewhere.text).await);
        uses(&app, &here.text).await.expect(200);
        let shown = found(&app, &here.id).await;
        assert_eq!(shown["networks"], json!(["192.0.2.0/24", "127.0.0.0/8"]));
        assert_eq!(found(&app, &elsewhere.id).await["last_used_at"], Value::Null, "a refused use counts as one");
    }

    /// Behind a proxy it is the client's own address that counts, as everywhere.
    async fn networks_are_judged_behind_a_proxy(database: Database) {
        let trusted = vec!["127.0.0.0/8".parse::<ipnet::IpNet>().expect("a network")];
        let app = TestApp::with(database, |config| config.trusted_proxies = trusted).await;
        let token = create(&app, json!({"name": "cloud", "networks": ["192.0.2.0/24"]})).await;
        let from = |forwarded: Option<&'static str>| {
            let request = app.request(Method::GET, "/scim/v2/Users?count=1").bearer_auth(&token.text);
            forwarded.iter().fold(request, |request, text| request.header("x-forwarded-for", *text))
        };
        send(from(Some("192.0.2.7"))).await.expect(200);
        send(from(Some("198.51.100.1, ::ffff:192.0.2.7"))).await.expect(200);
        not_accepted(send(from(Some("192.0.2.7, 198.51.100.1"))).await);
        not_accepted(send(from(None)).await);
        assert_eq!(found(&app, &token.id).await["last_used_ip"], "192.0.2.7");
    }

    /// When and from where a token was used, noted once a minute.
    async fn a_use_is_noted_once_a_minute(app: TestApp) {
        let token = create(&app, json!({"name": "used"})).await;
        assert_eq!(found(&app, &token.id).await["last_used_at"], Value::Null);
        let first = rfc3339(app.clock.now());
        for _ in 0..3 {
            uses(&app, &token.text).await.expect(200);
            app.advance(10);
        }
        let shown = found(&app, &token.id).await;
        assert_eq!((&shown["last_used_at"], &shown["last_used_ip"]), (&json!(first), &json!("127.0.0.1")));
        app.advance(60);
        uses(&app, &token.text).await.expect(200);
        assert_eq!(found(&app, &token.id).await["last_used_at"], rfc3339(app.clock.now()));
    }

    /// Too fast: 429 as SCIM says it, with the time to wait; other tokens go on.
    async fn case_27_a_token_asks_too_fast(database: Database) {
        let app = TestApp::with(database, |config| {
            config.scim.requests_per_second = 1;
            config.scim.burst = 5;
        })
        .await;
        for _ in 0..5 {
            app.scim(Method::GET, "/Users?count=1", None).await.expect(200);
        }
        let mut limited = None;
        for _ in 0..200 {
            let reply = app.scim(Method::GET, "/Users?count=1", None).await;
            if reply.status == 429 {
                limited = Some(reply);
                break;
            }
        }
        let limited = limited.expect("a limit");
        let wait: u64 = limited.header("retry-after").expect("a time to wait").parse().expect("seconds");
        assert!((1..=5).contains(&wait), "{wait}");
        limited.expect_scim_error(429);
        uses(&app, &app.home.other_scim_token).await.expect(200);
        app.write_scim_log().await;
        let path = format!("{TOKENS}/{}/requests", list(&app).await[0]["id"].as_str().expect("an id"));
        let entries = app.all_items(&app.owner_token().await, &path).await;
        assert!(entries.iter().any(|entry| entry["status"] == 429), "{entries:?}");
        app.advance(60);
        app.scim(Method::GET, "/Users?count=1", None).await.expect(200);
    }

    /// Wrong tokens are counted for each address, and never hold up a good one.
    async fn case_27_wrong_tokens_are_counted(database: Database) {
        let app = TestApp::with(database, |config| config.scim.failures_per_minute = 3).await;
        let wrong = format!("cfscim_{}", "A".repeat(48));
        let mut last = uses(&app, &wrong).await.expect(401);
        for _ in 0..200 {
            last = uses(&app, &wrong).await.expect_any(&[401, 429]);
            if last.status == 429 {
                break;
            }
        }
        assert!(last.header("retry-after").is_some());
        last.expect_scim_error(429);
        app.scim(Method::GET, "/Users?count=1", None).await.expect(200);
        app.advance(60);
        not_accepted(uses(&app, &wrong).await);
    }

    /// Without a token there is nothing to be wrong about; an empty one is none.
    async fn case_26_and_66_no_token_is_asked_for(app: TestApp) {
        let token = app.home.scim_token.clone();
        for value in [None, Some("Bearer"), Some("Bearer "), Some("Basic dXNlcjpwYXNz"), Some(token.as_str()), Some("")] {
            let request = app.request(Method::GET, "/scim/v2/Users");
            let request = value.iter().fold(request, |request, value| request.header("authorization", *value));
            let reply = send(request).await;
            assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"curfew\""), "{value:?}");
            assert_eq!(reply.header("content-type"), Some("application/scim+json"));
            reply.expect_scim_error(401);
        }
        for wrong in ["x", "cfscim_x", &token[..token.len() - 1], &token.to_uppercase()] {
            not_accepted(uses(&app, wrong).await);
        }
        for (method, path) in [(Method::POST, "/scim/v2/"), (Method::PUT, "/scim/v2/Users"), (Method::GET, "/scim/v2/x")] {
            send(app.request(method, path)).await.expect_scim_error(401);
        }
        app.scim(Method::PUT, "/Users", Some(json!({}))).await.expect_scim_error(405);
        app.scim(Method::GET, "/x", None).await.expect_scim_error(404);
    }

    /// Whoever comes to the root learns what this is, and nothing of who uses it; with a token it is a query.
    async fn the_root_says_what_it_is(app: TestApp) {
        for path in ["/scim/v2", "/scim/v2/", "/scim/v2?aadOptscim062020"] {
            let told = send(app.request(Method::GET, path)).await.expect(200);
            assert_eq!(told.header("content-type"), Some("application/json"));
            assert!(told.json()["description"].is_string());
            let page = send(app.request(Method::GET, path).header("accept", "text/html,*/*;q=0.8")).await.expect(200);
            assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{page:?}");
            for text in [&told.text, &page.text] {
                assert!(text.contains("docs/scim.md") && !text.contains("acme") && !text.contains("globex"), "{text}");
            }
            for accept in ["*/*", "text/html, image/gif, */*; q=.2"] {
                let request = app.request(Method::GET, path).bearer_auth(&app.home.scim_token);
                let found = send(request.header("accept", accept)).await.expect(200).json();
                assert!(found["totalResults"].is_u64() && found["description"].is_null(), "{found}");
            }
        }
    }

    /// The command line knows the same limits.
    async fn the_command_line_limits_and_rotates(database: Database) {
        let app = TestApp::on(database).await;
        let (cli, clock) = (app.home.cli(), app.clock.clone());
        let run = |arguments: &[&str]| {
            let all = [&["scim-token"][..], arguments, &["--workspace", "acme", "--output", "json"]].concat();
            cli.run(&all)
        };
        let end = rfc3339(clock.now() + 3_600_000);
        let create = ["create", "--name", "second", "--expires-at", &end, "--network", "127.0.0.1", "--network", "::1"];
        let old = run(&[&create[..], &["--patch-response", "no_content"]].concat()).succeeded().json();
        assert_eq!((&old["expires_at"], &old["networks"]), (&json!(end), &json!(["127.0.0.1/32", "::1/128"])));
        uses(&app, old["token"].as_str().expect("a token")).await.expect(200);
        let id = old["id"].as_str().expect("an id");
        let new = run(&["rotate", id, "--overlap-seconds", "0"]).succeeded().json();
        // The command goes by the machine's clock, this server by one that stands still.
        app.advance(60);
        not_accepted(uses(&app, old["token"].as_str().expect("a token")).await);
        uses(&app, new["token"].as_str().expect("a token")).await.expect(200);
        let listed = rows(&run(&["list"]).succeeded().json());
        let shown = listed.iter().find(|row| row["id"] == new["id"]).expect("it is in the list");
        assert_eq!(shown["networks"], "127.0.0.1/32 ::1/128");
        assert_eq!(found(&app, new["id"].as_str().expect("an id")).await["patch_response"], "no_content");
        run(&["create", "--name", "x", "--patch-response", "nothing"]).refused();
        run(&["create", "--name", "x", "--network", "nowhere"]).refused();
        run(&["create", "--name", "x", "--expires-at", &end, "--expires-in-days", "1"]).refused();
        run(&["rotate", id]).refused();
    }

    /// In the console: a token for a network, its rotation, and what was asked with it.
    async fn the_console_limits_rotates_and_shows_requests(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        let form = owner.visit("/console/scim").await.form("/console/scim/tokens");
        let wrong = form.clone().fill("name", "Okta").fill("networks", "nowhere");
        owner.submit(&wrong).await.says("The networks must be");
        owner.submit(&form.fill("name", "Okta").fill("networks", "127.0.0.1, ::1")).await.says("Token created");
        let token = list(&app).await.into_iter().find(|token| token["name"] == "Okta").expect("it is in the list");
        let path = format!("/console/scim/tokens/{}/rotate", token["id"].as_str().expect("an id"));
        let rotation = owner.visit(&path).await.form(&path);
        let done = owner.submit(&rotation.fill("overlap_seconds", "3600")).await;
        done.says("cfscim_");
        done.says("works until");
        app.scim(Method::GET, "/Users?filter=userName+eq+%22ana@corp.test%22", None).await.expect(200);
        app.write_scim_log().await;
        let page = owner.visit("/console/scim").await;
        page.says("Replaced");
        page.says("from 127.0.0.1/32, ::1/128");
        page.says("/Users?filter=userName eq …");
        assert!(!page.reply.text.contains("ana@corp.test") && !page.reply.text.contains("cfscim_"));
    }
}
