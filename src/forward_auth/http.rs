//! `/forward-auth/…`: the verdict in the form that each reverse proxy wants. A 2xx is given if and only if there is an
//! identity.

use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use poem::{Request, Response, handler};
use zeroize::Zeroizing;

use super::convention::{Original, Proxy, Wish, behind, counts_once, is_twin};
use super::verdict::{HEADERS, Identity, Outcome, judge};
use crate::app::App;
use crate::base::secret::SecretKind;
use crate::error::{Error, Result};
use crate::web::authenticate;

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

/// An error's answer names nobody either.
pub fn name_nobody(headers: &mut HeaderMap) {
    for name in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(""));
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
    let believed = is_believed(&app, request);
    require_unambiguous(request.headers(), believed)?;
    let address = authenticate::origin(request).ip;
    let outcome = match presented(&app, request) {
        Ok(token) => judge(&app, token.as_ref().map(|token| token.as_str()), address, wish.audience.as_deref()).await,
        // Contradictory credentials are none.
        Err(_) => Ok(Outcome::SignIn),
    };
    Ok(match outcome {
        Ok(Outcome::Pass(identity)) => pass(&identity),
        Ok(Outcome::Address) => refuse(proxy, StatusCode::FORBIDDEN),
        Ok(Outcome::SignIn) if proxy.hands_on() && believed => sign_in(&app, proxy, &original()),
        Ok(Outcome::SignIn) => refuse(proxy, StatusCode::UNAUTHORIZED),
        Err(error) => unavailable(proxy, wish, &error),
    })
}

/// Whether this peer's word about the client counts.
fn is_believed(app: &App, request: &Request) -> bool {
    let peer = request.remote_addr().as_socket_addr().map(|address| address.ip().to_canonical());
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
fn presented(app: &App, request: &Request) -> Result<Option<Zeroizing<String>>> {
    let bearer = authenticate::bearer(request)?.filter(|token| token.starts_with(SecretKind::Session.prefix()));
    let cookie = authenticate::cookie(request, authenticate::cookie_name(app))?;
    match (bearer, cookie) {
        (Some(bearer), Some(cookie)) if bearer != cookie => {
            Err(Error::invalid("Authorization", "names another session than the cookie"))
        }
        (bearer, cookie) => Ok(bearer.or(cookie).map(Zeroizing::new)),
    }
}

fn pass(identity: &Identity) -> Response {
    let mut response = Response::default();
    for (name, text) in HEADERS.into_iter().zip(identity) {
        let value = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
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
