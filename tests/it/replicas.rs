//! Several servers on one database: what one of them ends, none of them accepts when it has answered.

use std::time::{Duration, Instant};

use curfew::base::random::SystemRandom;
use curfew::base::secret::{Secret, SecretKind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::process::Serve;
use crate::support::{Database, Home, OWNER, PASSWORD, Replica, TestApp, send};

async fn three() -> (TestApp, Replica, Replica) {
    let app = TestApp::on(Database::Postgres).await;
    let (second, third) = (app.beside().await, app.beside().await);
    (app, second, third)
}

/// Every session that is accepted from memory by all, in rounds: a revocation of each kind, then nobody accepts it.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_ends_none_accepts() {
    let (app, second, third) = three().await;
    let person = app.provision("person").await;
    for round in 0..20 {
        let owner = app.owner_token().await;
        let (one, other) = (app.sign_in(&person.email).await, app.sign_in(&person.email).await);
        for token in [&owner, &one, &other] {
            for _ in 0..2 {
                app.verdict(token).await.expect(200);
                second.verdict(token).await.expect(200);
                third.verdict(token).await.expect(200);
            }
        }
        let mut survivors = vec![&owner];
        match round % 4 {
            0 => {
                let id = app.session_id(&one).await;
                app.delete(&owner, &format!("/api/v1/sessions/{id}")).await.expect(200);
                survivors.push(&other);
            }
            1 => drop(app.log_all_users_out(&owner, "a round of a test").await),
            2 => {
                app.set_active(&person.id, false).await.expect(200);
            }
            _ => {
                app.post(&one, "/api/v1/logout", json!({})).await.expect(204);
                survivors.push(&other);
            }
        }
        let verdicts = futures(&app, &second, &third, &one).await;
        assert_eq!(verdicts, [401; 3], "round {round}");
        for token in survivors {
            assert_eq!(futures(&app, &second, &third, token).await, [200; 3], "round {round}");
        }
        app.set_active(&person.id, true).await.expect(200);
    }
    assert!(second.remembered() > 0);
}

async fn futures(app: &TestApp, second: &Replica, third: &Replica, token: &str) -> [u16; 3] {
    let (one, two, three) = tokio::join!(app.verdict(token), second.verdict(token), third.verdict(token));
    [one.status, two.status, three.status]
}

/// A role that was taken away, a name that was changed and a network that was withdrawn are known to all as well.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_changes_all_know() {
    let (app, second, third) = three().await;
    let owner = app.owner_token().await;
    let person = app.provision_admin("person").await;
    let token = app.sign_in(&person.email).await;
    for server in [&second, &third] {
        assert_eq!(server.verdict(&token).await.expect(200).header("x-curfew-role"), Some("admin"));
    }
    app.patch(&owner, &format!("/api/v1/users/{}", person.id), json!({"role": "member"})).await.expect(200);
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Night shift, A",
                       "members": [{"value": person.id}]});
    app.scim(Method::POST, "/Groups", Some(group)).await.expect(201);
    for server in [&second, &third] {
        let answer = server.verdict(&token).await.expect(200);
        assert_eq!(answer.header("x-curfew-role"), Some("member"));
        assert!(
            answer.header("x-curfew-groups").is_some_and(|groups| groups.contains("Night")),
            "{:?}",
            answer.headers
        );
    }
    let list =
        json!({"mode": "enforce", "confirm_lockout": true, "entries": [{"cidr": "203.0.113.0/24", "label": ""}]});
    app.put(&owner, "/api/v1/security/ip-allowlist", list).await.expect(200);
    assert_eq!(futures(&app, &second, &third, &token).await, [403; 3]);
}

