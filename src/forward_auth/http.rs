//! `/forward-auth/…`: the verdict in the form that each reverse proxy wants. A 2xx is given if and only if there is an
//! identity.

use std::borrow::Cow;
use std::net::IpAddr;

use hyper::body::Body;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use poem::{Request, Response, handler};

use super::convention::{Original, Proxy, Wish, behind, counts_once, is_twin};
use super::verdict::{HEADERS, Outcome, identity, judge};
use crate::app::App;
use crate::base::secret::SecretKind;
use crate::error::{Error, Result};
use crate::sessions::check::check_at_once;
use crate::sessions::principal::Principal;
use crate::web::authenticate;

static NAMES: [HeaderName; HEADERS.len()] = [
    HeaderName::from_static(HEADERS[0]),
    HeaderName::from_static(HEADERS[1]),
    HeaderName::from_static(HEADERS[2]),
    HeaderName::from_static(HEADERS[3]),
    HeaderName::from_static(HEADERS[4]),
    HeaderName::from_static(HEADERS[5]),
    HeaderName::from_static(HEADERS[6]),
];

const ENVOY: &str = "/forward-auth/envoy";
const ENVOY_FOR: &str = "/forward-auth/envoy-for/";

/// nginx: `auth_request` (deploy/nginx).
#[handler]
pub async fn judge_for_nginx(request: &Request) -> poem::Result<Response> {
    let wish = Wish::of_query(Proxy::Nginx, request.uri().query())?;
    Ok(answer(Proxy::Nginx, request, &wish, Original::default).await?)
}

/// HAProxy: our action for it (deploy/haproxy).
#[handler]
pub async fn judge_for_haproxy(request: &Request) -> poem::Result<Response> {
    let wish = Wish::of_query(Proxy::HaProxy, request.uri().query())?;
    Ok(answer(Proxy::HaProxy, request, &wish, Original::default).await?)
}

/// Traefik: `ForwardAuth` (deploy/traefik).
#[handler]
pub async fn judge_for_traefik(request: &Request) -> poem::Result<Response> {
    let wish = Wish::of_query(Proxy::Traefik, request.uri().query())?;
    Ok(answer(Proxy::Traefik, request, &wish, || Original::forwarded(once(request))).await?)
}

/// Caddy: `forward_auth` (deploy/caddy).
#[handler]
pub async fn judge_for_caddy(request: &Request) -> poem::Result<Response> {
    let wish = Wish::default();
    Ok(answer(Proxy::Caddy, request, &wish, || Original::forwarded(once(request))).await?)
}

/// Caddy, with an assertion for the application that the path names.
#[handler]
pub async fn judge_for_caddy_with_audience(request: &Request) -> poem::Result<Response> {
    let wish = Wish::of_path(request.raw_path_param("audience"))?;
    Ok(answer(Proxy::Caddy, request, &wish, || Original::forwarded(once(request))).await?)
}

/// Envoy: `ext_authz` over HTTP with this path as `path_prefix` (deploy/envoy).
#[handler]
pub async fn judge_for_envoy(request: &Request) -> poem::Result<Response> {
    let target = behind(ENVOY, path_and_query(request));
    Ok(answer(Proxy::Envoy, request, &Wish::default(), || prefixed(request, target)).await?)
}

/// Envoy, with an assertion for the application that the prefix names.
#[handler]
pub async fn judge_for_envoy_with_audience(request: &Request) -> poem::Result<Response> {
    let wish = Wish::of_path(request.raw_path_param("audience"))?;
    let rest = path_and_query(request).strip_prefix(ENVOY_FOR);
    let target = rest.and_then(|rest| rest.find('/').map(|slash| &rest[slash..]));
    Ok(answer(Proxy::Envoy, request, &wish, || prefixed(request, target)).await?)
}

/// What nearly every question is answered with: the session is in memory, and passes. It needs no router, no body and no wait,
/// so it is asked before all of them. `None` for everything else, which goes the long way and finds the same rules there.
pub fn at_once(app: &App, request: &hyper::Request<impl Body>, peer: IpAddr) -> Option<Response> {
    let headers = request.headers();
    let is_plain = asks_plainly(request.method(), request.uri()) && request.body().is_end_stream();
    if !is_plain || authenticate::repeated(headers).is_some() {
        return None;
    }
    let peer = peer.to_canonical();
    let address = authenticate::address_of(peer, headers, &app.config.trusted_proxies).ok()?;
    require_unambiguous(headers, is_believed(app, Some(peer))).ok()?;
    let principal = check_at_once(app, presented(app, headers).ok()??, address)?;
    Some(pass(&principal, ""))
}

/// Whether the operator's address asks for a verdict and nothing more. What stands behind Envoy's is the client's.
fn asks_plainly(method: &Method, uri: &Uri) -> bool {
    match uri.path().strip_prefix("/forward-auth/") {
        Some("nginx" | "traefik" | "caddy" | "haproxy") => method == Method::GET && uri.query().is_none(),
        Some(rest) => rest.strip_prefix("envoy").is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => false,
    }
}

/// An error's answer names nobody either.
pub fn name_nobody(headers: &mut HeaderMap) {
    for name in NAMES.iter().cloned() {
        headers.insert(name, HeaderValue::from_static(""));
    }
}

