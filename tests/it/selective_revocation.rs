//! *Selective revocation*: the sessions that match every criterion end at once, and no others: not the caller's, not another
//! workspace's, not one that begins later.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::pages::Visitor;
use crate::support::saml::{Flow, USER, configure, sign_in};
use crate::support::{Database, OTHER_OWNER, OWNER, PASSWORD, Reply, TestApp, instant, send};

const PATH: &str = "/api/v1/sessions/revoke";
const IDENTITY_PROVIDER: &str = "http://127.0.0.1:9999/idp";

/// A server that believes forwarding headers of 127.0.0.1, as behind a local proxy.
async fn behind_a_proxy(database: Database) -> TestApp {
    TestApp::with(database, |config| config.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")]).await
}

/// A sign-in from an address, with a browser: the session's token, and what the list says of it.
async fn sign_in_from(app: &TestApp, email: &str, address: &str, agent: &str) -> (String, Value) {
    let body = json!({"workspace": "acme", "email": email, "password": PASSWORD});
    let request = app.request(Method::POST, "/api/v1/login").header("x-forwarded-for", address);
    let answer = send(request.header("user-agent", agent).json(&body)).await.expect(200).json();
    (answer["token"].as_str().expect("a token").to_owned(), answer["session"].clone())
}

async fn try_revoke(app: &TestApp, token: &str, filter: &Value) -> Reply {
    app.post(token, PATH, json!({"filter": filter, "reason": "Those that match"})).await
}

/// Ends what matches; gives the receipt.
async fn revoke(app: &TestApp, token: &str, filter: &Value) -> Value {
    try_revoke(app, token, filter).await.expect(200).json()
}

async fn dry_run(app: &TestApp, token: &str, filter: &Value) -> Value {
    let body = json!({"filter": filter, "reason": "What would happen?", "dry_run": true});
    app.post(token, PATH, body).await.expect(200).json()
}

async fn with_key(app: &TestApp, token: &str, key: &str, filter: &Value) -> Reply {
    let request = app.request(Method::POST, PATH).bearer_auth(token).header("idempotency-key", key);
    send(request.json(&json!({"filter": filter, "reason": "Once, please"}))).await
}

async fn group_of(app: &TestApp, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let schema = "urn:ietf:params:scim:schemas:core:2.0:Group";
    let body = json!({"schemas": [schema], "displayName": "Contractors", "members": members});
    let group = app.scim(Method::POST, "/Groups", Some(body)).await.expect(201).json();
    group["id"].as_str().expect("an id").to_owned()
}

/// A filter of the ids of a user, a group and a provider.
type Filter = fn(&str, &str, &str) -> Value;

on_both_databases! {
    /// Each criterion alone, and two together: counted first, then ended, and the count is what ended.
    async fn what_matches_ends_and_nothing_else(database: Database) {
        let app = behind_a_proxy(database).await;
        let (ada, bo) = (app.provision("ada").await, app.provision("bo").await);
        let group = group_of(&app, &[&ada.id]).await;
        // What the filter is, made of the instant between the two sign-ins; whether it means ada; whether it means bo.
        let cases: [(Filter, bool, bool); 20] = [
            (|ada, _, _| json!({"user": ada}), true, false),
            (|_, group, _| json!({"group": group}), true, false),
            (|_, _, _| json!({"method": "password"}), true, true),
            (|_, _, _| json!({"method": "saml"}), false, false),
            (|_, _, _| json!({"identity_provider": IDENTITY_PROVIDER}), false, false),
            (|_, _, _| json!({"ip": "203.0.113.0/24"}), true, false),
            (|_, _, _| json!({"ip": "203.0.113.7"}), true, false),
            (|_, _, _| json!({"ip": "0.0.0.0/0"}), true, false),
            (|_, _, _| json!({"ip": "2001:db8::/32"}), false, true),
            (|_, _, _| json!({"ip": "::/0"}), false, true),
            (|_, _, _| json!({"ip": "198.51.100.0/24"}), false, false),
            (|_, _, between| json!({"created_before": between}), true, false),
            (|_, _, between| json!({"seen_before": between}), true, false),
            (|_, _, _| json!({"user_agent": "FIREFOX"}), true, false),
            (|_, _, _| json!({"user_agent": "50%_!"}), false, true),
            (|_, _, _| json!({"user_agent": "F_refox"}), false, false),
            (|ada, group, _| json!({"user": ada, "group": group}), true, false),
            (|ada, _, _| json!({"user": ada, "ip": "2001:db8::/32"}), false, false),
            (|_, _, between| json!({"created_before": between, "user_agent": "curl"}), false, false),
            (|_, _, _| json!({"method": "password", "ip": "2001:db8::7", "user_agent": "Curl"}), false, true),
        ];
        for (filter, of_ada, of_bo) in cases {
            let (adas, _) = sign_in_from(&app, &ada.email, "203.0.113.7", "Mozilla/5.0 Firefox/130.0").await;
            app.advance(1);
            let (bos, session) = sign_in_from(&app, &bo.email, "2001:db8::7", "curl/8 (50%_!)").await;
            let (owner, _) = sign_in_from(&app, OWNER, "192.0.2.1", "Mozilla/5.0 Firefox/130.0").await;
            let filter = filter(&ada.id, &group, session["created_at"].as_str().expect("an instant"));
            let expected = i64::from(of_ada) + i64::from(of_bo);
            let counted = dry_run(&app, &owner, &filter).await;
            assert_eq!((&counted["sessions"], &counted["users"]), (&json!(expected), &json!(expected)), "{filter}");
            assert_eq!(counted["sample"].as_array().map(Vec::len), usize::try_from(expected).ok(), "{filter}");
            assert_eq!(app.live(&[adas.clone(), bos.clone()]).await, 2, "a dry run ended something: {filter}");
            let receipt = revoke(&app, &owner, &filter).await;
            assert_eq!((&receipt["sessions"], &receipt["users"]), (&json!(expected), &json!(expected)), "{filter}");
            assert_eq!((app.is_live(&adas).await, app.is_live(&bos).await), (!of_ada, !of_bo), "{filter}");
            assert!(app.is_live(&owner).await, "the caller is out: {filter}");
            app.log_all_users_out(&owner, "The next round").await;
            app.post(&owner, "/api/v1/logout", json!({})).await.expect(204);
        }
    }

    /// What a dry run shows, and that nothing of it is kept.
    async fn a_dry_run_shows_some_of_what_would_end(app: TestApp) {
        let person = app.provision("person").await;
        for _ in 0..12 {
            app.sign_in(&person.email).await;
        }
        let (owner, member) = (app.owner_token().await, app.sign_in(&person.email).await);
        app.advance(10 * 60 + 1);
        let filter = json!({"user": person.id, "created_before": "2999-01-01T00:00:00+01:00"});
        let counted = dry_run(&app, &owner, &filter).await;
        assert_eq!((&counted["dry_run"], &counted["sessions"], &counted["users"]), (&json!(true), &json!(13), &json!(1)));
        assert_eq!(counted["spared_session"], app.session_id(&owner).await);
        let understood = json!({"user": person.id, "created_before": "2998-12-31T23:00:00.000Z"});
        assert_eq!(counted["filter"], understood, "{counted}");
        let sample = counted["sample"].as_array().expect("a sample");
        assert_eq!(sample.len(), 10);
        for shown in sample {
            assert_eq!((&shown["user"]["email"], &shown["current"]), (&json!(person.email), &json!(false)), "{shown}");
            assert!(shown["id"].is_string() && shown["ip"].is_string(), "{shown}");
        }
        assert!(counted["sequence"].is_null(), "a dry run has a receipt: {counted}");
        try_revoke(&app, &owner, &filter).await.expect_problem(403, "reauthentication-required");
        try_revoke(&app, &member, &filter).await.expect_problem(403, "forbidden");
        let wanted = json!({"filter": filter, "reason": "Because I can?", "dry_run": true});
        app.post(&member, PATH, wanted).await.expect_problem(403, "forbidden");
        send(app.request(Method::POST, PATH).json(&json!({"filter": filter, "reason": "Who?"})))
            .await
            .expect_problem(401, "not-signed-in");
        assert_eq!(app.all_items(&owner, "/api/v1/sessions").await.len(), 14);
        assert_eq!(app.all_items(&owner, "/api/v1/audit?action=session.selection_revoked").await.len(), 0);
    }

    /// The session that asks stays although it matches; the person's others don't.
    async fn the_caller_survives(app: TestApp) {
        let tokens = [app.owner_token().await, app.owner_token().await, app.owner_token().await];
        let own = app.user_id(&tokens[0]).await;
        let receipt = revoke(&app, &tokens[0], &json!({"user": own})).await;
        assert_eq!(receipt["spared_session"], app.session_id(&tokens[0]).await);
        for (member, value) in [
            ("scope", json!("selection")),
            ("trigger", json!("admin")),
            ("reason", json!("Those that match")),
            ("epoch", json!(0)),
            ("sessions", json!(2)),
            ("users", json!(1)),
            ("more", json!(false)),
        ] {
            assert_eq!(receipt[member], value, "{member} in {receipt}");
        }
        assert!(receipt["sequence"].as_i64().is_some_and(|number| number > 0), "{receipt}");
        assert!(receipt["replicas"]["applied"].is_array(), "{receipt}");
        assert_eq!((app.is_live(&tokens[0]).await, app.live(&tokens[1..]).await), (true, 0));
        let problem = app.get(&tokens[1], "/api/v1/session").await.expect_problem(401, "session-ended");
        assert!(problem["detail"].is_string());
        let again = revoke(&app, &tokens[0], &json!({"user": own})).await;
        assert_eq!(again["sessions"], 0, "ended sessions ended again: {again}");
    }

    /// A session born after it stays; one that ended is not brought back by its use, nor by a restart.
    async fn what_ended_stays_ended_and_what_comes_stays(app: TestApp) {
        let person = app.provision("person").await;
        let ended = app.sign_in(&person.email).await;
        let owner = app.owner_token().await;
        assert!(app.is_live(&ended).await);
        let filter = json!({"user": person.id, "method": "password"});
        revoke(&app, &owner, &filter).await;
        let later = app.sign_in(&person.email).await;
        for _ in 0..3 {
            app.advance(61);
            let proof = json!({"password": PASSWORD});
            let (uses, proof) = tokio::join!(
                join_all((0..4).map(|_| app.is_live(&ended))),
                app.post(&ended, "/api/v1/reauthenticate", proof)
            );
            assert!(uses.iter().all(|live| !live), "an ended session was brought back by its use");
            proof.expect(401);
            assert!(app.is_live(&later).await, "a session born after it ended");
        }
        assert_eq!(app.all_items(&owner, &format!("/api/v1/sessions?user={}", person.id)).await.len(), 1);
        let app = app.restart().await;
        assert_eq!((app.is_live(&ended).await, app.is_live(&later).await), (false, true));
        assert_eq!(revoke(&app, &owner, &filter).await["sessions"], 1);
        assert!(!app.is_live(&later).await);
    }

    /// What is no filter is refused by name, and nobody is logged out.
    async fn a_bad_filter_is_named(app: TestApp) {
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let elsewhere = app.user_id(&stranger).await;
        let (owner, bystander) = (app.owner_token().await, app.owner_token().await);
        let nobody = "01890000-0000-7000-8000-000000000000";
        for (filter, field) in [
            (json!({"ip": "nowhere"}), "filter.ip"),
            (json!({"ip": "203.0.113.0/33"}), "filter.ip"),
            (json!({"ip": ""}), "filter.ip"),
            (json!({"ip": 7}), "filter.ip"),
            (json!({"created_before": "yesterday"}), "filter.created_before"),
            (json!({"created_before": 1_700_000_000_000_i64}), "filter.created_before"),
            (json!({"seen_before": "2026-11-24"}), "filter.seen_before"),
            (json!({"method": "telepathy"}), "filter.method"),
            (json!({"method": "password", "user": ""}), "filter.user"),
            (json!({"user": nobody}), "filter.user"),
            (json!({"user": elsewhere}), "filter.user"),
            (json!({"group": nobody}), "filter.group"),
            (json!({"identity_provider": " "}), "filter.identity_provider"),
            (json!({"user_agent": ""}), "filter.user_agent"),
            (json!({"user_agent": "x".repeat(301)}), "filter.user_agent"),
            (json!({"method": "password", "colour": "red"}), "filter.colour"),
            (json!({"method": "password", "users": [nobody]}), "filter.users"),
            (json!("everybody"), "filter"),
            (Value::Null, "filter"),
        ] {
            try_revoke(&app, &owner, &filter).await.expect_field(field);
            let body = json!({"filter": filter, "reason": "Would it?", "dry_run": true});
            app.post(&owner, PATH, body).await.expect_field(field);
        }
        for empty in [json!({}), json!({"user": null, "ip": null})] {
            let problem = try_revoke(&app, &owner, &empty).await.expect_problem(422, "unprocessable");
            assert_eq!(problem["field"], "filter");
            assert!(problem["detail"].as_str().is_some_and(|text| text.contains("log-all-users-out")), "{problem}");
        }
        let filter = json!({"method": "password"});
        for (body, field) in [
            (json!({"filter": filter}), "reason"),
            (json!({"filter": filter, "reason": ""}), "reason"),
            (json!({"filter": filter, "reason": "   "}), "reason"),
            (json!({"filter": filter, "reason": "x".repeat(501)}), "reason"),
            (json!({"filter": filter, "reason": "", "dry_run": true}), "reason"),
            (json!({"reason": "Without a filter"}), "filter"),
            (json!({"filter": filter, "reason": "Misspelt", "dry-run": true}), "dry-run"),
            (json!({"filter": filter, "reason": "Not a flag", "dry_run": "yes"}), "dry_run"),
        ] {
            app.post(&owner, PATH, body).await.expect_field(field);
        }
        assert_eq!(app.live(&[owner, bystander, stranger]).await, 3);
    }

    /// The same words in another workspace mean other sessions.
    async fn another_workspace_is_untouched(app: TestApp) {
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let (owner, other) = (app.owner_token().await, app.owner_token().await);
        let receipt = revoke(&app, &owner, &json!({"method": "password"})).await;
        assert_eq!(receipt["sessions"], 1);
        assert_eq!((app.is_live(&stranger).await, app.is_live(&other).await), (true, false));
    }

    /// The same key is the same deed: a retry ends nobody's session who has come back meanwhile.
    async fn a_retry_is_not_a_second_deed(app: TestApp) {
        let person = app.provision("person").await;
        let ended = app.sign_in(&person.email).await;
        let owner = app.owner_token().await;
        let filter = json!({"user": person.id});
        let first = with_key(&app, &owner, "incident-7", &filter).await.expect(200).json();
        let back = app.sign_in(&person.email).await;
        let second = with_key(&app, &owner, "incident-7", &filter).await.expect(200);
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
        let second = second.json();
        for member in ["sequence", "scope", "reason", "sessions", "users", "revoked_at"] {
            assert_eq!(first[member], second[member], "a retry has another receipt: {member}");
        }
        assert_eq!((app.is_live(&ended).await, app.is_live(&back).await), (false, true));
        let other = json!({"user": person.id, "method": "password"});
        with_key(&app, &owner, "incident-7", &other).await.expect_problem(422, "idempotency-key-reused");
        let third = with_key(&app, &owner, "incident-8", &filter).await.expect(200).json();
        assert_eq!(third["sessions"], 1);
        assert!(!app.is_live(&back).await);
    }

    /// Who did it, why, and what was meant: in the audit log, in the same words.
    async fn the_audit_log_has_the_filter(app: TestApp) {
        let owner = app.owner_token().await;
        app.owner_token().await;
        let receipt = revoke(&app, &owner, &json!({"method": "password", "ip": "127.0.0.1"})).await;
        let entries = app.all_items(&owner, "/api/v1/audit?action=session.selection_revoked").await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        let entry = &entries[0];
        assert_eq!(entry["details"]["filter"], json!({"method": "password", "ip": "127.0.0.1/32"}), "{entry}");
        assert_eq!((&entry["reason"], &entry["target"]["label"]), (&json!("Those that match"), &json!("acme")));
        for member in ["sequence", "sessions", "users", "spared_session"] {
            assert_eq!(entry["details"][member], receipt[member], "{member} in {entry}");
        }
    }

    /// A sign-in that began before it has a session that ended with it, or began again after it. Of each session that was given
    /// out, the order in the audit log says which: there is no third case.
    async fn sign_ins_under_way_are_matched_or_begin_again(app: TestApp) {
        let person = app.provision("busy").await;
        let caller = app.owner_token().await;
        for round in 0..6 {
            let before = app.sign_in(&person.email).await;
            let sign_ins = join_all((0..6).map(|_| app.try_sign_in("acme", &person.email, PASSWORD)));
            let filter = json!({"user": person.id, "method": "password"});
            let (replies, receipt) = tokio::join!(sign_ins, revoke(&app, &caller, &filter));
            assert!(!app.is_live(&before).await, "round {round}: a session from before lives");
            let revoked_at = audited(&app, &caller, "action=session.selection_revoked", |entry| {
                entry["details"]["sequence"] == receipt["sequence"]
            })
            .await;
            for reply in replies.into_iter().filter(|reply| reply.status == 200) {
                let signed_in = reply.json();
                let (token, session) = (signed_in["token"].as_str().expect("a token"), &signed_in["session"]["id"]);
                let query = format!("action=login.succeeded&target={}", session.as_str().expect("an id"));
                let born_at = audited(&app, &caller, &query, |_| true).await;
                assert_eq!(app.is_live(token).await, born_at > revoked_at, "round {round}: {born_at}, {revoked_at}");
            }
            revoke(&app, &caller, &filter).await;
            let left = app.all_items(&caller, &format!("/api/v1/sessions?user={}", person.id)).await;
            assert_eq!(left.len(), 0, "round {round}: {left:?}");
        }
    }

    /// Of two administrators who mean each other, one wins.
    async fn of_two_at_once_one_wins(app: TestApp) {
        let admin = app.provision_admin("admin").await;
        let filter = json!({"method": "password"});
        for round in 0..6 {
            let (left, right) = (app.owner_token().await, app.sign_in(&admin.email).await);
            let (one, two) = tokio::join!(try_revoke(&app, &left, &filter), try_revoke(&app, &right, &filter));
            let alive = (app.is_live(&left).await, app.is_live(&right).await);
            match (one.status, two.status) {
                (200, 401) => assert_eq!(alive, (true, false), "round {round}"),
                (401, 200) => assert_eq!(alive, (false, true), "round {round}"),
                other => panic!("round {round}: {other:?} {} {}", one.text, two.text),
            }
        }
    }

    /// By the identity provider that vouched. Whoever was there meanwhile isn't signed in by coming back.
    async fn sessions_of_an_identity_provider_end(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let signed_in = sign_in(&app, USER).await;
        let waiting = Flow::begin(&app).await;
        let response = waiting.response(USER, &[]);
        let other = app.owner_token().await;
        let receipt = revoke(&app, &owner, &json!({"identity_provider": IDENTITY_PROVIDER})).await;
        assert_eq!(receipt["sessions"], 1, "{receipt}");
        assert!(signed_in.who().await.is_none(), "a session of the identity provider lives");
        assert_eq!(app.live(&[owner.clone(), other]).await, 2);
        let reply = waiting.deliver(&response).await;
        assert!((300..500).contains(&reply.status), "{}", reply.status);
        assert!(waiting.who().await.is_none(), "a sign-in from before made a session");
        let again = sign_in(&app, USER).await;
        assert_eq!(revoke(&app, &owner, &json!({"method": "saml"})).await["sessions"], 1);
        assert!(again.who().await.is_none());
    }

    /// From the list of sessions: what the filter shows, but a part of a name, which is no criterion.
    async fn the_console_ends_what_its_list_shows(app: TestApp) {
        let person = app.provision("person").await;
        let token = app.sign_in(&person.email).await;
        let owner = Visitor::signed_in(&app, OWNER).await;
        let path = "/console/sessions/end?method=password";
        let list = owner.visit("/console/sessions?method=password").await;
        list.says("End these sessions");
        list.says(path);
        for query in ["", "?user=person&method=password", "?scope=mine&method=password"] {
            let other = format!("/console/sessions{query}");
            let page = owner.visit(&other).await;
            assert!(!page.reply.text.contains("End these sessions"), "{other} offers it");
        }
        let refused = owner.visit("/console/sessions/end?user=person&method=password").await;
        assert!(refused.path.starts_with("/console/sessions?"), "{}", refused.path);
        let page = owner.visit(path).await;
        page.says("End 1 session");
        let form = page.form(path);
        let empty = owner.submit(&form.clone().fill("reason", "  ")).await;
        assert_eq!(empty.reply.status, 422, "{}", empty.reply.text);
        assert!(app.is_live(&token).await);
        let done = owner.submit(&form.fill("reason", "From the list")).await;
        assert_eq!(done.path, "/console/sessions", "{}", done.reply.text);
        assert!(!app.is_live(&token).await);
        assert_eq!(owner.visit("/console").await.path, "/console", "the console's own session ended");
    }

    /// The operator's way: counted first, only with a yes, one session or a selection, never both.
    async fn an_operator_revokes_what_matches(database: Database) {
        let app = TestApp::on(database).await;
        let person = app.provision("person").await;
        let (owner, token) = (app.owner_token().await, app.sign_in(&person.email).await);
        let session = app.session_id(&owner).await;
        let (id, session) = (person.id.as_str(), session.as_str());
        let clock = app.clock.clone();
        let home = app.stop().await;
        let cli = home.cli();
        let run = |arguments: &[&str]| {
            let common = ["sessions", "revoke", "--workspace", "acme", "--reason", "From the desk", "--output", "json"];
            cli.run(&[&common[..], arguments].concat())
        };
        for refused in [
            &["--yes"][..],
            &["--user", id],
            &["--user", "nobody", "--yes"],
            &["--ip", "nowhere", "--yes"],
            &["--created-before", "yesterday", "--yes"],
            &[session, "--user", id, "--yes"],
            &[session, "--dry-run"],
        ] {
            run(refused).refused();
        }
        let counted = run(&["--user", id, "--dry-run"]).succeeded().json();
        assert_eq!((&counted["sessions"], &counted["sample"][0]["user"]), (&json!(1), &json!(person.email)), "{counted}");
        let filter = ["--user", id, "--method", "password", "--seen-before", "2999-01-01T00:00:00Z", "--yes"];
        let receipt = run(&filter).succeeded().json();
        assert_eq!((&receipt["sessions"], &receipt["spared_session"]), (&json!(1), &Value::Null));
        let app = TestApp::start(home, clock, |_| {}).await;
        assert_eq!((app.is_live(&token).await, app.is_live(&owner).await), (false, true));
        let entries = app.all_items(&owner, "/api/v1/audit?action=session.selection_revoked").await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!((&entries[0]["actor"]["kind"], &entries[0]["reason"]), (&json!("cli"), &json!("From the desk")));
        let home = app.stop().await;
        let one = ["sessions", "revoke", session, "--workspace", "acme", "--reason", "That one", "--output", "json"];
        assert_eq!(home.cli().run(&one).succeeded().json()["scope"], "session");
    }
}

/// The place in the audit log of the newest entry that is meant.
async fn audited(app: &TestApp, token: &str, query: &str, is_meant: impl Fn(&Value) -> bool) -> i64 {
    let entries = app.all_items(token, &format!("/api/v1/audit?{query}")).await;
    let found = entries.iter().find(|entry| is_meant(entry));
    let entry = found.unwrap_or_else(|| panic!("no entry of {query} in {entries:?}"));
    assert!(instant(&entry["at"]) > 0);
    entry["sequence"].as_i64().expect("a number")
}

/// Several servers: what one ends by a selection, none accepts when it has answered; what doesn't match, all accept.
#[tokio::test(flavor = "multi_thread")]
async fn no_replica_accepts_what_was_selected() {
    let app = TestApp::on(Database::Postgres).await;
    let second = app.beside().await;
    let (ada, bo) = (app.provision("ada").await, app.provision("bo").await);
    let owner = app.owner_token().await;
    for round in 0..8 {
        let (adas, bos) = (app.sign_in(&ada.email).await, app.sign_in(&bo.email).await);
        for token in [&owner, &adas, &bos] {
            for _ in 0..2 {
                app.verdict(token).await.expect(200);
                second.verdict(token).await.expect(200);
            }
        }
        assert!(second.remembered() > 0);
        revoke(&app, &owner, &json!({"user": ada.id})).await;
        for (token, status) in [(&adas, 401), (&bos, 200), (&owner, 200)] {
            let (here, there) = tokio::join!(app.verdict(token), second.verdict(token));
            assert_eq!((here.status, there.status), (status, status), "round {round}");
        }
    }
    second.stop().await;
}
