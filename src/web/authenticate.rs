//! Who is calling: a session by cookie or bearer token, or a credential. Exactly one; contradictions are refused.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use poem::http::{HeaderMap, HeaderName, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use zeroize::Zeroizing;

use crate::actor::{Actor, ActorKind, Origin};
use crate::app::App;
use crate::base::secret::{SecretKind, derived};
use crate::error::{CSRF, Error, IP_NOT_ALLOWED, NOT_SIGNED_IN, Result, SESSION_ENDED};
use crate::security::credentials::model::{Credential, CredentialKind};
use crate::security::credentials::{self, SCOPE_CHECK, SCOPE_STREAM};
use crate::sessions::check::{Judged, Verdict, check, check_in_database};
use crate::sessions::model::Facts;
use crate::sessions::principal::Principal;
use crate::sessions::rules::Refusal;
use crate::web::client_ip::{Unreadable, client_address};

/// A caller with a valid session.
pub struct Caller {
    pub app: Arc<App>,
    pub facts: Arc<Facts>,
    pub actor: Actor,
    /// What every form of this session must carry.
    pub csrf: String,
}

/// A caller with a valid session, judged from memory: for what changes nothing.
pub struct SessionHolder {
    pub app: Arc<App>,
    pub principal: Principal,
}

/// A session token as it was presented.
pub struct Presented {
    pub token: Zeroizing<String>,
    pub by_cookie: bool,
}

/// The hub.
///
/// # Errors
/// 500 if the route was built without it.
pub fn app(request: &Request) -> Result<Arc<App>> {
    request.data::<Arc<App>>().cloned().ok_or_else(|| Error::internal("no app in the request"))
}

/// Where the request came from.
pub fn origin(request: &Request) -> Origin {
    request.data::<Origin>().cloned().unwrap_or_default()
}

/// Name of the session cookie: with the prefix that binds it to this host, wherever browsers reach us by TLS.
pub fn cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-curfew" } else { "curfew" }
}

/// The `Set-Cookie` of a session; it has no end of its own, the server decides.
pub fn set_cookie(app: &App, token: &str) -> String {
    let secure = if app.config.secure_cookies() { "; Secure" } else { "" };
    format!("{}={token}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(app))
}

/// The `Set-Cookie` of something that a browser keeps for so many seconds.
pub fn timed_cookie(app: &App, name: &str, value: &str, seconds: i64) -> String {
    let secure = if app.config.secure_cookies() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// The `Set-Cookie` that removes that of a session.
pub fn clear_cookie(app: &App) -> String {
    format!("{}; Max-Age=0", set_cookie(app, ""))
}

/// The session token of a request, if there is one.
///
/// # Errors
/// 400 if there are two of them.
pub fn presented(app: &App, request: &Request) -> Result<Option<Presented>> {
    let bearer = bearer(request.headers())?;
    let cookie = cookie(request.headers(), cookie_name(app))?;
    let presented = |token: &str, by_cookie| Presented { token: Zeroizing::new(token.to_owned()), by_cookie };
    match (bearer, cookie) {
        (Some(bearer), Some(cookie)) if bearer != cookie => {
            Err(Error::invalid("Authorization", "names another session than the cookie: send one of them"))
        }
        (Some(bearer), _) => Ok(Some(presented(bearer, false))),
        (None, Some(cookie)) => Ok(Some(presented(cookie, true))),
        (None, None) => Ok(None),
    }
}

/// The address of a client, of the headers of its request: as `client_address`.
///
/// # Errors
/// As `client_address`.
pub fn address_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Result<Option<IpAddr>, Unreadable> {
    let lines = headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or("unreadable"));
    client_address(peer, lines, trusted)
}

/// A header that decides what a request means and is there twice: nobody can say which was meant.
pub fn repeated(headers: &HeaderMap) -> Option<&'static str> {
    let twice = |name: &HeaderName| headers.get_all(name).iter().nth(1).is_some();
    [(header::HOST, "Host"), (header::CONTENT_TYPE, "Content-Type")]
        .into_iter()
        .find_map(|(name, shown)| twice(&name).then_some(shown))
}

/// The bearer token, `None` if there is no `Authorization` header or it is of another scheme.
///
/// # Errors
/// 400 for more than one such header.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::invalid("Authorization", "must be sent once"));
    }
    let text = value.to_str().unwrap_or_default();
    let Some((scheme, token)) = text.split_once(' ') else { return Ok(None) };
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()))
}

/// A cookie by its exact name.
///
/// # Errors
/// 400 if it is there twice: nobody can say which one the person meant.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut found = pairs.filter_map(|pair| {
        // White space of other kinds belongs to the name: a name that only looks like ours is not ours.
        let (key, value) = std::str::from_utf8(pair).ok()?.trim_matches(' ').split_once('=')?;
        (key == name).then_some(value)
    });
    let first = found.next();
    if found.next().is_some() {
        return Err(Error::invalid("Cookie", format!("has {name} more than once")));
    }
    Ok(first.filter(|value| !value.is_empty()))
}

/// The caller's session.
///
/// # Errors
/// 401 without a valid one, with the reason only for its holder; 403 for a refused address, or for a cookie that another
/// site made the browser send.
pub async fn caller(request: &Request) -> Result<Caller> {
    let app = app(request)?;
    let origin = origin(request);
    let presented = require_presented(&app, request)?;
    match check_in_database(&app, &presented.token, origin.ip).await? {
        Judged::Valid(facts) => {
            let session = Some(facts.session.id.clone());
            let actor = Actor::user(&facts.user.id, &facts.user.user_name, session, origin);
            let csrf = derived("csrf", &presented.token);
            Ok(Caller { app, facts, actor, csrf })
        }
        Judged::Refused(refusal, _) => Err(refused(&refusal, &origin)),
    }
}

