//! The numbered SCIM cases of what fails: the process is killed, the database takes nothing, somebody reads the log; and
//! that it makes no difference how many sessions somebody has.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::audit::tamper;
use crate::support::people::{okta_user, patch_op};
use crate::support::process::Serve;
use crate::support::scim::id_of;
use crate::support::{Database, Home, PASSWORD, TestApp};

const PEOPLE: usize = 60;
const WORKERS: usize = 8;
/// Answers after which the server is killed.
const KILL_AT: usize = 5;

/// A way to a server that may be gone.
struct Wire {
    client: Client,
    base: String,
    token: String,
}

impl Wire {
    fn to(serve: &Serve, home: &Home) -> Self {
        Self { client: crate::support::http::client(), base: serve.base(), token: home.scim_token.clone() }
    }

    /// Status and body; `None` if there is no whole answer.
    async fn ask(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Option<(u16, String)> {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.ok()?;
        Some((response.status().as_u16(), response.text().await.ok()?))
    }

    async fn scim(&self, method: Method, path: &str, body: Option<Value>) -> Option<(u16, String)> {
        self.ask(method, &format!("/scim/v2{path}"), &self.token, body).await
    }

    /// The body of an answer that has to be a success.
    async fn done(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, text) = self.ask(method, path, &self.token, Some(body)).await.expect("the server runs");
        assert!((200..300).contains(&status), "{path}: {status} {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Creates a user and signs them in; gives id and token.
    async fn signed_in(&self, email: &str) -> (String, String) {
        let mut user = okta_user(email);
        user["password"] = PASSWORD.into();
        let id = id_of(&self.done(Method::POST, "/scim/v2/Users", user).await);
        let login = json!({"workspace": "acme", "email": email, "password": PASSWORD});
        let signed_in = self.done(Method::POST, "/api/v1/login", login).await;
        (id, signed_in["token"].as_str().expect("a token").to_owned())
    }

    async fn is_live(&self, token: &str) -> bool {
        let (status, text) = self.ask(Method::GET, "/api/v1/session", token, None).await.expect("the server runs");
        assert!([200, 401].contains(&status), "{status} {text}");
        status == 200
    }
}

/// Switches some people off, one after the other, until there is no answer; gives how many answers there were.
async fn deactivate(wire: &Wire, some: &[(String, String)], answered: &AtomicUsize) -> usize {
    let mut told = 0;
    for (id, _) in some {
        match wire.scim(Method::PATCH, &format!("/Users/{id}"), Some(active(false))).await {
            Some((200, _)) => told += 1,
            Some((status, text)) => panic!("{status} {text}"),
            None => break,
        }
        answered.fetch_add(1, Ordering::SeqCst);
    }
    told
}

fn active(value: bool) -> Value {
    patch_op(json!([{"op": "replace", "value": {"active": value}}]))
}

/// Makes the database refuse every revocation, and lets it take them again.
async fn refuse_revocations(home: &Home, refuse: bool) {
    let sql = match (home.database, refuse) {
        (Database::Sqlite, true) => {
            "CREATE TRIGGER away BEFORE INSERT ON revocation BEGIN SELECT RAISE(ABORT, 'away'); END"
        }
        (Database::Sqlite, false) => "DROP TRIGGER away",
        (Database::Postgres, true) => "ALTER TABLE revocation ADD CONSTRAINT away CHECK (seq < 0) NOT VALID",
        (Database::Postgres, false) => "ALTER TABLE revocation DROP CONSTRAINT away",
    };
    tamper(home, sql).await;
}

on_both_databases! {
    async fn case_71_a_kill_leaves_both_or_neither(database: Database) {
        let home = Home::new(database);
        let serve = Serve::new(&home).with("CURFEW_SIGN_IN__ATTEMPTS_PER_ADDRESS", "100000");
        let mut server = serve.start().await;
        let wire = Wire::to(&serve, &home);
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            people.push(wire.signed_in(&format!("leaver-{number}@corp.test")).await);
        }
        let answered = AtomicUsize::new(0);
        let killer = async {
            while answered.load(Ordering::SeqCst) < KILL_AT {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            server.kill();
        };
        let share = PEOPLE.div_ceil(WORKERS);
        let (told, ()) =
            tokio::join!(join_all(people.chunks(share).map(|some| deactivate(&wire, some, &answered))), killer);
        assert!(told.iter().sum::<usize>() < PEOPLE, "the kill came too late to mean anything");
        let mut server = serve.start().await;
        for (some, told) in people.chunks(share).zip(told) {
            for (number, (id, token)) in some.iter().enumerate() {
                let (status, text) =
                    wire.scim(Method::GET, &format!("/Users/{id}"), None).await.expect("it runs again");
                assert_eq!(status, 200, "{text}");
                let user: Value = serde_json::from_str(&text).expect("JSON");
                let (on, live) = (user["active"] == true, wire.is_live(token).await);
                assert_eq!(on, live, "only half of it happened: {user}");
                assert!(number >= told || !on, "what was acknowledged is gone: {user}");
                if !on {
                    wire.done(Method::PATCH, &format!("/scim/v2/Users/{id}"), active(true)).await;
                    assert!(!wire.is_live(token).await, "the state had changed and the epoch had not: {user}");
                }
            }
        }
        server.kill();
        home.cli().run(&["audit", "verify", "--workspace", "acme"]).succeeded();
    }

    /// An identity provider tries again what fails, and never what was answered with success.
    async fn case_72_what_cannot_be_revoked_is_not_acknowledged(database: Database) {
        let app = TestApp::on(database).await;
        let ada = app.provision("ada").await;
        let (session, clock) = (app.sign_in(&ada.email).await, app.clock.clone());
        let home = app.stop().await;
        refuse_revocations(&home, true).await;
        let app = TestApp::start(home, clock.clone(), |_| {}).await;
        let wire = Wire { client: app.client.clone(), base: app.base.clone(), token: app.home.scim_token.clone() };
        let mut put = okta_user(&ada.email);
        put["active"] = false.into();
        let path = format!("/Users/{}", ada.id);
        for (method, body) in [(Method::PATCH, Some(active(false))), (Method::PUT, Some(put)), (Method::DELETE, None)] {
            let (status, text) = wire.scim(method.clone(), &path, body).await.expect("an answer");
            let error: Value = serde_json::from_str(&text).expect("JSON");
            assert!(status >= 500 && error["status"].as_str() == Some(&*status.to_string()), "{method} answered {status}: {text}");
            assert!(!text.contains("away") && !text.contains("revocation"), "the database speaks to a client: {text}");
        }
        assert!(app.is_live(&session).await, "a refused change ended a session");
        assert_eq!(app.scim_read(&path).await["active"], true);
        let home = app.stop().await;
        refuse_revocations(&home, false).await;
        let app = TestApp::start(home, clock, |_| {}).await;
        app.set_active(&ada.id, false).await.expect(200);
        assert!(!app.is_live(&session).await);
        let home = app.stop().await;
        home.cli().run(&["audit", "verify", "--workspace", "acme"]).succeeded();
    }

    /// Not at the finest grain of our own messages either.
    async fn case_77_no_secret_is_in_the_log(database: Database) {
        let home = Home::new(database);
        let serve = Serve::new(&home).with("CURFEW_LOG__FILTER", "debug,curfew=trace");
        let mut server = serve.start().await;
        let wire = Wire::to(&serve, &home);
        let (id, session) = wire.signed_in("ada@corp.test").await;
        let (wrong, short) = ("cfscim_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "tiny-PW");
        for password in [PASSWORD, short, "Another-Passw0rd-42"] {
            let change = patch_op(json!([{"op": "replace", "path": "password", "value": password}]));
            wire.scim(Method::PATCH, &format!("/Users/{id}"), Some(change)).await.expect("an answer");
            let mut put = okta_user("ada@corp.test");
            put["password"] = password.into();
            put["title"] = 1.into();
            wire.scim(Method::PUT, &format!("/Users/{id}"), Some(put)).await.expect("an answer");
        }
        let by_password = format!("/Users?filter=password%20eq%20%22{PASSWORD}%22");
        assert_eq!(wire.scim(Method::GET, &by_password, None).await.expect("an answer").0, 400);
        assert_eq!(wire.ask(Method::GET, "/scim/v2/Users", wrong, None).await.expect("an answer").0, 401);
        wire.is_live(&session).await;
        let said = serve.said();
        server.kill();
        assert!(said.contains("/scim/v2/Users"), "the log says nothing: {said}");
        for secret in [PASSWORD, short, "Another-Passw0rd-42"] {
            assert!(!said.contains(secret), "{}… is in the log", &secret[..6]);
        }
        for token in [wrong, session.as_str(), home.scim_token.as_str()] {
            assert!(!said.contains(&token[10..]), "{}… is in the log", &token[..10]);
        }
    }

    /// How long it takes is the bench's business.
    async fn case_79_one_session_or_a_thousand(database: Database) {
        let app = TestApp::with(database, |config| {
            config.sign_in.attempts_per_address = 100_000;
            config.sign_in.failures_per_account = 100_000;
            config.sign_in.queue_ms = 60_000;
        })
        .await;
        for count in [1_usize, 1_000] {
            let person = app.provision(&format!("with-{count}")).await;
            let mut sessions: Vec<String> = Vec::new();
            while sessions.len() < count {
                let some = (count - sessions.len()).min(WORKERS);
                sessions.extend(join_all((0..some).map(|_| app.sign_in(&person.email))).await);
            }
            app.set_active(&person.id, false).await.expect(200);
            assert_eq!(app.live(&sessions).await, 0, "{count} sessions");
        }
    }
}
