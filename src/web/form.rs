//! What every posted form has in common.

use poem::Request;

use crate::error::{Error, Result, UNSUPPORTED_MEDIA_TYPE};

/// Whether a request says that its body is a form.
pub fn is_form(request: &Request) -> bool {
    let media_type = request.content_type().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// # Errors
/// 415 if the body is no form.
pub fn require_form(request: &Request) -> Result<()> {
    if is_form(request) {
        return Ok(());
    }
    Err(Error::new(UNSUPPORTED_MEDIA_TYPE, "send a form: application/x-www-form-urlencoded"))
}
