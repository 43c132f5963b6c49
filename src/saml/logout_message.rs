//! Pure: the model of a LogoutRequest and a LogoutResponse (Core §3.7), read from an element that was signed. Reads, and
//! refuses what can't be read in one way only; whether a message is for us and now, `logout_check.rs` decides.

use super::names;
use super::refusal::{Refusal, quoted};
use super::time;
use super::xml::Element;
use super::xml_tag::SPACE;
use crate::base::clock::UnixMillis;

/// Sessions that one request may name.
const MAX_SESSION_INDEXES: usize = 256;
/// Longest SessionIndex, in octets.
pub const MAX_SESSION_INDEX: usize = 1_024;

/// Which of the two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Request,
    Response,
}

impl Kind {
    /// Local name of its root element.
    pub fn element(self) -> &'static str {
        match self {
            Self::Request => "LogoutRequest",
            Self::Response => "LogoutResponse",
        }
    }

    /// What carries it in a query or a form.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// What both say of themselves. Texts are as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub id: String,
    pub version: String,
    pub issue_instant: UnixMillis,
    pub destination: Option<String>,
    pub issuer: String,
}

/// "End these sessions" (Core §3.7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    pub header: Header,
    pub not_on_or_after: Option<UnixMillis>,
    /// Text of the NameID, without white space at its ends; not empty.
    pub name_id: String,
    /// None: every session of the NameID. None of them is empty.
    pub session_indexes: Vec<String>,
}

/// "That is what became of it" (Core §3.7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutResponse {
    pub header: Header,
    pub in_response_to: Option<String>,
    /// Values of the status codes, outermost first.
    pub status: Vec<String>,
}

/// Reads a `samlp:LogoutRequest`. Refuses with `logout.…` and `gate.…`.
pub fn request(root: &Element) -> Result<LogoutRequest, Refusal> {
    let name_id = root.only_child(names::ASSERTION, "NameID")?;
    let name_id = name_id.ok_or_else(|| Refusal::new("logout.name-id", "there is no NameID"))?.leaf_text()?;
    let name_id = name_id.trim_matches(SPACE);
    Refusal::unless(!name_id.is_empty(), "logout.name-id", "the NameID is empty")?;
    let indexes = root.children_named(names::PROTOCOL, "SessionIndex");
    Refusal::unless(indexes.len() <= MAX_SESSION_INDEXES, "logout.session-index", "over 256 sessions are named")?;
    Ok(LogoutRequest {
        header: header(root)?,
        not_on_or_after: instant(root, "NotOnOrAfter")?,
        name_id: name_id.to_owned(),
        session_indexes: indexes.into_iter().map(session_index).collect::<Result<_, _>>()?,
    })
}

/// Reads a `samlp:LogoutResponse`. Refuses with `logout.…` and `gate.…`.
pub fn response(root: &Element) -> Result<LogoutResponse, Refusal> {
    let mut status = Vec::new();
    let mut place = root.only_child(names::PROTOCOL, "Status")?;
    while let Some(outer) = place {
        place = outer.only_child(names::PROTOCOL, "StatusCode")?;
        status.extend(place.and_then(|code| code.attribute("Value")).map(str::to_owned));
    }
    Ok(LogoutResponse {
        header: header(root)?,
        in_response_to: root.attribute("InResponseTo").map(str::to_owned),
        status,
    })
}

fn header(root: &Element) -> Result<Header, Refusal> {
    let issuer = root.only_child(names::ASSERTION, "Issuer")?;
    let issued = instant(root, "IssueInstant")?;
    Ok(Header {
        id: root.required_attribute("ID", "logout.id")?.to_owned(),
        version: root.required_attribute("Version", "logout.version")?.to_owned(),
        issue_instant: issued.ok_or_else(|| Refusal::new("logout.issue-instant", "there is no IssueInstant"))?,
        destination: root.attribute("Destination").map(str::to_owned),
        issuer: issuer.map(Element::leaf_text).transpose()?.unwrap_or_default().to_owned(),
    })
}

/// An empty one is refused, because it could be meant for none or for all.
fn session_index(element: &Element) -> Result<String, Refusal> {
    let text = element.leaf_text()?.trim_matches(SPACE);
    let usable = !text.is_empty() && text.len() <= MAX_SESSION_INDEX;
    Refusal::unless(usable, "logout.session-index", "a SessionIndex is empty or longer than 1,024 octets")?;
    Ok(text.to_owned())
}

/// An instant that may be absent. Present and unreadable is a refusal, not an absence.
fn instant(element: &Element, name: &str) -> Result<Option<UnixMillis>, Refusal> {
    let Some(text) = element.attribute(name) else { return Ok(None) };
    let at = time::parse_instant(text);
    let at = at.ok_or_else(|| Refusal::new("logout.time", format!("{name} is {}", quoted(text))))?;
    Ok(Some(at))
}
