//! Pure: the text of a response in a shape, without its signatures (SAML Core §3.3.3, §2.3.3).

use super::response_traits::{Attribute, Declared, SessionIndex};
use super::response_values::values;
use super::response_xml::{before_name, xmlns};
use super::signed_response::Statement;
use crate::saml::xml_write::{attribute, text};

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

/// A response in parts. Signatures stand behind the Issuers: that of the response behind `head`, that of the assertion behind
/// `assertion`.
pub struct Text {
    head: String,
    status: String,
    assertion: String,
    rest: String,
}

impl Text {
    pub fn of(statement: &Statement<'_>) -> Self {
        Self {
            head: head(statement),
            status: status(statement),
            assertion: assertion(statement),
            rest: [&subject(statement), &conditions(statement), &statements(statement), &end(statement)]
                .map(String::as_str)
                .concat(),
        }
    }

    /// The whole with these signatures, each of which may be empty.
    pub fn with(&self, of_response: &str, of_assertion: &str) -> String {
        let Self { head, status, assertion, rest } = self;
        let parts: [&str; 6] = [head, of_response, status, assertion, of_assertion, rest];
        parts.concat()
    }
}

/// The response up to its Issuer.
fn head(statement: &Statement<'_>) -> String {
    let (p, _) = prefixes(statement);
    let shape = statement.shape;
    let own = match shape.prefixes.declared {
        Declared::WhereUsed => String::new(),
        Declared::OnRoot | Declared::Twice => xmlns(shape.prefixes.assertion, ASSERTION),
    };
    let consent = r#" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified""#;
    format!(
        concat!(
            r#"{before}<{p}Response{protocol}{own}{typed} Destination="{acs}" ID="{id}" InResponseTo="{request}""#,
            r#" IssueInstant="{now}" Version="2.0"{consent}>{issuer}"#,
        ),
        before = shape.before,
        p = p,
        protocol = xmlns(shape.prefixes.protocol, PROTOCOL),
        own = own,
        typed = shape.typed.on_root,
        acs = attribute(statement.acs_url),
        id = attribute(statement.response_id),
        request = attribute(statement.in_response_to),
        now = shape.instant(statement.now),
        consent = if shape.consent { consent } else { "" },
        issuer = issuer(statement, shape.prefixes.declared == Declared::WhereUsed),
    )
}

