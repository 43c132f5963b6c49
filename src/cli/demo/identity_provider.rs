//! A mock SAML identity provider in this process, for one service provider: the demo's. It asks nobody for a password: who
//! comes from Curfew chooses who to be, and which product's answers to have, and Curfew gets a signed response. It answers to the
//! registered address only, whatever a request names, and keeps nothing.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use poem::endpoint::BoxEndpoint;
use poem::http::StatusCode;
use poem::web::Data;
use poem::{EndpointExt, Request, Response, Route, get, handler};
use serde::Deserialize;

use super::keys::Keys;
use super::pages::{page, script, show_style};
use super::people::{self, NEWCOMER, PEOPLE, Person};
use super::response_shape::{Shape, plain};
use super::shape_choice::{self, Line};
use super::signed_response::{Statement, signed_response};
use crate::app::App;
use crate::base::random::bytes32;
use crate::base::text::hex;
use crate::error::{Error, Result};
use crate::saml::configure::ServiceProvider;
use crate::web::authenticate;
use crate::web::pipeline::see_other;

/// How many of the people are on the page, from the first on.
const SHOWN: usize = 9;
const AUTO_SUBMIT: &str = include_str!("static/auto_submit.js");

/// The identity provider.
pub struct IdentityProvider {
    service_provider: ServiceProvider,
    origin: String,
    entity_id: String,
    keys: Keys,
}

impl IdentityProvider {
    /// For a service provider; `place` is where it listens.
    pub fn new(service_provider: ServiceProvider, place: SocketAddr, keys: Keys) -> Self {
        let origin = format!("http://{place}");
        let entity_id = format!("{origin}/metadata");
        Self { service_provider, origin, entity_id, keys }
    }

    /// Its name, which is also where its metadata are.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// Its metadata (SAML Metadata §2.4.3).
    pub fn metadata(&self) -> String {
        format!(
            concat!(
                r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">"#,
                r#"<md:IDPSSODescriptor WantAuthnRequestsSigned="false""#,
                r#" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing">"#,
                r#"<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>"#,
                r#"<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#,
                r#"<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>"#,
                r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect""#,
                r#" Location="{origin}/sso"></md:SingleSignOnService></md:IDPSSODescriptor></md:EntityDescriptor>"#,
            ),
            entity_id = self.entity_id,
            certificate = STANDARD.encode(self.keys.certificate()),
            origin = self.origin,
        )
    }

    /// The response that signs `person` in, for the request `request_id`.
    fn response(&self, app: &App, shape: &Shape, person: &Person, request_id: &str) -> Result<String> {
        let digits = || hex(&bytes32(app.random.as_ref()));
        let statement = Statement {
            shape,
            issuer: &self.entity_id,
            acs_url: &self.service_provider.acs_url,
            audience: &self.service_provider.entity_id,
            in_response_to: request_id,
            email: person.email,
            display_name: person.name,
            groups: &["Everybody", person.department],
            now: app.clock.now(),
            response_id: &shape.response_id(&digits()),
            assertion_id: &shape.assertion_id(&digits()),
            session_index: &format!("_{}", digits()),
        };
        signed_response(&statement, &self.keys)
    }
}

/// What its pages may do: post to itself and to the service provider, nothing from elsewhere.
fn policy(app: &App) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; form-action 'self' {}; \
         frame-ancestors 'none'; base-uri 'none'",
        app.config.public_url
    )
}

/// What its listener serves.
pub fn routes(provider: IdentityProvider) -> BoxEndpoint<'static, Response> {
    Route::new()
        .at("/", get(begin))
        .at("/metadata", get(show_metadata))
        .at("/sso", get(show_choice).post(answer_choice))
        .at("/demo.css", get(show_style))
        .at("/auto_submit.js", get(show_script))
        .data(Arc::new(provider))
        .boxed()
}

/// Somebody on the page.
struct Choice {
    name: &'static str,
    email: &'static str,
    /// What is special about them.
    note: &'static str,
}

#[derive(askama::Template)]
#[template(path = "identity_provider.html")]
struct ChoicePage<'a> {
    request_id: String,
    relay_state: String,
    shapes: Vec<Line>,
    entity_id: &'a str,
    choices: Vec<Choice>,
}

#[derive(askama::Template)]
#[template(path = "identity_provider_answer.html")]
struct AnswerPage<'a> {
    name: &'static str,
    shape: &'static str,
    acs_url: &'a str,
    response: String,
    relay_state: String,
}

/// A request of the redirect binding (SAML Bindings §3.4.4).
#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "SAMLRequest")]
    request: String,
    #[serde(rename = "RelayState", default)]
    relay_state: String,
}

/// `/`: a sign-in begins at the service provider. `?answer_like=` chooses the shape of its answer before.
#[handler]
async fn begin(Data(provider): Data<&Arc<IdentityProvider>>, request: &Request) -> poem::Result<Response> {
    let response = see_other(&provider.service_provider.login_url);
    Ok(match shape_choice::of_link(request)? {
        Some(shape) => shape_choice::remember(response, shape),
        None => response,
    })
}

