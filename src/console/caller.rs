//! Who asks for a page. Whoever isn't signed in, or proved too long ago who they are, is sent to where that can be put
//! right, and comes back afterwards; API clients that come here get the problem itself.

use poem::Request;
use poem::http::StatusCode;

use super::chrome::address;
use super::form::{Fields, require_csrf};
use crate::error::{Error, NOT_FOUND, Result};
use crate::sessions::permission;
use crate::web::authenticate::{self, Caller};

/// The caller of a page.
///
/// # Errors
/// 401 whose remedy is the sign-in page; 403 for a refused address.
pub async fn caller(request: &Request) -> Result<Caller> {
    let here = request.uri().path_and_query().map_or("/console", |path| path.as_str());
    signed_in(request, here).await
}

/// The caller of a page for administrators.
///
/// # Errors
/// As [`caller`]; 403 `forbidden`.
pub async fn administrator(request: &Request) -> Result<Caller> {
    let caller = caller(request).await?;
    permission::require_admin(&caller.facts)?;
    Ok(caller)
}

/// The caller of a page whose form does something dangerous: asked for proof now rather than after filling it in.
///
/// # Errors
/// As [`administrator`]; 403 `reauthentication-required` whose remedy leads back to this page.
pub async fn recent_administrator(request: &Request) -> Result<Caller> {
    let caller = administrator(request).await?;
    let here = request.uri().path_and_query().map_or("/console", |path| path.as_str());
    require_recent(&caller, &[("return_to", here)])?;
    Ok(caller)
}

/// The caller and the fields of a posted form. `back` is the page to come back to if they have to sign in first.
///
/// # Errors
/// As [`caller`]; 403 `csrf`; 400 and 415 for a malformed form.
pub async fn posted(request: &Request, sent: &[u8], back: &str) -> Result<(Caller, Fields)> {
    let caller = signed_in(request, back).await?;
    let fields = Fields::of_body(request, sent)?;
    require_csrf(&caller.csrf, &fields)?;
    Ok((caller, fields))
}

/// Like [`posted`], for what only an administrator may do who signed in within ten minutes.
///
/// # Errors
/// As [`posted`]; 403 `forbidden`; 403 `reauthentication-required` whose remedy leads to `back`.
pub async fn posted_by_administrator(request: &Request, sent: &[u8], back: &str) -> Result<(Caller, Fields)> {
    let (caller, fields) = posted(request, sent, back).await?;
    permission::require_admin(&caller.facts)?;
    require_recent(&caller, &[("return_to", back), ("sent", "1")])?;
    Ok((caller, fields))
}

async fn signed_in(request: &Request, back: &str) -> Result<Caller> {
    // No identifier has this character, and no database text can hold it.
    if request.uri().path().contains("%00") {
        return Err(Error::new(NOT_FOUND, "there is nothing at this address"));
    }
    authenticate::caller(request).await.map_err(|error| lead_to_sign_in(error, back))
}

/// An error that a sign-in removes leads there and back.
pub fn lead_to_sign_in(error: Error, back: &str) -> Error {
    if error.problem().status == StatusCode::UNAUTHORIZED.as_u16() {
        return error.with_remedy(address("/login", &[("return_to", back)]));
    }
    error
}

fn require_recent(caller: &Caller, query: &[(&str, &str)]) -> Result<()> {
    permission::require_recent(&caller.facts.session, caller.app.clock.now())
        .map_err(|error| error.with_remedy(address("/console/reauthenticate", query)))
}
