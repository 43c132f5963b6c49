//! In front of every SCIM address: who is it, may they come in now, how fast, and what did they ask? A handler behind it finds the
//! credential in the request. Somebody without a token hears at the root what this is, and 401 elsewhere.

use std::sync::Arc;
use std::time::Duration;

use poem::http::{Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use serde_json::{Value, json};

use super::client::{Failure, failure, reply, with_header};
use super::http::error_response;
use super::requests::{self, redact};
use crate::actor::Origin;
use crate::app::App;
use crate::base::ids::uuid_v7;
use crate::error::{Error, NOT_SIGNED_IN, Result};
use crate::scim::requests::model::LoggedRequest;
use crate::security::credentials::model::Credential;
use crate::security::credentials::presented::{self, Presented};
use crate::web::pipeline::html;
use crate::web::{authenticate, problem};

/// The token or client of a request that was let in.
#[derive(Clone)]
pub struct Admitted(pub Arc<Credential>);

/// What is kept of a request while it is answered.
struct Asked {
    app: Arc<App>,
    origin: Origin,
    method: String,
    path: String,
    began: Duration,
}

/// Lets a request through to `inner`, or answers it.
///
/// # Errors
/// 500 if the route was built without the hub; everything else is an answer.
pub async fn admit<E: Endpoint>(inner: Arc<E>, mut request: Request) -> poem::Result<Response> {
    if let Some(page) = welcome(&request) {
        return Ok(page);
    }
    let asked = Asked::of(&request)?;
    let credential = match asked.judge(&request).await {
        Ok(Presented::Accepted(credential)) => Arc::new(credential),
        Ok(Presented::Refused(credential, refusal)) => {
            let mut response = asked.stranger();
            asked.note_refusal(&credential, &mut response, Some(refusal.sentence())).await;
            return Ok(response);
        }
        Ok(Presented::Unknown) => return Ok(asked.stranger()),
        Err(error) => return Ok(refused(error)),
    };
    if let Err(error) = asked.app.scim_limits.admit(&credential.id, asked.began) {
        let mut response = refused(error);
        asked.note_refusal(&credential, &mut response, None).await;
        return Ok(response);
    }
    request.set_data(Admitted(credential.clone()));
    let mut response = match inner.call(request).await {
        Ok(answer) => answer.into_response(),
        Err(error) => refused(problem::ours(error)),
    };
    asked.note(&credential, &mut response, None).await;
    Ok(response)
}

impl Asked {
    fn of(request: &Request) -> Result<Self> {
        let app = authenticate::app(request)?;
        let began = app.clock.monotonic();
        let path = redact::address(request.uri().path(), request.uri().query());
        Ok(Self { app, origin: authenticate::origin(request), method: request.method().to_string(), path, began })
    }

    async fn judge(&self, request: &Request) -> Result<Presented> {
        let token = authenticate::bearer(request.headers())?.ok_or_else(no_token)?;
        presented::judge(&self.app, token, self.origin.ip).await
    }

    /// The answer to a token that isn't accepted, whichever the reason (RFC 6750 §3.1); and to too many of them from one address.
    fn stranger(&self) -> Response {
        match self.app.scim_limits.admit_failure(self.origin.ip, self.began) {
            Ok(()) => {
                let error = Error::new(NOT_SIGNED_IN, "this token is not accepted: it is wrong, or has ended");
                let challenge = "Bearer realm=\"curfew\", error=\"invalid_token\"";
                with_header(refused(error), header::WWW_AUTHENTICATE, challenge)
            }
            Err(error) => refused(error),
        }
    }

    /// Notes a request that was not let in, unless there were many of them.
    async fn note_refusal(self, credential: &Credential, response: &mut Response, why: Option<&str>) {
        if self.app.scim_limits.admit_note(&credential.id, self.began) {
            self.note(credential, response, why).await;
        }
    }

    /// Notes the request for the administrators of the credential's workspace. What was wrong is read from the answer, unless it
    /// says less than they may know.
    async fn note(self, credential: &Credential, response: &mut Response, why: Option<&str>) {
        let (scim_type, detail) = told(response).await;
        let now = self.app.clock.now();
        let spent = self.app.clock.monotonic().saturating_sub(self.began);
        let request = LoggedRequest {
            id: uuid_v7(now, self.app.random.as_ref()),
            workspace: credential.workspace.clone(),
            credential: credential.id.clone(),
            at: now,
            method: self.method,
            path: self.path,
            status: i64::from(response.status().as_u16()),
            scim_type,
            detail: why.map(str::to_owned).or(detail).map(|text| redact::text(&text)),
            duration_ms: i64::try_from(spent.as_millis()).unwrap_or(i64::MAX),
            request_id: self.origin.request_id.clone(),
            ip: self.origin.ip_text(),
            user_agent: redact::text(&self.origin.user_agent),
        };
        requests::note(&self.app, request);
    }
}

fn no_token() -> Error {
    Error::new(NOT_SIGNED_IN, "send Authorization: Bearer with a valid token")
}

fn refused(error: Error) -> Response {
    if error.problem().status >= 500 {
        return failure(&Failure::Product(error));
    }
    error_response(&error)
}

/// `scimType` and `detail` of an error that was answered. The answer stays whole.
async fn told(response: &mut Response) -> (Option<String>, Option<String>) {
    if response.status().as_u16() < 400 {
        return (None, None);
    }
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    response.set_body(body);
    let member = |name: &str| error[name].as_str().map(str::to_owned);
    (member("scimType"), member("detail"))
}

/// The root, for anybody without a token: what this is, and nothing about who uses it. With one it is a query, whatever kinds of
/// answers the client's library says it likes.
fn welcome(request: &Request) -> Option<Response> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || request.uri().path() != "/" || request.headers().contains_key(header::AUTHORIZATION) {
        return None;
    }
    if request.header(header::ACCEPT).unwrap_or_default().contains("text/html") {
        return Some(html(StatusCode::OK, PAGE.to_owned()));
    }
    let body = json!({
        "name": "Curfew: SCIM 2.0",
        "description": "Identity providers create, change and deactivate people here. Send Authorization: Bearer with a SCIM \
                        token of your workspace.",
        "specification": "https://www.rfc-editor.org/info/rfc7644",
        "documentation": "docs/scim.md in the distribution of Curfew",
        "tokenEndpoint": "/oauth2/token",
    });
    Some(with_header(reply(StatusCode::OK, &body), header::CONTENT_TYPE, "application/json"))
}

const PAGE: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>SCIM – Curfew</title>\
    <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/static/pico.min.css\"></head><body>\
    <main class=\"container\"><h1>This address is for identity providers</h1>\
    <p>Here they create, change and deactivate people, by <a href=\"https://www.rfc-editor.org/info/rfc7644\">SCIM 2.0</a>. There \
    is nothing to see in a browser.</p>\
    <p>To connect one, give it this address and a token. An administrator makes one under <a href=\"/console/scim\">Provisioning</a>; \
    <code>docs/scim.md</code>, which comes with Curfew, says how.</p></main></body></html>";
