//! *Log all users out*: everybody but the caller, at once, with a reason and a receipt; once per intention.
//! What happens when two of them, or a sign-in and one of them, meet is in `races.rs`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::only_inactive;
use crate::support::{OTHER_OWNER, OWNER, PASSWORD, Reply, TestApp, instant, send, true_now};

const PATH: &str = "/api/v1/security/log-all-users-out";

/// The owner and two provisioned users, three sessions each; the owner's come first.
async fn three_users_with_three_sessions(app: &TestApp) -> Vec<String> {
    let (ada, bo) = (app.provision("ada").await, app.provision("bo").await);
    let mut tokens = Vec::new();
    for email in [OWNER, &ada.email, &bo.email] {
        for _ in 0..3 {
            tokens.push(app.sign_in(email).await);
        }
    }
    tokens
}

async fn with_key(app: &TestApp, token: &str, key: &str, reason: &str) -> Reply {
    let request = app.request(Method::POST, PATH).bearer_auth(token).header("idempotency-key", key);
    send(request.json(&json!({"reason": reason}))).await
}

on_both_databases! {
    /// The promise: after the 200 the caller's session is accepted and the other 8 are not.
    async fn everybody_but_the_caller_is_out(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        let bystander = app.sign_in_to("globex", OTHER_OWNER).await;
        let receipt = app.log_all_users_out(&tokens[0], "Laptop stolen on the train").await;
        assert!(app.is_live(&tokens[0]).await, "the caller is out, too");
        for token in &tokens[1..] {
            app.get(token, "/api/v1/session").await.expect_problem(401, "session-ended");
        }
        assert!(app.is_live(&bystander).await, "another workspace was logged out");
        let own = app.get(&tokens[0], "/api/v1/session").await.expect(200).json();
        for (member, value) in [
            ("scope", json!("workspace")),
            ("trigger", json!("admin")),
            ("reason", json!("Laptop stolen on the train")),
            ("sessions", json!(8)),
            ("users", json!(3)),
            ("api_keys", json!(0)),
            ("spared_session", own["session"]["id"].clone()),
        ] {
            assert_eq!(receipt[member], value, "{member} in {receipt}");
        }
        for member in ["sequence", "epoch"] {
            assert!(receipt[member].as_i64().is_some_and(|number| number > 0), "{member} in {receipt}");
        }
        assert!(receipt["duration_ms"].as_f64().is_some_and(|duration| duration >= 0.0), "{receipt}");
        assert!(receipt["replicas"]["applied"].is_array() && receipt["replicas"]["fenced"].is_array(), "{receipt}");
        assert!((instant(&receipt["revoked_at"]) - true_now()).abs() < 600_000, "{receipt}");
        let born_after = app.sign_in("ada@corp.test").await;
        assert!(app.is_live(&born_after).await, "a sign-in after it is refused");
        assert_eq!(app.all_items(&tokens[0], "/api/v1/sessions").await.len(), 2, "ended sessions are listed");
    }

    /// A receipt counts whom the one before spared, and nobody twice; not who had no session left.
    async fn a_receipt_counts_whom_the_one_before_spared(app: TestApp) {
        let admin = app.provision_admin("admin").await.email;
        let suspended = app.provision("suspended").await;
        let counted = async |token: &str| {
            let receipt = app.log_all_users_out(token, "Again").await;
            [receipt["sessions"].as_i64(), receipt["users"].as_i64()].map(|count| count.expect("a number"))
        };
        let owner = app.owner_token().await;
        app.sign_in(&suspended.email).await;
        app.set_active(&suspended.id, false).await.expect(200);
        assert_eq!(counted(&owner).await, [0, 0]);
        let other = app.sign_in(&admin).await;
        assert_eq!(counted(&other).await, [1, 1], "the owner, whom the one before spared");
        let (owner, more) = (app.owner_token().await, app.owner_token().await);
        assert_eq!(counted(&owner).await, [2, 2], "the administrator and one of the owner's");
        assert!(!app.is_live(&more).await);
        let (_third, other) = (app.owner_token().await, app.sign_in(&admin).await);
        assert_eq!(counted(&other).await, [2, 1], "both of the owner's");
        let again = app.sign_in(&admin).await;
        assert_eq!(counted(&again).await, [1, 1], "the administrator's own other session");
    }

    /// A dry run counts what the real one then ends, and touches nothing.
    async fn a_dry_run_counts_and_changes_nothing(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        app.provision("never-signed-in").await;
        let body = json!({"reason": "What would happen?", "dry_run": true});
        let counted = app.post(&tokens[0], PATH, body.clone()).await.expect(200).json();
        assert_eq!(counted["dry_run"], true);
        assert_eq!((&counted["sessions"], &counted["users"]), (&json!(8), &json!(3)));
        assert_eq!(counted["spared_session"], app.session_id(&tokens[0]).await);
        assert!(counted["users_without_sign_in"].is_number(), "{counted}");
        assert!(counted["sequence"].is_null(), "a dry run has a receipt: {counted}");
        assert_eq!(app.live(&tokens).await, 9);
        let again = app.post(&tokens[0], PATH, body.clone()).await.expect(200).json();
        assert_eq!(again["sessions"], counted["sessions"]);
        let receipt = app.log_all_users_out(&tokens[0], "Now for good").await;
        assert_eq!((&receipt["sessions"], &receipt["users"]), (&counted["sessions"], &counted["users"]));
        let after = app.post(&tokens[0], PATH, body).await.expect(200).json();
        assert_eq!(after["sessions"], 0, "ended sessions are counted again");
    }

    /// Without a reason, or with a member that we don't know, nobody is logged out.
    async fn a_reason_is_required(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        for body in [
            json!({}),
            json!({"reason": ""}),
            json!({"reason": "        "}),
            json!({"reason": null}),
            json!({"reason": 12345}),
            json!({"reason": ["a", "b"]}),
            json!({"reason": "x".repeat(10_000)}),
            json!({"dry_run": false, "include_api_keys": true}),
        ] {
            app.post(&tokens[0], PATH, body).await.expect_field("reason");
        }
        app.post(&tokens[0], PATH, json!({"reason": "a typed reason", "dry_run": "yes"})).await.expect_field("dry_run");
        app.post(&tokens[0], PATH, json!({"reason": "a misspelt dry run", "dry-run": true}))
            .await
            .expect_field("dry-run");
        assert_eq!(app.live(&tokens).await, 9);
    }

    /// A session left open since this morning can't do it; proving oneself again lets it.
    async fn an_old_sign_in_is_not_enough(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        app.advance(10 * 60 + 1);
        let body = json!({"reason": "From an old session"});
        app.post(&tokens[0], PATH, body.clone()).await.expect_problem(403, "reauthentication-required");
        assert_eq!(app.live(&tokens).await, 9);
        let proof = json!({"password": PASSWORD});
        app.post(&tokens[0], "/api/v1/reauthenticate", proof).await.expect(200);
        app.post(&tokens[0], PATH, body).await.expect(200);
        assert_eq!(app.live(&tokens).await, 1);
    }

    /// Members and strangers are refused; administrators are not.
    async fn it_takes_an_administrator(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        let admin = app.provision_admin("admin").await;
        let body = json!({"reason": "Because I can?"});
        app.post(&tokens[3], PATH, body.clone()).await.expect_problem(403, "forbidden");
        send(app.request(Method::POST, PATH).json(&body)).await.expect_problem(401, "not-signed-in");
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        app.post(&stranger, PATH, body.clone()).await.expect(200);
        assert_eq!(app.live(&tokens).await, 9, "another workspace's owner logged them out");
        let token = app.sign_in(&admin.email).await;
        app.post(&token, PATH, body).await.expect(200);
        assert_eq!(app.live(&tokens).await, 0);
        assert!(app.is_live(&token).await);
    }

    /// The same key is the same deed: a retry logs nobody out who has come back meanwhile.
    async fn a_retry_is_not_a_second_deed(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        let first = with_key(&app, &tokens[0], "incident-7", "Incident 7").await.expect(200).json();
        let back = app.sign_in("ada@corp.test").await;
        let second = with_key(&app, &tokens[0], "incident-7", "Incident 7").await.expect(200).json();
        for member in ["sequence", "epoch", "scope", "reason", "sessions", "users", "spared_session", "revoked_at"] {
            assert_eq!(first[member], second[member], "a retry has another receipt: {member}");
        }
        assert!(app.is_live(&back).await, "a retry logged somebody out");
        with_key(&app, &tokens[0], "incident-7", "Another reason").await.expect_problem(422, "idempotency-key-reused");
        assert!(app.is_live(&back).await);
        let third = with_key(&app, &tokens[0], "incident-8", "Incident 8").await.expect(200).json();
        assert_ne!(first["sequence"], third["sequence"]);
        assert!(!app.is_live(&back).await);
    }

    /// A double click: five at once with one key are one revocation.
    async fn a_double_click_is_one_deed(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        let five = (0..5).map(|_| with_key(&app, &tokens[0], "double-click", "Pressed five times"));
        let replies = futures_util::future::join_all(five).await;
        let receipts: Vec<Value> = replies.iter().filter(|reply| reply.status == 200).map(Reply::json).collect();
        assert!(!receipts.is_empty());
        for receipt in &receipts {
            assert_eq!(receipt["sequence"], receipts[0]["sequence"], "two revocations for one key");
        }
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert!([409, 503].contains(&reply.status), "{} {}", reply.status, reply.text);
        }
        assert_eq!(app.live(&tokens).await, 1);
        let settled = with_key(&app, &tokens[0], "double-click", "Pressed five times").await.expect(200).json();
        assert_eq!(settled["sequence"], receipts[0]["sequence"]);
    }

    /// Machines keep working unless they are named.
    async fn api_keys_end_only_if_asked(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        let key = app.api_key(&tokens[0]).await;
        app.log_all_users_out(&tokens[0], "People only, please").await;
        assert_eq!(app.check(&key, &tokens[0]).await["active"], true);
        only_inactive(&app.check(&key, &tokens[1]).await);
        let body = json!({"reason": "Machines as well", "include_api_keys": true});
        let receipt = app.post(&tokens[0], PATH, body).await.expect(200).json();
        assert_eq!(receipt["api_keys"], 1, "{receipt}");
        app.post(&key, "/api/v1/sessions/check", json!({"token": tokens[0]})).await.expect(401);
        app.scim(Method::GET, "/Users?count=1", None).await.expect(200);
    }

    /// What is out stays out across a restart, and who was spared stays in.
    async fn a_restart_brings_nobody_back(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        app.log_all_users_out(&tokens[0], "Before the restart").await;
        let app = app.restart().await;
        assert!(app.is_live(&tokens[0]).await);
        assert_eq!(app.live(&tokens[1..]).await, 0, "a restart brought sessions back");
    }

    /// The spared session survives each of its own, and every other end of it still works.
    async fn the_spared_session_is_an_ordinary_session(app: TestApp) {
        let tokens = three_users_with_three_sessions(&app).await;
        app.log_all_users_out(&tokens[0], "The first time").await;
        app.log_all_users_out(&tokens[0], "The second time").await;
        assert!(app.is_live(&tokens[0]).await);
        app.post(&tokens[0], "/api/v1/logout", json!({})).await.expect(204);
        assert!(!app.is_live(&tokens[0]).await, "a spared session can't log out");
    }
}
