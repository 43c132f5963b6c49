//! Pure: the traits in which the answers of products differ (`response_shape.rs`), each by itself.

/// Prefixes of namespaces; an empty one is the default namespace.
#[derive(Debug)]
pub struct Prefixes {
    pub protocol: &'static str,
    pub assertion: &'static str,
    pub declared: Declared,
}

/// Where the namespace of assertions is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// On the Issuer and the Assertion.
    WhereUsed,
    /// On the Response.
    OnRoot,
    /// On the Response, and once more on the Assertion.
    Twice,
}

/// The type of attribute values, and where the namespaces of XML Schema are declared: attributes to be written there.
#[derive(Debug)]
pub struct Typed {
    /// Such as `xs:string`; empty: none is said.
    pub name: &'static str,
    pub on_root: &'static str,
    pub on_assertion: &'static str,
    pub on_value: &'static str,
}

#[derive(Debug)]
pub struct SignatureShape {
    pub signed: Signed,
    /// An empty one is the default namespace.
    pub prefix: &'static str,
    /// PrefixList of the reference's InclusiveNamespaces; empty: there is none.
    pub inclusive: &'static str,
    pub key_info: KeyInfo,
    /// Columns after which base64 is broken; 0: never.
    pub folded: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Assertion,
    Response,
    Both,
}

/// What a KeyInfo holds besides the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyInfo {
    Certificate,
    /// The certificate's subject.
    Subject,
    /// A name of the key.
    Name,
    /// Nothing, but it is in the default namespace, which its parts are not.
    DefaultNamespace,
}

/// How IDs begin, and whether a GUID follows; else it is hexadecimal digits.
#[derive(Debug)]
pub struct Ids {
    pub response: &'static str,
    pub assertion: &'static str,
    pub guid: bool,
}

/// Spans from the IssueInstant, in milliseconds.
#[derive(Debug)]
pub struct Times {
    /// How long ago the Conditions began.
    pub early_ms: i64,
    /// When the SubjectConfirmation ends.
    pub confirmation_ms: i64,
    /// When the Conditions end.
    pub conditions_ms: i64,
    /// SessionNotOnOrAfter, if it is said.
    pub session_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionIndex {
    OfItsOwn,
    /// The ID of the AuthnRequest.
    Request,
    /// The ID of the Assertion.
    Assertion,
}

/// An attribute as that product names it.
#[derive(Debug)]
pub struct Attribute {
    pub name: &'static str,
    /// FriendlyName; empty: none.
    pub friendly: &'static str,
    /// NameFormat; empty: none.
    pub format: &'static str,
    pub value: Value,
}

/// What is said of the person.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    Email,
    DisplayName,
    GivenName,
    FamilyName,
    /// The address without its domain.
    UserName,
    /// 64 hexadecimal digits that stay.
    Digits,
    /// A GUID that stays.
    Guid,
    Groups,
    /// The identity provider's entity id.
    Issuer,
    /// The same for everybody.
    Fixed(&'static [&'static str]),
}

/// How groups are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    Names,
    /// `/name`
    Paths,
    /// A GUID each.
    Guids,
    /// All names in one value, with semicolons.
    Joined,
}

impl Signed {
    pub fn covers_assertion(self) -> bool {
        self != Self::Response
    }

    pub fn covers_response(self) -> bool {
        self != Self::Assertion
    }
}
