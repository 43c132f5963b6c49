//! The lines about provisioning: a server that an identity provider asks over a kept connection, one question after the other.

use std::time::{Duration, Instant};

use curfew::actor::Actor;
use curfew::app::App;
use curfew::base::ids::WorkspaceId;
use curfew::security::credentials::{self, model::CredentialKind};
use serde_json::Value;

use super::commit;
use super::http::{self, Connection};
use super::load::alone;
use super::machine::Pinned;
use super::place::{Home, Kind};
use super::scim_people::{Provisioned, body};
use super::settings::Settings;
use super::stand::Stand;
use super::table::Table;
use super::{scim_create, scim_find, scim_members, scim_pages};

/// A server, the people in its database, and the token of who asks it about them.
pub struct Trial<'a> {
    pub stand: Stand,
    pub kind: Kind,
    pub people: &'a Provisioned,
    pub settings: &'a Settings,
    token: String,
    newcomers: u64,
}

/// A kept connection of an identity provider. The server closes it after ten seconds without a question.
pub struct Provider {
    connection: Connection,
    token: String,
}

pub async fn measure(home: &Home, settings: &Settings, table: &mut Table) {
    let people = home.provisioned.as_ref().expect("they are seeded for this line");
    let app = home.large.open().await;
    commit::prepare(&app).await;
    let token = token(&app, &people.crowd.workspace).await;
    app.db.close().await;
    let mut trial = Trial { stand: Stand::start(home), kind: home.kind, people, settings, token, newcomers: 0 };
    let pinned = Pinned::here_and(trial.stand.process.id());
    alone(async {
        // What only reads comes first: then there are as many people as the lines say.
        scim_find::measure(&trial, table).await;
        scim_pages::measure(&trial, table).await;
        scim_members::measure(&trial, table).await;
        // All these questions are in the request log; trimming that is not the next line's to pay.
        trial.stand.order("tidy");
        scim_create::one_by_one(&mut trial, table).await;
        scim_create::in_bulk(&mut trial, table).await;
    });
    drop(pinned);
    trial.stand.stop();
}

/// A SCIM token of a workspace.
pub async fn token(app: &App, workspace: &WorkspaceId) -> String {
    let kind = CredentialKind::ScimToken;
    let made = credentials::create(app, &Actor::cli(0), workspace, kind, "bench", &[], None).await;
    made.expect("a token can be made").1.reveal().to_owned()
}

impl Trial<'_> {
    pub async fn provider(&self) -> Provider {
        let connection = Connection::open(self.stand.port).await.expect("the server listens");
        Provider { connection, token: self.token.clone() }
    }

    /// Somebody who is not here yet.
    pub fn newcomer(&mut self) -> Value {
        let number = self.people.crowd.users + self.newcomers;
        self.newcomers += 1;
        body(&self.people.crowd.user_name(number), number)
    }
}

impl Provider {
    /// Asks below the SCIM root, and gives how long the answer took. A status other than `status` ends the run.
    pub async fn ask(&mut self, method: &str, path: &str, body: &str, status: u16) -> Duration {
        let path = format!("/scim/v2{path}");
        let question = http::request(method, &path, &self.token, "127.0.0.1", "application/scim+json", body);
        let begun = Instant::now();
        let answered = self.connection.ask(&question).await.expect("the server keeps the connection");
        let took = begun.elapsed();
        assert_eq!(answered, status, "{method} {path}: {}", String::from_utf8_lossy(self.connection.body()));
        took
    }

    /// Whether the last answer holds a text.
    pub fn says(&self, text: &str) -> bool {
        self.connection.body().windows(text.len()).any(|part| part == text.as_bytes())
    }

    /// The last answer.
    pub fn answer(&self) -> Value {
        serde_json::from_slice(self.connection.body()).expect("the server answers in JSON")
    }
}
