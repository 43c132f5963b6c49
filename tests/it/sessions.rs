//! Sessions as their people and administrators see them: lists, single revocation, expiry, and the check for API clients.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::only_inactive;
use crate::support::{OTHER_OWNER, OWNER, TestApp, instant, send};

fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

on_both_databases! {
    /// An administrator sees everybody's sessions, a member only their own, and one of them is marked as current.
    async fn a_list_shows_what_its_reader_may_see(app: TestApp) {
        let person = app.provision("member").await;
        let (owner, member, second) =
            (app.owner_token().await, app.sign_in(&person.email).await, app.sign_in(&person.email).await);
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let everybody = app.all_items(&owner, "/api/v1/sessions").await;
        assert_eq!(everybody.len(), 3, "{everybody:?}");
        let current: Vec<&Value> = everybody.iter().filter(|session| session["current"] == true).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0]["user"]["email"], OWNER);
        let own: BTreeSet<String> = ids(&app.all_items(&member, "/api/v1/sessions").await).into_iter().collect();
        let expected = BTreeSet::from([app.session_id(&member).await, app.session_id(&second).await]);
        assert_eq!(own, expected);
        let wider = app.get(&member, "/api/v1/sessions?scope=workspace").await.expect_any(&[200, 403]);
        assert!(wider.status == 403 || wider.json()["items"].as_array().expect("items").len() == 2, "{}", wider.text);
        assert_eq!(app.all_items(&owner, "/api/v1/sessions?scope=mine").await.len(), 1);
        assert!(!ids(&everybody).contains(&app.session_id(&stranger).await));
    }

    /// Keyset pages: each session once, also while others come and go.
    async fn pages_neither_repeat_nor_skip(app: TestApp) {
        let mut tokens = Vec::new();
        for _ in 0..8 {
            tokens.push(app.owner_token().await);
            app.advance(1);
        }
        let mut wanted = BTreeSet::new();
        for token in &tokens {
            wanted.insert(app.session_id(token).await);
        }
        let reader = tokens.last().expect("eight").clone();
        let mut seen = Vec::new();
        let mut path = "/api/v1/sessions?limit=3".to_owned();
        loop {
            let page = app.get(&reader, &path).await.expect(200).json();
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 3);
            seen.extend(ids(items));
            app.owner_token().await;
            let Some(next) = page["next"].as_str() else { break };
            assert!(seen.len() < 30, "the list never ends");
            path = format!(
                "/api/v1/sessions?limit=3&after={}",
                url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>()
            );
        }
        let unique: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(unique.len(), seen.len(), "a session is shown twice: {seen:?}");
        assert!(wanted.is_subset(&unique), "a session is not shown: {:?}", wanted.difference(&unique));
    }

    /// Each filter narrows, and what is no filter value is refused by name.
    async fn filters_narrow_the_list(app: TestApp) {
        let person = app.provision("filtered").await;
        let owner = app.owner_token().await;
        app.sign_in(&person.email).await;
        let count = async |query: &str| app.all_items(&owner, &format!("/api/v1/sessions?{query}")).await.len();
        assert_eq!(count(&format!("user={}", person.id)).await, 1);
        assert_eq!(count("user=01890000-0000-7000-8000-000000000000").await, 0);
        assert_eq!(count("ip=127.0.0.0/8").await, 2);
        assert_eq!(count("ip=203.0.113.0/24").await, 0);
        assert_eq!(count("method=password").await, 2);
        assert_eq!(count("method=saml").await, 0);
        assert_eq!(count("created_before=2020-01-01T00:00:00Z").await, 0);
        assert_eq!(count("seen_before=2999-01-01T00:00:00Z").await, 2);
        for (query, field) in [
            ("ip=nowhere", "ip"),
            ("method=telepathy", "method"),
            ("created_before=yesterday", "created_before"),
            ("seen_before=yesterday", "seen_before"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=many", "limit"),
            ("after=!!!", "after"),
        ] {
            app.get(&owner, &format!("/api/v1/sessions?{query}")).await.expect_field(field);
        }
    }

    /// SES-11: one session ends, by its person or an administrator, and the receipt says which scope.
    async fn one_session_is_revoked(app: TestApp) {
        let person = app.provision("person").await;
        let owner = app.owner_token().await;
        let (kept, lost, stolen) =
            (app.sign_in(&person.email).await, app.sign_in(&person.email).await, app.sign_in(&person.email).await);
        let receipt =
            app.delete(&kept, &format!("/api/v1/sessions/{}", app.session_id(&lost).await)).await.expect(200).json();
        assert_eq!(receipt["scope"], "session");
        assert_eq!(receipt["sessions"], 1);
        let path = format!("/api/v1/sessions/{}", app.session_id(&stolen).await);
        app.delete(&owner, &path).await.expect(200);
        assert_eq!((app.is_live(&lost).await, app.is_live(&stolen).await), (false, false));
        assert_eq!(app.live(&[kept, owner.clone()]).await, 2);
        let again = app.delete(&owner, &path).await.expect_any(&[200, 404]);
        assert!(again.status == 404 || again.json()["sessions"] == 0, "a dead session ended again: {}", again.text);
    }

    /// A member reaches nobody else's session.
    async fn a_member_ends_only_their_own(app: TestApp) {
        let person = app.provision("member").await;
        let (owner, member) = (app.owner_token().await, app.sign_in(&person.email).await);
        let path = format!("/api/v1/sessions/{}", app.session_id(&owner).await);
        app.get(&member, &path).await.expect_any(&[403, 404]);
        app.delete(&member, &path).await.expect_any(&[403, 404]);
        assert!(app.is_live(&owner).await);
    }

    /// SES-05: unused for too long. Every use puts it off, up to the maximum age. Decided at reading, no sweeper needed.
    async fn sessions_expire_by_idleness_and_by_age(app: TestApp) {
        let owner = app.owner_token().await;
        app.set_policy(&owner, json!({"absolute_lifetime_seconds": 7200, "idle_timeout_seconds": 900}))
            .await
            .expect(200);
        let (idle, busy) = (app.owner_token().await, app.owner_token().await);
        let born = app.get(&busy, "/api/v1/session").await.expect(200).json();
        let age = instant(&born["session"]["expires_at"]) - instant(&born["session"]["created_at"]);
        assert_eq!(age, 7_200_000);
        app.advance(800);
        assert!(app.is_live(&busy).await);
        app.advance(101);
        app.get(&idle, "/api/v1/session").await.expect_problem(401, "session-ended");
        assert!(app.is_live(&busy).await);
        for _ in 0..7 {
            app.advance(800);
            assert!(app.is_live(&busy).await, "a session in use was called idle");
        }
        app.advance(7200 - 901 - 7 * 800 - 2);
        assert!(app.is_live(&busy).await);
        app.advance(3);
        app.get(&busy, "/api/v1/session").await.expect_problem(401, "session-ended");
        let fresh = app.owner_token().await;
        assert_eq!(app.all_items(&fresh, "/api/v1/sessions").await.len(), 1, "an expired session is listed");
        app.advance(901);
        assert!(!app.is_live(&fresh).await);
    }

    /// RFC 7662's manner: the truth about a session for who may ask, and nothing but `active: false` about the rest.
    async fn an_api_client_checks_sessions(app: TestApp) {
        let person = app.provision("person").await;
        let owner = app.owner_token().await;
        let (key, token) = (app.api_key(&owner).await, app.sign_in(&person.email).await);
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let active = app.check(&key, &token).await;
        assert_eq!(active["active"], true);
        assert_eq!(active["user"]["id"], person.id);
        assert_eq!(active["session"]["id"], app.session_id(&token).await);
        assert_eq!(active["workspace"]["slug"], "acme");
        app.post(&token, "/api/v1/logout", json!({})).await.expect(204);
        for other in [token.as_str(), stranger.as_str(), "cfs_x", key.as_str(), app.home.scim_token.as_str()] {
            only_inactive(&app.check(&key, other).await);
        }
        assert!(app.is_live(&stranger).await);
        let anonymous = app.request(Method::POST, "/api/v1/sessions/check").json(&json!({"token": owner}));
        send(anonymous).await.expect(401);
        let path = "/api/v1/api-keys";
        let keys = app.all_items(&owner, path).await;
        assert_eq!(keys.len(), 1);
        assert!(!keys[0].to_string().contains(&key), "a key is shown twice");
        let id = keys[0]["id"].as_str().expect("an id");
        app.delete(&owner, &format!("{path}/{id}")).await.expect(204);
        app.post(&key, "/api/v1/sessions/check", json!({"token": owner})).await.expect(401);
    }
}
