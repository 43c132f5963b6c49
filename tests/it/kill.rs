//! `kill -9` in the middle of some hundred mixed writes, then a new start: whatever was acknowledged is there, whatever was
//! ended stays ended, and the audit log holds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::http::client;
use crate::support::people::{okta_user, patch_op};
use crate::support::process::Serve;
use crate::support::{Database, Home, OWNER, PASSWORD};

const WORKERS: usize = 6;
const WRITES: usize = 200;
/// Acknowledged writes at which the server is killed; the others are under way or never begin.
const KILL_AT: usize = 130;

/// What one worker was told, about users and sessions of its own.
#[derive(Default)]
struct Told {
    /// Id and title of each user, as last acknowledged; `None`: a change was under way.
    users: Vec<(String, Option<String>)>,
    /// Tokens that were given out, and not ended as far as anybody was told.
    live: Vec<String>,
    /// Tokens whose end was acknowledged.
    ended: Vec<String>,
}

/// One worker's way to the server.
struct Link<'a> {
    client: Client,
    base: String,
    scim_token: &'a str,
    acknowledged: &'a AtomicUsize,
}

impl Link<'_> {
    fn scim(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/scim/v2{path}", self.base)).bearer_auth(self.scim_token)
    }

    fn scim_with(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.scim(method, path).header("content-type", "application/scim+json").body(body.to_string())
    }

    /// The answer, if it came whole before the end; anything but success before the kill is a failure.
    async fn told(&self, request: RequestBuilder) -> Option<Value> {
        let response = request.send().await.ok()?;
        let status = response.status();
        let text = response.text().await.ok()?;
        assert!(status.is_success(), "{status}: {text}");
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
        Some(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn sign_in(&self, email: &str) -> Option<String> {
        let body = json!({"workspace": "acme", "email": email, "password": PASSWORD});
        let answer = self.told(self.client.post(format!("{}/api/v1/login", self.base)).json(&body)).await?;
        Some(answer["token"].as_str().expect("a token").to_owned())
    }
}

fn replace(value: &Value) -> Value {
    patch_op(json!([{"op": "replace", "value": value}]))
}

/// Six writes around one new user: create, rename, three sign-ins of which one logs out, and for every second user the end.
async fn one_user(link: &Link<'_>, email: &str, odd: bool, told: &mut Told) -> Option<()> {
    let mut user = okta_user(email);
    user["password"] = PASSWORD.into();
    user["title"] = "created".into();
    let created = link.told(link.scim_with(Method::POST, "/Users", &user)).await?;
    let id = created["id"].as_str().expect("an id").to_owned();
    told.users.push((id.clone(), None));
    let path = format!("/Users/{id}");
    link.told(link.scim_with(Method::PATCH, &path, &replace(&json!({"title": format!("renamed {email}")})))).await?;
    told.users.last_mut()?.1 = Some(format!("renamed {email}"));
    let lost = link.sign_in(email).await?;
    told.live.push(lost.clone());
    let kept = link.sign_in(email).await?;
    told.live.push(kept.clone());
    // While the log-out is under way nobody knows whether it happened.
    told.live.retain(|token| *token != lost);
    link.told(link.client.post(format!("{}/api/v1/logout", link.base)).bearer_auth(&lost)).await?;
    told.ended.push(lost);
    if odd {
        told.live.retain(|token| *token != kept);
        link.told(link.scim_with(Method::PATCH, &path, &replace(&json!({"active": false})))).await?;
        told.ended.push(kept);
    }
    Some(())
}

async fn work(link: Link<'_>, worker: usize) -> Told {
    let mut told = Told::default();
    for turn in 0..WRITES {
        let email = format!("worker-{worker}-{turn}@corp.test");
        if link.acknowledged.load(Ordering::SeqCst) >= WRITES
            || one_user(&link, &email, turn % 2 == 1, &mut told).await.is_none()
        {
            break;
        }
    }
    told
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("the restarted server answers");
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.expect("a whole answer")).unwrap_or(Value::Null))
}

/// Everything that a worker was told is so.
async fn so_it_is(link: &Link<'_>, told: &Told) {
    for (id, title) in &told.users {
        let (status, user) = answer(link.scim(Method::GET, &format!("/Users/{id}"))).await;
        assert_eq!(status, 200, "user {id} was acknowledged and is gone");
        if let Some(title) = title {
            assert_eq!(user["title"], *title, "an acknowledged change is gone: {user}");
        }
    }
    for (tokens, expected) in [(&told.live, 200), (&told.ended, 401)] {
        for token in tokens {
            let (status, _) = answer(link.client.get(format!("{}/api/v1/session", link.base)).bearer_auth(token)).await;
            assert_eq!(
                status,
                expected,
                "a session acknowledged as {} is not",
                if expected == 200 { "live" } else { "ended" }
            );
        }
    }
}

on_both_databases! {
    async fn what_was_acknowledged_survives_a_kill(database: Database) {
        let home = Home::new(database);
        home.without_hold().await;
        let serve = Serve::new(&home);
        let mut server = serve.start().await;
        let acknowledged = AtomicUsize::new(0);
        let link =
            || Link { client: client(), base: serve.base(), scim_token: &home.scim_token, acknowledged: &acknowledged };
        let everybody = link();
        let mut before = Vec::new();
        for _ in 0..3 {
            before.push(everybody.sign_in(OWNER).await.expect("the server runs"));
        }
        let body = json!({"reason": "Before the kill"});
        let log_out = everybody.client.post(format!("{}/api/v1/security/log-all-users-out", everybody.base));
        everybody.told(log_out.bearer_auth(&before[0]).json(&body)).await.expect("the server runs");
        let killer = async {
            while acknowledged.load(Ordering::SeqCst) < KILL_AT {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            server.kill();
        };
        let (told, ()) =
            tokio::join!(futures_util::future::join_all((0..WORKERS).map(|worker| work(link(), worker))), killer);
        let count = acknowledged.load(Ordering::SeqCst);
        assert!(
            (KILL_AT..WRITES).contains(&count),
            "{count} writes were acknowledged: the kill came too late to mean anything"
        );
        let mut server = serve.start().await;
        for told in &told {
            so_it_is(&everybody, told).await;
        }
        let spared = Told { live: before[..1].to_vec(), ended: before[1..].to_vec(), users: Vec::new() };
        so_it_is(&everybody, &spared).await;
        server.kill();
        home.cli().run(&["audit", "verify", "--workspace", "acme"]).succeeded();
        assert!(told.iter().map(|told| told.ended.len()).sum::<usize>() > 10, "hardly a session was ended");
    }
}
