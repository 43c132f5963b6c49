//! What every request goes through: an id, its true origin, a counted and timed body, a deadline; and every answer: security
//! headers, and errors in the form that the caller reads.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use http_body_util::BodyExt;
use poem::http::header::{self, HeaderName};
use poem::http::{HeaderMap, HeaderValue, StatusCode};
use poem::{Body, Endpoint, Request, Response};

use super::{authenticate, problem};
use crate::actor::Origin;
use crate::app::App;
use crate::base::random::Random;
use crate::base::text::{clipped, hex};
use crate::error::{Error, FORBIDDEN, INVALID_REQUEST, PAYLOAD_TOO_LARGE, Result};

/// Bytes of a body at the most.
const BODY_LIMIT: usize = 1024 * 1024;
/// Bytes of a SAML form at the most.
const SAML_LIMIT: usize = 512 * 1024;

/// Bytes of a body that is too large, read in order to answer.
const DRAIN_LIMIT: usize = 32 * 1024 * 1024;

/// What pages may load and where their forms may go, unless an answer says otherwise.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                   connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The policy of a page whose form goes to another origin: `origin` is a scheme, a host and perhaps a port. Browsers hold it
/// against what that origin redirects to as well, and identity providers redirect among hosts of their own: any `https:` will do.
pub fn policy_with_form_to(origin: &str) -> String {
    CSP.replace("form-action 'self'", &format!("form-action https: {origin}"))
}

/// The outermost endpoint.
pub struct Pipeline<E> {
    pub app: Arc<App>,
    pub inner: E,
    pub ids: RequestIds,
}

impl<E: Endpoint<Output = Response>> Pipeline<E> {
    /// Answers a request. Never fails and never panics.
    pub async fn answer(&self, mut request: Request) -> Response {
        let request_id = self.ids.next();
        let started = self.app.clock.monotonic();
        let (method, path) = (request.method().clone(), redacted(request.uri().path()));
        let page = problem::wants_page(&request);
        let scim = request.uri().path().starts_with("/scim/");
        let verdict = request.uri().path().starts_with("/forward-auth/");
        request.set_data(self.app.clone());
        let outcome = match self.prepare(&mut request, &request_id).await {
            Ok(()) => self.run(request).await,
            Err(error) => Err(error),
        };
        let mut response = outcome.unwrap_or_else(|error| {
            log_failure(&error, &request_id, &path);
            if verdict {
                let mut refusal = problem::response(&error, &request_id);
                crate::forward_auth::http::name_nobody(refusal.headers_mut());
                refusal
            } else if scim {
                crate::scim::http::error_response(&error)
            } else if page {
                crate::console::error::response(&self.app, &error, &request_id, &path)
            } else {
                problem::response(&error, &request_id)
            }
        });
        secure(response.headers_mut(), &self.app, &request_id);
        let status = response.status();
        let duration_ms = (self.app.clock.monotonic() - started).as_secs_f64() * 1000.0;
        self.app.metrics.request(status.as_u16());
        tracing::debug!(request_id, %method, path, status = status.as_u16(), duration_ms, "request");
        response
    }

    async fn prepare(&self, request: &mut Request, request_id: &str) -> Result<()> {
        request.set_data(self.origin(request, request_id)?);
        if let Some(name) = authenticate::repeated(request.headers()) {
            return Err(Error::invalid(name, "must be sent once"));
        }
        let limit = if request.uri().path().starts_with("/saml/") { SAML_LIMIT } else { BODY_LIMIT };
        let timeout = Duration::from_millis(self.app.config.http.body_timeout_ms);
        let declared = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or(0);
        let body = read_body(request.take_body(), declared, limit, timeout).await?;
        request.set_body(body);
        Ok(())
    }

