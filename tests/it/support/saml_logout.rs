//! The identity provider of the tests when it logs people out: it signs by OpenSSL for the redirect binding, and by bergshamra
//! for POST; and it reads what we send it.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra::keys::{KeysManager, loader};
use bergshamra::{DsigContext, sign};
use curfew::base::clock::Clock;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::{Signer, Verifier};
use openssl::x509::X509;
use reqwest::Method;
use serde_json::json;

use super::TestApp;
use super::http::{Reply, send};
use super::saml::{PROVIDERS, inflate, material, metadata, signing_certificates};

/// Where the provider takes part in single logout.
pub const PLACE: &str = "http://127.0.0.1:9999/slo";
/// Its entity id.
pub const PROVIDER: &str = "http://127.0.0.1:9999/idp";
const ALGORITHM: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const NAMESPACES: &str =
    r#"xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion""#;

/// The provider's metadata with single logout by `binding`: `HTTP-Redirect` or `HTTP-POST`.
pub fn taking_part(metadata: &str, binding: &str) -> String {
    let service = format!(
        r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="{PLACE}"/>"#
    );
    metadata.replacen("<md:NameIDFormat>", &format!("{service}<md:NameIDFormat>"), 1)
}

/// Makes the identity provider, with single logout by `binding`, the one of `acme`. Log-outs here go on there.
pub async fn configure(app: &TestApp, binding: &str) {
    let body = json!({"metadata_xml": taking_part(&metadata(), binding), "sessions": "keep"});
    app.put(&app.owner_token().await, "/api/v1/security/saml", body).await.expect(200);
    tell_of_log_outs(app, true).await;
}

/// Sets whether log-outs here go on at the first identity provider of `acme`.
pub async fn tell_of_log_outs(app: &TestApp, single_logout: bool) {
    let owner = app.owner_token().await;
    let known = app.all_items(&owner, PROVIDERS).await;
    let path = format!("{PROVIDERS}/{}", known[0]["id"].as_str().expect("an id"));
    let change = json!({"single_logout": single_logout, "sessions": "keep"});
    let shown = app.put(&owner, &path, change).await.expect(200).json();
    assert_eq!(shown["single_logout"], single_logout);
}

/// What a LogoutRequest of the provider says.
#[derive(Clone)]
pub struct Wish {
    pub id: String,
    pub destination: String,
    pub issuer: String,
    pub issue_instant: String,
    /// More attributes.
    pub more: String,
    pub name_id: String,
    pub session_indexes: Vec<String>,
}

impl Wish {
    /// That these sessions of somebody end, all if none is named. It was said a minute ago: whoever signs in there from now on is
    /// not meant.
    pub fn of(app: &TestApp, name_id: &str, session_indexes: &[&str]) -> Self {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        Self {
            id: format!("_wish{}", COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)),
            destination: app.url("/saml/acme/slo"),
            issuer: PROVIDER.to_owned(),
            issue_instant: instant(app, -60),
            more: String::new(),
            name_id: name_id.to_owned(),
            session_indexes: session_indexes.iter().map(|index| (*index).to_owned()).collect(),
        }
    }

    pub fn xml(&self) -> String {
        let Self { id, destination, issuer, issue_instant, more, name_id, session_indexes } = self;
        let indexes: String =
            session_indexes.iter().map(|index| format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>")).collect();
        format!(
            "<samlp:LogoutRequest {NAMESPACES} ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{issue_instant}\" \
             Destination=\"{destination}\"{more}><saml:Issuer>{issuer}</saml:Issuer><saml:NameID>{name_id}</saml:NameID>\
             {indexes}</samlp:LogoutRequest>"
        )
    }
}

/// The server's time and some seconds, as SAML writes it.
pub fn instant(app: &TestApp, seconds: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(app.clock.now() + seconds * 1_000).expect("this century");
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A LogoutResponse of the provider; `status` is the end of its URI.
pub fn confirmation(app: &TestApp, in_response_to: &str, status: &str) -> String {
    let (destination, at) = (app.url("/saml/acme/slo"), instant(app, 0));
    format!(
        "<samlp:LogoutResponse {NAMESPACES} ID=\"_c\" Version=\"2.0\" IssueInstant=\"{at}\" Destination=\"{destination}\" \
         InResponseTo=\"{in_response_to}\"><saml:Issuer>{PROVIDER}</saml:Issuer><samlp:Status><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/></samlp:Status></samlp:LogoutResponse>"
    )
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn pem(key: &str) -> Vec<u8> {
    std::fs::read(material().join("keys").join(format!("{key}.key"))).expect("it was generated")
}

/// The query of the redirect binding without a signature.
pub fn unsigned_query(parameter: &str, xml: &str, relay_state: &str) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes()).expect("memory");
    let message = escaped(&STANDARD.encode(encoder.finish().expect("memory")));
    format!("{parameter}={message}&RelayState={}", escaped(relay_state))
}

