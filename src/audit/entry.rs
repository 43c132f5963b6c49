//! Pure: one audit entry and the canonical text that the chain's hash covers.

use serde_json::{Map, Value, json};

use crate::actor::Actor;
use crate::base::clock::{UnixMillis, rfc3339};

/// Whether what was attempted happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Refused,
}

/// What an action was done to.
#[derive(Clone, Debug, Default)]
pub struct Target {
    pub kind: &'static str,
    pub id: String,
    pub label: String,
}

impl Target {
    pub fn new(kind: &'static str, id: impl Into<String>, label: impl Into<String>) -> Self {
        Self { kind, id: id.into(), label: label.into() }
    }
}

/// What happened. `action` is a stable dotted name, listed in docs/audit.md.
#[derive(Clone, Debug)]
pub struct Entry {
    pub action: &'static str,
    pub target: Target,
    pub reason: Option<String>,
    pub outcome: Outcome,
    /// More facts, such as counts or the fields that changed. Never a secret.
    pub details: Value,
}

impl Entry {
    pub fn done(action: &'static str, target: Target) -> Self {
        Self { action, target, reason: None, outcome: Outcome::Done, details: Value::Object(Map::new()) }
    }

    pub fn refused(action: &'static str, target: Target) -> Self {
        Self { outcome: Outcome::Refused, ..Self::done(action, target) }
    }

    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// The entry as JSON text with sorted keys and no white space: what is stored, exported and hashed.
    pub fn canonical(&self, sequence: i64, at: UnixMillis, actor: &Actor) -> String {
        json!({
            "sequence": sequence,
            "at": rfc3339(at),
            "action": self.action,
            "actor": {"kind": actor.kind.as_str(), "id": actor.id, "label": actor.label},
            "target": {"kind": self.target.kind, "id": self.target.id, "label": self.target.label},
            "reason": self.reason,
            "outcome": if self.outcome == Outcome::Done { "done" } else { "refused" },
            "ip": actor.origin.ip.map(|ip| ip.to_string()),
            "user_agent": actor.origin.user_agent,
            "request_id": actor.origin.request_id,
            "details": self.details,
        })
        .to_string()
    }
}

/// Which entries are wanted; an absent member lets everything pass.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// An action, or the part before a dot: `session` finds `session.revoked`.
    pub action: Option<String>,
    pub actor: Option<String>,
    pub target: Option<String>,
    /// Inclusive.
    pub since: Option<UnixMillis>,
    /// Exclusive.
    pub until: Option<UnixMillis>,
}
