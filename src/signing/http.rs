//! `/.well-known/jwks.json`: the public keys, for whoever has something to verify.

use poem::http::header;
use poem::{Request, Response, handler};

use crate::web::authenticate;

/// How long a reader may keep the set: five minutes. A key that isn't in it is a reason to ask again.
const CACHE: &str = "public, max-age=300";

/// Every key that something may be signed with, newest first.
#[handler]
pub async fn show_keys(request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let keys = super::published(&app).await?;
    Ok(Response::builder()
        .content_type("application/jwk-set+json")
        .header(header::CACHE_CONTROL, CACHE)
        .body(keys.to_string()))
}
