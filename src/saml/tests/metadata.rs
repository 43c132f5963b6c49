//! Metadata by URL, as far as it is decided without a network: addresses, times, changes, notices.

use std::net::IpAddr;

use crate::saml::identity_provider::{IdentityProvider, SingleLogout, parse_metadata};
use crate::saml::metadata_address::{is_public, judge_addresses, judge_url};
use crate::saml::metadata_change::{Extent, compare};
use crate::saml::metadata_times::{Times, next_attempt, next_refresh, parse_duration, read};
use crate::saml::notice::stages;
use crate::saml::settings::Binding;

const METADATA: &str = include_str!("../../../fixtures/saml/idp-metadata.xml");
const OTHER: &str = include_str!("../../../fixtures/saml/other-idp-metadata.xml");
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text} is no address"))
}

#[test]
fn public_addresses_are_public_to_the_edge() {
    for public in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:db7:ffff::1",
        "2003::1",
        "2606:4700::1111",
    ] {
        assert!(is_public(address(public)), "{public}");
    }
    for private in ["10.255.255.255", "100.127.255.255", "172.16.0.0", "198.19.255.255", "2001:1ff:ffff::1", "4000::1"]
    {
        assert!(!is_public(address(private)), "{private}");
    }
}

#[test]
fn an_operator_allows_a_host_at_a_port() {
    let allowed = ["IdP.corp.internal:8443".to_owned(), "127.0.0.1:8443".to_owned(), "[::1]:8443".to_owned()];
    let private = [address("10.0.0.7")];
    let inside = judge_url("https://idp.corp.internal:8443/metadata?x=y", &allowed).expect("allowed");
    assert!(judge_addresses(&inside, &private).is_ok_and(|found| found[0].port() == 8443));
    let elsewhere = judge_url("https://idp.corp.internal/metadata", &allowed).expect("a name");
    assert!(judge_addresses(&elsewhere, &private).is_err(), "another port");
    for literal in ["https://127.0.0.1:8443/", "https://[::1]:8443/"] {
        let source = judge_url(literal, &allowed).expect(literal);
        assert!(source.literal.is_some_and(|address| judge_addresses(&source, &[address]).is_ok()), "{literal}");
    }
    assert!(judge_url("https://127.0.0.1/", &allowed).is_err());
    assert!(judge_addresses(&inside, &[]).is_err(), "no address at all");
}

#[test]
fn durations_are_read_strictly() {
    for (text, expected) in [
        ("PT1H", Some(HOUR)),
        ("P1D", Some(DAY)),
        ("P1Y2M3DT4H5M6S", Some(428 * DAY + 4 * HOUR + 5 * MINUTE + 6_000)),
        ("PT0.5S", Some(0)),
        ("P99999999Y", Some(99_999_999 * 365 * DAY)),
        ("", None),
        ("P", None),
        ("PT", None),
        ("1H", None),
        ("-PT1H", None),
        ("PT1H1H", None),
        ("PT1M1H", None),
        ("P1H", None),
        ("PTH", None),
        ("PT+1H", None),
        ("PT9999999999H", None),
    ] {
        assert_eq!(parse_duration(text), expected, "{text}");
    }
}

#[test]
fn it_is_fetched_again_before_it_runs_out() {
    let none = Times::default();
    assert_eq!(next_refresh(0, &none, 0), 6 * HOUR);
    assert!((5 * HOUR..6 * HOUR).contains(&next_refresh(0, &none, 255)));
    let soon = Times { valid_until: Some(2 * HOUR), cache_ms: Some(DAY) };
    assert_eq!(next_refresh(0, &soon, 0), HOUR);
    let hasty = Times { valid_until: None, cache_ms: Some(1) };
    assert_eq!(next_refresh(0, &hasty, 0), 5 * MINUTE);
    let over = Times { valid_until: Some(-DAY), cache_ms: None };
    assert_eq!(next_refresh(0, &over, 0), 5 * MINUTE);
    assert_eq!(
        [1, 2, 3, 100].map(|failures| next_attempt(0, failures, 0)),
        [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 6 * HOUR]
    );
    let both = METADATA
        .replacen("entityID=", "validUntil=\"2030-01-01T00:00:00Z\" cacheDuration=\"PT2H\" entityID=", 1)
        .replacen("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor cacheDuration=\"PT1H\" ", 1);
    let times = read(&both).expect("metadata");
    assert_eq!((times.valid_until, times.cache_ms), (Some(1_893_456_000_000), Some(HOUR)));
}

fn provider(xml: &str) -> IdentityProvider {
    parse_metadata(xml, 0).expect("metadata")
}

#[test]
fn a_change_keeps_a_key_or_replaces_all() {
    let (one, other) = (provider(METADATA), provider(OTHER));
    let both = IdentityProvider {
        certificates: [other.certificates.clone(), one.certificates.clone()].concat(),
        ..one.clone()
    };
    assert_eq!(compare(Some(&one), &one).extent, Extent::Nothing);
    let beside = compare(Some(&one), &both);
    assert_eq!((beside.extent, beside.added.len(), beside.removed.len()), (Extent::RollOver, 1, 0));
    assert_eq!(compare(Some(&both), &one).extent, Extent::RollOver);
    let swapped = IdentityProvider { certificates: other.certificates.clone(), ..one.clone() };
    assert_eq!(compare(Some(&one), &swapped).extent, Extent::Replaced);
    let moved = IdentityProvider { sso_redirect_url: Some("https://elsewhere.test/".to_owned()), ..one.clone() };
    let moved = compare(Some(&one), &moved);
    assert_eq!((moved.extent, moved.addresses_changed), (Extent::Replaced, true));
    assert_eq!(compare(None, &one).extent, Extent::Replaced);
    let signs = IdentityProvider { want_signed_requests: !one.want_signed_requests, ..one.clone() };
    let signs = compare(Some(&one), &signs);
    assert_eq!((signs.extent, signs.others), (Extent::Changed, vec!["WantAuthnRequestsSigned"]));
    let service = |url: &str, response_url: &str| {
        let (url, response_url) = (url.to_owned(), response_url.to_owned());
        let single_logout = Some(SingleLogout { binding: Binding::Redirect, url, response_url });
        IdentityProvider { single_logout, ..one.clone() }
    };
    let (before, after) =
        (service("https://a.test/", "https://a.test/"), service("https://a.test/", "https://b.test/"));
    let elsewhere = compare(Some(&before), &after);
    assert_eq!((elsewhere.extent, elsewhere.others), (Extent::Changed, vec!["ResponseLocation"]));
    assert_eq!(compare(Some(&one), &before).extent, Extent::Changed, "there was none, or another");
}

#[test]
fn ends_are_announced_a_month_and_a_week_ahead() {
    let reached = |left: i64| stages(left, 0).collect::<Vec<_>>();
    assert_eq!(reached(31 * DAY), Vec::<i64>::new());
    assert_eq!(reached(30 * DAY), [30]);
    assert_eq!(reached(7 * DAY), [7, 30]);
    assert_eq!(reached(-DAY), [7, 30]);
}