/// The receipt names who knew. One that doesn't answer is waited for as long as its lease may last, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_replica_is_waited_for_once() {
    let (app, second, _third) = three().await;
    let owner = app.owner_token().await;
    let receipt = app.log_all_users_out(&owner, "all are here").await;
    assert_eq!(receipt["replicas"]["applied"].as_array().map(Vec::len), Some(3), "{receipt}");
    app.sql(
        "INSERT INTO replica (id, incarnation, name, granted_seq, acked_seq, fenced, started_at, renewed_at) \
         VALUES ('silent', 1, 'silent', 0, 0, 0, 0, 0) RETURNING id",
    )
    .await;
    let begun = Instant::now();
    let receipt = app.log_all_users_out(&owner, "one is silent").await;
    assert!(begun.elapsed() >= Duration::from_millis(1_500), "{:?}", begun.elapsed());
    assert_eq!(receipt["replicas"]["fenced"], json!(["silent"]), "{receipt}");
    let begun = Instant::now();
    let receipt = app.log_all_users_out(&owner, "it is shut out").await;
    assert!(begun.elapsed() < Duration::from_millis(1_200), "{:?}", begun.elapsed());
    assert_eq!(receipt["replicas"]["fenced"], json!([]), "{receipt}");
    second.stop().await;
    let receipt = app.log_all_users_out(&owner, "one has left").await;
    assert_eq!(receipt["replicas"]["applied"].as_array().map(Vec::len), Some(2), "{receipt}");
}

/// A replica that was fenced registers anew, and answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_replica_comes_back() {
    let app = TestApp::on(Database::Postgres).await;
    let owner = app.owner_token().await;
    app.verdict(&owner).await.expect(200);
    app.sql("UPDATE replica SET fenced = 1 RETURNING id").await;
    app.advance(60);
    app.verdict(&owner).await.expect(200);
    let begun = Instant::now();
    while app.log_all_users_out(&owner, "again").await["replicas"]["applied"] == json!([]) {
        assert!(begun.elapsed() < Duration::from_secs(5), "it does not register anew");
    }
}

/// A database that grants no lease at the moment may be one that was replaced, and wouldn't know who has signed in since: what it
/// doesn't find is not refused as unknown. What memory knows is answered.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_unknown_to_a_database_that_may_be_replaced() {
    let app = TestApp::on(Database::Postgres).await;
    let owner = app.owner_token().await;
    app.verdict(&owner).await.expect(200);
    let stranger = Secret::generate(SecretKind::Session, &SystemRandom).reveal().to_owned();
    app.verdict(&stranger).await.expect(401);
    let mut other = app.db().begin().await.expect("a transaction");
    other.execute("SET LOCAL idle_in_transaction_session_timeout = 0", Vec::new()).await.expect("it may take its time");
    other.execute("UPDATE replica SET name = name", Vec::new()).await.expect("the row of the lease is locked");
    app.tick();
    let (verdict, session) = tokio::join!(app.verdict(&stranger), app.get(&stranger, "/api/v1/session"));
    verdict.expect(503);
    session.expect(503);
    app.verdict(&owner).await.expect(200);
    // What is changed while it is asked is no reason to know nothing.
    let change = async {
        app.log_all_users_out(&owner, "meanwhile").await;
        other.commit().await.expect("it lets go");
    };
    let (verdict, ()) = tokio::join!(app.verdict(&stranger), change);
    verdict.expect(401);
    let begun = Instant::now();
    while app.verdict(&stranger).await.status != 401 {
        assert!(begun.elapsed() < Duration::from_secs(5), "it doesn't recover");
    }
    app.verdict(&owner).await.expect(200);
}

