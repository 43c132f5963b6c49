//! An identity provider for a bench: a key, its metadata, and responses such as a large provider sends, signed anew with the
//! library that signs for the tests too. About four kilobytes, with the certificate and a dozen groups.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra::keys::{KeysManager, loader};
use bergshamra::{DsigContext, sign};
use curfew::base::clock::UnixMillis;
use curfew::saml::time::format_instant;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};

pub const ENTITY_ID: &str = "https://idp.bench.test/metadata";
const LIFETIME_MS: i64 = 3_600_000;

/// Whom a response is for, and whom it is about.
pub struct Asked {
    pub acs_url: String,
    /// Entity id of the service provider.
    pub audience: String,
    pub request_id: String,
    pub email: String,
    pub now: UnixMillis,
    /// Tells responses apart: no assertion is taken twice.
    pub number: u64,
}

pub struct Provider {
    private_pem: Vec<u8>,
    certificate: X509,
}

impl Provider {
    pub fn make() -> Self {
        made().expect("OpenSSL makes keys")
    }

    pub fn certificate_der(&self) -> Vec<u8> {
        self.certificate.to_der().expect("our own certificate")
    }

    pub fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().expect("our own certificate")
    }

    pub fn metadata(&self) -> String {
        format!(
            concat!(
                r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">"#,
                r#"<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">"#,
                r#"<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">"#,
                r#"<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"#,
                r#"</md:KeyDescriptor><md:SingleSignOnService"#,
                r#" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect""#,
                r#" Location="https://idp.bench.test/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#,
            ),
            entity = ENTITY_ID,
            certificate = STANDARD.encode(self.certificate_der()),
        )
    }

    /// A response whose assertion is signed.
    pub fn response(&self, asked: &Asked) -> String {
        let mut keys = KeysManager::new();
        keys.add_key(loader::load_rsa_private_pem(&self.private_pem).expect("our own key"));
        let signed = sign(&DsigContext::new(keys), &Self::unsigned(asked)).expect("it signs");
        // No digest is of this.
        signed.replacen("</ds:SignatureValue>", &format!("</ds:SignatureValue>{}", self.key_info()), 1)
    }

    fn key_info(&self) -> String {
        let certificate = STANDARD.encode(self.certificate_der());
        let data = format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>");
        format!("<ds:KeyInfo>{data}</ds:KeyInfo>")
    }

    fn unsigned(asked: &Asked) -> String {
        format!(
            concat!(
                r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol""#,
                r#" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response-{number}" Version="2.0""#,
                r#" IssueInstant="{now}" Destination="{acs}" InResponseTo="{request}"><saml:Issuer>{entity}</saml:Issuer>"#,
                r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#,
                r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion-{number}""#,
                r#" Version="2.0" IssueInstant="{now}">"#,
                r#"<saml:Issuer>{entity}</saml:Issuer>{signature}<saml:Subject>"#,
                r#"<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{email}</saml:NameID>"#,
                r#"<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">"#,
                r#"<saml:SubjectConfirmationData NotOnOrAfter="{ends}" Recipient="{acs}" InResponseTo="{request}"/>"#,
                r#"</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{now}" NotOnOrAfter="{ends}">"#,
                r#"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"#,
                r#"</saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_session-{number}">"#,
                r#"<saml:AuthnContext><saml:AuthnContextClassRef>"#,
                r#"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>"#,
                r#"</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}"#,
                r#"</saml:AttributeStatement></saml:Assertion></samlp:Response>"#,
            ),
            number = asked.number,
            now = format_instant(asked.now),
            ends = format_instant(asked.now + LIFETIME_MS),
            acs = asked.acs_url,
            request = asked.request_id,
            entity = ENTITY_ID,
            signature = Self::template(asked.number),
            email = asked.email,
            audience = asked.audience,
            attributes = attributes(&asked.email),
        )
    }

    /// What the signing library fills in.
    fn template(number: u64) -> String {
        format!(
            concat!(
                r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>"#,
                r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
                r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>"#,
                r##"<ds:Reference URI="#_assertion-{number}"><ds:Transforms>"##,
                r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#,
                r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>"#,
                r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#,
                r#"<ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>"#,
                r#"<ds:SignatureValue></ds:SignatureValue></ds:Signature>"#,
            ),
            number = number,
        )
    }
}

fn attributes(email: &str) -> String {
    let groups: Vec<String> = (1..=12).map(|number| format!("Department {number}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let one = |name: &str, values: &[&str]| {
        let values: String =
            values.iter().map(|value| format!("<saml:AttributeValue>{value}</saml:AttributeValue>")).collect();
        format!(r#"<saml:Attribute Name="{name}">{values}</saml:Attribute>"#)
    };
    [one("email", &[email]), one("displayName", &["Person of the bench"]), one("groups", &groups)].concat()
}

fn made() -> Result<Provider, ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(2_048)?)?;
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, "idp.bench.test")?;
    let name = name.build();
    let serial = BigNum::from_u32(1)?.to_asn1_integer()?;
    let (begins, ends) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(30)?);
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_not_before(&begins)?;
    builder.set_not_after(&ends)?;
    builder.set_pubkey(&key)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok(Provider { private_pem: key.private_key_to_pem_pkcs8()?, certificate: builder.build() })
}
