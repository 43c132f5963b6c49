//! The static files, inside the program. Their addresses carry a version made of their content, so browsers may keep them
//! for ever.

use std::sync::OnceLock;

use poem::http::header;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};
use sha2::{Digest, Sha256};

use super::form::Fields;
use crate::base::text::hex;
use crate::error::{Error, NOT_FOUND};

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal => $media_type:literal,)+) => {
        [$(Asset { name: $name, media_type: $media_type, bytes: include_bytes!(concat!("static/", $name)) }),+]
    };
}

static ASSETS: [Asset; 6] = assets! {
    "console.css" => "text/css; charset=utf-8",
    "console.js" => "text/javascript; charset=utf-8",
    "favicon.svg" => "image/svg+xml",
    "htmx.min.js" => "text/javascript; charset=utf-8",
    "logo.svg" => "image/svg+xml",
    "pico.min.css" => "text/css; charset=utf-8",
};

/// Changes whenever a file changes: the first 12 hexadecimal digits of SHA-256 over all of them.
pub fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let add = |hasher: Sha256, asset: &Asset| hasher.chain_update(asset.name).chain_update(asset.bytes);
        hex(&ASSETS.iter().fold(Sha256::new(), add).finalize()[..6])
    })
}

/// `GET /static/{name}?v={version}`.
#[handler]
pub fn show(UrlPath(name): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let missing = || Error::new(NOT_FOUND, "there is no such file");
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(missing)?;
    let current = Fields::of_query(request)?.text("v") == version();
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(Response::builder().content_type(asset.media_type).header(header::CACHE_CONTROL, keep).body(asset.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_twelve_digits() {
        assert_eq!(version().len(), 12);
        assert!(ASSETS.iter().all(|asset| !asset.bytes.is_empty()));
    }
}
