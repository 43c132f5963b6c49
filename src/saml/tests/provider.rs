//! Which of several providers serves whom, and settings as they are stored.

use crate::base::ids::ProviderId;
use crate::saml::provider::{Outline, chosen, default_of, find_named, serves, serving};
use crate::saml::settings::ProviderSettings;

fn outline(id: &str, enabled: bool, domains: &[&str]) -> Outline {
    Outline {
        id: ProviderId::from_text(id),
        entity_id: format!("https://{id}.test"),
        name: id.to_uppercase(),
        enabled,
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
    }
}

fn id(found: Option<&Outline>) -> Option<&str> {
    found.map(|provider| provider.id.as_str())
}

#[test]
fn a_domain_is_served_by_who_names_it_or_by_the_oldest_who_names_none() {
    let known = [
        outline("a", true, &["a.test"]),
        outline("b", true, &[]),
        outline("c", true, &[]),
        outline("d", false, &["d.test"]),
    ];
    for (domain, expected) in [("a.test", Some("a")), ("other.test", Some("b")), ("d.test", None)] {
        assert_eq!(id(serving(&known, domain)), expected, "{domain}");
    }
    for (provider, domain, expected) in [
        ("a", "a.test", true),
        ("a", "other.test", false),
        ("b", "a.test", false),
        ("c", "other.test", true),
        ("c", "d.test", false),
        ("d", "d.test", true),
        ("nobody", "other.test", false),
    ] {
        assert_eq!(serves(&known, &ProviderId::from_text(provider), domain), expected, "{provider} {domain}");
    }
}

#[test]
fn who_asks_for_nothing_gets_the_oldest_that_is_on() {
    let known = [outline("a", false, &[]), outline("b", true, &["b.test"]), outline("c", true, &["c.test"])];
    assert_eq!(id(default_of(&known)), Some("b"));
    assert_eq!(id(default_of(&known[..1])), Some("a"), "there is no other");
    assert_eq!(id(default_of(&[])), None);
    for (asked, domain, expected) in [
        (None, None, Some("b")),
        (None, Some("c.test"), Some("c")),
        (None, Some("other.test"), Some("b")),
        (Some("c"), Some("b.test"), Some("c")),
        (Some("a"), None, None),
        (Some("nobody"), Some("b.test"), None),
    ] {
        assert_eq!(id(chosen(&known, asked, domain)), expected, "{asked:?} {domain:?}");
    }
    assert_eq!(id(chosen(&known[..1], None, None)), None, "none is on");
    assert_eq!(id(find_named(&known, " B ")), Some("b"));
    assert_eq!(id(find_named(&known, "x")), None);
}

#[test]
fn settings_that_are_not_stored_are_the_first_ones() {
    let read = |text: &str| serde_json::from_str::<ProviderSettings>(text).expect("settings");
    assert_eq!(read("{}"), ProviderSettings::default());
    assert!(read("{}").link_existing);
    let stored = serde_json::to_string(&ProviderSettings::default()).expect("JSON");
    assert_eq!(read(&stored), ProviderSettings::default());
    assert_eq!(read(r#"{"attributes": {"email": "mail"}}"#).attributes.email.as_deref(), Some("mail"));
    assert_eq!(read(r#"{"of_a_newer_program": 1}"#), ProviderSettings::default());
}
