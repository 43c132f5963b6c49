//! Pure: the shapes of answers, a row for each product: what it sends once it is set up by its guide in docs/saml. What the
//! guide leaves to the product is as in the corpus of `tests/conformance/saml/corpus/providers.py`.

use super::response_shape::Shape;
use super::response_traits::{
    Attribute, Declared, Groups, Ids, KeyInfo, Prefixes, SessionIndex, SignatureShape, Signed, Times, Typed, Value,
};
use crate::saml::product::Product;

const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified";

const ANY_CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
const PROTECTED_PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
const NOT_STANDALONE: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="no"?>"#;
const XS: &str = r#" xmlns:xs="http://www.w3.org/2001/XMLSchema""#;
const XSI: &str = r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;
const XS_AND_XSI: &str =
    r#" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Five minutes to deliver it, from a minute ago.
const FROM_A_MINUTE_AGO: Times = Times { early_ms: MINUTE_MS, ..FROM_NOW };
const FROM_NOW: Times =
    Times { early_ms: 0, confirmation_ms: 5 * MINUTE_MS, conditions_ms: 5 * MINUTE_MS, session_ms: None };

/// Every shape, in the order of the guides; the last is that of no product in particular.
pub static SHAPES: [Shape; 9] = [OKTA, ENTRA_ID, GOOGLE, KEYCLOAK, AUTHENTIK, ONELOGIN, JUMPCLOUD, AD_FS, PLAIN];

const PLAIN: Shape = Shape {
    product: Product::Generic,
    before: "",
    behind: "",
    prefixes: Prefixes { protocol: "samlp", assertion: "saml", declared: Declared::WhereUsed },
    typed: UNTYPED,
    signature: SIGNED_ASSERTION,
    ids: Ids { response: "_", assertion: "_", guid: false },
    issuer_format: false,
    consent: false,
    milliseconds: false,
    times: FROM_NOW,
    name_id_format: EMAIL_ADDRESS,
    name_id: Value::Email,
    session_index: SessionIndex::OfItsOwn,
    context: ANY_CONTEXT,
    attributes_first: false,
    attributes: &[
        named("email", BASIC, Value::Email),
        named("displayName", BASIC, Value::DisplayName),
        named("groups", BASIC, Value::Groups),
    ],
    groups: Groups::Names,
};

const UNTYPED: Typed = Typed { name: "", on_root: "", on_assertion: "", on_value: "" };
const SIGNED_ASSERTION: SignatureShape = SignatureShape {
    signed: Signed::Assertion,
    prefix: "ds",
    inclusive: "",
    key_info: KeyInfo::Certificate,
    folded: 0,
};
/// Okta, Google and JumpCloud write with the prefixes of OpenSAML.
const OPENSAML: Prefixes = Prefixes { protocol: "saml2p", assertion: "saml2", declared: Declared::WhereUsed };
/// Entra ID and AD FS have everything but the Response in default namespaces.
const MICROSOFT: Prefixes = Prefixes { protocol: "samlp", assertion: "", declared: Declared::WhereUsed };

const OKTA: Shape = Shape {
    product: Product::Okta,
    before: DECLARATION,
    prefixes: OPENSAML,
    typed: Typed { name: "xs:string", on_root: XS, on_assertion: XS, on_value: XS_AND_XSI },
    signature: SignatureShape { signed: Signed::Both, inclusive: "xs", folded: 76, ..SIGNED_ASSERTION },
    ids: Ids { response: "id", assertion: "id", guid: false },
    issuer_format: true,
    milliseconds: true,
    times: FROM_A_MINUTE_AGO,
    session_index: SessionIndex::Request,
    context: PROTECTED_PASSWORD,
    attributes: &[
        named("firstName", BASIC, Value::GivenName),
        named("lastName", BASIC, Value::FamilyName),
        named("groups", UNSPECIFIED, Value::Groups),
    ],
    ..PLAIN
};

const ENTRA_ID: Shape = Shape {
    product: Product::EntraId,
    prefixes: MICROSOFT,
    signature: SignatureShape { prefix: "", ..SIGNED_ASSERTION },
    ids: Ids { response: "_", assertion: "_", guid: true },
    milliseconds: true,
    times: Times { confirmation_ms: HOUR_MS, conditions_ms: HOUR_MS, ..FROM_A_MINUTE_AGO },
    session_index: SessionIndex::Assertion,
    context: PASSWORD,
    attributes_first: true,
    attributes: &[
        // An invented tenant.
        named(
            "http://schemas.microsoft.com/identity/claims/tenantid",
            "",
            Value::Fixed(&["7c1e5d0a-42b8-4f39-8a6d-90e2b4c7f513"]),
        ),
        named("http://schemas.microsoft.com/identity/claims/objectidentifier", "", Value::Guid),
        named("http://schemas.microsoft.com/identity/claims/displayname", "", Value::DisplayName),
        named("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "", Value::Groups),
        named("http://schemas.microsoft.com/identity/claims/identityprovider", "", Value::Issuer),
        named(
            "http://schemas.microsoft.com/claims/authnmethodsreferences",
            "",
            Value::Fixed(&[PASSWORD, "http://schemas.microsoft.com/claims/multipleauthn"]),
        ),
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "", Value::GivenName),
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "", Value::FamilyName),
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "", Value::Email),
        // The userPrincipalName.
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "", Value::Email),
    ],
    // The group claim's default is the Group ID.
    groups: Groups::Guids,
    ..PLAIN
};

