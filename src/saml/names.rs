//! Pure: the URIs by which SAML, XML Signature, XML Encryption and SAML metadata name things. Constants only.

/// SAML protocol namespace (Core §1.1), and the protocol's name in metadata.
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML assertion namespace (Core §1.1).
pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML metadata namespace (Metadata §1.1).
pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// XML Signature namespace.
pub const XML_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML Encryption namespace.
pub const XML_ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
/// XML Encryption 1.1 namespace.
pub const XML_ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
/// `Type` of an EncryptedData that stands for an element (XML Encryption §3.1).
pub const ENCRYPTED_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
/// Exclusive canonicalisation without comments: the algorithm, and the namespace of its `InclusiveNamespaces`.
pub const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The transform that takes a signature out of what it signs.
pub const ENVELOPED_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// What the prefix `xml` is always bound to.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// What the prefix `xmlns` is always bound to.
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The only status that carries an identity (Core §3.2.2.2).
pub const STATUS_SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// Status codes of what we refuse, or could not do to the end (Core §3.2.2.2).
pub const STATUS_REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
pub const STATUS_RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
pub const STATUS_PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";
/// Why a session ends: the person wants it (Core §3.7.3).
pub const LOGOUT_BY_USER: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";
/// The only encoding of the redirect binding (Bindings §3.4.4).
pub const DEFLATE_ENCODING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
/// The only subject confirmation of web browser sign-on (Profiles §4.1.4.2).
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// What an issuer is (Core §8.3.6).
pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
/// Bindings §3.5.
pub const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// Bindings §3.4.
pub const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// Formats of a NameID that we take, the one that the guides set first: some providers choose the first.
pub const NAME_ID_FORMATS: [&str; 3] = [
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
];

/// What we sign with.
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// Signature algorithms that are accepted: RSA and ECDSA over SHA-2. No SHA-1, no HMAC.
pub const SIGNATURE_ALGORITHMS: [&str; 6] = [
    RSA_SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
];

/// Digest algorithms that are accepted, each with the length of its value in octets.
pub const DIGEST_ALGORITHMS: [(&str, usize); 3] = [
    ("http://www.w3.org/2001/04/xmlenc#sha256", 32),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", 48),
    ("http://www.w3.org/2001/04/xmlenc#sha512", 64),
];

/// A cipher for what is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentCipher {
    pub uri: &'static str,
    /// Octets.
    pub key_length: usize,
    /// Whether a changed ciphertext shows (GCM). CBC is taken because identity providers send it; a signature has to show it.
    pub authenticated: bool,
}

const fn content_cipher(uri: &'static str, key_length: usize, authenticated: bool) -> ContentCipher {
    ContentCipher { uri, key_length, authenticated }
}

/// Ciphers of assertions that are accepted, the best first. No 3DES.
pub const CONTENT_CIPHERS: [ContentCipher; 6] = [
    content_cipher("http://www.w3.org/2009/xmlenc11#aes256-gcm", 32, true),
    content_cipher("http://www.w3.org/2009/xmlenc11#aes192-gcm", 24, true),
    content_cipher("http://www.w3.org/2009/xmlenc11#aes128-gcm", 16, true),
    content_cipher("http://www.w3.org/2001/04/xmlenc#aes256-cbc", 32, false),
    content_cipher("http://www.w3.org/2001/04/xmlenc#aes192-cbc", 24, false),
    content_cipher("http://www.w3.org/2001/04/xmlenc#aes128-cbc", 16, false),
];

/// RSA-OAEP of XML Encryption 1.0: its mask is made with SHA-1.
pub const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
/// RSA-OAEP of XML Encryption 1.1: mask and digest are named, SHA-1 each if they are not.
pub const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
pub const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
pub const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
/// Within RSA-OAEP only, where it does no harm: no signature and no digest of content may use it.
pub const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
