//! `/saml/{slug}/signing.pem` and `/saml/{slug}/encryption.pem`: our certificates for whoever runs an identity provider, as public
//! as the metadata that has them too.

use poem::http::header;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};
use serde::Deserialize;

use super::own_certificate::{self, OwnCertificate};
use crate::error::Error;
use crate::web::authenticate;
use crate::workspaces;

#[derive(Deserialize)]
struct SigningQuery {
    /// `1` asks for that of the key which will sign once it is activated.
    next: Option<String>,
}

/// The certificate with which our requests are verified.
#[handler]
pub async fn show_signing(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let query = request.params::<SigningQuery>().map_err(|_| Error::invalid("next", "must be sent once"))?;
    let which = match query.next.as_deref() {
        None | Some("0") => OwnCertificate::Signing,
        Some("1") => OwnCertificate::NextSigning,
        Some(_) => return Err(Error::invalid("next", "must be `1` or `0`").into()),
    };
    answer(request, &slug, which).await
}

/// The certificate that assertions are encrypted to.
#[handler]
pub async fn show_encryption(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    answer(request, &slug, OwnCertificate::Encryption).await
}

async fn answer(request: &Request, slug: &str, which: OwnCertificate) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    // A key may have to be made: as much as the beginning of a sign-in costs.
    app.addresses.admit_redirect(authenticate::origin(request).ip)?;
    let workspace = workspaces::load(&app, slug).await?;
    let file = own_certificate::file(&app, &workspace, which).await?;
    let disposition = format!("attachment; filename=\"{}\"", file.name);
    let response = Response::builder().content_type("application/x-pem-file");
    Ok(response.header(header::CONTENT_DISPOSITION, disposition).body(file.pem))
}
