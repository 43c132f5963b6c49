//! What "R" means in the numbered SCIM cases: when the answer is there, the sessions of that user in that workspace are
//! refused, nobody else's are, and the audit log tells of it once.

use serde_json::Value;

use super::{OTHER_OWNER, Person, TestApp};

/// A user with two sessions that are remembered by the server, and other people with one each.
pub struct Watch<'a> {
    app: &'a TestApp,
    user: String,
    sessions: Vec<String>,
    owner: String,
    others: Vec<String>,
    /// Entries about ends of all of the user's sessions so far.
    told: usize,
}

impl<'a> Watch<'a> {
    /// Signs everybody in. The person has the password of everybody.
    pub async fn over(app: &'a TestApp, person: &Person) -> Self {
        let sessions = vec![app.sign_in(&person.email).await, app.sign_in(&person.email).await];
        let beside = app.provision(&format!("beside-{}", app.session_id(&sessions[0]).await)).await;
        let owner = app.owner_token().await;
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let others = vec![owner.clone(), app.sign_in(&beside.email).await, stranger];
        let mut watch = Self { app, user: person.id.clone(), sessions, owner, others, told: 0 };
        watch.told = watch.entries().await.len();
        for token in watch.sessions.iter().chain(&watch.others) {
            // The second answer comes from memory.
            app.verdict(token).await.expect(200);
            app.verdict(token).await.expect(200);
        }
        watch
    }

    /// The user's sessions.
    pub fn sessions(&self) -> &[String] {
        &self.sessions
    }

    /// R, right after the answer that promised it.
    pub async fn ended(&self, what: &str) {
        for token in &self.sessions {
            assert_eq!(self.app.verdict(token).await.status, 401, "{what}: a proxy is told yes after the answer");
        }
        assert_eq!(self.app.live(&self.sessions).await, 0, "{what}: a session lives after the answer");
        self.nobody_else(what).await;
        let told = self.entries().await;
        assert_eq!(told.len(), self.told + 1, "{what}: the log tells it {} times", told.len() - self.told);
        assert_eq!(told[0]["details"]["sessions"], self.sessions.len(), "{what}: {}", told[0]);
        assert_eq!(told[0]["actor"]["kind"], "scim_token", "{what}: {}", told[0]);
    }

    /// Nothing ended, and nothing is told.
    pub async fn untouched(&self, what: &str) {
        assert_eq!(self.app.live(&self.sessions).await, self.sessions.len(), "{what}: a session ended");
        self.nobody_else(what).await;
        assert_eq!(self.entries().await.len(), self.told, "{what}: the log tells of an end");
    }

    async fn nobody_else(&self, what: &str) {
        for token in &self.others {
            assert_eq!(self.app.verdict(token).await.status, 200, "{what}: somebody else's session ended");
        }
    }

    /// Newest first.
    async fn entries(&self) -> Vec<Value> {
        let path = format!("/api/v1/audit?action=session.user_logged_out&target={}", self.user);
        self.app.all_items(&self.owner, &path).await
    }
}