fn path_and_query(request: &Request) -> &str {
    request.uri().path_and_query().map_or("", |whole| whole.as_str())
}

/// A header that was sent once and can be read; nobody could say which of two was meant.
fn once<'a>(request: &'a Request) -> impl Fn(&str) -> Option<&'a str> {
    move |name: &str| {
        let mut values = request.headers().get_all(name).iter();
        values.next().filter(|_| values.next().is_none())?.to_str().ok()
    }
}

fn prefixed<'a>(request: &'a Request, target: Option<&'a str>) -> Original<'a> {
    Original::prefixed(request.method().as_str(), target, once(request))
}

async fn answer<'a>(
    proxy: Proxy,
    request: &'a Request,
    wish: &Wish,
    original: impl FnOnce() -> Original<'a>,
) -> Result<Response> {
    let app = authenticate::app(request)?;
    let believed = is_believed(&app, request.remote_addr().as_socket_addr().map(|address| address.ip().to_canonical()));
    require_unambiguous(request.headers(), believed)?;
    let address = authenticate::origin(request).ip;
    let outcome = match presented(&app, request.headers()) {
        Ok(token) => judge(&app, token, address, wish.audience.as_deref()).await,
        // Contradictory credentials are none.
        Err(_) => Ok(Outcome::SignIn),
    };
    Ok(match outcome {
        Ok(Outcome::Pass(principal, assertion)) => pass(&principal, &assertion),
        Ok(Outcome::Address) => refuse(proxy, StatusCode::FORBIDDEN),
        Ok(Outcome::SignIn) if proxy.hands_on() && believed => sign_in(&app, proxy, &original()),
        Ok(Outcome::SignIn) => refuse(proxy, StatusCode::UNAUTHORIZED),
        Err(error) => unavailable(proxy, wish, &error),
    })
}

/// Whether this peer's word about the client counts.
fn is_believed(app: &App, peer: Option<IpAddr>) -> bool {
    peer.is_some_and(|peer| app.config.trusted_proxies.iter().any(|network| network.contains(&peer)))
}

/// Refuses a request of which nobody can say what it means.
fn require_unambiguous(headers: &HeaderMap, believed: bool) -> Result<()> {
    for name in headers.keys().map(HeaderName::as_str) {
        if is_twin(name) {
            return Err(Error::invalid(name.to_owned(), "is another spelling of a header that counts"));
        }
        if believed && counts_once(name) && headers.get_all(name).iter().nth(1).is_some() {
            return Err(Error::invalid(name.to_owned(), "must be sent once"));
        }
    }
    Ok(())
}

/// The session of the request that the proxy asks about. A bearer token of another kind is the application's own.
fn presented<'a>(app: &App, headers: &'a HeaderMap) -> Result<Option<&'a str>> {
    let bearer = authenticate::bearer(headers)?.filter(|token| token.starts_with(SecretKind::Session.prefix()));
    let cookie = authenticate::cookie(headers, authenticate::cookie_name(app))?;
    match (bearer, cookie) {
        (Some(bearer), Some(cookie)) if bearer != cookie => {
            Err(Error::invalid("Authorization", "names another session than the cookie"))
        }
        (bearer, cookie) => Ok(bearer.or(cookie)),
    }
}

fn pass(principal: &Principal, assertion: &str) -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.reserve(2 * HEADERS.len());
    for (name, text) in NAMES.iter().zip(identity(principal, assertion)) {
        let value = match text {
            Cow::Borrowed(text) => HeaderValue::from_str(text),
            Cow::Owned(text) => HeaderValue::try_from(text),
        };
        headers.insert(name.clone(), value.unwrap_or_else(|_| HeaderValue::from_static("")));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refuse(proxy: Proxy, status: StatusCode) -> Response {
    let mut response = Response::builder().status(status).finish();
    name_nobody(response.headers_mut());
    if proxy.hands_on() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response.set_body(match status {
            StatusCode::UNAUTHORIZED => "Sign in first.\n",
            StatusCode::FORBIDDEN => "Your network address is not allowed in this workspace. Ask its administrator.\n",
            _ => "Sessions can't be checked right now. Try again in a moment.\n",
        });
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"curfew\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
    }
    response
}

/// A page is answered with the way to sign in, anything else with 401: a script can do nothing with a page.
fn sign_in(app: &App, proxy: Proxy, original: &Original<'_>) -> Response {
    let location = original.sign_in_url(&app.config.public_url);
    match HeaderValue::from_str(&location) {
        Ok(location) if original.is_page_load() => {
            let mut response =
                Response::builder().status(StatusCode::FOUND).header(header::LOCATION, location).finish();
            name_nobody(response.headers_mut());
            response
        }
        _ => refuse(proxy, StatusCode::UNAUTHORIZED),
    }
}

/// An authority that can't be asked is not a refusal, but nobody passes.
fn unavailable(proxy: Proxy, wish: &Wish, error: &Error) -> Response {
    tracing::error!(log = error.log(), "forward auth could not judge");
    if wish.forbid_when_unavailable {
        return refuse(proxy, StatusCode::FORBIDDEN);
    }
    let mut response = refuse(proxy, StatusCode::SERVICE_UNAVAILABLE);
    let seconds = error.retry_after().map_or(1, |after| after.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