const GOOGLE: Shape = Shape {
    product: Product::Google,
    before: NOT_STANDALONE,
    prefixes: OPENSAML,
    typed: Typed { name: "xs:anyType", on_value: XS_AND_XSI, ..UNTYPED },
    // "Signed response" is off by default.
    signature: SignatureShape { key_info: KeyInfo::Subject, folded: 76, ..SIGNED_ASSERTION },
    milliseconds: true,
    times: FROM_A_MINUTE_AGO,
    session_index: SessionIndex::Assertion,
    attributes_first: true,
    attributes: &[
        named("firstName", "", Value::GivenName),
        named("lastName", "", Value::FamilyName),
        named("groups", "", Value::Groups),
    ],
    ..PLAIN
};

const KEYCLOAK: Shape = Shape {
    product: Product::Keycloak,
    prefixes: Prefixes { protocol: "samlp", assertion: "saml", declared: Declared::Twice },
    typed: Typed { name: "xs:string", on_value: XS_AND_XSI, ..UNTYPED },
    // "Sign documents" is on by default, "Sign assertions" is off.
    signature: SignatureShape { signed: Signed::Response, prefix: "dsig", key_info: KeyInfo::Name, ..SIGNED_ASSERTION },
    ids: Ids { response: "ID_", assertion: "ID_", guid: true },
    milliseconds: true,
    times: Times { session_ms: Some(10 * HOUR_MS), ..FROM_A_MINUTE_AGO },
    attributes: &[
        friendly("urn:oid:1.2.840.113549.1.9.1", "email", Value::Email),
        friendly("urn:oid:2.5.4.42", "givenName", Value::GivenName),
        friendly("urn:oid:2.5.4.4", "surname", Value::FamilyName),
        named("Role", BASIC, Value::Fixed(&["offline_access", "manage-account"])),
        named("groups", BASIC, Value::Groups),
    ],
    // "Full group path" is on by default.
    groups: Groups::Paths,
    ..PLAIN
};

const AUTHENTIK: Shape = Shape {
    product: Product::Authentik,
    prefixes: Prefixes { protocol: "samlp", assertion: "saml", declared: Declared::OnRoot },
    issuer_format: true,
    times: Times { session_ms: Some(24 * HOUR_MS), ..FROM_A_MINUTE_AGO },
    // With "NameID Property Mapping" empty, as its guide allows: so one of the shapes has no address there.
    name_id_format: PERSISTENT,
    name_id: Value::Digits,
    context: PROTECTED_PASSWORD,
    attributes: &[
        named("http://schemas.goauthentik.io/2021/02/saml/username", URI, Value::UserName),
        named("http://schemas.goauthentik.io/2021/02/saml/uid", URI, Value::Digits),
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", URI, Value::Email),
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", URI, Value::DisplayName),
        named("http://schemas.xmlsoap.org/claims/Group", URI, Value::Groups),
    ],
    ..PLAIN
};

const ONELOGIN: Shape = Shape {
    product: Product::OneLogin,
    behind: "\n",
    prefixes: Prefixes { protocol: "samlp", assertion: "saml", declared: Declared::Twice },
    typed: Typed { name: "xs:string", on_assertion: XS_AND_XSI, ..UNTYPED },
    signature: SignatureShape { inclusive: "xs", ..SIGNED_ASSERTION },
    ids: Ids { response: "R", assertion: "A", guid: false },
    times: Times { session_ms: Some(24 * HOUR_MS), ..FROM_A_MINUTE_AGO },
    context: PROTECTED_PASSWORD,
    attributes: &[
        named("firstName", BASIC, Value::GivenName),
        named("lastName", BASIC, Value::FamilyName),
        named("memberOf", BASIC, Value::Groups),
    ],
    groups: Groups::Joined,
    ..PLAIN
};

const JUMPCLOUD: Shape = Shape {
    product: Product::JumpCloud,
    before: DECLARATION,
    prefixes: OPENSAML,
    typed: Typed { name: "xs:string", on_assertion: XS, on_value: XSI, ..UNTYPED },
    signature: SignatureShape { inclusive: "xs", ..SIGNED_ASSERTION },
    milliseconds: true,
    times: FROM_A_MINUTE_AGO,
    attributes: &[
        named("firstname", BASIC, Value::GivenName),
        named("lastname", BASIC, Value::FamilyName),
        named("email", BASIC, Value::Email),
        named("memberOf", UNSPECIFIED, Value::Groups),
    ],
    ..PLAIN
};

const AD_FS: Shape = Shape {
    product: Product::AdFs,
    prefixes: MICROSOFT,
    signature: SignatureShape { key_info: KeyInfo::DefaultNamespace, ..SIGNED_ASSERTION },
    ids: Ids { response: "_", assertion: "_", guid: true },
    consent: true,
    milliseconds: true,
    times: Times { conditions_ms: HOUR_MS, ..FROM_NOW },
    session_index: SessionIndex::Assertion,
    context: PROTECTED_PASSWORD,
    attributes_first: true,
    attributes: &[
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "", Value::Email),
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "", Value::GivenName),
        named("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "", Value::FamilyName),
        named("http://schemas.xmlsoap.org/claims/Group", "", Value::Groups),
    ],
    ..PLAIN
};

const fn named(name: &'static str, format: &'static str, value: Value) -> Attribute {
    Attribute { name, friendly: "", format, value }
}

/// By an OID, with the name that people know.
const fn friendly(name: &'static str, friendly: &'static str, value: Value) -> Attribute {
    Attribute { name, friendly, format: URI, value }
}