fn status(statement: &Statement<'_>) -> String {
    let (p, _) = prefixes(statement);
    format!(r#"<{p}Status><{p}StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></{p}Status>"#)
}

/// The assertion up to its Issuer.
fn assertion(statement: &Statement<'_>) -> String {
    let (_, s) = prefixes(statement);
    let shape = statement.shape;
    let own = match shape.prefixes.declared {
        Declared::OnRoot => String::new(),
        Declared::WhereUsed | Declared::Twice => xmlns(shape.prefixes.assertion, ASSERTION),
    };
    format!(
        r#"<{s}Assertion{own}{typed} ID="{id}" IssueInstant="{now}" Version="2.0">{issuer}"#,
        typed = shape.typed.on_assertion,
        id = attribute(statement.assertion_id),
        now = shape.instant(statement.now),
        issuer = issuer(statement, false),
    )
}

/// `declares`: whether the namespace is not declared above.
fn issuer(statement: &Statement<'_>, declares: bool) -> String {
    let (_, s) = prefixes(statement);
    let shape = statement.shape;
    let own = if declares { xmlns(shape.prefixes.assertion, ASSERTION) } else { String::new() };
    let entity = r#" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity""#;
    let format = if shape.issuer_format { entity } else { "" };
    format!("<{s}Issuer{own}{format}>{}</{s}Issuer>", text(statement.issuer))
}

fn subject(statement: &Statement<'_>) -> String {
    let (_, s) = prefixes(statement);
    let shape = statement.shape;
    format!(
        concat!(
            r#"<{s}Subject><{s}NameID Format="{format}">{name_id}</{s}NameID>"#,
            r#"<{s}SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">"#,
            r#"<{s}SubjectConfirmationData InResponseTo="{request}" NotOnOrAfter="{ends}" Recipient="{acs}"/>"#,
            r#"</{s}SubjectConfirmation></{s}Subject>"#,
        ),
        s = s,
        format = shape.name_id_format,
        name_id = text(&values(statement, shape.name_id).concat()),
        request = attribute(statement.in_response_to),
        ends = shape.instant(statement.now + shape.times.confirmation_ms),
        acs = attribute(statement.acs_url),
    )
}

fn conditions(statement: &Statement<'_>) -> String {
    let (_, s) = prefixes(statement);
    let shape = statement.shape;
    format!(
        concat!(
            r#"<{s}Conditions NotBefore="{begins}" NotOnOrAfter="{ends}"><{s}AudienceRestriction>"#,
            r#"<{s}Audience>{audience}</{s}Audience></{s}AudienceRestriction></{s}Conditions>"#,
        ),
        s = s,
        begins = shape.instant(statement.now - shape.times.early_ms),
        ends = shape.instant(statement.now + shape.times.conditions_ms),
        audience = text(statement.audience),
    )
}

/// How they signed in and what is said of them, in the order of the shape.
fn statements(statement: &Statement<'_>) -> String {
    let (_, s) = prefixes(statement);
    let shape = statement.shape;
    let attributes: String = shape.attributes.iter().map(|one| attribute_element(statement, one)).collect();
    let attributes = format!("<{s}AttributeStatement>{attributes}</{s}AttributeStatement>");
    let index = match shape.session_index {
        SessionIndex::OfItsOwn => statement.session_index,
        SessionIndex::Request => statement.in_response_to,
        SessionIndex::Assertion => statement.assertion_id,
    };
    let ends = shape.times.session_ms.map(|span| shape.instant(statement.now + span));
    let ends = ends.map(|ends| format!(r#" SessionNotOnOrAfter="{ends}""#)).unwrap_or_default();
    let sign_in = format!(
        concat!(
            r#"<{s}AuthnStatement AuthnInstant="{now}" SessionIndex="{index}"{ends}><{s}AuthnContext>"#,
            r#"<{s}AuthnContextClassRef>{context}</{s}AuthnContextClassRef></{s}AuthnContext></{s}AuthnStatement>"#,
        ),
        s = s,
        now = shape.instant(statement.now),
        index = attribute(index),
        ends = ends,
        context = shape.context,
    );
    if shape.attributes_first { attributes + &sign_in } else { sign_in + &attributes }
}

fn attribute_element(statement: &Statement<'_>, one: &Attribute) -> String {
    let (_, s) = prefixes(statement);
    let typed = &statement.shape.typed;
    let optional =
        |name: &str, value: &str| if value.is_empty() { String::new() } else { format!(r#" {name}="{value}""#) };
    let (kind, declared) = (optional("xsi:type", typed.name), typed.on_value);
    let value = |value: &String| format!("<{s}AttributeValue{declared}{kind}>{}</{s}AttributeValue>", text(value));
    let values: String = values(statement, one.value).iter().map(value).collect();
    let (format, friendly) = (optional("NameFormat", one.format), optional("FriendlyName", one.friendly));
    format!(r#"<{s}Attribute Name="{}"{format}{friendly}>{values}</{s}Attribute>"#, one.name)
}

fn end(statement: &Statement<'_>) -> String {
    let (p, s) = prefixes(statement);
    format!("</{s}Assertion></{p}Response>{}", statement.shape.behind)
}

/// What stands in front of names of the protocol and of assertions.
fn prefixes(statement: &Statement<'_>) -> (String, String) {
    let prefixes = &statement.shape.prefixes;
    (before_name(prefixes.protocol), before_name(prefixes.assertion))
}
