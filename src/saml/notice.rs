//! Pure: what administrators should know of an identity provider before it keeps people out.

use super::certificate;
use super::identity_provider::parse_metadata;
use crate::base::clock::{UnixMillis, rfc3339};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How many days ahead the end of the last certificate is announced.
const STAGES: [i64; 2] = [7, 30];
/// A change of keys that was fetched is shown for so long.
const SHOW_CHANGES_MS: i64 = 30 * DAY_MS;

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// A stable word: `certificate_expiring`, `certificate_expired`, `metadata_unusable`, `metadata_not_refreshed`,
    /// `metadata_roll_over`, `metadata_replaced`, `metadata_changed`.
    pub kind: &'static str,
    /// Id of the provider.
    pub provider: String,
    /// One or two sentences.
    pub text: String,
    /// When it happened or will happen.
    pub at: Option<UnixMillis>,
}

/// The certificate of a provider that ends last: until then somebody can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastCertificate {
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    pub not_after: UnixMillis,
}

/// The certificate that ends last; `None` if the metadata can't be read.
pub fn last_certificate(metadata: &str) -> Option<LastCertificate> {
    // A file that has run out is another matter.
    let provider = parse_metadata(metadata, 0).ok()?;
    let shown = provider.certificates.iter().map(|der| certificate::shown(der));
    let ends = shown.filter_map(|one| Some(LastCertificate { not_after: one.not_after?, sha256: one.sha256 }));
    ends.max_by_key(|certificate| certificate.not_after)
}

/// The stages that have been reached, in days: 30, then 7. Both, if it ends within a week.
pub fn stages(not_after: UnixMillis, now: UnixMillis) -> impl Iterator<Item = i64> {
    STAGES.into_iter().filter(move |days| not_after - now <= days * DAY_MS)
}

/// Whether and when the last certificate ends.
pub fn of_certificate(id: &str, name: &str, certificate: &LastCertificate, now: UnixMillis) -> Option<Notice> {
    let end = certificate.not_after;
    let days = stages(end, now).min()?;
    let (kind, text) = if end <= now {
        (
            "certificate_expired",
            format!("The last signing certificate of {name} has ended: its metadata is out of date."),
        )
    } else {
        let text = format!("The last signing certificate of {name} ends within {days} days, at {}.", rfc3339(end));
        ("certificate_expiring", format!("{text} Ask for the next one, and give us the metadata with both."))
    };
    Some(Notice { kind, provider: id.to_owned(), text, at: Some(end) })
}

/// Whether the metadata can't be used any more.
pub fn of_metadata(id: &str, name: &str, metadata: &str, now: UnixMillis) -> Option<Notice> {
    let error = parse_metadata(metadata, now).err()?;
    let text = format!("The metadata of {name} can't be used any more, so nobody signs in by it: {}.", error.message);
    Some(Notice { kind: "metadata_unusable", provider: id.to_owned(), text, at: None })
}

/// Whether the last fetch failed.
pub fn of_failure(id: &str, name: &str, error: Option<&str>) -> Option<Notice> {
    let text = format!("The metadata of {name} could not be refreshed; the last good copy is in force. {}.", error?);
    Some(Notice { kind: "metadata_not_refreshed", provider: id.to_owned(), text, at: None })
}

/// Whether a fetch changed keys or addresses lately.
pub fn of_change(id: &str, name: &str, note: Option<(&str, UnixMillis)>, now: UnixMillis) -> Option<Notice> {
    let (note, at) = note.filter(|(_, at)| now - at < SHOW_CHANGES_MS)?;
    let (kind, what) = match note {
        "roll_over" => ("metadata_roll_over", "other signing certificates beside one that it had"),
        "replaced" => ("metadata_replaced", "other signing certificates than before, or another sign-in address"),
        "changed" => ("metadata_changed", "another address to log out, or another wish for signed requests"),
        _ => return None,
    };
    let text = format!(
        "At {} the fetched metadata of {name} brought {what}; the audit log has the details. If that was not planned, ask \
         the identity provider.",
        rfc3339(at)
    );
    Some(Notice { kind, provider: id.to_owned(), text, at: Some(at) })
}
