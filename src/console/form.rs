//! What a browser sends: the fields of a form or a query, and the proof that a form came from a page of ours.
//!
//! A form of a session carries a token derived from that session. Before there is one, it is derived from a random cookie
//! that only this browser has: nobody can make it sign in as somebody else.

use std::collections::BTreeMap;

use poem::Request;

use super::FieldError;
use super::chrome::wrong;
use crate::app::App;
use crate::base::clock::{UnixMillis, parse_rfc3339};
use crate::base::random::bytes32;
use crate::base::secret::{constant_time_eq, derived};
use crate::base::text::hex;
use crate::error::{CSRF, Error, Result};
use crate::web::authenticate::{cookie, require_same_origin};
use crate::web::form::require_form;

/// Fields of one request at the most.
const MOST_FIELDS: usize = 200;

/// Named texts, each at most once.
#[derive(Debug, Default)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    /// The fields of a posted form.
    ///
    /// # Errors
    /// 415 if it is none; 400 for a field that comes twice or can't be text.
    pub fn of_body(request: &Request, sent: &[u8]) -> Result<Self> {
        require_form(request)?;
        Self::parse(sent)
    }

    /// The fields of a query.
    ///
    /// # Errors
    /// 400 for a field that comes twice or can't be text.
    pub fn of_query(request: &Request) -> Result<Self> {
        Self::parse(request.uri().query().unwrap_or_default().as_bytes())
    }

    fn parse(encoded: &[u8]) -> Result<Self> {
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(encoded).into_owned() {
            if fields.len() >= MOST_FIELDS {
                return Err(Error::invalid("form", format!("may have {MOST_FIELDS} fields at the most")));
            }
            // No database text can hold it.
            if name.contains('\0') || value.contains('\0') {
                return Err(Error::invalid("form", "must not contain the character U+0000"));
            }
            if fields.insert(name, value).is_some() {
                return Err(Error::invalid("form", "must have each field once"));
            }
        }
        Ok(Self(fields))
    }

    /// A field as it was sent; `None` if it wasn't.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A field without white space around it; empty if it wasn't sent.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default().trim()
    }

    /// Whether a box was ticked: its field is `1`.
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name) == Some("1")
    }
}

/// A day such as `2026-11-24` as its first instant in UTC; `None` if the field is empty, or if it is none: then `errors`
/// gets one more.
pub fn day(fields: &Fields, name: &str, errors: &mut Vec<FieldError>) -> Option<UnixMillis> {
    let text = fields.text(name);
    if text.is_empty() {
        return None;
    }
    let start = parse_rfc3339(&format!("{text}T00:00:00Z"));
    if start.is_none() {
        errors.push(wrong(name, "The day must be one such as 2026-11-24."));
    }
    start
}

/// Refuses a form that a page of ours didn't make.
///
/// # Errors
/// 403 `csrf`.
pub fn require_csrf(expected: &str, fields: &Fields) -> Result<()> {
    if constant_time_eq(expected, fields.get("csrf").unwrap_or_default()) {
        return Ok(());
    }
    Err(Error::new(CSRF, "the form is not of this session: open the page again and repeat it"))
}

/// A browser without a session, known by a random cookie.
pub struct Stranger {
    /// What its forms carry.
    pub csrf: String,
    /// The `Set-Cookie` to send along, if the browser has none yet.
    pub new_cookie: Option<String>,
}

fn cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-curfew-form" } else { "curfew-form" }
}

fn known<'a>(app: &App, request: &'a Request) -> Result<Option<&'a str>> {
    Ok(cookie(request.headers(), cookie_name(app))?.filter(|value| value.len() == 64))
}

/// The browser that asks for a page with a form; it gets its cookie now if it has none.
///
/// # Errors
/// 400 for two cookies of that name.
pub fn stranger(app: &App, request: &Request) -> Result<Stranger> {
    if let Some(value) = known(app, request)? {
        return Ok(Stranger { csrf: derived("form", value), new_cookie: None });
    }
    let value = hex(&bytes32(app.random.as_ref()));
    let secure = if app.config.secure_cookies() { "; Secure" } else { "" };
    let new_cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(app));
    Ok(Stranger { csrf: derived("form", &value), new_cookie: Some(new_cookie) })
}

/// The fields of a form that this browser was given while it had no session.
///
/// # Errors
/// 403 `csrf` if another site or another browser sent it; else as [`Fields::of_body`].
pub fn of_stranger(app: &App, request: &Request, sent: &[u8]) -> Result<Fields> {
    require_same_origin(app, request)?;
    let fields = Fields::of_body(request, sent)?;
    let lost =
        || Error::new(CSRF, "this browser did not keep the cookie of the form: allow cookies and open the page again");
    let value = known(app, request)?.ok_or_else(lost)?;
    require_csrf(&derived("form", value), &fields)?;
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_counts_once() {
        let fields = Fields::parse(b"a=1&b=+x+&c=%C3%A9").expect("fields");
        assert_eq!((fields.text("a"), fields.text("b"), fields.text("c"), fields.text("d")), ("1", "x", "\u{e9}", ""));
        assert_eq!(fields.get("b"), Some(" x "));
        assert!(fields.ticked("a") && !fields.ticked("b") && !fields.ticked("d"));
        assert!(Fields::parse(b"a=1&a=1").is_err());
        assert!(Fields::parse(b"a=%00").is_err());
        let many: String = (0..=MOST_FIELDS).map(|number| format!("f{number}=&")).collect();
        assert!(Fields::parse(many.as_bytes()).is_err());
    }

    #[test]
    fn days_begin_at_midnight() {
        let fields = Fields::parse(b"good=1970-01-02&bad=02.01.1970").expect("fields");
        let mut errors = Vec::new();
        assert_eq!(day(&fields, "good", &mut errors), Some(86_400_000));
        assert_eq!((day(&fields, "none", &mut errors), errors.len()), (None, 0));
        assert_eq!(day(&fields, "bad", &mut errors), None);
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn a_form_needs_its_token() {
        let fields = Fields::parse(b"csrf=abc").expect("fields");
        assert!(require_csrf("abc", &fields).is_ok());
        for bad in [b"csrf=abd".as_slice(), b"csrf=", b""] {
            assert!(require_csrf("abc", &Fields::parse(bad).expect("fields")).is_err());
        }
    }
}
