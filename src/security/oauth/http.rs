//! `POST /oauth2/token`: the client credentials grant (RFC 6749 §4.4), with a secret or an assertion (RFC 7523 §2.2). Errors are
//! RFC 6749 §5.2; a refused client never hears why.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response, handler};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{LIFETIME, Proof, SCOPE};
use crate::error::{Error, TOO_MANY_ATTEMPTS};
use crate::web::form::is_form;
use crate::web::{authenticate, problem};

/// How an assertion says what it is (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An answer of RFC 6749 §5.2.
struct Refused {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

type Fields = BTreeMap<String, Zeroizing<String>>;
type Basic = (String, Zeroizing<String>);

fn bad(error: &'static str, description: &'static str) -> Refused {
    Refused { status: StatusCode::BAD_REQUEST, error, description }
}

fn invalid_client() -> Refused {
    let description = "the client is not known, or not proved, or may not be used now or from here";
    Refused { status: StatusCode::UNAUTHORIZED, error: "invalid_client", description }
}

/// `POST /oauth2/token`
#[handler]
pub async fn issue(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let sent = Zeroizing::new(sent);
    let asked = fields(request, &sent).and_then(|fields| Ok((basic(request)?, fields)));
    let (basic, fields) = match asked {
        Ok(asked) => asked,
        Err(refused) => return Ok(refusal(&refused)),
    };
    let proof = match grant_type(&fields).and_then(|()| proof(basic.as_ref(), &fields)) {
        Ok(proof) => proof,
        Err(refused) => return Ok(refusal(&refused)),
    };
    let address = authenticate::origin(request).ip;
    let granted = match super::grant(&app, &proof, address).await {
        Err(error) if error.problem() == TOO_MANY_ATTEMPTS => return Ok(too_many(&error)),
        granted => granted?,
    };
    if let Some(token) = granted {
        let body = json!({
            "access_token": token.reveal(), "token_type": "Bearer", "expires_in": LIFETIME, "scope": SCOPE,
        });
        return Ok(reply(StatusCode::OK, &body));
    }
    match app.scim_limits.admit_failure(address, app.clock.monotonic()) {
        Ok(()) => Ok(refusal(&invalid_client())),
        Err(error) => Ok(too_many(&error)),
    }
}

/// The fields of the form, each at most once (RFC 6749 §3.2); one without a value is as if it weren't there.
fn fields(request: &Request, sent: &[u8]) -> Result<Fields, Refused> {
    if !is_form(request) {
        return Err(bad("invalid_request", "send a form: application/x-www-form-urlencoded"));
    }
    let mut fields = Fields::new();
    for (name, value) in url::form_urlencoded::parse(sent).into_owned() {
        let value = Zeroizing::new(value);
        if fields.contains_key(&name) {
            return Err(bad("invalid_request", "send each parameter once"));
        }
        if !value.is_empty() {
            fields.insert(name, value);
        }
    }
    Ok(fields)
}

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).map(|value| value.as_str())
}

fn grant_type(fields: &Fields) -> Result<(), Refused> {
    match field(fields, "grant_type") {
        None => Err(bad("invalid_request", "grant_type is missing")),
        Some("client_credentials") => Ok(()),
        Some(_) => Err(bad("unsupported_grant_type", "grant_type must be client_credentials")),
    }?;
    match field(fields, "scope") {
        None | Some(SCOPE) => Ok(()),
        Some(_) => Err(bad("invalid_scope", "the only scope is scim")),
    }
}

/// The one way in which the client proves who it is (RFC 6749 §2.3).
fn proof<'a>(basic: Option<&'a Basic>, fields: &'a Fields) -> Result<Proof<'a>, Refused> {
    let client_id = field(fields, "client_id");
    let (secret, assertion) = (field(fields, "client_secret"), field(fields, "client_assertion"));
    let ways = [basic.is_some(), secret.is_some(), assertion.is_some()];
    if ways.into_iter().filter(|way| *way).count() > 1 {
        return Err(bad("invalid_request", "use one way to authenticate the client"));
    }
    if let Some((name, secret)) = basic {
        if client_id.is_some_and(|other| other != name) {
            return Err(invalid_client());
        }
        return Ok(Proof::Secret { client_id: name, secret: secret.as_str() });
    }
    if let Some(jws) = assertion {
        if field(fields, "client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(bad("invalid_request", "client_assertion_type must be the jwt-bearer of RFC 7523"));
        }
        return Ok(Proof::Assertion { jws, client_id });
    }
    match (client_id, secret) {
        (Some(client_id), Some(secret)) => Ok(Proof::Secret { client_id, secret }),
        _ => Err(invalid_client()),
    }
}

/// The name and the secret of HTTP Basic (RFC 6749 §2.3.1), where each is encoded as in a form; `None` without the header.
fn basic(request: &Request) -> Result<Option<Basic>, Refused> {
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad("invalid_request", "send Authorization once"));
    }
    let read = || {
        let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
        let (name, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| (decoded(name), Zeroizing::new(decoded(secret))))
    };
    read().map(Some).ok_or_else(invalid_client)
}

fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn refusal(refused: &Refused) -> Response {
    let body = json!({"error": refused.error, "error_description": refused.description});
    let mut response = reply(refused.status, &body);
    if refused.status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"curfew\""));
    }
    response
}

fn too_many(error: &Error) -> Response {
    let body = json!({"error": "temporarily_unavailable", "error_description": error.detail()});
    let mut response = reply(StatusCode::TOO_MANY_REQUESTS, &body);
    problem::decorate(&mut response, error);
    response
}

/// RFC 6749 §5.1: nobody keeps it.
fn reply(status: StatusCode, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .content_type("application/json")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::PRAGMA, "no-cache")
        .body(body.to_string())
}