    async fn run(&self, request: Request) -> Result<Response> {
        let deadline = Duration::from_millis(self.app.config.http.request_timeout_ms);
        let call = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        match tokio::time::timeout(deadline, call).await {
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(error))) => Err(problem::ours(error)),
            Ok(Err(_panic)) => Err(Error::internal("a handler panicked")),
            Err(_elapsed) => Err(Error::new(crate::error::BUSY, "this took too long and was given up")
                .with_retry_after(Duration::from_secs(5))),
        }
    }

    fn origin(&self, request: &Request, request_id: &str) -> Result<Origin> {
        let peer = request.remote_addr().as_socket_addr().map(|address| address.ip());
        let ip = match peer {
            None => None,
            Some(peer) => authenticate::address_of(peer, request.headers(), &self.app.config.trusted_proxies)
                .map_err(|_| unreadable_hop(request))?,
        };
        let user_agent = clipped(request.header(header::USER_AGENT).unwrap_or_default(), 300);
        Ok(Origin { ip, user_agent, request_id: request_id.to_owned() })
    }
}

/// Numbers of requests, to find one again in the log. They are no secrets: a random start, then one after the other, spread so
/// that two don't look alike.
pub struct RequestIds(AtomicU64);

impl RequestIds {
    pub fn new(random: &dyn Random) -> Self {
        let mut start = [0; 8];
        random.fill(&mut start);
        Self(AtomicU64::new(u64::from_le_bytes(start)))
    }

    /// The next one: 16 hexadecimal digits.
    fn next(&self) -> String {
        // An odd factor and a shifted xor can be undone, so no two are the same.
        let number = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hex(&(number ^ (number >> 32)).to_be_bytes())
    }
}

/// A proxy that asks for a verdict understands 403 and nothing like it.
fn unreadable_hop(request: &Request) -> Error {
    let kind = if request.uri().path().starts_with("/forward-auth/") { FORBIDDEN } else { INVALID_REQUEST };
    Error::new(kind, "has a hop that is not an address").with_field("X-Forwarded-For")
}

/// Reads a body, counting its bytes. Of one that is too large the rest is read and dropped, as far as that is bearable:
/// a client that is still sending would otherwise see a broken connection instead of the answer.
async fn read_body(body: Body, declared: usize, limit: usize, timeout: Duration) -> Result<Vec<u8>> {
    let mut stream: http_body_util::combinators::BoxBody<bytes::Bytes, std::io::Error> = body.into();
    let mut kept = Vec::new();
    let mut total = 0_usize;
    let reading = async {
        while let Some(frame) = stream.frame().await {
            let arrived = |error: std::io::Error| {
                Error::new(INVALID_REQUEST, "the body did not arrive").with_log(error.to_string())
            };
            let Ok(data) = frame.map_err(arrived)?.into_data() else { continue };
            total = total.saturating_add(data.len());
            if total > DRAIN_LIMIT {
                break;
            }
            // Of one that says itself that it is too large nothing is kept.
            if declared > limit || total > limit {
                kept = Vec::new();
            } else {
                kept.extend_from_slice(&data);
            }
        }
        Ok::<(), Error>(())
    };
    match tokio::time::timeout(timeout, reading).await {
        Ok(result) => result?,
        Err(_elapsed) => return Err(Error::new(INVALID_REQUEST, "the body did not arrive in time")),
    }
    if declared > limit || total > limit {
        return Err(Error::new(PAYLOAD_TOO_LARGE, format!("the body may have {limit} bytes at the most")));
    }
    Ok(kept)
}

fn log_failure(error: &Error, request_id: &str, path: &str) {
    let problem = error.problem();
    if problem.status >= 500 {
        tracing::error!(request_id, path, problem = problem.slug, log = error.log(), "request failed");
    } else {
        tracing::debug!(request_id, path, problem = problem.slug, log = error.log(), "request refused");
    }
}

/// The path without what must not be logged: the secret of a set-up link.
fn redacted(path: &str) -> String {
    if path.starts_with("/setup/") { "/setup/…".to_owned() } else { clipped(path, 200) }
}

fn secure(headers: &mut HeaderMap, app: &App, request_id: &str) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, CSP);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("x-frame-options"), "DENY");
    if app.config.secure_cookies() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}

/// An answer with a body of its own status, for handlers that don't go through poem-openapi.
pub fn html(status: StatusCode, body: String) -> Response {
    Response::builder().status(status).content_type("text/html; charset=utf-8").body(body)
}

/// `303 See Other`: after a form, so that a reload repeats nothing.
pub fn see_other(location: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, location).finish()
}
