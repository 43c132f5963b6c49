//! The sample application: it has no users and no sessions of its own. It asks forward auth about every request, as a reverse
//! proxy in front of a real application would, and measures how soon after an accepted request one is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, StatusCode, header};
use poem::web::Data;
use poem::{EndpointExt, Request, Response, Route, get, handler};
use serde::Serialize;

use super::SLUG;
use super::pages::{page, script, show_style};
use crate::app::App;
use crate::base::clock::Clock;
use crate::base::random::{Random, bytes32};
use crate::base::text::hex;
use crate::error::{Error, Result};
use crate::forward_auth::verdict::HEADERS;
use crate::web::authenticate;

/// The cookie by which a browser is known again; it signs nobody in.
const COOKIE: &str = "curfew-sample";
/// Browsers remembered at the most.
const MOST_BROWSERS: usize = 1_000;
/// How long Curfew may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
const SCRIPT: &str = include_str!("static/sample_application.js");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// The application.
pub struct SampleApplication {
    client: reqwest::Client,
    verdict_url: String,
    sign_in_url: String,
    console_url: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    browsers: Mutex<HashMap<String, Seen>>,
}

/// What is known of a browser. Readings are of the monotonic clock.
#[derive(Default)]
struct Seen {
    name: String,
    accepted_at: Option<Duration>,
    /// From the last accepted request to the first refused one.
    refused_after: Option<Duration>,
}

/// Curfew's answer.
enum Verdict {
    Accepted(Vec<Header>),
    Refused,
    Unknown,
}

/// An identity header.
#[derive(Debug, Serialize)]
struct Header {
    name: &'static str,
    value: String,
}

/// What a browser is shown; as JSON, `GET /state`.
#[derive(Serialize)]
struct State {
    /// `signed-in`, `refused`, `signed-out` or `unavailable`.
    state: &'static str,
    headline: String,
    detail: String,
    refused_after_ms: Option<u64>,
    headers: Vec<Header>,
}

#[derive(askama::Template)]
#[template(path = "sample_application.html")]
struct SamplePage<'a> {
    state: &'a State,
    sign_in_url: &'a str,
    console_url: &'a str,
}

/// What its listener serves.
pub fn routes(sample: SampleApplication) -> BoxEndpoint<'static, Response> {
    Route::new()
        .at("/", get(show_page))
        .at("/state", get(show_state))
        .at("/demo.css", get(show_style))
        .at("/sample_application.js", get(show_script))
        .data(Arc::new(sample))
        .boxed()
}

