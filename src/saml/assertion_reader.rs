//! Pure: from the XML of an assertion to the model of it (Core §2). Reads, and refuses what can't be read in one way
//! only; whether the assertion is for us and now, `assertion.rs` decides.

use super::assertion::{Assertion, Attribute, AuthnStatement, Conditions, SubjectConfirmation};
use super::logout_message::MAX_SESSION_INDEX;
use super::refusal::{Refusal, quoted};
use super::xml::Element;
use super::xml_tag::SPACE;
use super::{gate, names, time};
use crate::base::clock::UnixMillis;

/// Conditions that are understood (Core §2.5.1). ProxyRestriction binds those who issue further assertions: not us.
const CONDITIONS: [&str; 3] = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];

/// Reads a `saml:Assertion`. Refuses with `assertion.…` what is missing or ambiguous.
pub fn read(element: &Element) -> Result<Assertion, Refusal> {
    Refusal::unless(element.is(names::ASSERTION, "Assertion"), "assertion.root", "not a saml:Assertion")?;
    let issuer = required_child(element, "Issuer", "assertion.issuer")?;
    gate::check_issuer_format(issuer, "assertion.issuer-format")?;
    let subject = required_child(element, "Subject", "assertion.subject")?;
    let name_id = required_child(subject, "NameID", "assertion.name-id")?;
    let conditions = element.only_child(names::ASSERTION, "Conditions")?;
    let authn_statements = each(element, "AuthnStatement", authn_statement)?;
    check_session_indexes(&authn_statements)?;
    Ok(Assertion {
        id: element.required_attribute("ID", "assertion.id")?.to_owned(),
        version: element.required_attribute("Version", "assertion.version")?.to_owned(),
        issue_instant: required_instant(element, "IssueInstant")?,
        issuer: issuer.leaf_text()?.to_owned(),
        name_id: name_id.leaf_text()?.to_owned(),
        name_id_format: name_id.attribute("Format").map(str::to_owned),
        name_qualifier: name_id.attribute("NameQualifier").map(str::to_owned),
        sp_name_qualifier: name_id.attribute("SPNameQualifier").map(str::to_owned),
        subject_confirmations: each(subject, "SubjectConfirmation", subject_confirmation)?,
        conditions: conditions.map(read_conditions).transpose()?,
        authn_statements,
        attributes: attributes(element)?,
    })
}

fn subject_confirmation(element: &Element) -> Result<SubjectConfirmation, Refusal> {
    let method = element.required_attribute("Method", "assertion.confirmation-method")?.to_owned();
    let Some(data) = element.only_child(names::ASSERTION, "SubjectConfirmationData")? else {
        return Ok(SubjectConfirmation { method, ..SubjectConfirmation::default() });
    };
    Ok(SubjectConfirmation {
        method,
        not_before: instant(data, "NotBefore")?,
        not_on_or_after: instant(data, "NotOnOrAfter")?,
        recipient: data.attribute("Recipient").map(str::to_owned),
        in_response_to: data.attribute("InResponseTo").map(str::to_owned),
    })
}

fn read_conditions(element: &Element) -> Result<Conditions, Refusal> {
    let known = |child: &Element| child.namespace == names::ASSERTION && CONDITIONS.contains(&child.name.as_str());
    // Core §2.5.1: an assertion with a condition that is not understood is not valid.
    if let Some(stranger) = element.children.iter().find(|child| !known(child)) {
        return Err(Refusal::new("assertion.unknown-condition", quoted(&stranger.name)));
    }
    Ok(Conditions {
        not_before: instant(element, "NotBefore")?,
        not_on_or_after: instant(element, "NotOnOrAfter")?,
        audience_restrictions: each(element, "AudienceRestriction", audiences)?,
        one_time_use: element.only_child(names::ASSERTION, "OneTimeUse")?.is_some(),
    })
}

/// `Audience` is an xs:anyURI: white space at its ends is no part of it.
fn audiences(restriction: &Element) -> Result<Vec<String>, Refusal> {
    each(restriction, "Audience", |audience| Ok(audience.leaf_text()?.trim_matches(SPACE).to_owned()))
}

fn authn_statement(element: &Element) -> Result<AuthnStatement, Refusal> {
    let context = element.only_child(names::ASSERTION, "AuthnContext")?;
    let class = match context {
        Some(context) => context.only_child(names::ASSERTION, "AuthnContextClassRef")?,
        None => None,
    };
    // As in a LogoutRequest: white space at its ends is no part of it, and an empty one is none.
    let index = element.attribute("SessionIndex").map(|index| index.trim_matches(SPACE));
    Ok(AuthnStatement {
        authn_instant: required_instant(element, "AuthnInstant")?,
        session_index: index.filter(|index| !index.is_empty()).map(str::to_owned),
        session_not_on_or_after: instant(element, "SessionNotOnOrAfter")?,
        class_ref: class.map(Element::leaf_text).transpose()?.map(str::to_owned),
    })
}

/// One session, of which a log-out can be told: with two of them a session here would outlive the end of one.
fn check_session_indexes(statements: &[AuthnStatement]) -> Result<(), Refusal> {
    let mut indexes = statements.iter().filter_map(|statement| statement.session_index.as_deref());
    let Some(first) = indexes.next() else { return Ok(()) };
    let (check, long) = ("assertion.session-index", "a SessionIndex is longer than 1,024 octets");
    Refusal::unless(first.len() <= MAX_SESSION_INDEX, check, long)?;
    Refusal::unless(indexes.all(|other| other == first), check, "there are several SessionIndexes")
}

/// Of all attribute statements, in document order.
pub(super) fn attributes(assertion: &Element) -> Result<Vec<Attribute>, Refusal> {
    let statements = assertion.children_named(names::ASSERTION, "AttributeStatement");
    let all = statements.iter().flat_map(|statement| statement.children_named(names::ASSERTION, "Attribute"));
    all.map(attribute).collect()
}

/// Values that are XML themselves (a NameID within, for example) are left out.
fn attribute(element: &Element) -> Result<Attribute, Refusal> {
    let values = element.children_named(names::ASSERTION, "AttributeValue");
    let values = values.iter().filter(|value| value.children.is_empty());
    Ok(Attribute {
        name: element.required_attribute("Name", "assertion.attribute-name")?.to_owned(),
        friendly_name: element.attribute("FriendlyName").map(str::to_owned),
        values: values.map(|value| value.text.clone()).collect(),
    })
}

fn each<T>(parent: &Element, name: &str, read: impl Fn(&Element) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
    parent.children_named(names::ASSERTION, name).into_iter().map(read).collect()
}

fn required_child<'a>(parent: &'a Element, name: &str, check: &'static str) -> Result<&'a Element, Refusal> {
    let child = parent.only_child(names::ASSERTION, name)?;
    child.ok_or_else(|| Refusal::new(check, format!("{} has no {name}", parent.name)))
}

fn required_instant(element: &Element, name: &str) -> Result<UnixMillis, Refusal> {
    let found = instant(element, name)?;
    found.ok_or_else(|| Refusal::new("assertion.time", format!("{} has no {name}", element.name)))
}

/// An instant that may be absent. Present and unreadable is a refusal, not an absence.
fn instant(element: &Element, name: &str) -> Result<Option<UnixMillis>, Refusal> {
    let Some(text) = element.attribute(name) else { return Ok(None) };
    let at = time::parse_instant(text);
    let at = at.ok_or_else(|| Refusal::new("assertion.time", format!("{name} is {}", quoted(text))))?;
    Ok(Some(at))
}
