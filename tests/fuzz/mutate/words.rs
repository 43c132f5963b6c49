//! What mutations put in: names, values and texts that somebody might read as something else.

/// Whom an attacker wants to be.
pub const VICTIM: &str = "admin@corp.test";

pub const NAMES: [&str; 20] = [
    "Assertion",
    "Response",
    "EncryptedAssertion",
    "Signature",
    "SignedInfo",
    "Reference",
    "Object",
    "KeyInfo",
    "Issuer",
    "Subject",
    "NameID",
    "SubjectConfirmationData",
    "Conditions",
    "Audience",
    "AuthnStatement",
    "AttributeValue",
    "Status",
    "StatusCode",
    "Advice",
    "Extensions",
];

pub const PREFIXES: [&str; 10] = ["saml:", "samlp:", "saml2:", "saml2p:", "ds:", "dsig:", "xenc:", "x:", "xml:", ""];

pub const NAMESPACES: [&str; 14] = [
    "urn:oasis:names:tc:SAML:2.0:assertion",
    "urn:oasis:names:tc:SAML:2.0:protocol",
    "http://www.w3.org/2000/09/xmldsig#",
    "http://www.w3.org/2000/09/xmldsig",
    "http://www.w3.org/2001/04/xmlenc#",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/XML/1998/namespace",
    "urn:oasis:names:tc:SAML:1.0:assertion",
    "URN:OASIS:NAMES:TC:SAML:2.0:ASSERTION",
    "urn:oasis:names:tc:SAML:2.0:assertion&#32;",
    "http://www.w3.org/2000/09/xmldsig&#35;",
    "relative",
    "",
    "urn:x",
];

pub const ATTRIBUTES: [&str; 18] = [
    " ID=\"_evil\"",
    " Id=\"_evil\"",
    " id=\"_evil\"",
    " xml:id=\"_evil\"",
    " saml:ID=\"_evil\"",
    " URI=\"\"",
    " URI=\"#_evil\"",
    " Algorithm=\"urn:x\"",
    " NotBefore=\"2026-01-01T00:00:00Z\"",
    " NotOnOrAfter=\"9999-12-31T23:59:59Z\"",
    " xmlns:e=\"urn:e\"",
    " xmlns=\"\"",
    " xmlns=\"urn:e\"",
    " xmlns:saml=\"urn:e\"",
    " xml:space=\"preserve\"",
    " xml:lang=\"en\"",
    " xml:base=\"http://127.0.0.1:9/\"",
    " Consent=\"urn:x\"",
];

pub const VALUES: [&str; 16] = [
    "",
    " ",
    "2.0",
    "1.1",
    "_req1",
    "_req2",
    "#",
    "#_evil",
    "_evil",
    "http://127.0.0.1:9/x",
    "file:///dev/null",
    "&#0;",
    "&#65;",
    "&lt;",
    "\u{e4}",
    "urn:oasis:names:tc:SAML:2.0:status:Responder",
];

pub const INSTANTS: [&str; 10] = [
    "1970-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    "2026-11-26T00:00:00+00:00",
    "2026-11-26T00:00:00",
    "2026-11-26T24:00:00Z",
    "2026-11-26t00:00:00z",
    "2026-11-26T00:00:00.0000000000000000000000000000000Z",
];

pub const ALGORITHMS: [&str; 18] = [
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/2000/09/xmldsig#base64",
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
];

/// Put into a text, or between two tags.
pub const INSERTS: [&str; 22] = [
    "<!---->",
    "<!-- x -->",
    "<!-- -- -->",
    "<?x y?>",
    "<![CDATA[]]>",
    "<![CDATA[x]]>",
    "]]>",
    "&#0;",
    "&#x41;",
    "&#65;",
    "&#xD800;",
    "&amp;",
    "&lt;",
    "&x;",
    "&nbsp;",
    "\u{0}",
    "\u{200b}",
    "\u{feff}",
    "\r",
    "\r\n",
    "\u{85}",
    ".evil.example",
];

pub const TEXTS: [&str; 8] = [
    VICTIM,
    "",
    " ",
    "http://127.0.0.1:9999/idp",
    "http://127.0.0.1:8080/saml/acme/metadata",
    "AAAA",
    "admin&#64;corp.test",
    "mallory@corp.test",
];

/// What an element may be put into: the tags around it.
pub const WRAPPERS: [(&str, &str); 9] = [
    ("<samlp:Extensions>", "</samlp:Extensions>"),
    ("<saml:Advice>", "</saml:Advice>"),
    ("<ds:Object>", "</ds:Object>"),
    ("<samlp:StatusDetail>", "</samlp:StatusDetail>"),
    ("<saml:AttributeValue>", "</saml:AttributeValue>"),
    ("<x>", "</x>"),
    ("<saml:EncryptedAssertion>", "</saml:EncryptedAssertion>"),
    ("<![CDATA[", "]]>"),
    ("<!--", "-->"),
];

pub const HEADS: [&str; 10] = [
    "<?xml version=\"1.0\"?>",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    "<?xml version=\"1.1\"?>",
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
    "<!DOCTYPE x>",
    "<!DOCTYPE x [<!ENTITY x \"admin@corp.test\">]>",
    "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/\">",
    "\u{feff}",
    "\n",
    "<!---->",
];