#[handler]
async fn show_metadata(Data(provider): Data<&Arc<IdentityProvider>>) -> Response {
    Response::builder().content_type("application/samlmetadata+xml").body(provider.metadata())
}

#[handler]
async fn show_script() -> Response {
    script(AUTO_SUBMIT)
}

/// `GET /sso`: who do you want to be?
#[handler]
async fn show_choice(Data(provider): Data<&Arc<IdentityProvider>>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let bad = || Error::invalid("SAMLRequest", "must be an AuthnRequest of the demo: begin at its sign-in page");
    let asked = request.params::<Asked>().map_err(|_| bad())?;
    let request_id = request_id(&asked.request).ok_or_else(bad)?;
    let shape = shape_choice::of_link(request)?.or_else(|| shape_choice::remembered(request)).unwrap_or_else(plain);
    let template = ChoicePage {
        request_id,
        relay_state: asked.relay_state,
        shapes: shape_choice::lines(shape),
        entity_id: provider.entity_id(),
        choices: choices(),
    };
    Ok(page(StatusCode::OK, &policy(&app), &template)?)
}

/// `POST /sso`: the signed response, in a form that goes on by itself.
#[handler]
async fn answer_choice(
    Data(provider): Data<&Arc<IdentityProvider>>,
    request: &Request,
    body: Vec<u8>,
) -> poem::Result<Response> {
    let field = |name: &str| {
        let mut fields = url::form_urlencoded::parse(&body);
        fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let (asked, chosen) = (field("request_id"), field("person"));
    if !is_id(&asked) {
        return Err(Error::invalid("request_id", "must be the ID of an AuthnRequest").into());
    }
    let person = people::find(&chosen).ok_or_else(|| Error::invalid("person", "must be somebody of Acme"))?;
    let shape = shape_choice::read(&field(shape_choice::FIELD))?.unwrap_or_else(plain);
    let app = authenticate::app(request)?;
    let template = AnswerPage {
        name: person.name,
        shape: shape.title(),
        acs_url: &provider.service_provider.acs_url,
        response: STANDARD.encode(provider.response(&app, shape, person, &asked)?),
        relay_state: field("relay_state"),
    };
    Ok(shape_choice::remember(page(StatusCode::OK, &policy(&app), &template)?, shape))
}

/// Administrators, some members, the one who left, and one who is new.
fn choices() -> Vec<Choice> {
    let choice = |person: &Person, note| Choice { name: person.name, email: person.email, note };
    let shown = PEOPLE.iter().take(SHOWN).zip(0..);
    let mut choices: Vec<Choice> = shown
        .map(|(person, place)| choice(person, if place < 2 { "administrator" } else { person.department }))
        .collect();
    choices.push(choice(&NEWCOMER, "new here: the first sign-in creates the account"));
    choices.extend(PEOPLE.last().map(|leaver| choice(leaver, "left the company: will be refused")));
    choices
}

/// The ID of the AuthnRequest in a `SAMLRequest`: base64 of raw deflate. Requests are not signed, and nothing else in them
/// matters here, so there is no need to understand the XML around it.
fn request_id(parameter: &str) -> Option<String> {
    let packed = STANDARD.decode(parameter).ok()?;
    let mut message = String::new();
    DeflateDecoder::new(packed.as_slice()).take(64 * 1024).read_to_string(&mut message).ok()?;
    let (_, behind) = message.split_once(" ID=\"")?;
    let (id, _) = behind.split_once('"')?;
    is_id(id).then(|| id.to_owned())
}

/// An NCName of letters that need no escape.
fn is_id(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic());
    first
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::identity_provider::parse_metadata;
    use crate::saml::request::{RequestOptions, authn_request_xml, redirect_url};

    #[test]
    fn its_metadata_and_our_requests_are_understood() {
        let service_provider = ServiceProvider {
            entity_id: "e".into(),
            acs_url: "a".into(),
            login_url: "l".into(),
            slo_url: "o".into(),
            signing_certificate_url: "s".into(),
            encryption_certificate_url: "c".into(),
        };
        let place = SocketAddr::from(([127, 0, 0, 1], 8082));
        let provider = IdentityProvider::new(service_provider, place, Keys::generate().expect("a key"));
        let read = parse_metadata(&provider.metadata(), 0).expect("metadata that the product takes");
        assert_eq!(read.entity_id, provider.entity_id());
        assert_eq!(read.certificates, [provider.keys.certificate()]);
        let sso_url = read.sso_redirect_url.expect("a redirect binding");
        let request = authn_request_xml("_q1", 0, "a", "e", &RequestOptions::plain(&sso_url));
        let url = redirect_url(&sso_url, &request, "relay");
        let url = url::Url::parse(&url).expect("an address");
        let parameter = url.query_pairs().find(|(name, _)| name == "SAMLRequest").expect("the request").1;
        assert_eq!(request_id(&parameter), Some("_q1".to_owned()));
        assert_eq!(request_id("AAAA"), None);
    }

    #[test]
    fn whoever_can_be_chosen_is_found() {
        assert!(choices().iter().all(|choice| people::find(choice.email).is_some()));
        assert_eq!(choices().len(), SHOWN + 2);
    }
}
