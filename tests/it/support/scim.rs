//! SCIM in few words: finding, reading, and requests that are not as `TestApp::scim` sends them.

use reqwest::Method;
use serde_json::Value;

use super::{Reply, TestApp, send};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// A text as a value in a query.
pub fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The id of a resource.
#[track_caller]
pub fn id_of(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_else(|| panic!("no id: {resource}")).to_owned()
}

/// The ids of a group's members.
pub fn members_of(group: &Value) -> Vec<String> {
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap_or_default().to_owned()).collect()
}

impl TestApp {
    /// The list of what a filter finds at `/Users` or `/Groups`; `rest` is more of the query, such as `&count=2`.
    pub async fn scim_find(&self, endpoint: &str, filter: &str, rest: &str) -> Value {
        let path = format!("{endpoint}?filter={}{rest}", escaped(filter));
        self.scim(Method::GET, &path, None).await.expect(200).json()
    }

    /// A resource as it is now: `/Users/…` or `/Groups/…`.
    pub async fn scim_read(&self, path: &str) -> Value {
        self.scim(Method::GET, path, None).await.expect(200).json()
    }

    /// Creates a resource.
    pub async fn scim_create(&self, endpoint: &str, body: Value) -> Value {
        self.scim(Method::POST, endpoint, Some(body)).await.expect(201).json()
    }

    /// A request with one more header.
    pub async fn scim_with(&self, header: (&str, &str), method: Method, path: &str, body: Option<Value>) -> Reply {
        let request = self.request(method, &format!("/scim/v2{path}")).bearer_auth(&self.home.scim_token);
        let request = request.header(header.0, header.1);
        match body {
            Some(body) => send(request.header("content-type", "application/scim+json").body(body.to_string())).await,
            None => send(request).await,
        }
    }

    /// A request with a body as it stands, of a media type as it stands.
    pub async fn scim_text(&self, method: Method, path: &str, kind: &str, body: &str) -> Reply {
        let request = self.request(method, &format!("/scim/v2{path}")).bearer_auth(&self.home.scim_token);
        send(request.header("content-type", kind).body(body.to_owned())).await
    }
}