/// The caller's session, judged from memory.
///
/// # Errors
/// As `caller`.
pub async fn session_holder(request: &Request) -> Result<SessionHolder> {
    let app = app(request)?;
    let origin = origin(request);
    let presented = require_presented(&app, request)?;
    match check(&app, &presented.token, origin.ip).await? {
        Verdict::Valid(principal) => Ok(SessionHolder { app, principal }),
        Verdict::Refused(refusal) => Err(refused(&refusal, &origin)),
    }
}

fn require_presented(app: &App, request: &Request) -> Result<Presented> {
    let missing = || Error::new(NOT_SIGNED_IN, "send a session: a cookie or Authorization: Bearer");
    let presented = presented(app, request)?.ok_or_else(missing)?;
    if presented.by_cookie && !request.method().is_safe() {
        require_same_origin(app, request)?;
    }
    if presented.token.starts_with(SecretKind::ApiKey.prefix()) {
        return Err(Error::new(NOT_SIGNED_IN, "this takes a session (cfs_…), not an API key (cfk_…)"));
    }
    Ok(presented)
}

/// What the holder of a refused session is told.
pub fn refused(refusal: &Refusal, origin: &Origin) -> Error {
    match refusal {
        Refusal::Unknown => Error::new(NOT_SIGNED_IN, "this session is not known"),
        Refusal::Address => {
            Error::new(IP_NOT_ALLOWED, format!("this workspace does not allow requests from {}", origin.ip_text()))
        }
        Refusal::EverybodyLoggedOut { .. } => Error::new(SESSION_ENDED, "everybody in this workspace was logged out"),
        Refusal::UserLoggedOut => Error::new(SESSION_ENDED, "all of your sessions were ended"),
        Refusal::Ended { .. } => Error::new(SESSION_ENDED, "this session was ended"),
        Refusal::NotActive(_) => Error::new(SESSION_ENDED, "this account is not active"),
        Refusal::Expired => Error::new(SESSION_ENDED, "this session has reached its age limit"),
        Refusal::Idle => Error::new(SESSION_ENDED, "this session was not used for too long"),
        Refusal::Method => Error::new(SESSION_ENDED, "this way of signing in is no longer allowed"),
    }
}

/// Refuses a request that another site made a browser send. Browsers name the origin of every unsafe request; a client that
/// names none is no browser, and holds the cookie because somebody gave it to it.
pub fn require_same_origin(app: &App, request: &Request) -> Result<()> {
    let foreign = || Err(Error::new(CSRF, "the request was started by another site"));
    let site = request.header("sec-fetch-site");
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return foreign();
    }
    match request.header(header::ORIGIN) {
        Some(origin) if origin != app.config.public_url && site != Some("same-origin") => foreign(),
        _ => Ok(()),
    }
}

impl<'a> ApiExtractor<'a> for Caller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme("session", bearer_scheme("A session token; browsers send it as a cookie."));
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["session"]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(caller(request).await?)
    }
}

impl<'a> ApiExtractor<'a> for SessionHolder {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Caller::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Caller::security_schemes()
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(session_holder(request).await?)
    }
}

fn bearer_scheme(description: &'static str) -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "http",
        description: Some(description),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    }
}

/// A caller with an API key.
pub struct KeyHolder {
    pub app: Arc<App>,
    pub key: Credential,
}

impl KeyHolder {
    /// # Errors
    /// 403 unless the key has that scope.
    pub fn require(&self, scope: &str) -> Result<()> {
        if self.key.scopes.iter().any(|held| held == scope) {
            return Ok(());
        }
        Err(Error::new(crate::error::FORBIDDEN, format!("this API key lacks the scope {scope}")))
    }
}

impl<'a> ApiExtractor<'a> for KeyHolder {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme("api_key", bearer_scheme("An API key."));
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["api_key"]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let (app, key) = credential(request, CredentialKind::ApiKey).await?;
        Ok(Self { app, key })
    }
}

/// The credential of a request.
///
/// # Errors
/// 401 without a usable one.
pub async fn credential(request: &Request, kind: CredentialKind) -> Result<(Arc<App>, Credential)> {
    let app = app(request)?;
    let missing = || Error::new(NOT_SIGNED_IN, "send Authorization: Bearer with a valid token");
    let token = bearer(request.headers())?.ok_or_else(missing)?;
    if kind == CredentialKind::ApiKey && token.starts_with(SecretKind::Session.prefix()) {
        let scope = scope_at(request.original_uri().path());
        let text = format!("this takes an API key (cfk_…) with the scope {scope}, not a session");
        return Err(Error::new(NOT_SIGNED_IN, text));
    }
    let found = credentials::find(&app, kind, token, origin(request).ip).await?;
    Ok((app, found.ok_or_else(missing)?))
}

/// The scope that an API key needs at an address that takes one: what isn't the check is of the stream.
fn scope_at(path: &str) -> &'static str {
    if path.ends_with("/sessions/check") { SCOPE_CHECK } else { SCOPE_STREAM }
}

/// The actor of a SCIM token or an OAuth client, for the audit log.
pub fn scim_actor(token: &Credential, origin: Origin) -> Actor {
    let kind = match token.kind {
        CredentialKind::ScimClient => ActorKind::ScimClient,
        _ => ActorKind::ScimToken,
    };
    Actor { kind, id: token.id.to_string(), label: token.name.clone(), session: None, origin }
}
