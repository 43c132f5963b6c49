//! `/forward-auth/nginx`: the verdict for nginx's `auth_request`, which knows three answers: 2xx, 401 and 403.
//!
//! A 2xx is given if and only if there is an identity. Every identity header is always sent, empty if there is nothing to
//! say: what the proxy copies then overwrites whatever a client made up.

use poem::http::{HeaderName, HeaderValue, StatusCode};
use poem::{Request, Response, handler};

use crate::error::Result;
use crate::sessions::check::{Verdict, check};
use crate::sessions::principal::Principal;
use crate::sessions::rules::Refusal;
use crate::web::authenticate;

/// The identity headers, all of them.
pub const HEADERS: [&str; 7] = [
    "x-curfew-user",
    "x-curfew-email",
    "x-curfew-workspace",
    "x-curfew-role",
    "x-curfew-groups",
    "x-curfew-session",
    "x-curfew-assertion",
];

/// nginx: `auth_request /curfew-auth` (deploy/nginx). Cookie and Authorization arrive as the client sent them.
#[handler]
pub async fn judge_for_nginx(request: &Request) -> Response {
    match verdict(request).await {
        Ok(Verdict::Valid(principal)) => answer(StatusCode::OK, Some(&principal)),
        Ok(Verdict::Refused(Refusal::Address)) => answer(StatusCode::FORBIDDEN, None),
        Ok(Verdict::Refused(..)) => answer(StatusCode::UNAUTHORIZED, None),
        // Contradictory credentials are none; an authority that can't be asked is not a refusal.
        Err(error) if error.problem().status < 500 => answer(StatusCode::UNAUTHORIZED, None),
        Err(error) => {
            tracing::error!(log = error.log(), "forward auth could not judge");
            answer(StatusCode::SERVICE_UNAVAILABLE, None)
        }
    }
}

async fn verdict(request: &Request) -> Result<Verdict> {
    let app = authenticate::app(request)?;
    match authenticate::presented(&app, request)? {
        None => Ok(Verdict::Refused(Refusal::Unknown)),
        Some(presented) => check(&app, &presented.token, authenticate::origin(request).ip).await,
    }
}

fn answer(status: StatusCode, principal: Option<&Principal>) -> Response {
    let values = principal.map(|principal| {
        [
            principal.user_id().to_string(),
            principal.email().to_owned(),
            principal.workspace_slug().to_owned(),
            principal.role().as_str().to_owned(),
            principal.groups().to_owned(),
            principal.session_id().to_string(),
            String::new(),
        ]
    });
    let mut response = Response::builder().status(status).finish();
    for (index, name) in HEADERS.into_iter().enumerate() {
        let text = values.as_ref().map_or("", |values| values[index].as_str());
        response.headers_mut().insert(HeaderName::from_static(name), header_value(text));
    }
    response
}

/// A header's value. What HTTP can't carry as it is (RFC 9110 §5.5) is percent-encoded.
fn header_value(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'%');
    let encoded = if plain { text.to_owned() } else { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    HeaderValue::from_str(&encoded).unwrap_or_else(|_| HeaderValue::from_static(""))
}
