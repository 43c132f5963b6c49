//! What the clients of a history share: where the replicas are, who the people are, and which sessions there are.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::dice::Dice;
use super::orders::Order;
use super::record::{Check, Outcome, Recorder, Revocation, Scope, SignIn, Verdict};
use super::wire::{self, Answer, Wire, once};
use crate::support::{OWNER, PASSWORD};

/// How long a client waits for the answer to a change: longer than a server takes to give one up.
pub const PATIENCE: Duration = Duration::from_secs(11);
/// How long a client waits for a verdict: longer than a replica is ever made to stand still.
const CHECK_PATIENCE: Duration = Duration::from_secs(5);
/// How many sessions are known at once; older ones are forgotten.
const REMEMBERED: usize = 150;
/// The owner's place among the people.
pub const BOSS: usize = 0;

/// Somebody who can sign in.
#[derive(Clone, Debug)]
pub struct Person {
    /// Empty for the owner, whom nobody changes.
    pub id: String,
    pub email: String,
}

/// A session that a client holds.
#[derive(Clone, Debug)]
pub struct Live {
    /// Its number in the history.
    pub session: usize,
    pub user: usize,
    /// Its id in the product; empty if the client was not told.
    pub id: Arc<str>,
    pub token: Arc<str>,
    /// Whether somebody was told that it has ended.
    pub ended: bool,
}

pub struct World {
    pub recorder: Recorder,
    /// Of the replicas.
    pub ports: Vec<u16>,
    /// The owner, then administrators, then members.
    pub people: Vec<Person>,
    pub administrators: usize,
    pub scim_token: String,
    /// What all replicas are called.
    pub public_url: String,
    recent: Mutex<VecDeque<Live>>,
    stopped: AtomicBool,
}

impl World {
    pub fn new(ports: Vec<u16>, public_url: String, scim_token: String) -> Self {
        let owner = Person { id: String::new(), email: OWNER.to_owned() };
        Self {
            recorder: Recorder::new(),
            ports,
            people: vec![owner],
            administrators: 0,
            scim_token,
            public_url,
            recent: Mutex::default(),
            stopped: AtomicBool::new(false),
        }
    }

    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    pub fn is_over(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub fn any_replica(&self, dice: &mut Dice) -> usize {
        dice.below(self.ports.len())
    }

    /// Signs in with the password of everybody; `None`: there is no session that anybody knows of.
    pub async fn sign_in(&self, replica: usize, user: usize) -> Option<Live> {
        let body = json!({"workspace": "acme", "email": self.people[user].email, "password": PASSWORD});
        let invoked = self.recorder.now();
        let answer = once(self.ports[replica], &wire::json("POST", "/api/v1/login", "", &body), PATIENCE).await;
        let Some(answer) = answer.filter(|answer| answer.status == 200) else {
            self.recorder.history().refused_sign_ins += 1;
            return None;
        };
        let returned = self.recorder.now();
        let told = answer.json();
        let (token, id) = (text(&told["token"]), text(&told["session"]["id"]));
        Some(self.remember(SignIn { replica, user, credential: 0, assertion: None, invoked, returned }, &token, &id))
    }

    /// Writes a sign-in down, and keeps its session.
    pub fn remember(&self, sign_in: SignIn, token: &str, id: &str) -> Live {
        assert!(token.starts_with("cfs_"), "a sign-in gave no token");
        let user = sign_in.user;
        let session = self.recorder.signed_in(sign_in);
        let live = Live { session, user, id: id.into(), token: token.into(), ended: false };
        let mut recent = self.recent();
        recent.push_back(live.clone());
        if recent.len() > REMEMBERED {
            recent.pop_front();
        }
        live
    }

    /// The sessions that are known, ended ones too.
    pub fn known(&self) -> Vec<Live> {
        self.recent().iter().cloned().collect()
    }

    /// One of them: mostly one that may be alive, now and then one that has ended.
    pub fn any_session(&self, dice: &mut Dice) -> Option<Live> {
        let recent = self.recent();
        let chosen = dice.below(recent.len());
        let wants_ended = dice.below(4) == 0;
        // From a random place on, the first of the wanted kind; else whichever is there.
        let turned = (0..recent.len()).map(|step| &recent[(chosen + step) % recent.len()]);
        turned.clone().find(|live| live.ended == wants_ended).or_else(|| turned.clone().next()).cloned()
    }

    /// Asks a replica about a session, and writes the answer down.
    pub async fn check(&self, wire: &mut Wire, replica: usize, live: &Live) -> Verdict {
        let request = wire::plain("GET", "/forward-auth/nginx", &live.token, "");
        let invoked = self.recorder.now();
        let answer = wire.ask(&request, CHECK_PATIENCE).await;
        let returned = self.recorder.now();
        let verdict = verdict(answer.as_ref());
        self.recorder.checked(Check { replica, session: live.session, invoked, returned, verdict });
        verdict
    }

    /// Carries a revocation out at a replica, and writes down what came of it.
    pub async fn revoke(&self, replica: usize, order: &Order) -> (Outcome, Option<Answer>) {
        let invoked = self.recorder.now();
        let answer = once(self.ports[replica], &order.request, PATIENCE).await;
        let returned = self.recorder.now();
        let outcome = outcome(answer.as_ref());
        let request = answer.as_ref().and_then(|answer| answer.header("x-request-id")).map(str::to_owned);
        self.recorder.revoked(Revocation {
            kind: order.kind,
            replica,
            scope: order.scope,
            spared: order.spared,
            ends_credentials_before: order.ends_credentials_before,
            invoked,
            returned,
            outcome,
            request,
            entry: order.entry,
        });
        if outcome == Outcome::Done {
            self.note_ended(order);
        }
        (outcome, answer)
    }

    fn note_ended(&self, order: &Order) {
        for live in self.recent().iter_mut().filter(|live| order.spared != Some(live.session)) {
            live.ended |= match order.scope {
                Scope::Session(session) => live.session == session,
                Scope::User(user) => live.user == user,
                Scope::Workspace | Scope::Everything => true,
            };
        }
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Live>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn verdict(answer: Option<&Answer>) -> Verdict {
    match answer.map(|answer| answer.status) {
        Some(200) => Verdict::Accepted,
        Some(401) => Verdict::Denied,
        Some(403) => Verdict::Forbidden,
        Some(status) if status >= 500 => Verdict::Unavailable,
        Some(status) => panic!("a check was answered {status}"),
        None => Verdict::Silent,
    }
}

/// What an answer, or its absence, says of a change.
pub fn outcome(answer: Option<&Answer>) -> Outcome {
    match answer.map(|answer| answer.status) {
        Some(200 | 201 | 204) => Outcome::Done,
        Some(400..=499) => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
