//! Under which attributes somebody is named, the roles that groups give, and what an administrator may try.

use super::signer::{USER, assertion, expected, keys, response, trust};
use crate::saml::assertion::Identity;
use crate::saml::identity;
use crate::saml::judge::{Trust, judge};
use crate::saml::mapping::{missing, read};
use crate::saml::outline::{self, attribute_names};
use crate::saml::settings::{AttributeMapping, GroupRole, MappedRole, ProviderSettings};
use crate::saml::xml_reader::read_message;
use crate::sessions::model::Role;

fn attribute(name: &str, friendly: &str, values: &[&str]) -> String {
    let values: String =
        values.iter().map(|value| format!("<saml:AttributeValue>{value}</saml:AttributeValue>")).collect();
    format!(r#"<saml:Attribute Name="{name}" FriendlyName="{friendly}">{values}</saml:Attribute>"#)
}

fn with(attributes: &[String]) -> String {
    let statement =
        format!("<saml:AttributeStatement>{}</saml:AttributeStatement></saml:Assertion>", attributes.concat());
    assertion(USER, None).replace("</saml:Assertion>", &statement)
}

fn everything() -> String {
    with(&[
        attribute("email", "", &["usual@corp.test"]),
        attribute("urn:own:1", "workAddress", &["no address", "own@corp.test"]),
        attribute("displayName", "", &["Usual Name"]),
        attribute("nick", "", &["Nick"]),
        attribute("givenName", "", &["Ana"]),
        attribute("sn", "", &["Lee"]),
        attribute("surname2", "", &["Other"]),
        attribute("groups", "", &["Usual"]),
        attribute("roles", "", &["IT", " Staff ", "IT"]),
    ])
}

fn named(mapping: &AttributeMapping) -> Identity {
    identity::of(&read(&everything()).expect("an assertion"), 0, mapping)
}

fn set(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn what_was_set_counts_and_nothing_in_its_place() {
    let usual = named(&AttributeMapping::default());
    assert_eq!(usual.email.as_deref(), Some(USER), "the NameID is an address");
    assert_eq!(
        (usual.display_name.as_deref(), usual.groups.as_slice()),
        (Some("Usual Name"), &["Usual".to_owned()][..])
    );
    let own = AttributeMapping {
        email: set("WORKaddress"),
        display_name: set("NICK"),
        groups: set("Roles"),
        ..AttributeMapping::default()
    };
    let found = named(&own);
    assert_eq!((found.email.as_deref(), found.display_name.as_deref()), (Some("own@corp.test"), Some("Nick")));
    assert_eq!(found.groups, ["IT", "Staff"]);
    let absent = AttributeMapping {
        email: set("absent"),
        display_name: set("absent"),
        groups: set("absent"),
        ..AttributeMapping::default()
    };
    let found = named(&absent);
    assert_eq!((found.email, found.display_name, found.groups), (None, None, Vec::new()));
}

#[test]
fn a_name_is_put_together_of_the_parts_that_were_set() {
    let parts = |given: Option<&str>, family: Option<&str>, display: Option<&str>| {
        named(&AttributeMapping {
            given_name: given.map(str::to_owned),
            family_name: family.map(str::to_owned),
            display_name: display.map(str::to_owned),
            ..AttributeMapping::default()
        })
        .display_name
    };
    assert_eq!(parts(None, Some("surname2"), None).as_deref(), Some("Ana Other"));
    assert_eq!(parts(Some("absent"), None, None).as_deref(), Some("Lee"));
    assert_eq!(parts(Some("absent"), Some("absent"), None), None);
    assert_eq!(parts(None, Some("surname2"), Some("nick")).as_deref(), Some("Nick"));
    assert_eq!(parts(None, Some("surname2"), Some("absent")).as_deref(), Some("Ana Other"));
}

#[test]
fn a_sign_in_is_judged_by_the_mapping() {
    let xml = response(&assertion(USER, Some(&keys().provider)), None);
    let mapped =
        Trust { attributes: AttributeMapping { email: set("absent"), ..AttributeMapping::default() }, ..trust() };
    let of = |trust: &Trust| judge(xml.as_bytes(), trust, &expected()).expect("a genuine response").email;
    assert_eq!((of(&trust()).as_deref(), of(&mapped)), (Some(USER), None));
}

#[test]
fn the_highest_role_of_the_groups_counts_to_the_letter() {
    let pair = |group: &str, role: MappedRole| GroupRole { group: group.to_owned(), role };
    let roles = vec![pair("Staff", MappedRole::Member), pair("IT", MappedRole::Admin), pair("All", MappedRole::Member)];
    let settings = ProviderSettings { roles, ..ProviderSettings::default() };
    let role = |groups: &[&str]| settings.role_for(&groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>());
    assert_eq!(role(&["Staff", "IT", "All"]), Some(Role::Admin));
    assert_eq!(role(&["All", "Staff"]), Some(Role::Member));
    for others in [&["it"][..], &["IT "], &["owner"], &[]] {
        assert_eq!(role(others), None, "{others:?}");
    }
    assert_eq!(ProviderSettings::default().role_for(&["IT".to_owned()]), None);
    let member = ProviderSettings { roles: vec![pair("IT", MappedRole::Member)], ..ProviderSettings::default() };
    assert!(settings.makes_more_administrators(&member) && !member.makes_more_administrators(&settings));
    assert!(!settings.makes_more_administrators(&settings));
}

#[test]
fn what_is_pasted_is_read_strictly_and_needs_no_signature() {
    let whole = response(&everything(), None);
    for pasted in [everything(), whole.clone()] {
        assert_eq!(read(&pasted).expect("an assertion").attributes.len(), 9);
    }
    let encrypted = whole.replace("saml:Assertion", "saml:EncryptedAssertion");
    for bad in ["", "%%%", "<a/>", &encrypted, &format!("<!DOCTYPE x>{whole}"), &whole[..whole.len() - 5]] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn names_come_back_from_an_outline() {
    let root = read_message(response(&everything(), None).as_bytes()).expect("XML");
    let names = attribute_names(&outline::of(&root));
    assert_eq!(names[..4], ["email", "urn:own:1", "workAddress", "displayName"]);
    let mapping = AttributeMapping { email: set("WORKADDRESS"), groups: set("absent"), ..AttributeMapping::default() };
    assert_eq!(missing(&mapping, &names), ["groups"]);
    let odd =
        "  Attribute FriendlyName=\"a \\\"b\" Name=\"c\"\nAttribute Name=\"cut\"…\nAttributeValue: (3 characters)\n";
    assert_eq!(attribute_names(odd), ["c", "a \"b"]);
}
