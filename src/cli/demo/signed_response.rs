//! Pure: the signed response of the mock identity provider (SAML Core §3.3.3, §5.4; XML Signature 1.1).
//!
//! There is no canonicaliser here. What is signed is written so that its text is its own canonical form (Exclusive XML
//! Canonicalization 1.0; Canonical XML 1.0 §1.1): each namespace declared where it is used first, attributes in alphabetical
//! order and in double quotes, start and end tags for empty elements, no white space between elements, and the prescribed
//! escapes only. So the very text is digested and signed. The tests let the product's own gate and libxmlsec1 judge it.
//!
//! The names of the standards are spelt out once more, apart from those in `saml/`: this is the other side of the wire.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::keys::Keys;
use crate::base::clock::UnixMillis;
use crate::error::Result;
use crate::saml::time::format_instant;

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";

/// How long a response may be delivered: 5 minutes.
const LIFETIME_MS: i64 = 300_000;

/// What the identity provider says, and of whom.
pub struct Statement<'a> {
    /// Its entity id.
    pub issuer: &'a str,
    pub acs_url: &'a str,
    /// Entity id of the service provider.
    pub audience: &'a str,
    /// ID of the AuthnRequest.
    pub in_response_to: &'a str,
    /// The NameID, too.
    pub email: &'a str,
    pub display_name: &'a str,
    pub groups: &'a [&'a str],
    pub now: UnixMillis,
    /// Three different NCNames that nobody can guess.
    pub response_id: &'a str,
    pub assertion_id: &'a str,
    pub session_index: &'a str,
}

/// A `samlp:Response` whose assertion is signed.
pub fn signed_response(statement: &Statement<'_>, keys: &Keys) -> Result<String> {
    let (head, tail) = assertion(statement);
    // The digest is of the assertion without its signature (transform enveloped-signature).
    let digest = STANDARD.encode(Sha256::digest(format!("{head}{tail}")));
    let signed_info = signed_info(statement.assertion_id, &digest);
    let signature = signature(&signed_info, &keys.sign(signed_info.as_bytes())?, keys.certificate());
    Ok(format!(
        concat!(
            r#"<samlp:Response xmlns:samlp="{protocol}" Destination="{acs}" ID="{id}" InResponseTo="{request}""#,
            r#" IssueInstant="{now}" Version="2.0"><saml:Issuer xmlns:saml="{namespace}">{issuer}</saml:Issuer>"#,
            r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode>"#,
            r#"</samlp:Status>{head}{signature}{tail}</samlp:Response>"#,
        ),
        protocol = PROTOCOL,
        acs = attribute(statement.acs_url),
        id = attribute(statement.response_id),
        request = attribute(statement.in_response_to),
        now = format_instant(statement.now),
        namespace = ASSERTION,
        issuer = text(statement.issuer),
        head = head,
        signature = signature,
        tail = tail,
    ))
}

/// The assertion in two parts: the signature's place (Core §2.3.3) is between them.
fn assertion(statement: &Statement<'_>) -> (String, String) {
    let instant = format_instant(statement.now);
    let head = format!(
        concat!(
            r#"<saml:Assertion xmlns:saml="{namespace}" ID="{id}" IssueInstant="{instant}" Version="2.0">"#,
            r#"<saml:Issuer>{issuer}</saml:Issuer>"#,
        ),
        namespace = ASSERTION,
        id = attribute(statement.assertion_id),
        instant = instant,
        issuer = text(statement.issuer),
    );
    let tail = format!(
        concat!(
            r#"<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{email}"#,
            r#"</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">"#,
            r#"<saml:SubjectConfirmationData InResponseTo="{request}" NotOnOrAfter="{ends}" Recipient="{acs}">"#,
            r#"</saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>"#,
            r#"<saml:Conditions NotBefore="{instant}" NotOnOrAfter="{ends}"><saml:AudienceRestriction>"#,
            r#"<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"#,
            r#"<saml:AuthnStatement AuthnInstant="{instant}" SessionIndex="{index}"><saml:AuthnContext>"#,
            r#"<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef>"#,
            r#"</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}"#,
            r#"</saml:AttributeStatement></saml:Assertion>"#,
        ),
        email = text(statement.email),
        request = attribute(statement.in_response_to),
        ends = format_instant(statement.now + LIFETIME_MS),
        acs = attribute(statement.acs_url),
        instant = instant,
        audience = text(statement.audience),
        index = attribute(statement.session_index),
        attributes = attributes(statement),
    );
    (head, tail)
}

