//! Asking over real HTTP, and answers that show their body when they are not what a test expects.
//! No answer of the product may be 500, in whichever test: that is judged here.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    asked: String,
}

/// A client that keeps no cookies and follows no redirect.
pub fn client() -> Client {
    builder().build().expect("a client without TLS needs nothing")
}

/// A client at another address of this machine.
pub fn client_from(address: IpAddr) -> Client {
    builder().local_address(address).build().expect("a client without TLS needs nothing")
}

/// A client with a cookie jar, like a browser; it follows no redirect either.
pub fn client_with_cookies() -> Client {
    builder().cookie_store(true).build().expect("a client without TLS needs nothing")
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(60))
}

/// Sends a request and reads the whole answer.
pub async fn send(request: RequestBuilder) -> Reply {
    let (client, request) = request.build_split();
    let request = request.expect("a request that can be written");
    let asked = format!("{} {}", request.method(), request.url());
    let response = client.execute(request).await.unwrap_or_else(|error| panic!("{asked} got no answer: {error:?}"));
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap_or_else(|error| panic!("{asked} broke off: {error:?}"));
    assert!(status != 500, "{asked} answered 500: {text}");
    Reply { status, headers, text, asked }
}

impl Reply {
    /// Fails unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        self
    }

    /// Fails unless the status is one of these.
    #[track_caller]
    pub fn expect_any(self, statuses: &[u16]) -> Self {
        assert!(
            statuses.contains(&self.status),
            "{} answered {}, not one of {statuses:?}: {}",
            self.asked,
            self.status,
            self.text
        );
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| {
            panic!("{} answered {} without JSON ({error}): {}", self.asked, self.status, self.text)
        })
    }

    /// Fails unless this is the RFC 9457 problem of that kind; gives its body.
    #[track_caller]
    pub fn expect_problem(self, status: u16, slug: &str) -> Value {
        let problem = self.problem();
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        assert_eq!(problem["type"], format!("/problems/{slug}"), "{}: {}", self.asked, self.text);
        problem
    }

    /// Fails unless this is some RFC 9457 problem, complete; gives its body.
    #[track_caller]
    pub fn problem(&self) -> Value {
        let kind = self.header("content-type").unwrap_or_default();
        assert!(
            kind.starts_with("application/problem+json"),
            "{} answered {} as {kind:?}: {}",
            self.asked,
            self.status,
            self.text
        );
        let problem = self.json();
        for member in ["type", "title", "detail", "request_id"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{}: a problem without {member}: {}", self.asked, self.text);
        }
        assert_eq!(problem["status"], self.status, "{}: {}", self.asked, self.text);
        problem
    }

    /// Fails unless this is a 400 or 422 problem that names the field.
    #[track_caller]
    pub fn expect_field(self, field: &str) {
        let problem = self.problem();
        assert!([400, 422].contains(&self.status), "{} answered {}: {}", self.asked, self.status, self.text);
        let named = problem["field"].as_str().unwrap_or_default();
        assert_eq!(named, field, "{}: {}", self.asked, self.text);
    }

    /// Fails unless this is a SCIM error (RFC 7644 §3.12) of that status; gives its body.
    #[track_caller]
    pub fn expect_scim_error(self, status: u16) -> Value {
        let error = self.json();
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        assert_eq!(error["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{}: {}", self.asked, self.text);
        assert_eq!(error["status"], status.to_string(), "{}: {}", self.asked, self.text);
        error
    }

    /// A header's text; empty bytes and a missing header are different.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Every `Set-Cookie` line.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect()
    }
}
