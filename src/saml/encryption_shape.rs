//! Pure: the one shape of an encrypted assertion that is read (XML Encryption 1.1 §3; SAML Core §2.3.4, §6): one EncryptedData
//! with one EncryptedKey, its octets inline, ciphers from a list. Everything that could be fetched, looked up or chosen from
//! is refused: CipherReference, RetrievalMethod, several keys, key agreement, RSA of PKCS #1 v1.5.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::names::{self, ContentCipher};
use super::refusal::{Refusal, quoted};
use super::signature_shape;
use super::xml::Element;

/// How the key of an assertion is encrypted to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTransport {
    /// RSA-OAEP with SHA-1 for digest and mask: what identity providers send.
    OaepSha1,
    /// RSA-OAEP with SHA-256 for both.
    OaepSha256,
}

/// An encrypted assertion, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ciphertext {
    pub cipher: ContentCipher,
    pub transport: KeyTransport,
    /// The assertion's key, encrypted to ours. Of any length.
    pub wrapped_key: Vec<u8>,
    /// The encrypted octets of the assertion, with what the cipher puts before and behind. Of any length.
    pub octets: Vec<u8>,
}

/// Reads an EncryptedAssertion. Refuses with `encryption.…`.
pub fn read(encrypted_assertion: &Element) -> Result<Ciphertext, Refusal> {
    let (data, beside) = match encrypted_assertion.children.as_slice() {
        [data] => (data, None),
        [data, key] => (data, Some(key)),
        _ => return Err(shape("an EncryptedAssertion holds one EncryptedData, and one EncryptedKey at the most")),
    };
    expect(data, "EncryptedData")?;
    let kind = data.attribute("Type").unwrap_or(names::ENCRYPTED_ELEMENT);
    Refusal::unless(kind == names::ENCRYPTED_ELEMENT, "encryption.shape", "what is encrypted is not an element")?;
    let (method, key_info, cipher_data) = parts(data)?;
    let cipher = content_cipher(method)?;
    let key = match (key_info, beside) {
        (Some(key_info), None) => key_within(key_info)?,
        (None, Some(key)) => key,
        _ => return Err(shape("there must be one EncryptedKey")),
    };
    expect(key, "EncryptedKey")?;
    let (method, hints, wrapped) = parts(key)?;
    if let Some(hints) = hints {
        refuse_references(hints)?;
        signature_shape::check_key_info(hints)?;
    }
    Ok(Ciphertext {
        cipher,
        transport: key_transport(method)?,
        wrapped_key: cipher_value(wrapped)?,
        octets: cipher_value(cipher_data)?,
    })
}

/// `EncryptionMethod, KeyInfo?, CipherData` of an EncryptedData or EncryptedKey.
fn parts(element: &Element) -> Result<(&Element, Option<&Element>, &Element), Refusal> {
    let found = match element.children.as_slice() {
        [method, cipher_data] => (method, None, cipher_data),
        [method, key_info, cipher_data] => (method, Some(key_info), cipher_data),
        _ => return Err(shape("EncryptionMethod, KeyInfo and CipherData are read, and nothing else")),
    };
    expect(found.0, "EncryptionMethod")?;
    expect(found.2, "CipherData")?;
    match found.1 {
        Some(key_info) if !key_info.is(names::XML_SIGNATURE, "KeyInfo") => Err(shape("no KeyInfo where one belongs")),
        _ => Ok(found),
    }
}

fn key_within(key_info: &Element) -> Result<&Element, Refusal> {
    refuse_references(key_info)?;
    match key_info.children.as_slice() {
        [key] => Ok(key),
        _ => Err(shape("the KeyInfo must hold one EncryptedKey, and nothing else")),
    }
}

fn refuse_references(key_info: &Element) -> Result<(), Refusal> {
    let refers = |part: &&Element| matches!(part.name.as_str(), "RetrievalMethod" | "KeyInfoReference");
    match key_info.descendants().into_iter().find(refers) {
        Some(reference) => Err(Refusal::new("encryption.reference", format!("{} is not followed", reference.name))),
        None => Ok(()),
    }
}

fn content_cipher(method: &Element) -> Result<ContentCipher, Refusal> {
    let uri = method.required_attribute("Algorithm", "encryption.shape")?;
    let known = names::CONTENT_CIPHERS.into_iter().find(|cipher| cipher.uri == uri);
    let cipher = known.ok_or_else(|| Refusal::new("encryption.cipher", quoted(uri)))?;
    Refusal::unless(method.children.is_empty(), "encryption.cipher", "the EncryptionMethod has parameters")?;
    Ok(cipher)
}

fn key_transport(method: &Element) -> Result<KeyTransport, Refusal> {
    let uri = method.required_attribute("Algorithm", "encryption.shape")?;
    if ![names::RSA_OAEP_MGF1P, names::RSA_OAEP].contains(&uri) {
        return Err(Refusal::new("encryption.key-transport", quoted(uri)));
    }
    let digest = parameter(method, names::XML_SIGNATURE, "DigestMethod")?.unwrap_or(names::SHA1);
    let mask = parameter(method, names::XML_ENCRYPTION_11, "MGF")?.unwrap_or(names::MGF1_SHA1);
    let parameters = method.children.iter().all(|child| matches!(child.name.as_str(), "DigestMethod" | "MGF"));
    Refusal::unless(parameters, "encryption.key-transport", "RSA-OAEP has parameters that are not read")?;
    match (uri, digest, mask) {
        (_, names::SHA1, names::MGF1_SHA1) => Ok(KeyTransport::OaepSha1),
        (names::RSA_OAEP, names::SHA256, names::MGF1_SHA256) => Ok(KeyTransport::OaepSha256),
        _ => {
            let (digest, mask) = (quoted(digest), quoted(mask));
            let detail = format!("RSA-OAEP is read with SHA-1 or SHA-256 for both digest and mask: {digest}, {mask}");
            Err(Refusal::new("encryption.key-transport", detail))
        }
    }
}

fn parameter<'a>(method: &'a Element, namespace: &str, name: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(found) = method.only_child(namespace, name)? else { return Ok(None) };
    Refusal::unless(found.children.is_empty(), "encryption.key-transport", "a parameter of RSA-OAEP has parameters")?;
    found.required_attribute("Algorithm", "encryption.shape").map(Some)
}

/// The octets of a CipherData: inline, in base64.
fn cipher_value(cipher_data: &Element) -> Result<Vec<u8>, Refusal> {
    let [value] = cipher_data.children.as_slice() else {
        return Err(shape("a CipherData holds one CipherValue"));
    };
    if value.name == "CipherReference" {
        return Err(Refusal::new("encryption.reference", "CipherReference is not followed"));
    }
    expect(value, "CipherValue")?;
    let folded: Vec<u8> = value.leaf_text()?.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    STANDARD.decode(folded).map_err(|_| shape("a CipherValue is not base64"))
}

fn expect(element: &Element, name: &str) -> Result<(), Refusal> {
    if element.is(names::XML_ENCRYPTION, name) {
        return Ok(());
    }
    Err(Refusal::new("encryption.shape", format!("{} stands where {name} belongs", quoted(&element.name))))
}

fn shape(detail: &str) -> Refusal {
    Refusal::new("encryption.shape", detail)
}