fn attributes(statement: &Statement<'_>) -> String {
    let one = |name: &str, values: &[&str]| {
        let values: String =
            values.iter().map(|value| format!("<saml:AttributeValue>{}</saml:AttributeValue>", text(value))).collect();
        format!(r#"<saml:Attribute Name="{name}" NameFormat="{BASIC}">{values}</saml:Attribute>"#)
    };
    [one("email", &[statement.email]), one("displayName", &[statement.display_name]), one("groups", statement.groups)]
        .concat()
}

fn signed_info(assertion_id: &str, digest: &str) -> String {
    format!(
        concat!(
            r#"<ds:SignedInfo xmlns:ds="{dsig}"><ds:CanonicalizationMethod Algorithm="{c14n}">"#,
            r#"</ds:CanonicalizationMethod><ds:SignatureMethod"#,
            r#" Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>"#,
            r##"<ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="{dsig}enveloped-signature">"##,
            r#"</ds:Transform><ds:Transform Algorithm="{c14n}"></ds:Transform></ds:Transforms>"#,
            r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>"#,
            r#"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"#,
        ),
        dsig = SIGNATURE,
        c14n = EXCLUSIVE,
        id = attribute(assertion_id),
        digest = digest,
    )
}

fn signature(signed_info: &str, value: &[u8], certificate: &[u8]) -> String {
    format!(
        concat!(
            r#"<ds:Signature xmlns:ds="{dsig}">{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue>"#,
            r#"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>"#,
            r#"</ds:KeyInfo></ds:Signature>"#,
        ),
        dsig = SIGNATURE,
        signed_info = signed_info,
        value = STANDARD.encode(value),
        certificate = STANDARD.encode(certificate),
    )
}

/// Text as Canonical XML writes it.
fn text(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

/// An attribute's value as Canonical XML writes it.
fn attribute(plain: &str) -> String {
    let escaped = plain.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    escaped.replace('\t', "&#x9;").replace('\n', "&#xA;").replace('\r', "&#xD;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::assertion::{self, Expected};
    use crate::saml::{gate, verify};

    const NOW: UnixMillis = 1_795_488_638_000;

    fn statement() -> Statement<'static> {
        Statement {
            issuer: "http://127.0.0.1:8082/metadata",
            acs_url: "http://127.0.0.1:8080/saml/acme/acs",
            audience: "http://127.0.0.1:8080/saml/acme/metadata",
            in_response_to: "_q",
            email: "ana@acme.test",
            display_name: "Ana \"A&B\" <d'Arc> Žižka",
            groups: &["Everybody", "R&D"],
            now: NOW,
            response_id: "_r",
            assertion_id: "_a",
            session_index: "_s",
        }
    }

    #[test]
    fn the_products_own_checks_accept_it() {
        let (statement, keys) = (statement(), Keys::generate().expect("a key"));
        let certificates = [keys.certificate().to_vec()];
        let xml = signed_response(&statement, &keys).expect("a signature");
        let envelope = gate::admit(xml.as_bytes()).expect("the shape is right");
        let verified = verify::verify(xml.as_bytes(), &certificates).expect("the signature is right");
        let expected = Expected {
            now: NOW + 1_000,
            clock_skew_ms: 0,
            acs_url: statement.acs_url.into(),
            service_provider_entity_id: statement.audience.into(),
            identity_provider_entity_id: statement.issuer.into(),
            request_id: statement.in_response_to.into(),
            asked: assertion::Asked::default(),
        };
        let identity = assertion::check(&envelope, &verified, &expected).expect("what it says is right");
        assert_eq!((identity.name_id.as_str(), identity.email.as_deref()), (statement.email, Some(statement.email)));
        assert_eq!(identity.display_name.as_deref(), Some(statement.display_name));
        assert_eq!(identity.groups, statement.groups);
        assert_eq!(identity.session_index.as_deref(), Some("_s"));
        let forged = xml.replace("ana@acme.test", "eve@acme.test");
        assert!(verify::verify(forged.as_bytes(), &certificates).is_err(), "a changed assertion verifies");
        let other = Keys::generate().expect("a key").certificate().to_vec();
        assert!(verify::verify(xml.as_bytes(), &[other]).is_err(), "another key verifies it");
    }
}
