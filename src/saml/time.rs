//! Pure: `xs:dateTime` as SAML writes it (Core §1.3.3): UTC, said by a `Z`.
//! Deliberately strict: no offset, no missing zone, no 24:00, no leap second, no year but 1970 to 9999.

use chrono::{DateTime, NaiveDate, SecondsFormat};

use crate::base::clock::UnixMillis;

/// 9999-12-31T23:59:59.999Z.
const LAST: UnixMillis = 253_402_300_799_999;

/// Reads `2026-11-24T02:50:38Z`, with 1 to 30 digits of fraction at will (cut to milliseconds). `None` for all else.
pub fn parse_instant(text: &str) -> Option<UnixMillis> {
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !has_shape(whole) || !(1..=30).contains(&fraction.len()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| whole[from..to].parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(whole[..4].parse().ok()?, number(5, 7)?, number(8, 10)?)?;
    let instant = date.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    let millis: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    let unix = instant.and_utc().timestamp_millis() + millis;
    (unix >= 0).then_some(unix)
}

/// `2026-11-24T02:50:38Z`: whole seconds, cut. An instant before 1970 or after 9999 is written as that bound.
pub fn format_instant(at: UnixMillis) -> String {
    DateTime::from_timestamp_millis(at.clamp(0, LAST))
        .expect("chrono knows every instant between 1970 and 9999")
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `0000-00-00T00:00:00`, where `0` stands for any digit.
fn has_shape(whole: &str) -> bool {
    let shape = b"0000-00-00T00:00:00";
    whole.len() == shape.len()
        && whole.bytes().zip(shape).all(|(byte, place)| match place {
            b'0' => byte.is_ascii_digit(),
            other => byte == *other,
        })
}
