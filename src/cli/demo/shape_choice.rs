//! Which product the mock identity provider answers like: chosen in its form, by a link, or as the last time in this browser,
//! which a cookie says: nothing is kept here.

use poem::http::header;
use poem::{Request, Response};

use super::response_shape::{self, Shape};
use super::response_shapes::SHAPES;
use crate::error::{Error, Result};
use crate::web::authenticate;

/// In the form, and in the query of a link.
pub const FIELD: &str = "answer_like";
const COOKIE: &str = "curfew-mock-shape";

/// A line of the choice.
pub struct Line {
    pub name: &'static str,
    pub title: &'static str,
    pub chosen: bool,
}

/// All shapes, one of which is chosen.
pub fn lines(chosen: &Shape) -> Vec<Line> {
    let line = |shape: &'static Shape| Line {
        name: shape.name(),
        title: shape.title(),
        chosen: shape.product == chosen.product,
    };
    SHAPES.iter().map(line).collect()
}

/// The shape of this name; `None`: the name is empty.
///
/// # Errors
/// 400 naming `answer_like`.
pub fn read(name: &str) -> Result<Option<&'static Shape>> {
    if name.is_empty() {
        return Ok(None);
    }
    let unknown = || {
        let known: Vec<&str> = SHAPES.iter().map(Shape::name).collect();
        Error::invalid(FIELD, format!("must be one of {}", known.join(", ")))
    };
    response_shape::find(name).map(Some).ok_or_else(unknown)
}

/// The shape that a link asks for.
///
/// # Errors
/// 400 naming `answer_like`.
pub fn of_link(request: &Request) -> Result<Option<&'static Shape>> {
    let query = request.uri().query().unwrap_or_default();
    let asked = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == FIELD);
    asked.map_or(Ok(None), |(_, name)| read(&name))
}

/// The shape of the last time in this browser.
pub fn remembered(request: &Request) -> Option<&'static Shape> {
    let name = authenticate::cookie(request.headers(), COOKIE).ok().flatten();
    name.and_then(response_shape::find)
}

/// Has the browser remember it, for the page of the choice alone: browsers don't tell ports apart in cookies.
pub fn remember(mut response: Response, shape: &Shape) -> Response {
    if let Ok(value) = format!("{COOKIE}={}; Path=/sso; HttpOnly; SameSite=Lax", shape.name()).parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_a_shape_or_none_and_nothing_unknown() {
        let asked = |query: &str| {
            let request = Request::builder().uri_str(format!("http://127.0.0.1:8082/sso?{query}")).finish();
            of_link(&request).map(|shape| shape.map(Shape::name)).map_err(|error| error.field().map(str::to_owned))
        };
        assert_eq!(asked("SAMLRequest=x"), Ok(None));
        assert_eq!(asked("answer_like="), Ok(None));
        assert_eq!(asked("SAMLRequest=x&answer_like=ad-fs"), Ok(Some("ad-fs")));
        for unknown in ["ADFS", "%00", "%ff%fe", "okta%20"] {
            assert_eq!(asked(&format!("answer_like={unknown}")), Err(Some(FIELD.to_owned())), "{unknown}");
        }
    }

    #[test]
    fn one_line_is_chosen() {
        for shape in &SHAPES {
            let chosen: Vec<&str> = lines(shape).iter().filter(|line| line.chosen).map(|line| line.name).collect();
            assert_eq!(chosen, [shape.name()]);
        }
    }
}