/// `/`: 200 if somebody is signed in, else 403.
#[handler]
async fn show_page(Data(sample): Data<&Arc<SampleApplication>>, request: &Request) -> poem::Result<Response> {
    let browser = sample.browser(request);
    let state = sample.observe(&browser, request).await;
    let status = if state.state == "signed-in" { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let template = SamplePage { state: &state, sign_in_url: &sample.sign_in_url, console_url: &sample.console_url };
    Ok(with_cookie(page(status, POLICY, &template)?, &browser))
}

/// `/state`: always 200, for the script of the page.
#[handler]
async fn show_state(Data(sample): Data<&Arc<SampleApplication>>, request: &Request) -> poem::Result<Response> {
    let browser = sample.browser(request);
    let state = sample.observe(&browser, request).await;
    let body = serde_json::to_string(&state).map_err(Error::internal)?;
    Ok(with_cookie(Response::builder().content_type("application/json").body(body), &browser))
}

#[handler]
async fn show_script() -> Response {
    script(SCRIPT)
}

fn with_cookie(mut response: Response, browser: &str) -> Response {
    if let Ok(value) = format!("{COOKIE}={browser}; Path=/; HttpOnly; SameSite=Lax").parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

impl SampleApplication {
    /// In front of `app`.
    pub fn new(app: &App) -> Result<Self> {
        let client =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let origin = &app.config.public_url;
        Ok(Self {
            client: client.build().map_err(Error::internal)?,
            verdict_url: format!("{origin}/forward-auth/nginx"),
            sign_in_url: format!("{origin}/login?workspace={SLUG}"),
            console_url: format!("{origin}/console/security"),
            clock: app.clock.clone(),
            random: app.random.clone(),
            browsers: Mutex::default(),
        })
    }

    /// The name of a browser: the one it has, or a new one.
    fn browser(&self, request: &Request) -> String {
        let known = authenticate::cookie(request.headers(), COOKIE).ok().flatten();
        let known = known.filter(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
        known.map(str::to_owned).unwrap_or_else(|| hex(&bytes32(self.random.as_ref())[..16]))
    }

    async fn observe(&self, browser: &str, request: &Request) -> State {
        let verdict = self.ask(request).await;
        self.remember(browser, verdict, self.clock.monotonic())
    }

    /// Asks Curfew over HTTP, with the cookies of the request. Browsers don't tell ports apart in cookies: the session that was
    /// set on Curfew's port comes here, too.
    async fn ask(&self, request: &Request) -> Verdict {
        let mut question = self.client.get(&self.verdict_url);
        for cookies in request.headers().get_all(header::COOKIE) {
            question = question.header(header::COOKIE, cookies.clone());
        }
        match question.send().await {
            Ok(answer) if answer.status() == StatusCode::OK => Verdict::Accepted(identity(answer.headers())),
            Ok(answer) if answer.status().is_client_error() => Verdict::Refused,
            Ok(_) | Err(_) => Verdict::Unknown,
        }
    }

    /// Notes a verdict that was there at `now`, and says what it means.
    fn remember(&self, browser: &str, verdict: Verdict, now: Duration) -> State {
        let mut browsers = self.browsers.lock().expect("no holder of this lock can panic");
        if browsers.len() >= MOST_BROWSERS && !browsers.contains_key(browser) {
            browsers.clear();
        }
        let seen = browsers.entry(browser.to_owned()).or_default();
        match verdict {
            Verdict::Accepted(headers) => {
                let name = name_in(&headers);
                *seen = Seen { name: name.clone(), accepted_at: Some(now), refused_after: None };
                signed_in(&name, headers)
            }
            Verdict::Refused => {
                let since = seen.accepted_at.map(|at| now.saturating_sub(at));
                seen.refused_after = seen.refused_after.or(since);
                refused(&seen.name, seen.refused_after)
            }
            Verdict::Unknown => state("unavailable", "Curfew doesn’t answer", "So nobody is let in.".into()),
        }
    }
}

fn identity(headers: &HeaderMap) -> Vec<Header> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    HEADERS.into_iter().map(|name| Header { name, value: value(name) }).collect()
}

/// What to call somebody: the address, or the id of a person who has none.
fn name_in(headers: &[Header]) -> String {
    let value = |name: &str| headers.iter().find(|header| header.name == name).map(|header| header.value.as_str());
    let named = ["x-curfew-email", "x-curfew-user"].into_iter().filter_map(value).find(|value| !value.is_empty());
    named.unwrap_or_default().to_owned()
}

fn state(state: &'static str, headline: &str, detail: String) -> State {
    State { state, headline: headline.to_owned(), detail, refused_after_ms: None, headers: Vec::new() }
}

fn signed_in(name: &str, headers: Vec<Header>) -> State {
    let detail = "Curfew let this request through, with these headers:".to_owned();
    State { headers, ..state("signed-in", &format!("Signed in as {name}"), detail) }
}

fn refused(name: &str, after: Option<Duration>) -> State {
    let Some(after) = after else {
        return state("signed-out", "Not signed in", "Curfew knows no session of this browser.".into());
    };
    let milliseconds = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    let detail = format!("{name} was signed in: refused {milliseconds} ms after the last accepted request.");
    State { refused_after_ms: Some(milliseconds), ..state("refused", "Refused", detail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;
    use crate::base::random::SystemRandom;

    #[test]
    fn the_first_refusal_after_an_accepted_request_is_measured() {
        let sample = SampleApplication {
            client: reqwest::Client::new(),
            verdict_url: String::new(),
            sign_in_url: String::new(),
            console_url: String::new(),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            browsers: Mutex::default(),
        };
        let accepted = || Verdict::Accepted(vec![Header { name: "x-curfew-email", value: "ana@acme.test".into() }]);
        let at = |browser: &str, verdict, milliseconds| {
            let state = sample.remember(browser, verdict, Duration::from_millis(milliseconds));
            (state.state, state.refused_after_ms)
        };
        assert_eq!(at("a", Verdict::Refused, 0), ("signed-out", None));
        assert_eq!(at("a", accepted(), 1_000), ("signed-in", None));
        assert_eq!(at("a", accepted(), 2_000), ("signed-in", None));
        assert_eq!(at("b", Verdict::Refused, 2_100), ("signed-out", None));
        assert_eq!(at("a", Verdict::Refused, 2_412), ("refused", Some(412)));
        assert_eq!(at("a", Verdict::Unknown, 3_000), ("unavailable", None));
        assert_eq!(at("a", Verdict::Refused, 9_000), ("refused", Some(412)));
        assert_eq!(at("a", accepted(), 9_500), ("signed-in", None));
    }
}