/// Another database than the one that revoked, as after a restored backup or a lost standby: everybody signs in again.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_forgot_is_distrusted() {
    let app = TestApp::on(Database::Postgres).await;
    let (owner, other) = (app.owner_token().await, app.owner_token().await);
    app.log_all_users_out(&owner, "before").await;
    app.verdict(&owner).await.expect(200);
    app.verdict(&other).await.expect(401);
    let begun = Instant::now();
    app.sql("UPDATE head SET timeline = 'another' WHERE id = 1 RETURNING seq").await;
    loop {
        match app.verdict(&owner).await.status {
            401 => break,
            _ => assert!(begun.elapsed() < Duration::from_secs(5), "it is not noticed"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let owner = app.owner_token().await;
    app.verdict(&owner).await.expect(200);
    let entries = app.all_items(&owner, "/api/v1/audit").await;
    let known = entries
        .iter()
        .filter(|entry| entry["actor"]["id"] == "system:failover" || entry["actor_id"] == "system:failover");
    assert_eq!(known.count(), 1, "{entries:?}");
}

on_both_databases! {
    /// The command line works on the database; a running server knows when the command has ended.
    async fn the_command_line_is_heard(database: Database) {
        let home = Home::new(database);
        let serve = Serve::new(&home);
        let _server = serve.start().await;
        let client = crate::support::http::client();
        let body = json!({"workspace": "acme", "email": OWNER, "password": PASSWORD});
        let signed_in = send(client.post(format!("{}/api/v1/login", serve.base())).json(&body)).await.expect(200).json();
        let token = signed_in["token"].as_str().expect("a token").to_owned();
        let ask = async || send(client.get(format!("{}/forward-auth/nginx", serve.base())).bearer_auth(&token)).await;
        ask().await.expect(200);
        ask().await.expect(200);
        let cli = home.cli();
        let printed = cli
            .run(&["sessions", "log-all-users-out", "--workspace", "acme", "--reason", "from the desk", "--yes", "--output", "json"])
            .succeeded();
        ask().await.expect(401);
        let receipt: Value = printed.json();
        assert_eq!(receipt["replicas"]["applied"].as_array().map(Vec::len), Some(1), "{receipt}");
        let restored = cli.run(&["restore", "--output", "json"]).refused();
        assert!(restored.stderr.contains("--yes"), "{restored:?}");
        let signed_in = send(client.post(format!("{}/api/v1/login", serve.base())).json(&body)).await.expect(200).json();
        let token = signed_in["token"].as_str().expect("a token").to_owned();
        send(client.get(format!("{}/forward-auth/nginx", serve.base())).bearer_auth(&token)).await.expect(200);
        cli.run(&["restore", "--yes", "--output", "json"]).succeeded();
        send(client.get(format!("{}/forward-auth/nginx", serve.base())).bearer_auth(&token)).await.expect(401);
        cli.run(&["audit", "verify", "--workspace", "acme"]).succeeded();
    }
}

/// Two restores of one backup give different numbers to what they do: on one machine the later a greater one, on another machine,
/// which knows nothing of the first, another one by chance.
#[tokio::test(flavor = "multi_thread")]
async fn no_number_is_given_twice_after_restores() {
    let home = Home::new(Database::Sqlite);
    let file = home.data_dir().join("curfew.db");
    let copy = std::fs::read(&file).expect("the database is there");
    let restored = || {
        std::fs::write(&file, &copy).expect("it can be put back");
        for beside in ["db-wal", "db-shm"] {
            drop(std::fs::remove_file(file.with_extension(beside)));
        }
        let told: Value = home.cli().run(&["restore", "--yes", "--output", "json"]).succeeded().json();
        told["sequence"].as_i64().expect("a number")
    };
    let (first, second) = (restored(), restored());
    assert!(second > first + 1_000_000, "{first}, {second}");
    std::fs::remove_file(file.with_extension("head")).expect("the machine's memory is there");
    let elsewhere = restored();
    assert!(elsewhere != first && elsewhere != second, "{first}, {second}, {elsewhere}");
}

/// An embedded database that is put back as it was brings nobody back.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_put_back_brings_nobody_back() {
    let app = TestApp::on(Database::Sqlite).await;
    let (owner, other) = (app.owner_token().await, app.owner_token().await);
    let clock = app.clock.clone();
    let home = app.stop().await;
    let file = home.data_dir().join("curfew.db");
    let copy = std::fs::read(&file).expect("the database is there");
    let app = TestApp::start(home, clock.clone(), |_| {}).await;
    app.log_all_users_out(&owner, "after the copy was made").await;
    app.verdict(&other).await.expect(401);
    let home = app.stop().await;
    for rest in ["curfew.db-wal", "curfew.db-shm"] {
        let _absent_is_well = std::fs::remove_file(home.data_dir().join(rest));
    }
    std::fs::write(&file, copy).expect("our own folder");
    let app = TestApp::start(home, clock, |_| {}).await;
    app.verdict(&other).await.expect(401);
    app.verdict(&owner).await.expect(401);
    let owner = app.owner_token().await;
    app.verdict(&owner).await.expect(200);
}
