//! The security policy, and what becomes of sessions when it, SAML or the allowlist changes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::saml::{self, metadata, other_metadata};
use crate::support::{OWNER, PASSWORD, TestApp, send};

const POLICY: &str = "/api/v1/security/policy";
const SAML: &str = "/api/v1/security/saml";
const ALLOWLIST: &str = "/api/v1/security/ip-allowlist";

/// The owner and two users, three sessions each; the owner's come first.
async fn nine_sessions(app: &TestApp) -> Vec<String> {
    let (ada, bo) = (app.provision("ada").await, app.provision("bo").await);
    let mut tokens = Vec::new();
    for email in [OWNER, &ada.email, &bo.email] {
        for _ in 0..3 {
            tokens.push(app.sign_in(email).await);
        }
    }
    tokens
}

/// The change ended everybody's sessions but the caller's, whose token goes on working, and says so in a receipt.
async fn only_the_caller_is_left(app: &TestApp, tokens: &[String], answer: &Value, trigger: &str) {
    assert!(app.is_live(&tokens[0]).await, "the caller is out");
    assert_eq!(app.live(&tokens[1..]).await, 0);
    let receipt = &answer["receipt"];
    assert_eq!((&receipt["sessions"], &receipt["trigger"]), (&json!(8), &json!(trigger)), "{answer}");
    assert_eq!(receipt["spared_session"], app.session_id(&tokens[0]).await);
}

fn here(sessions: Option<&str>) -> Value {
    let mut list =
        json!({"mode": "enforce", "entries": [{"cidr": "127.0.0.0/8", "label": "Here"}], "reason": "New office"});
    if let Some(sessions) = sessions {
        list["sessions"] = sessions.into();
    }
    list
}

