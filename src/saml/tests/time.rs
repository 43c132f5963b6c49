//! What is an instant to SAML, and what only looks like one.

use crate::saml::time::{format_instant, parse_instant};

#[test]
fn reads_utc_instants_with_any_fraction() {
    assert_eq!(parse_instant("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(parse_instant("2026-11-24T02:50:38Z"), Some(1_795_488_638_000));
    assert_eq!(parse_instant("2026-11-24T02:50:38.5Z"), Some(1_795_488_638_500));
    assert_eq!(parse_instant("2026-11-24T02:50:38.1239999Z"), Some(1_795_488_638_123));
    assert_eq!(parse_instant(&format!("2026-11-24T02:50:38.{}Z", "0".repeat(30))), Some(1_795_488_638_000));
    assert_eq!(parse_instant("9999-12-31T23:59:59.999Z"), Some(253_402_300_799_999));
    assert_eq!(parse_instant("2028-02-29T00:00:00Z"), Some(1_835_395_200_000));
}

#[test]
fn refuses_every_other_spelling() {
    for text in [
        "",
        "Z",
        "2026-11-24T02:50:38",
        "2026-11-24T02:50:38+00:00",
        "2026-11-24T02:50:38z",
        "2026-11-24 02:50:38Z",
        " 2026-11-24T02:50:38Z",
        "2026-11-24T02:50Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T02:50:60Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "-2026-11-24T02:50:38Z",
        "10000-01-01T00:00:00Z",
        "2026-11-24T02:50:38.Z",
        "2026-11-24T02:50:38.5.5Z",
        "2026-11-24T02:50:38.x5Z",
        "2026-11-24T02:50:+8Z",
        "２026-11-24T02:50:38Z",
    ] {
        assert_eq!(parse_instant(text), None, "{text:?}");
    }
    assert_eq!(parse_instant(&format!("2026-11-24T02:50:38.{}Z", "0".repeat(31))), None);
}

#[test]
fn writes_whole_seconds_in_utc() {
    assert_eq!(format_instant(1_795_488_638_999), "2026-11-24T02:50:38Z");
    assert_eq!(format_instant(-1), "1970-01-01T00:00:00Z");
    assert_eq!(format_instant(i64::MAX), "9999-12-31T23:59:59Z");
}
