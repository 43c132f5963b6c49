//! What the pages of the mock identity provider and of the sample application share: a style sheet, and how they are sent.

use askama::Template;
use poem::http::{StatusCode, header};
use poem::{Response, handler};

use crate::error::{Error, Result};

const STYLE: &str = include_str!("static/demo.css");

/// `/demo.css`
#[handler]
pub fn show_style() -> Response {
    Response::builder().content_type("text/css; charset=utf-8").body(STYLE)
}

/// A script of ours.
pub fn script(text: &'static str) -> Response {
    Response::builder().content_type("text/javascript; charset=utf-8").body(text)
}

/// A page with its own Content-Security-Policy.
///
/// # Errors
/// 500 if the template fails.
pub fn page(status: StatusCode, policy: &str, template: &impl Template) -> Result<Response> {
    let body = template.render().map_err(Error::internal)?;
    let response = Response::builder().status(status).content_type("text/html; charset=utf-8");
    Ok(response.header(header::CONTENT_SECURITY_POLICY, policy).body(body))
}
