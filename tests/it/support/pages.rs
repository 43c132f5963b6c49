//! A person with a browser that runs no scripts: keeps cookies, follows redirects, posts forms as they stand on the page
//! and sends what a browser sends with them. The real browser is in `browser.rs`.

use reqwest::{Client, Method, RequestBuilder};

use super::forms::{self, Form};
use super::http::{Reply, client_with_cookies, send};
use super::{PASSWORD, TestApp};

/// What browsers ask for when a person opens a page.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

pub struct Visitor {
    pub client: Client,
    base: String,
}

/// What the browser shows after all redirects.
pub struct Page {
    /// Path and query.
    pub path: String,
    pub reply: Reply,
}

impl Visitor {
    pub fn new(app: &TestApp) -> Self {
        Self { client: client_with_cookies(), base: app.base.clone() }
    }

    /// A visitor who has signed in on the pages, in three steps.
    pub async fn signed_in(app: &TestApp, email: &str) -> Self {
        let visitor = Self::new(app);
        let page = visitor.enter("/login?workspace=acme", email).await;
        assert_eq!(page.path, "/console", "{}", page.reply.text);
        visitor
    }

    /// Goes through both steps of signing in, beginning on a sign-in page.
    pub async fn enter(&self, login: &str, email: &str) -> Page {
        let mut form = self.visit(login).await.form("/login").fill("email", email);
        if form.value("workspace") == Some("") {
            form = form.fill("workspace", "acme");
        }
        let second = self.submit(&form).await.form("/login/password").fill("password", PASSWORD);
        self.submit(&second).await
    }

    /// Opens a page.
    pub async fn visit(&self, path: &str) -> Page {
        self.follow(self.getting(path), path).await
    }

    /// Posts a form to where it points, as a browser does from our own page.
    pub async fn submit(&self, form: &Form) -> Page {
        assert_eq!(form.method, "post", "only forms that change something are submitted here");
        self.follow(self.posting(form), &form.action).await
    }

    /// The request that a browser would send for a form, to be changed before it is sent.
    pub fn posting(&self, form: &Form) -> RequestBuilder {
        let request = self.client.request(Method::POST, self.url(&form.action)).form(&form.pairs());
        request.header("accept", ACCEPT).header("origin", &self.base).header("sec-fetch-site", "same-origin")
    }

    fn getting(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path)).header("accept", ACCEPT)
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) }
    }

    async fn follow(&self, request: RequestBuilder, path: &str) -> Page {
        let mut path = path.to_owned();
        let mut reply = send(request).await;
        for _ in 0..6 {
            let Some(location) = reply.header("location").map(str::to_owned) else { break };
            assert!([302, 303, 307].contains(&reply.status), "a location with status {}", reply.status);
            path = location.strip_prefix(&self.base).unwrap_or(&location).to_owned();
            assert!(path.starts_with('/') && !path.starts_with("//"), "sent off our own origin: {location}");
            reply = send(self.getting(&path)).await;
        }
        Page { path, reply }
    }
}

impl Page {
    /// The form with that action; fails if the page has none.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let found = forms::forms(&self.reply.text).into_iter().find(|form| form.action == action);
        found.unwrap_or_else(|| {
            panic!("{} has no form to {action}: {} {}", self.path, self.reply.status, self.reply.text)
        })
    }

    /// Fails unless the page was served and says this.
    #[track_caller]
    pub fn says(&self, words: &str) {
        assert!(self.reply.text.contains(words), "{} does not say {words:?}: {}", self.path, self.reply.text);
    }
}
