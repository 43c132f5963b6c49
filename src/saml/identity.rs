//! Pure: who an accepted assertion names: address, display name, groups, under the names that identity providers use, or under
//! those that the workspace set for its provider. What it set and isn't sent is not there: a usual attribute could be another's.
//! Deliberately no decision on whether that person may sign in.

use super::assertion::{Assertion, Identity};
use super::settings::AttributeMapping;
use crate::base::clock::UnixMillis;

const EMAIL: &[&str] = &[
    "email",
    "mail",
    "emailAddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
];
const DISPLAY_NAME: &[&str] = &[
    "displayName",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "cn",
    "urn:oid:2.5.4.3",
];
/// The display name at authentik; elsewhere the name of an account.
const NAME_CLAIM: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const GIVEN_NAME: &[&str] =
    &["givenName", "firstName", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "urn:oid:2.5.4.42"];
const FAMILY_NAME: &[&str] =
    &["sn", "surname", "lastName", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "urn:oid:2.5.4.4"];
const GROUPS: &[&str] = &[
    "groups",
    "group",
    "memberOf",
    "isMemberOf",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    "http://schemas.xmlsoap.org/claims/Group",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
];

/// Longest address (RFC 5321 §4.5.3.1.3) and longest display name, in characters.
const MAX_EMAIL: usize = 254;
const MAX_DISPLAY_NAME: usize = 200;
/// Groups that are looked at: who has more has the first.
const MOST_GROUPS: usize = 2_000;

/// The identity in an assertion that `assertion::check` has accepted.
pub fn of(assertion: &Assertion, clock_skew_ms: i64, mapping: &AttributeMapping) -> Identity {
    let statements = &assertion.authn_statements;
    Identity {
        name_id: assertion.name_id.clone(),
        name_id_format: assertion.name_id_format.clone(),
        name_qualifier: assertion.name_qualifier.clone(),
        sp_name_qualifier: assertion.sp_name_qualifier.clone(),
        email: email(assertion, mapping),
        display_name: display_name(assertion, mapping),
        groups: groups(assertion, mapping),
        session_index: statements.iter().find_map(|statement| statement.session_index.clone()),
        session_not_on_or_after: statements.iter().filter_map(|statement| statement.session_not_on_or_after).min(),
        authn_instant: statements.iter().map(|statement| statement.authn_instant).min().unwrap_or_default(),
        assertion_id: assertion.id.clone(),
        replay_until: last_valid(assertion) + 2 * clock_skew_ms,
    }
}

/// The latest NotOnOrAfter of the conditions and confirmations.
fn last_valid(assertion: &Assertion) -> UnixMillis {
    let conditions = assertion.conditions.iter().filter_map(|conditions| conditions.not_on_or_after);
    let confirmations = assertion.subject_confirmations.iter().filter_map(|data| data.not_on_or_after);
    conditions.chain(confirmations).max().unwrap_or(assertion.issue_instant)
}

/// The first address under the name that was set; if none was, the NameID if it is an address, else the first address among
/// the usual attributes.
fn email(assertion: &Assertion, mapping: &AttributeMapping) -> Option<String> {
    let name_id = Some(assertion.name_id.as_str()).filter(|_| mapping.email.is_none());
    let found = values(assertion, names(mapping.email.as_deref(), EMAIL));
    name_id.into_iter().chain(found).map(str::trim).find(|text| is_one_address(text)).map(str::to_owned)
}

/// The display name; if none is sent, or only the parts of a name were set, given and family name.
fn display_name(assertion: &Assertion, mapping: &AttributeMapping) -> Option<String> {
    let AttributeMapping { display_name, given_name, family_name, .. } = mapping;
    let given = first(assertion, given_name.as_deref(), GIVEN_NAME);
    let family = first(assertion, family_name.as_deref(), FAMILY_NAME);
    let both = format!("{} {}", given.unwrap_or_default(), family.unwrap_or_default());
    let parts = Some(both.trim());
    let parts_are_set = given_name.is_some() || family_name.is_some();
    let name = match display_name.as_deref() {
        // What was set, and nothing in its place.
        Some(set) => first(assertion, Some(set), DISPLAY_NAME).or(parts.filter(|_| parts_are_set)),
        None if parts_are_set => parts,
        None => {
            let usual = first(assertion, None, DISPLAY_NAME).or(parts.filter(|name| !name.is_empty()));
            usual.or_else(|| claimed_name(assertion))
        }
    }?;
    let usable = !name.is_empty() && !name.chars().any(char::is_control);
    usable.then(|| name.chars().take(MAX_DISPLAY_NAME).collect())
}

/// The name claim, unless it is that of an account: `ann@corp.test`, `CORP\ann`.
fn claimed_name(assertion: &Assertion) -> Option<&str> {
    let found = values(assertion, vec![NAME_CLAIM]).map(str::trim);
    found.filter(|name| !name.contains(['@', '\\'])).find(|name| !name.is_empty())
}

/// The first value that is not empty.
fn first<'a>(assertion: &'a Assertion, set: Option<&'a str>, usual: &'static [&'static str]) -> Option<&'a str> {
    values(assertion, names(set, usual)).map(str::trim).find(|text| !text.is_empty())
}

fn groups(assertion: &Assertion, mapping: &AttributeMapping) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let found = values(assertion, names(mapping.groups.as_deref(), GROUPS));
    let all = found.map(str::trim).filter(|group| !group.is_empty()).filter(|group| seen.insert(*group));
    all.take(MOST_GROUPS).map(str::to_owned).collect()
}

/// The name that was set, or the usual ones.
fn names<'a>(set: Option<&'a str>, usual: &'static [&'static str]) -> Vec<&'a str> {
    set.map_or_else(|| usual.to_vec(), |name| vec![name])
}

/// All values under any of `names`, in the order of `names`. Case is ignored, the friendly name counts too.
fn values<'a>(assertion: &'a Assertion, names: Vec<&'a str>) -> impl Iterator<Item = &'a str> {
    names.into_iter().flat_map(move |name| {
        let named = assertion.attributes.iter().filter(move |attribute| {
            let friendly = attribute.friendly_name.as_deref().unwrap_or_default();
            attribute.name.eq_ignore_ascii_case(name) || friendly.eq_ignore_ascii_case(name)
        });
        named.flat_map(|attribute| attribute.values.iter().map(String::as_str))
    })
}

/// One bare address. Only ASCII: letters that look alike or fold together must not make two people one.
fn is_one_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |b: u8| b.is_ascii_graphic() && !b"()<>[],;:\\\"@".contains(&b);
    text.len() <= MAX_EMAIL
        && !local.is_empty()
        && local.bytes().all(plain)
        && !domain.is_empty()
        && domain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && domain.split('.').all(|label| !label.is_empty())
}
