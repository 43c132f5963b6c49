//! A server whose workspace `acme` gets the recorded responses of a [`Corpus`]: its clock stands where that was made, and every
//! sign-in that is begun has the request's ID that they answer.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::corpus::Corpus;
use super::{Database, Home, Reply, TestApp, send};

pub struct Consumer {
    pub app: TestApp,
    pub owner: String,
    corpus: Arc<Corpus>,
    /// Whose metadata is configured; `None`: nobody's yet.
    provider: Option<Option<String>>,
    /// The cookie of the sign-in that is open.
    cookie: Option<String>,
}

/// What came of a response.
pub struct Outcome {
    pub reply: Reply,
    /// The token of the session that it made.
    pub token: Option<String>,
}

impl Consumer {
    pub async fn start(database: Database, corpus: Arc<Corpus>) -> Self {
        let home = Home::new(database);
        let clock = curfew::base::clock::ManualClock::at(corpus.now);
        let acs = corpus.setting("acs");
        let public_url = acs.split("/saml/").next().expect("the consumer service is ours").to_owned();
        let app = TestApp::start(home, clock, |config| {
            config.public_url = public_url;
            config.sign_in.attempts_per_address = 1_000_000;
        })
        .await;
        let owner = app.owner_token().await;
        Self { app, owner, corpus, provider: None, cookie: None }
    }

    /// Configures the provider of a case, unless it is the one already.
    pub async fn trust(&mut self, provider: Option<&str>) {
        let wanted = Some(provider.map(str::to_owned));
        if self.provider == wanted {
            return;
        }
        let body = json!({"metadata_xml": self.corpus.metadata(provider), "sessions": "keep"});
        self.app.put(&self.owner, "/api/v1/security/saml", body).await.expect(200);
        (self.provider, self.cookie) = (wanted, None);
    }

    /// The cookie of a browser that began a sign-in, whose request has the ID that the corpus answers.
    async fn begin(&mut self) -> String {
        if let Some(cookie) = &self.cookie {
            return cookie.clone();
        }
        self.app.sql("DELETE FROM saml_flow").await;
        let begun = send(self.app.request(Method::GET, "/saml/acme/login")).await.expect_any(&[302, 303]);
        let cookies = begun.set_cookies();
        let cookie = cookies.first().and_then(|cookie| cookie.split(';').next()).expect("the browser gets a cookie");
        self.app.sql("UPDATE saml_flow SET request_id = '_req1'").await;
        self.cookie.insert(cookie.to_owned()).clone()
    }

    /// Begins another sign-in for the next response. One that got through the verification has used up that of its own.
    pub fn forget(&mut self) {
        self.cookie = None;
    }

    /// Posts a response from a browser that began a sign-in.
    pub async fn post(&mut self, response: &str, relay_state: &str) -> Outcome {
        let cookie = self.begin().await;
        // The newest attempt is this one. All of them take less than the second that fixtures leave.
        self.app.tick();
        let fields = [("SAMLResponse", response), ("RelayState", relay_state)];
        let request = self.app.request(Method::POST, "/saml/acme/acs").header("cookie", cookie).form(&fields);
        let reply = send(request).await;
        let token = reply.set_cookies().into_iter().find_map(session_token);
        if token.is_some() {
            self.cookie = None;
        }
        Outcome { reply, token }
    }

    /// The address of whom a session belongs to.
    pub async fn whose(&self, token: &str) -> String {
        let own = self.app.get(token, "/api/v1/session").await.expect(200).json();
        own["user"]["email"].as_str().expect("a user has an address").to_owned()
    }

    /// The check that refused the newest attempt.
    pub async fn newest_refusal(&self) -> String {
        // Not of the audit log, which doesn't have all that nobody signed.
        let page = self.app.get(&self.owner, "/api/v1/security/saml/attempts?limit=1").await.expect(200).json();
        page["items"][0]["refused_check"].as_str().unwrap_or_default().to_owned()
    }
}

/// The token in a `Set-Cookie` of a session.
pub fn session_token(cookie: &str) -> Option<String> {
    let value = cookie.split(';').next()?.split_once('=')?.1;
    value.starts_with("cfs_").then(|| value.to_owned())
}
