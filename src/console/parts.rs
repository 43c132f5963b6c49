//! Pure: the small parts that several pages show: a tone, a badge, an instant, a count, a duration to edit.
//!
//! Numbers and times become text here, once; templates only place them. No clock: relative times are the browser's.

use std::fmt;

use crate::base::clock::{UnixMillis, rfc3339};

/// How a message or badge is meant; colour is never its only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It worked, or it is healthy.
    Success,
    /// Worth knowing, nothing to do.
    Info,
    /// Needs attention.
    Warning,
    /// It failed, or it destroys something.
    Danger,
    /// Neither good nor bad.
    Neutral,
}

impl Tone {
    /// ARIA role of a message: `alert` interrupts, `status` waits.
    pub fn role(self) -> &'static str {
        match self {
            Self::Danger => "alert",
            Self::Success | Self::Info | Self::Warning | Self::Neutral => "status",
        }
    }
}

/// The last part of the CSS class: `success`, `info`, `warning`, `danger`, `neutral`.
impl fmt::Display for Tone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Success => "success",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Danger => "danger",
            Self::Neutral => "neutral",
        })
    }
}

/// A short coloured word, such as a state.
#[derive(Debug, Clone)]
pub struct Badge {
    /// Its colour.
    pub tone: Tone,
    /// One or two words.
    pub text: String,
}

/// An instant, for a machine and for a reader.
#[derive(Debug, Clone)]
pub struct Moment {
    /// RFC 3339 in UTC, the `datetime` attribute.
    pub iso: String,
    /// `2026-11-24 10:32:07 UTC`.
    pub text: String,
}

impl Moment {
    /// An instant as the product counts it.
    pub fn from_millis(at: UnixMillis) -> Self {
        Self::from_rfc3339(rfc3339(at))
    }

    /// From RFC 3339 in UTC (`2026-11-24T10:32:07.123Z`); the text keeps whole seconds.
    pub fn from_rfc3339(iso: String) -> Self {
        let text = match iso.split_once('T') {
            Some((date, rest)) => {
                let clock = rest.split(['.', 'Z']).next().unwrap_or(rest);
                format!("{date} {clock} UTC")
            }
            None => iso.clone(),
        };
        Self { iso, text }
    }
}

/// How many, as text.
#[derive(Debug, Clone)]
pub struct Count {
    /// With digits in groups of three: `4 312`.
    pub number: String,
    /// Number and noun: `1 session`, `4 312 sessions`.
    pub phrase: String,
    /// True for none at all.
    pub is_zero: bool,
}

impl Count {
    /// `one` is the noun for exactly one, `many` for every other number.
    pub fn new(number: u64, one: &str, many: &str) -> Self {
        let text = group_digits(number);
        let noun = if number == 1 { one } else { many };
        Self { phrase: format!("{text} {noun}"), number: text, is_zero: number == 0 }
    }
}

impl Count {
    /// A number as the database gives it; `one` and `many` as in [`Count::new`].
    pub fn of(number: i64, one: &str, many: &str) -> Self {
        Self::new(u64::try_from(number).unwrap_or_default(), one, many)
    }

    /// A number that counting may have stopped at: then `more` is true and it reads `10 000+ sessions`.
    pub fn capped(number: i64, more: bool, one: &str, many: &str) -> Self {
        let count = Self::of(number, one, many);
        if !more {
            return count;
        }
        let text = format!("{}+", count.number);
        Self { phrase: format!("{text} {many}"), number: text, is_zero: false }
    }
}

/// Groups of three with narrow no-break spaces between them.
fn group_digits(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A duration in a form: a number field `NAME` and a unit field `NAME_unit`.
#[derive(Debug, Clone)]
pub struct DurationField {
    /// Whole number of units, or what was typed if the form comes back with an error.
    pub amount: String,
    /// `seconds`, `minutes`, `hours` or `days`.
    pub unit: String,
}

/// Unit name and its seconds, largest first.
const UNITS: [(&str, u64); 4] = [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];

impl DurationField {
    /// In the largest unit that loses nothing.
    pub fn from_seconds(seconds: u64) -> Self {
        let (unit, size) =
            UNITS.into_iter().find(|(_, size)| seconds > 0 && seconds.is_multiple_of(*size)).unwrap_or(("seconds", 1));
        Self { amount: (seconds / size).to_string(), unit: unit.to_owned() }
    }

    /// Back to seconds; `None` if the number or the unit is none, or the product is too large.
    pub fn to_seconds(&self) -> Option<u64> {
        let size = UNITS.into_iter().find(|(unit, _)| *unit == self.unit)?.1;
        self.amount.trim().parse::<u64>().ok()?.checked_mul(size)
    }
}

/// A value that people carry to another system, with a button that copies it.
#[derive(Debug, Clone)]
pub struct CopyField {
    /// Id of the input, unique on the page.
    pub id: String,
    /// What the other system calls it.
    pub label: String,
    /// The value, in full.
    pub value: String,
}
