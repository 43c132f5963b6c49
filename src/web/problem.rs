//! Errors as clients see them: RFC 9457 problem documents, SCIM errors under `/scim`, pages where a browser asked.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};
use poem_openapi::error::{ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError};
use serde_json::json;

use crate::error::{self, Error};

impl From<Error> for poem::Error {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.problem().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(error, status)
    }
}

/// What went wrong, in our words, whoever noticed it.
pub fn ours(error: poem::Error) -> Error {
    if error.is::<Error>() {
        return error.downcast::<Error>().unwrap_or_else(|_| Error::internal("an error changed its type"));
    }
    if let Some(bad) = error.downcast_ref::<ParseParamError>() {
        return Error::invalid(bad.name, plain(&bad.reason));
    }
    if let Some(bad) = error.downcast_ref::<ParsePathError>() {
        return Error::invalid(bad.name, plain(&bad.reason));
    }
    if let Some(bad) = error.downcast_ref::<ParseRequestPayloadError>() {
        return Error::invalid("body", bad.reason.clone());
    }
    if let Some(bad) = error.downcast_ref::<ContentTypeError>() {
        return Error::new(error::UNSUPPORTED_MEDIA_TYPE, bad.to_string());
    }
    let kind = match error.status().as_u16() {
        401 => error::NOT_SIGNED_IN,
        403 => error::FORBIDDEN,
        404 => error::NOT_FOUND,
        405 => error::METHOD_NOT_ALLOWED,
        413 => error::PAYLOAD_TOO_LARGE,
        415 => error::UNSUPPORTED_MEDIA_TYPE,
        400..=499 => error::INVALID_REQUEST,
        _ => return Error::internal(error),
    };
    match kind {
        error::NOT_FOUND => Error::new(kind, "there is nothing at this address"),
        kind => Error::new(kind, error.to_string()),
    }
}

/// Why a parameter can't be read, without the names that types have in here.
fn plain(reason: &str) -> String {
    let (kind, rest) =
        reason.strip_prefix("failed to parse \"").and_then(|rest| rest.split_once('"')).unwrap_or_default();
    if kind.starts_with("integer") {
        return "must be a whole number".to_owned();
    }
    if kind.starts_with("bool") {
        return "must be true or false".to_owned();
    }
    let reason = if rest.is_empty() { reason } else { rest.trim_start_matches([':', ' ']) };
    reason.split(" (occurred while parsing").next().unwrap_or(reason).to_owned()
}

/// The problem document of an error.
pub fn response(error: &Error, request_id: &str) -> Response {
    let problem = error.problem();
    let mut body = json!({
        "type": format!("/problems/{}", problem.slug),
        "title": problem.title,
        "status": problem.status,
        "detail": error.detail(),
        "request_id": request_id,
    });
    if let Some(field) = error.field() {
        body["field"] = field.into();
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        Response::builder().status(status).content_type("application/problem+json").body(body.to_string());
    decorate(&mut response, error);
    response
}

/// The headers that an error's status asks for.
pub fn decorate(response: &mut Response, error: &Error) {
    if let Some(after) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    if let Some(Ok(operation)) = error.operation().map(HeaderValue::from_str) {
        response.headers_mut().insert(header::LOCATION, operation);
    }
    if error.problem().status == 401 {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"curfew\""));
    }
}

/// Whether a browser is waiting for a page.
pub fn wants_page(request: &Request) -> bool {
    let accept = request.header(header::ACCEPT).unwrap_or_default();
    let path = request.uri().path();
    let machine = ["/api/", "/scim/", "/forward-auth/"].iter().any(|prefix| path.starts_with(prefix));
    !machine && accept.contains("text/html")
}
