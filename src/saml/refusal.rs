//! Pure: why a SAML response was refused. For the log and the administrator; the person who signs in is told one
//! sentence by the caller, the same for every refusal of a sign-in that is under way in their browser.

use std::fmt;

/// Characters of a foreign value that a detail shows at the most.
const SHOWN: usize = 120;

/// A refused SAML message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable dotted name of the failed check: `gate.…` (structure), `signature.…`, `assertion.…` (unreadable),
    /// `check.…` (not for us, not now, not from them).
    pub check: &'static str,
    /// One sentence. Foreign values in it are quoted, escaped and cut.
    pub detail: String,
}

impl Refusal {
    /// A refusal by `check`.
    pub fn new(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, detail: detail.into() }
    }

    /// `Ok` if `condition` holds, else a refusal by `check`.
    pub fn unless(condition: bool, check: &'static str, detail: &str) -> Result<(), Self> {
        if condition { Ok(()) } else { Err(Self::new(check, detail)) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.check, self.detail)
    }
}

impl std::error::Error for Refusal {}

/// A foreign value for a detail: in quotes, control characters escaped, cut after 120 characters.
pub fn quoted(value: &str) -> String {
    let shown: String = value.chars().take(SHOWN).collect();
    if shown.len() < value.len() { format!("{shown:?}…") } else { format!("{shown:?}") }
}
