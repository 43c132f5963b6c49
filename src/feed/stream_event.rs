//! Pure: what a stream says, as server-sent events (HTML standard, section 9.2).
//!
//! Every event but a comment has its number as `id`, so that `Last-Event-ID` is right whenever the connection breaks.

use serde::Serialize;

use super::event::{Event, EventScope};
use super::stream_rules::{Grant, HEARTBEAT, LEASE};
use crate::base::clock::rfc3339;

/// Keeps a connection open without saying anything.
pub const COMMENT: &str = ":\n\n";

#[derive(Serialize)]
struct Hello<'a> {
    stream: &'a str,
    sequence: i64,
    lease_ms: u128,
    heartbeat_ms: u128,
}

#[derive(Serialize)]
struct Reset {
    sequence: i64,
}

#[derive(Serialize)]
struct Lease {
    sequence: i64,
    until_ms: i64,
}

/// A change as an application needs it. `epoch` is 0 where there is none.
#[derive(Serialize)]
struct Revocation<'a> {
    sequence: i64,
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    epoch: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    spared_session: Option<&'a str>,
    trigger: &'a str,
    at: String,
}

/// The first event: the stream's id, and the number after which it is told everything. Its own number is what the client
/// has taken in so far: if the connection breaks before a reset, the reset comes again.
pub fn hello(stream: &str, sequence: i64, since: i64) -> String {
    let hello = Hello { stream, sequence, lease_ms: LEASE.as_millis(), heartbeat_ms: HEARTBEAT.as_millis() };
    format!("retry: {}\n{}", HEARTBEAT.as_millis(), frame(since, "hello", &hello))
}

/// The client must drop everything that it believes; it is told what comes after `sequence`.
pub fn reset(sequence: i64) -> String {
    frame(sequence, "reset", &Reset { sequence })
}

/// The client may answer from memory for a while.
pub fn lease(grant: &Grant) -> String {
    frame(grant.sequence, "lease", &Lease { sequence: grant.sequence, until_ms: grant.until_ms })
}

/// A change. One that is about every workspace leaves nothing to believe.
pub fn revocation(event: &Event) -> String {
    if event.scope == EventScope::Everything {
        return reset(event.sequence);
    }
    let session = (event.scope == EventScope::Session).then_some(event.target.as_deref()).flatten();
    let told = Revocation {
        sequence: event.sequence,
        scope: event.scope.as_str(),
        user: event.user.as_deref(),
        session,
        epoch: event.epoch,
        spared_session: event.spared_session.as_deref(),
        trigger: &event.cause,
        at: rfc3339(event.at),
    };
    frame(event.sequence, "revocation", &told)
}

fn frame(id: i64, event: &str, data: &impl Serialize) -> String {
    // JSON has no line breaks of its own: one line of data is enough.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("id: {id}\nevent: {event}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::WorkspaceId;

    fn event(scope: EventScope) -> Event {
        Event {
            sequence: 7,
            workspace: WorkspaceId::from_text("w"),
            scope,
            target: Some("t".into()),
            user: Some("u\n\u{2028}".into()),
            epoch: 3,
            spared_session: None,
            cause: "admin".into(),
            at: 0,
        }
    }

    #[test]
    fn an_event_is_three_lines_whatever_it_says() {
        let text = revocation(&event(EventScope::Session));
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines[..2], ["id: 7", "event: revocation"]);
        assert_eq!(
            lines[2],
            "data: {\"sequence\":7,\"scope\":\"session\",\"user\":\"u\\n\u{2028}\",\"session\":\"t\",\"epoch\":3,\
             \"trigger\":\"admin\",\"at\":\"1970-01-01T00:00:00.000Z\"}"
        );
        assert_eq!(lines[3..], ["", ""]);
    }

    #[test]
    fn only_a_session_is_named_as_one() {
        assert!(!revocation(&event(EventScope::User)).contains("\"session\""));
    }

    #[test]
    fn the_end_of_everything_resets() {
        assert_eq!(revocation(&event(EventScope::Everything)), "id: 7\nevent: reset\ndata: {\"sequence\":7}\n\n");
    }

    #[test]
    fn the_first_event_says_how_to_go_on() {
        let text = hello("r.1", 5, 5);
        assert!(
            text.starts_with("retry: 300\nid: 5\nevent: hello\ndata: {\"stream\":\"r.1\",\"sequence\":5,"),
            "{text}"
        );
        assert!(text.ends_with("\"lease_ms\":1000,\"heartbeat_ms\":300}\n\n"), "{text}");
    }
}
