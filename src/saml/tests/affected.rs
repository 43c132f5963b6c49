//! Whose sessions a change of a provider affects, and which ways to sign in are left.

use crate::base::ids::ProviderId;
use crate::saml::affected::{Cause, Required, affected, required_domains};
use crate::saml::provider::{StoredProvider, begins_to_vouch};
use crate::saml::settings::{Enforcement, GroupRole, MappedRole};
use crate::saml::wanted::{Given, Wanted, Which};
use crate::saml::ways_in::{changed, ways_in};

fn provider(id: &str, domains: &[&str]) -> StoredProvider {
    let (id, entity_id) = (ProviderId::from_text(id), format!("https://{id}.test"));
    let given = Given { id: &id, now: 1, entity_id: Some(&entity_id), by_owner: true, encrypted_assertions: None };
    let mut made = Wanted::import(Which::New, "metadata").applied(None, &given).expect("a provider");
    made.settings.domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    made
}

fn with(before: &StoredProvider, change: impl Fn(&mut StoredProvider)) -> StoredProvider {
    let mut after = before.clone();
    change(&mut after);
    after
}

fn domains(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_takes_the_ground_from_sessions_has_a_name() {
    let before = provider("a", &[]);
    let role = GroupRole { group: "IT".to_owned(), role: MappedRole::Admin };
    for (cause, after) in [
        (Some(Cause::Deleted), None),
        (Some(Cause::Disabled), Some(with(&before, |after| after.enabled = false))),
        (Some(Cause::EntityId), Some(with(&before, |after| after.entity_id.push('x')))),
        // What can't be read has no certificate that could stay.
        (Some(Cause::Certificates), Some(with(&before, |after| after.metadata.push('x')))),
        (Some(Cause::Mapping), Some(with(&before, |after| after.settings.roles = vec![role.clone()]))),
        (Some(Cause::Mapping), Some(with(&before, |after| after.settings.attributes.email = Some("mail".to_owned())))),
        (None, Some(with(&before, |after| after.settings.force_authn = true))),
        (None, Some(with(&before, |after| after.name.push('x')))),
        (None, Some(before.clone())),
    ] {
        let reach = affected(Some(&before), after.as_ref(), &Required::default());
        assert_eq!(reach.because, Vec::from_iter(cause), "{after:?}");
        assert_eq!(reach.affected.provider, cause.map(|_| before.entity_id.clone()));
    }
    assert!(affected(None, Some(&before), &Required::default()).affected.is_nothing(), "a new one has no sessions");
}

#[test]
fn what_becomes_required_affects_passwords() {
    let own = provider("a", &["a.test"]);
    for (before, after, expected) in [
        (&[][..], &["a.test"][..], &["a.test"][..]),
        (&["a.test"], &["a.test"], &[]),
        (&["a.test"], &["a.test", "b.test"], &["b.test"]),
        (&["a.test", "b.test"], &["b.test"], &[]),
        (&["a.test"], &[], &[]),
    ] {
        let required = Required { before: domains(before), after: domains(after) };
        let reach = affected(Some(&own), Some(&own), &required);
        assert_eq!(reach.affected.password_domains, expected);
        assert_eq!(reach.because.contains(&Cause::Enforcement), !expected.is_empty());
        assert_eq!(reach.affected.provider, None, "sessions of the provider itself stay");
    }
}

#[test]
fn what_is_required_is_so_by_any_provider() {
    let required = |id: &str, names: &[&str]| {
        with(&provider(id, names), |own| own.settings.enforcement = Enforcement::Required).settings
    };
    let (one, other) = (required("a", &["a.test", "gone.test"]), required("b", &["b.test"]));
    let optional = provider("c", &["c.test"]).settings;
    let verified = domains(&["a.test", "b.test", "c.test"]);
    assert_eq!(required_domains([&one, &other, &optional], &verified), ["a.test", "b.test"]);
    assert!(required_domains([&optional], &verified).is_empty());
}

#[test]
fn whoever_begins_to_vouch_is_told_from_whoever_goes_on() {
    let vouched = provider("a", &[]);
    let own = with(&vouched, |own| own.by_owner = false);
    let other = with(&vouched, |own| own.entity_id.push('x'));
    assert!(begins_to_vouch(None, &vouched) && begins_to_vouch(Some(&own), &vouched));
    assert!(begins_to_vouch(Some(&other), &vouched), "it vouched for another one");
    assert!(!begins_to_vouch(Some(&vouched), &vouched) && !begins_to_vouch(None, &own));
}

#[test]
fn ways_are_those_of_providers_that_are_on() {
    let verified = domains(&["a.test", "b.test"]);
    let named = with(&provider("a", &["a.test"]), |own| own.settings.enforcement = Enforcement::Required);
    let open = with(&provider("b", &[]), |own| own.by_owner = false);
    let all = [named.clone(), open.clone()];
    let words = ways_in(&all, &verified).to_json();
    let expected = concat!(
        r#"["linked https://a.test","owner-linked https://a.test","domain a.test","owner-domain a.test","#,
        r#""no-password a.test","linked https://b.test","domain b.test"]"#
    );
    assert_eq!(words, expected);
    let off = with(&named, |own| own.enabled = false);
    let left = ways_in(&changed(&all, Some(&named), Some(&off)), &verified).to_json();
    assert_eq!(left, r#"["linked https://b.test","domain b.test"]"#, "its domain is nobody else's while it is off");
    let left = ways_in(&changed(&all, Some(&named), None), &verified).to_json();
    assert_eq!(left, r#"["linked https://b.test","domain a.test","domain b.test"]"#);
    let mut forgotten = ways_in(&all, &verified);
    forgotten.forget_provider("https://a.test");
    assert!(!forgotten.to_json().contains("linked https://a.test"), "{forgotten:?}");
    let unlinked = with(&open, |own| own.settings.link_existing = false);
    assert_eq!(ways_in(&changed(&[], None, Some(&unlinked)), &verified).to_json(), r#"["linked https://b.test"]"#);
}