on_both_databases! {
    /// Two administrators: the second one's change, made from what is no longer true, is refused.
    async fn a_change_needs_the_current_version(app: TestApp) {
        let owner = app.owner_token().await;
        let read = app.get(&owner, POLICY).await.expect(200);
        let etag = read.header("etag").expect("an ETag").to_owned();
        let mut policy = read.json();
        policy["idle_timeout_seconds"] = 1200.into();
        let put = |etag: &str, body: &Value| {
            let request = app.request(Method::PUT, POLICY).bearer_auth(&owner).header("if-match", etag);
            request.json(body)
        };
        let changed = send(put(&etag, &policy)).await.expect(200);
        let newer = changed.header("etag").expect("an ETag").to_owned();
        assert_ne!(newer, etag);
        policy["idle_timeout_seconds"] = 2400.into();
        send(put(&etag, &policy)).await.expect_problem(412, "precondition-failed");
        for rubbish in ["\"rubbish\"", "rubbish", "\"99999\"", ""] {
            send(put(rubbish, &policy)).await.expect_any(&[400, 412]).problem();
        }
        let now = app.get(&owner, POLICY).await.expect(200);
        assert_eq!(now.json()["idle_timeout_seconds"], 1200);
        assert_eq!(now.header("etag"), Some(newer.as_str()));
        send(put(&newer, &policy)).await.expect(200);
    }

    /// Nonsense is named, and leaves the policy as it is.
    async fn a_policy_has_bounds(app: TestApp) {
        let owner = app.owner_token().await;
        let before = app.get(&owner, POLICY).await.expect(200).json();
        for (field, value) in [
            ("absolute_lifetime_seconds", json!(0)),
            ("absolute_lifetime_seconds", json!(-1)),
            ("absolute_lifetime_seconds", json!("long")),
            ("absolute_lifetime_seconds", json!(9_000_000_000_000_000_000_i64)),
            ("idle_timeout_seconds", json!(0)),
            ("idle_timeout_seconds", json!(null)),
            ("sign_in_methods", json!([])),
            ("sign_in_methods", json!(["telepathy"])),
            ("sign_in_methods", json!("password")),
            ("on_saml_change", json!("perhaps")),
            ("on_ip_allowlist_change", json!("perhaps")),
            ("just_in_time_users", json!("yes")),
        ] {
            let problem = app.set_policy(&owner, json!({field: value})).await.expect_any(&[400, 422]).problem();
            let named = problem["field"].as_str().unwrap_or_default();
            assert!(named.starts_with(field), "{field} = {value} is blamed on {named:?}");
        }
        assert_eq!(app.get(&owner, POLICY).await.expect(200).json(), before);
        assert_eq!(before["idle_timeout_seconds"].as_i64().map(|seconds| seconds > 0), Some(true));
    }

    /// Shorter limits hold for sessions that exist already, at their next check.
    async fn shorter_lifetimes_hold_at_once(app: TestApp) {
        let first = app.owner_token().await;
        app.set_policy(&first, json!({"absolute_lifetime_seconds": 86_400, "idle_timeout_seconds": 14_400}))
            .await
            .expect(200);
        let (idle, old) = (app.owner_token().await, app.owner_token().await);
        app.advance(7_200);
        assert!(app.is_live(&old).await);
        let fresh = app.owner_token().await;
        app.set_policy(&fresh, json!({"idle_timeout_seconds": 3_600})).await.expect(200);
        app.get(&idle, "/api/v1/session").await.expect_problem(401, "session-ended");
        assert_eq!(app.live(&[old.clone(), fresh.clone()]).await, 2);
        app.set_policy(&fresh, json!({"absolute_lifetime_seconds": 7_199})).await.expect(200);
        assert!(!app.is_live(&old).await, "an old session outlives the new maximum age");
        assert!(app.is_live(&fresh).await);
    }

    /// A way to sign in that is switched off admits nobody, and ends the sessions that came by it at their next check.
    async fn a_method_that_is_switched_off_ends_its_sessions(app: TestApp) {
        let owner = app.owner_token().await;
        saml::configure(&app, &owner).await;
        let flow = saml::sign_in(&app, saml::USER).await;
        app.set_policy(&owner, json!({"sign_in_methods": ["password"]})).await.expect(200);
        assert!(flow.who().await.is_none(), "a session of a forbidden method is accepted");
        assert!(app.is_live(&owner).await);
        send(app.request(Method::GET, "/saml/acme/login")).await.expect_any(&[303, 403, 404, 409]);
    }

    /// Whoever signed in with a password can't switch passwords off; an administrator who came by SAML can. Then a right
    /// password is answered like a wrong one.
    async fn single_sign_on_only_means_only(app: TestApp) {
        let admin = app.provision_admin("admin").await;
        let owner = app.owner_token().await;
        saml::configure(&app, &owner).await;
        let only_saml = json!({"sign_in_methods": ["saml"]});
        app.set_policy(&owner, only_saml).await.expect_problem(409, "would-lock-out-caller");
        assert!(app.is_live(&owner).await, "a refused change ended a session");
        let flow = saml::sign_in(&app, &admin.email).await;
        let read = send(flow.client.get(app.url(POLICY))).await.expect(200);
        let mut policy = read.json();
        policy["sign_in_methods"] = json!(["saml"]);
        let put = flow.client.put(app.url(POLICY)).header("origin", &app.base).json(&policy);
        send(put.header("if-match", read.header("etag").expect("an ETag"))).await.expect(200);
        app.get(&owner, "/api/v1/session").await.expect_problem(401, "session-ended");
        assert!(flow.who().await.is_some());
        app.try_sign_in("acme", OWNER, PASSWORD).await.expect_problem(401, "invalid-credentials");
        saml::sign_in(&app, &admin.email).await;
    }

    /// A change of SAML that asks for it logs everybody out but the caller.
    async fn a_saml_change_can_log_all_users_out(app: TestApp) {
        let tokens = nine_sessions(&app).await;
        let body =
            json!({"metadata_xml": metadata(), "sessions": "log_all_users_out", "reason": "New identity provider"});
        let mut dry = body.clone();
        dry["dry_run"] = true.into();
        app.put(&tokens[0], SAML, dry).await.expect(200);
        assert_eq!(app.live(&tokens).await, 9);
        assert_eq!(app.get(&tokens[0], SAML).await.expect(200).json()["configured"], false, "a dry run was saved");
        let answer = app.put(&tokens[0], SAML, body).await.expect(200).json();
        only_the_caller_is_left(&app, &tokens, &answer, "saml_change").await;
        assert_eq!((&answer["configured"], &answer["enabled"]), (&json!(true), &json!(true)));
        app.sign_in("ada@corp.test").await;
    }

    /// A change of the allowlist that asks for it does the same.
    async fn an_allowlist_change_can_log_all_users_out(app: TestApp) {
        let tokens = nine_sessions(&app).await;
        let answer = app.put(&tokens[0], ALLOWLIST, here(Some("log_all_users_out"))).await.expect(200).json();
        only_the_caller_is_left(&app, &tokens, &answer, "ip_allowlist_change").await;
        assert_eq!(answer["mode"], "enforce");
    }

    /// Keeping means keeping, even if the policy would log people out; what is neither is refused whole.
    async fn what_the_change_says_comes_before_the_policy(app: TestApp) {
        let tokens = nine_sessions(&app).await;
        let both = json!({"on_saml_change": "log_all_users_out", "on_ip_allowlist_change": "log_all_users_out"});
        app.set_policy(&tokens[0], both).await.expect(200);
        app.put(&tokens[0], ALLOWLIST, here(Some("keep"))).await.expect(200);
        app.put(&tokens[0], SAML, json!({"metadata_xml": metadata(), "sessions": "keep"})).await.expect(200);
        assert_eq!(app.live(&tokens).await, 9);
        app.put(&tokens[0], SAML, json!({"metadata_xml": other_metadata(), "sessions": "perhaps"}))
            .await
            .expect_field("sessions");
        assert_eq!(app.live(&tokens).await, 9);
        let entity = app.get(&tokens[0], SAML).await.expect(200).json()["entity_id"].clone();
        assert_eq!(entity, "http://127.0.0.1:9999/idp", "a refused change was saved");
    }

    /// Where the change is silent, the policy decides, for each kind of change by itself.
    async fn the_policy_decides_where_the_change_is_silent(app: TestApp) {
        let tokens = nine_sessions(&app).await;
        app.set_policy(&tokens[0], json!({"on_saml_change": "keep", "on_ip_allowlist_change": "log_all_users_out"}))
            .await
            .expect(200);
        let quiet = json!({"metadata_xml": metadata(), "reason": "Rollover of the certificate"});
        app.put(&tokens[0], SAML, quiet).await.expect(200);
        assert_eq!(app.live(&tokens).await, 9);
        let answer = app.put(&tokens[0], ALLOWLIST, here(None)).await.expect(200).json();
        only_the_caller_is_left(&app, &tokens, &answer, "ip_allowlist_change").await;
        app.set_policy(&tokens[0], json!({"on_saml_change": "log_all_users_out"})).await.expect(200);
        let back = app.sign_in("ada@corp.test").await;
        app.delete(&tokens[0], &format!("{SAML}?reason=No+single+sign-on+any+more")).await.expect(200);
        assert!(!app.is_live(&back).await, "removing the provider is a change of SAML");
        assert!(app.is_live(&tokens[0]).await);
    }

    /// Changing the policy, too, takes a recent sign-in.
    async fn a_policy_change_needs_a_recent_sign_in(app: TestApp) {
        let owner = app.owner_token().await;
        app.advance(10 * 60 + 1);
        for (path, body) in [(ALLOWLIST, here(Some("keep"))), (SAML, json!({"metadata_xml": "<a/>"}))] {
            app.put(&owner, path, body).await.expect_problem(403, "reauthentication-required");
        }
        app.set_policy(&owner, json!({"idle_timeout_seconds": 1200}))
            .await
            .expect_problem(403, "reauthentication-required");
    }
}
