//! What happens when revocations and sign-ins meet: one of two administrators wins, a dead caller revives nothing, a sign-in
//! that was under way is dead or starts again. Each race is run many times; none depends on who wins.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{OWNER, PASSWORD, TestApp};

const PATH: &str = "/api/v1/security/log-all-users-out";

on_both_databases! {
    /// A second administrator's log-out ends the session that the first one's spared.
    async fn the_next_one_spares_only_its_own_caller(app: TestApp) {
        let admin = app.provision_admin("admin").await;
        let first = app.owner_token().await;
        app.log_all_users_out(&first, "The owner was first").await;
        let second = app.sign_in(&admin.email).await;
        app.log_all_users_out(&second, "The admin was second").await;
        assert!(!app.is_live(&first).await, "a session was spared twice by different people");
        assert!(app.is_live(&second).await);
        app.post(&first, PATH, json!({"reason": "Reviving myself"})).await.expect(401);
        assert!(app.is_live(&second).await, "a dead session logged somebody out");
    }

    /// Two at once: exactly one succeeds, because each ends the other's session; the loser doesn't come back by its own.
    async fn of_two_at_once_one_wins(app: TestApp) {
        let admin = app.provision_admin("admin").await;
        for round in 0..10 {
            let (left, right) = (app.owner_token().await, app.sign_in(&admin.email).await);
            let body = json!({"reason": "Both press at once"});
            let (one, two) = tokio::join!(app.post(&left, PATH, body.clone()), app.post(&right, PATH, body));
            let alive = (app.is_live(&left).await, app.is_live(&right).await);
            match (one.status, two.status) {
                (200, 401) => assert_eq!(alive, (true, false), "round {round}"),
                (401, 200) => assert_eq!(alive, (false, true), "round {round}"),
                other => panic!("round {round}: {other:?} {} {}", one.text, two.text),
            }
        }
    }

    /// Whoever is told that everybody is out can rely on it for every sign-in that was answered before they asked.
    async fn sign_ins_under_way_end_or_start_again(app: TestApp) {
        let person = app.provision("busy").await;
        let caller = app.owner_token().await;
        for round in 0..6 {
            let before = app.sign_in(&person.email).await;
            let sign_ins = join_all((0..6).map(|_| app.try_sign_in("acme", &person.email, PASSWORD)));
            let (replies, _) = tokio::join!(sign_ins, app.log_all_users_out(&caller, "While people sign in"));
            assert!(!app.is_live(&before).await, "round {round}: a session from before lives");
            let mut settled = Vec::new();
            for reply in replies.into_iter().filter(|reply| reply.status == 200) {
                let token = reply.json()["token"].as_str().expect("a token").to_owned();
                settled.push((app.is_live(&token).await, token));
            }
            for (live, token) in &settled {
                assert_eq!(app.is_live(token).await, *live, "round {round}: a session changed its mind");
            }
            app.log_all_users_out(&caller, "And now all of them").await;
            let tokens: Vec<String> = settled.into_iter().map(|(_, token)| token).collect();
            assert_eq!(app.live(&tokens).await, 0, "round {round}");
            assert!(app.is_live(&caller).await);
        }
    }

    /// A user is deprovisioned while they sign in: no session of theirs lives after the answer (69 in the SCIM cases).
    async fn deprovisioning_wins_against_a_sign_in(app: TestApp) {
        for round in 0..6 {
            let person = app.provision(&format!("leaver-{round}")).await;
            let sign_ins = join_all((0..6).map(|_| app.try_sign_in("acme", &person.email, PASSWORD)));
            let (replies, ended) = tokio::join!(sign_ins, app.set_active(&person.id, false));
            ended.expect_any(&[200, 204]);
            for reply in replies.into_iter().filter(|reply| reply.status == 200) {
                let token = reply.json()["token"].as_str().expect("a token").to_owned();
                assert!(!app.is_live(&token).await, "round {round}: a deprovisioned user is signed in");
            }
        }
    }

    /// Requests in flight with a session that is being ended: none of them brings it back.
    async fn use_does_not_bring_a_session_back(app: TestApp) {
        let person = app.provision("active").await;
        let caller = app.owner_token().await;
        for round in 0..6 {
            let token = app.sign_in(&person.email).await;
            app.advance(61);
            let uses = join_all((0..12).map(|_| app.is_live(&token)));
            let proof = json!({"password": PASSWORD});
            let renewals = join_all((0..4).map(|_| app.post(&token, "/api/v1/reauthenticate", proof.clone())));
            let _ = tokio::join!(uses, renewals, app.log_all_users_out(&caller, "While they are active"));
            assert!(!app.is_live(&token).await, "round {round}: a request in flight revived a session");
        }
    }

    /// Two revocations of one user and of everybody at once: both hold, nobody is counted as live, nothing deadlocks.
    async fn different_scopes_at_once_all_hold(app: TestApp) {
        let person = app.provision("target").await;
        let caller = app.sign_in(OWNER).await;
        for round in 0..6 {
            let tokens = [app.sign_in(&person.email).await, app.sign_in(&person.email).await];
            let log_out = format!("/api/v1/users/{}/log-out", person.id);
            let (user, everybody, off) = tokio::join!(
                app.post(&caller, &log_out, json!({"reason": "This one user"})),
                app.post(&caller, PATH, json!({"reason": "And everybody"})),
                app.set_active(&person.id, false),
            );
            assert_eq!(everybody.status, 200, "round {round}: {}", everybody.text);
            user.expect_any(&[200, 409]);
            off.expect_any(&[200, 204]);
            assert_eq!(app.live(&tokens).await, 0, "round {round}");
            assert!(app.is_live(&caller).await);
            app.set_active(&person.id, true).await.expect_any(&[200, 204]);
        }
    }
}
