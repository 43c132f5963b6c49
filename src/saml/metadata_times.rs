//! Pure: how long metadata says that it is good (Metadata §2.3.2, §2.4.1), and when to fetch it again.

use super::identity_provider::MetadataError;
use super::xml::Element;
use super::{names, time, xml_reader};
use crate::base::clock::UnixMillis;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// How often it is fetched, whatever it says: within a day of a change every replica has it.
const USUAL_MS: i64 = 6 * 60 * MINUTE_MS;
/// How often at the most.
const SHORTEST_MS: i64 = 5 * MINUTE_MS;

/// What metadata says of its own age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The earliest `validUntil`.
    pub valid_until: Option<UnixMillis>,
    /// The shortest `cacheDuration`, in milliseconds.
    pub cache_ms: Option<i64>,
}

/// Reads both from an entity and its identity provider roles.
///
/// # Errors
/// If it isn't the XML that metadata is.
pub fn read(xml: &str) -> Result<Times, MetadataError> {
    let root = xml_reader::read_metadata(xml)?;
    let mut elements = root.children_named(names::METADATA, "IDPSSODescriptor");
    elements.push(&root);
    let instant = |element: &&Element| element.attribute("validUntil").and_then(time::parse_instant);
    let duration = |element: &&Element| element.attribute("cacheDuration").and_then(parse_duration);
    Ok(Times {
        valid_until: elements.iter().filter_map(instant).min(),
        cache_ms: elements.iter().filter_map(duration).min(),
    })
}

/// Reads an `xs:duration` that isn't negative, in milliseconds: a month as 30 days, a year as 365. `None` for all else.
pub fn parse_duration(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (date, clock) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some(both) => both,
        None => (rest, ""),
    };
    if date.is_empty() && clock.is_empty() {
        return None;
    }
    let date = parts(date, &[('Y', 365 * DAY_MS), ('M', 30 * DAY_MS), ('D', DAY_MS)])?;
    let clock = parts(clock, &[('H', 60 * MINUTE_MS), ('M', MINUTE_MS), ('S', 1_000)])?;
    Some(date.saturating_add(clock))
}

fn parts(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    for (unit, length) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        // A fraction of a second is not worth a fetch.
        let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
        if !(1..=9).contains(&whole.len()) || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        total = total.saturating_add(whole.parse::<i64>().ok()?.saturating_mul(*length));
        text = rest;
    }
    text.is_empty().then_some(total)
}

/// When to fetch again after a good answer: every six hours, or sooner if it says so; up to a tenth earlier by `jitter`, so that
/// not everybody asks at once.
pub fn next_refresh(now: UnixMillis, times: &Times, jitter: u8) -> UnixMillis {
    let until_end = times.valid_until.map(|end| (end - now) / 2);
    let wanted = [Some(USUAL_MS), times.cache_ms, until_end].into_iter().flatten().min().unwrap_or(USUAL_MS);
    now + earlier(wanted.max(SHORTEST_MS), jitter)
}

/// When to try again after the `failures`th failure in a row: 5, 10, 20 minutes and so on, up to six hours.
pub fn next_attempt(now: UnixMillis, failures: i64, jitter: u8) -> UnixMillis {
    let doublings = u32::try_from((failures - 1).clamp(0, 7)).unwrap_or(0);
    now + earlier((SHORTEST_MS << doublings).min(USUAL_MS), jitter)
}

fn earlier(wait: i64, jitter: u8) -> i64 {
    wait - wait / 10 * i64::from(jitter) / 255
}
