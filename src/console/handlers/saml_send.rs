//! The page between us and an identity provider that takes messages by POST.

use poem::Response;
use poem::http::{HeaderValue, StatusCode, header};
use url::Url;

use crate::app::App;
use crate::console::chrome::{plain_page, show};
use crate::console::sign_in::SamlSendPage;
use crate::error::{Error, Result};
use crate::saml::outgoing::PostForm;
use crate::web::pipeline::policy_with_form_to;

/// The page that posts our request to the identity provider: by itself where scripts run, by a button where they don't.
pub fn saml_send(app: &App, form: PostForm) -> Response {
    let text = "Your identity provider asks who you are.";
    page(app, "Signing you in", text, form)
        .unwrap_or_else(|error| crate::console::error::response(app, &error, "", "/saml/"))
}

/// The same with another heading and sentence.
///
/// # Errors
/// 500 if the template can't be filled, or no form can go to that address.
pub fn page(app: &App, heading: &'static str, text: &'static str, form: PostForm) -> Result<Response> {
    let (origin, host) = origin(&form.action).ok_or_else(nowhere)?;
    let view = SamlSendPage { page: plain_page(app, heading, "", ""), heading, text, host, form };
    let mut response = show(StatusCode::OK, &view)?;
    let_post_to(&mut response, &origin)?;
    Ok(response)
}

/// Allows a page that has this form to post it.
///
/// # Errors
/// 500 if no form can go to that address.
pub fn let_go(response: &mut Response, form: &PostForm) -> Result<()> {
    let (origin, _) = origin(&form.action).ok_or_else(nowhere)?;
    let_post_to(response, &origin)
}

fn let_post_to(response: &mut Response, origin: &str) -> Result<()> {
    let policy = HeaderValue::from_str(&policy_with_form_to(origin)).map_err(Error::internal)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(())
}

fn nowhere() -> Error {
    Error::internal("an address that no form can go to")
}

/// The origin and the host of an address. `None` if the host has a character that could end a policy's directive.
fn origin(address: &str) -> Option<(String, String)> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.to_owned();
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'[' | b']' | b':'));
    plain.then(|| (url.origin().ascii_serialization(), host))
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn a_form_goes_to_one_origin() {
        let known = |address: &str| origin(address).map(|(origin, _)| origin);
        assert_eq!(known("https://idp.test/sso?a=1;b,c").as_deref(), Some("https://idp.test"));
        assert_eq!(known("https://idp.test:8443/").as_deref(), Some("https://idp.test:8443"));
        assert_eq!(known("http://127.0.0.1:9999/sso").as_deref(), Some("http://127.0.0.1:9999"));
        assert_eq!(known("https://idp.test;script-src/sso"), None);
        assert_eq!(known("nowhere"), None);
    }
}
