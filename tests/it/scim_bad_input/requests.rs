//! One request after another, at every SCIM endpoint.

use reqwest::Method;

use super::words::{ATTRIBUTES, NAMES, VALUES};
use super::{bodies, filters};
use crate::history::dice::Dice;
use crate::support::scim::escaped;

/// What is sent.
pub struct Input {
    pub method: Method,
    /// Below `/scim/v2`.
    pub path: String,
    pub kind: &'static str,
    pub header: Option<(&'static str, &'static str)>,
    pub body: Option<Vec<u8>>,
}

/// A user and a group that are there to be changed.
pub struct Targets {
    pub user: String,
    pub group: String,
}

const KINDS: [&str; 12] = [
    "application/scim+json",
    "application/scim+json; charset=utf-8",
    "application/json",
    "application/json; charset=utf-16",
    "application/scim+json;charset=\"",
    "APPLICATION/SCIM+JSON",
    "text/json",
    "application/xml",
    "*/*",
    "application/scim+json, application/json",
    "multipart/form-data",
    "",
];
const HEADERS: [(&str, &str); 9] = [
    ("if-match", "rubbish"),
    ("if-match", "W/\"99999999999999999999\""),
    ("if-match", "\"-1\", *"),
    ("if-none-match", ",,,"),
    ("if-none-match", "W/\"1"),
    ("accept", "text/html"),
    ("accept", "application/pdf"),
    ("prefer", "return=minimal"),
    ("x-http-method-override", "DELETE"),
];

/// The next input; `serial` is its number.
pub fn next(dice: &mut Dice, targets: &Targets, serial: u64) -> Input {
    let user = format!("/Users/{}", targets.user);
    let group = format!("/Groups/{}", targets.group);
    let (method, path, body) = match dice.below(20) {
        0..=4 => (Method::POST, "/Users".to_owned(), Some(bodies::user(dice, serial))),
        5 | 6 => (Method::PUT, user, Some(bodies::user(dice, serial))),
        7..=9 => (Method::PATCH, user, Some(bodies::patch(dice))),
        10 => (Method::POST, "/Groups".to_owned(), Some(bodies::group(dice, &targets.user))),
        11 => (Method::PUT, group, Some(bodies::group(dice, &targets.user))),
        12 => (Method::PATCH, group, Some(bodies::patch(dice))),
        13..=15 => (Method::GET, query(dice), None),
        16 | 17 => {
            let path = *dice.pick(&["/Users/.search", "/Groups/.search", "/.search"]);
            (Method::POST, path.to_owned(), Some(bodies::search(dice)))
        }
        18 => (Method::POST, "/Bulk".to_owned(), Some(bodies::bulk(dice, &targets.user, serial))),
        _ => {
            let method =
                dice.pick(&[Method::GET, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::POST]).clone();
            let body = (dice.below(2) == 0).then(|| bodies::patch(dice));
            (method, address(dice), body)
        }
    };
    let kind = if dice.below(10) == 0 { *dice.pick(&KINDS) } else { KINDS[0] };
    let header = (dice.below(12) == 0).then(|| *dice.pick(&HEADERS));
    Input { method, path, kind, header, body }
}

/// A list with parameters that are odd, or there twice.
fn query(dice: &mut Dice) -> String {
    let mut path = format!("{}?", dice.pick(&["/Users", "/Groups", "/Users", "/ServiceProviderConfig"]));
    for _ in 0..=dice.below(4) {
        let name = *dice.pick(&[
            "filter",
            "filter",
            "filter",
            "count",
            "startIndex",
            "sortBy",
            "sortOrder",
            "attributes",
            "excludedAttributes",
            "cursor",
            "FILTER",
            "x",
        ]);
        let value = match name {
            "filter" => filters::filter(dice),
            "count" | "startIndex" => {
                (*dice.pick(&["0", "1", "-1", "10", "1e3", "", "9223372036854775807", "9223372036854775808", "0x10"]))
                    .to_owned()
            }
            "sortOrder" => (*dice.pick(&["descending", "ASCENDING", "sideways", ""])).to_owned(),
            "cursor" => (*dice.pick(&VALUES)).to_owned(),
            _ => filters::path(dice),
        };
        path.push_str(&format!("{name}={}&", escaped(&value)));
    }
    if dice.below(8) == 0 {
        path.push_str(dice.pick::<&str>(&["%ff%fe", "filter=%", "&&&==", "filter=%00", "count=%C0%80", "?"]));
    }
    path
}

/// A place that is not there.
fn address(dice: &mut Dice) -> String {
    let place = *dice.pick(&["/Users/", "/Groups/", "/Schemas/", "/ResourceTypes/", "/", "/Me/", "/Users/.search/"]);
    let name = match dice.below(4) {
        0 => escaped(dice.pick::<&str>(&NAMES)),
        1 => escaped(dice.pick::<&str>(&ATTRIBUTES)),
        2 => (*dice.pick(&["%00", "%ff%fe", "%0d%0aX:%20y", "%2f%2f", "%252e%252e", "%F0%9F%A6%80", "0", "-1"]))
            .to_owned(),
        _ => "a".repeat(*dice.pick(&[1, 300, 8_000])),
    };
    format!("{place}{name}")
}
