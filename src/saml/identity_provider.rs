//! Pure: what a workspace knows of its identity provider, read from SAML metadata (Metadata §2).
//!
//! Only what sign-in needs: the name, where to send people, the keys. Refused is what would leave sign-in open or
//! undecided: no signing certificate, several providers, an expired file. Deliberately no fetching and no verification
//! of a signature on the metadata: whoever uploads it vouches for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use super::refusal::{Refusal, quoted};
use super::settings::Binding;
use super::xml::Element;
use super::{certificate, names, time, xml_reader};
use crate::base::clock::UnixMillis;

/// Longest entity ID (Metadata §2.2.1: 1,024 characters).
const MAX_ENTITY_ID: usize = 1_024;
/// Longest URL to send people to.
const MAX_URL: usize = 2_048;
/// Signing certificates at the most: a failed verification tries them all.
const MAX_CERTIFICATES: usize = 10;
/// Entity IDs of a federation that a message names at the most.
const NAMED: usize = 5;
/// Characters in which a web page says that it is one.
const OPENING: usize = 1_024;

/// An identity provider as its metadata describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// 1 to 1,024 printable ASCII characters.
    pub entity_id: String,
    /// Where to send people with the redirect binding. One of the two is always there.
    pub sso_redirect_url: Option<String>,
    /// Where to send people with the POST binding.
    pub sso_post_url: Option<String>,
    /// X.509 certificates in DER whose keys sign responses: 1 to 10, each once.
    pub certificates: Vec<Vec<u8>>,
    /// Whether it refuses requests that are not signed.
    pub want_signed_requests: bool,
    /// Where a log-out goes on, if it takes part in single logout by a browser.
    pub single_logout: Option<SingleLogout>,
}

/// A SingleLogoutService (Metadata §2.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleLogout {
    pub binding: Binding,
    /// Takes requests.
    pub url: String,
    /// Takes responses: `ResponseLocation`, or the same.
    pub response_url: String,
}

/// Why metadata was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataError {
    /// The element or attribute at fault, as metadata spells it; `metadata_xml` for the file as a whole.
    pub field: &'static str,
    /// One sentence for the administrator.
    pub message: String,
}

impl MetadataError {
    fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

impl std::fmt::Display for MetadataError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for MetadataError {}

impl From<Refusal> for MetadataError {
    fn from(refusal: Refusal) -> Self {
        Self::new("metadata_xml", format!("this is not SAML metadata: {}", refusal.detail))
    }
}

/// Reads the metadata of one identity provider: an `EntityDescriptor`; an `EntitiesDescriptor` is refused. At most 512 KiB; no DOCTYPE, no entity; comments are ignored.
pub fn parse_metadata(xml: &str, now: UnixMillis) -> Result<IdentityProvider, MetadataError> {
    let root = xml_reader::read_metadata(xml).map_err(|refusal| unreadable(xml, refusal))?;
    let entity = entity_of(&root)?;
    let role = role_of(entity)?;
    for element in [&root, entity, role] {
        check_validity(element, now)?;
    }
    let provider = IdentityProvider {
        entity_id: entity_id_of(entity)?,
        sso_redirect_url: sso_url(role, names::HTTP_REDIRECT)?,
        sso_post_url: sso_url(role, names::HTTP_POST)?,
        certificates: certificates_of(role)?,
        want_signed_requests: matches!(role.attribute("WantAuthnRequestsSigned"), Some("true" | "1")),
        single_logout: single_logout(role, names::HTTP_REDIRECT, Binding::Redirect)
            .or_else(|| single_logout(role, names::HTTP_POST, Binding::Post)),
    };
    if provider.sso_redirect_url.is_none() && provider.sso_post_url.is_none() {
        let message = "the metadata has no single sign-on address for the redirect or the POST binding";
        return Err(MetadataError::new("SingleSignOnService", message));
    }
    Ok(provider)
}

fn entity_of(root: &Element) -> Result<&Element, MetadataError> {
    if root.is(names::METADATA, "EntityDescriptor") {
        return Ok(root);
    }
    if root.is(names::METADATA, "EntitiesDescriptor") {
        return Err(MetadataError::new("EntityDescriptor", federation(root)));
    }
    if root.name.eq_ignore_ascii_case("html") {
        return Err(web_page());
    }
    Err(MetadataError::new("EntityDescriptor", "this is not SAML metadata"))
}

/// A page that was saved in the place of metadata is told from metadata that is damaged.
fn unreadable(text: &str, refusal: Refusal) -> MetadataError {
    let opening = text.chars().take(OPENING).collect::<String>().to_ascii_lowercase();
    let is_page = ["<!doctype html", "<html"].iter().any(|tag| opening.contains(tag));
    if is_page { web_page() } else { refusal.into() }
}

fn web_page() -> MetadataError {
    MetadataError::new("metadata_xml", "this is a web page, not metadata")
}

/// What to send in the place of a federation, with the first of its identity providers.
fn federation(root: &Element) -> String {
    let everything = root.descendants();
    let entities = everything.into_iter().filter(|element| element.is(names::METADATA, "EntityDescriptor"));
    let providers: Vec<&str> =
        entities.filter(|entity| !roles(entity).is_empty()).filter_map(|entity| entity.attribute("entityID")).collect();
    let what =
        "this describes a federation (EntitiesDescriptor): send the EntityDescriptor of the one identity provider";
    if providers.is_empty() {
        return format!("{what}; there is none in it");
    }
    let named: Vec<String> = providers.iter().take(NAMED).map(|id| quoted(id)).collect();
    let more = match providers.len().saturating_sub(NAMED) {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    format!("{what}. In it are {}{more}", named.join(", "))
}

/// The SAML 2.0 identity provider roles of an entity.
fn roles(entity: &Element) -> Vec<&Element> {
    let mut roles = entity.children_named(names::METADATA, "IDPSSODescriptor");
    roles.retain(|role| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == names::PROTOCOL)
    });
    roles
}