/// The query of the redirect binding, signed by `key`: `idp`, `idp2` or `attacker`.
pub fn signed_query(parameter: &str, xml: &str, relay_state: &str, key: &str) -> String {
    let signed = format!("{}&SigAlg={}", unsigned_query(parameter, xml, relay_state), escaped(ALGORITHM));
    let key = PKey::private_key_from_pem(&pem(key)).expect("a private key");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
    let signature = signer.sign_oneshot_to_vec(signed.as_bytes()).expect("a signature");
    format!("{signed}&Signature={}", escaped(&STANDARD.encode(signature)))
}

/// The form value of the POST binding, signed by `key`; `id` is the message's.
pub fn signed_form(xml: &str, id: &str, key: &str) -> String {
    let template = format!(
        concat!(
            r##"</saml:Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>"##,
            r##"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"##,
            r##"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>"##,
            r##"<ds:Reference URI="#{}"><ds:Transforms>"##,
            r##"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"##,
            r##"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>"##,
            r##"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"##,
            r##"<ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>"##,
            r##"<ds:SignatureValue></ds:SignatureValue></ds:Signature>"##,
        ),
        id
    );
    let mut manager = KeysManager::new();
    manager.add_key(loader::load_rsa_private_pem(&pem(key)).expect("a private key"));
    let xml = xml.replacen("</saml:Issuer>", &template, 1);
    STANDARD.encode(sign(&DsigContext::new(manager), &xml).expect("it signs"))
}

/// Sends a query to our service from a browser without any cookie.
pub async fn by_redirect(app: &TestApp, path: &str, query: &str) -> Reply {
    send(app.request(Method::GET, &format!("{path}?{query}"))).await
}

/// What we say of a LogoutRequest, by redirect and signed: the end of each status code's URI.
pub async fn answered(app: &TestApp, reply: &Reply, wish: &Wish) -> Vec<String> {
    assert_eq!(reply.status, 303, "{}", reply.text);
    let xml = message_of(app, reply.header("location").unwrap_or_default(), "SAMLResponse").await;
    assert_eq!(attribute(&xml, "InResponseTo"), wish.id, "{xml}");
    statuses(&xml)
}

/// The end of each status code's URI.
pub fn statuses(xml: &str) -> Vec<String> {
    let codes = xml.split(":status:").skip(1);
    codes.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// The message of an address that we send a browser to. Our signature on it is genuine, and it is addressed to the provider.
pub async fn message_of(app: &TestApp, location: &str, parameter: &str) -> String {
    let query = location.strip_prefix(PLACE).and_then(|rest| rest.strip_prefix('?')).expect("the provider's address");
    let (signed, signature) = query.split_once("&Signature=").expect("it is signed");
    let value = |text: &str| {
        let pair = format!("x={text}");
        url::form_urlencoded::parse(pair.as_bytes()).next().expect("a pair").1.into_owned()
    };
    let signature = STANDARD.decode(value(signature)).expect("base64");
    let verified = signing_certificates(app).await.into_iter().any(|certificate| {
        let certificate = X509::from_der(&STANDARD.decode(certificate).expect("base64")).expect("a certificate");
        let key = certificate.public_key().expect("a key");
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).expect("a verifier");
        verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap_or(false)
    });
    assert!(verified, "no key of our metadata signed {location}");
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(signed.as_bytes()).into_owned().collect();
    let message = &fields.iter().find(|(name, _)| name == parameter).expect("the message").1;
    let xml = inflate(message);
    assert_eq!(attribute(&xml, "Destination"), PLACE, "{xml}");
    assert!(xml.contains(&format!(">{}</saml:Issuer>", app.url("/saml/acme/metadata"))), "{xml}");
    xml
}

/// An attribute of the root, as written.
pub fn attribute(xml: &str, name: &str) -> String {
    let start = xml.split('>').next().unwrap_or_default();
    let value = start.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
    value.unwrap_or_default().to_owned()
}