fn role_of(entity: &Element) -> Result<&Element, MetadataError> {
    match roles(entity).as_slice() {
        [role] => Ok(*role),
        [] => Err(MetadataError::new("IDPSSODescriptor", no_role(entity))),
        _ => Err(MetadataError::new("IDPSSODescriptor", "the metadata has several SAML 2.0 identity provider roles")),
    }
}

fn no_role(entity: &Element) -> &'static str {
    let has = |role: &str| entity.children.iter().any(|child| child.is(names::METADATA, role));
    if has("SPSSODescriptor") && !has("IDPSSODescriptor") {
        return "this is metadata of a service provider, perhaps Curfew's own: get the identity provider's";
    }
    "the metadata is not that of a SAML 2.0 identity provider"
}

fn check_validity(element: &Element, now: UnixMillis) -> Result<(), MetadataError> {
    let Some(text) = element.attribute("validUntil") else { return Ok(()) };
    match time::parse_instant(text) {
        Some(end) if now < end => Ok(()),
        Some(_) => Err(MetadataError::new("validUntil", format!("the metadata has expired: {}", quoted(text)))),
        None => Err(MetadataError::new("validUntil", format!("{} is not an instant in UTC", quoted(text)))),
    }
}

fn entity_id_of(entity: &Element) -> Result<String, MetadataError> {
    let id = entity.attribute("entityID").unwrap_or_default();
    let usable = !id.is_empty() && id.len() <= MAX_ENTITY_ID && id.bytes().all(|b| b.is_ascii_graphic());
    if usable {
        return Ok(id.to_owned());
    }
    Err(MetadataError::new("entityID", "the entity ID is missing, too long or not printable ASCII"))
}

/// The first address for a binding. Present and unusable is an error, not an absence.
fn sso_url(role: &Element, binding: &str) -> Result<Option<String>, MetadataError> {
    let services = role.children_named(names::METADATA, "SingleSignOnService");
    let Some(service) = services.into_iter().find(|service| service.attribute("Binding") == Some(binding)) else {
        return Ok(None);
    };
    let location = service.attribute("Location").unwrap_or_default().trim();
    if is_usable_url(location) {
        return Ok(Some(location.to_owned()));
    }
    let message = format!("{} is not an https URL without user info and fragment", quoted(location));
    Err(MetadataError::new("SingleSignOnService", message))
}

/// The first service for a binding. What can't be used is an absence, unlike elsewhere: nobody shall be kept from signing in
/// because logging out there doesn't work.
fn single_logout(role: &Element, uri: &str, binding: Binding) -> Option<SingleLogout> {
    let services = role.children_named(names::METADATA, "SingleLogoutService");
    let service = services.into_iter().find(|service| service.attribute("Binding") == Some(uri))?;
    let location = |name: &str| service.attribute(name).map(str::trim);
    let url = location("Location")?;
    let response_url = location("ResponseLocation").unwrap_or(url);
    let usable = is_usable_url(url) && is_usable_url(response_url);
    usable.then(|| SingleLogout { binding, url: url.to_owned(), response_url: response_url.to_owned() })
}

/// https, or http to this very machine, where nobody listens in.
fn is_usable_url(text: &str) -> bool {
    let printable = text.len() <= MAX_URL && text.bytes().all(|b| b.is_ascii_graphic());
    let Some(url) = Url::parse(text).ok().filter(|_| printable) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let encrypted = url.scheme() == "https" && url.has_host();
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (encrypted || (url.scheme() == "http" && loopback)) && bare
}

/// The certificates of every key that signs: `use="signing"`, or without `use` (Metadata §2.4.1.1).
fn certificates_of(role: &Element) -> Result<Vec<Vec<u8>>, MetadataError> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    for key in role.children_named(names::METADATA, "KeyDescriptor") {
        match key.attribute("use") {
            None | Some("signing") => {}
            Some("encryption") => continue,
            Some(other) => {
                return Err(MetadataError::new("KeyDescriptor", format!("{} is not a use of a key", quoted(other))));
            }
        }
        for info in key.children_named(names::XML_SIGNATURE, "KeyInfo") {
            for data in info.children_named(names::XML_SIGNATURE, "X509Data") {
                let der = certificate_of(data)?;
                if !found.contains(&der) {
                    found.push(der);
                }
            }
        }
    }
    match found.len() {
        0 => Err(MetadataError::new("X509Certificate", "the metadata has no signing certificate")),
        1..=MAX_CERTIFICATES => Ok(found),
        _ => Err(MetadataError::new("X509Certificate", "the metadata has over 10 signing certificates")),
    }
}

/// The one certificate of an X509Data. A chain is refused: the key of whoever issued it must not sign responses.
fn certificate_of(data: &Element) -> Result<Vec<u8>, MetadataError> {
    let wrong = |message: &str| MetadataError::new("X509Certificate", message);
    let certificates = data.children_named(names::XML_SIGNATURE, "X509Certificate");
    let [only] = certificates.as_slice() else {
        return Err(wrong("an X509Data needs exactly one certificate: that of the signing key, without its chain"));
    };
    let folded: Vec<u8> = only.leaf_text()?.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(folded).map_err(|_| wrong("a certificate is not base64"))?;
    certificate::check_signing(&der).map_err(|message| wrong(message.as_str()))?;
    Ok(der)
}
