//! Pure: what we ask of an identity provider: the AuthnRequest, and how it travels if it isn't signed.
//! A signature on it is for the provider: we believe an answer because it names the request, whoever wrote that.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::settings::Binding;
use super::xml_write::{attribute, text};
use super::{names, redirect_binding, time};
use crate::base::clock::UnixMillis;

/// What the identity provider shall ask of the person (Core §3.4.1, ForceAuthn).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A session that they have there is enough.
    AnySession,
    /// They must prove again who they are.
    Anew,
}

/// Where and how an AuthnRequest is sent, and what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestOptions {
    pub binding: Binding,
    /// The provider's address for that binding.
    pub destination: String,
    pub sign: bool,
    /// Whether the person must prove again who they are.
    pub force_authn: bool,
    /// RequestedAuthnContext: classes of which the answer must name one, the best first. Empty: any will do.
    pub authn_contexts: Vec<String>,
    /// NameIDPolicy/@Format. Absent: the provider chooses.
    pub name_id_format: Option<String>,
}

impl RequestOptions {
    /// By redirect, not signed, asking for nothing in particular.
    pub fn plain(destination: &str) -> Self {
        Self {
            binding: Binding::Redirect,
            destination: destination.to_owned(),
            sign: false,
            force_authn: false,
            authn_contexts: Vec::new(),
            name_id_format: None,
        }
    }
}

/// An AuthnRequest (Core §3.4.1) that asks for a response by POST to `acs_url`, in exclusive canonical form.
///
/// `request_id` is an NCName with at least 128 random bits.
pub fn authn_request_xml(
    request_id: &str,
    issue_instant: UnixMillis,
    acs_url: &str,
    service_provider_entity_id: &str,
    options: &RequestOptions,
) -> String {
    format!(
        concat!(
            r#"<samlp:AuthnRequest xmlns:samlp="{protocol}" AssertionConsumerServiceURL="{acs}""#,
            r#" Destination="{destination}"{force} ID="{id}" IssueInstant="{instant}" ProtocolBinding="{post}""#,
            r#" Version="2.0"><saml:Issuer xmlns:saml="{assertion}">{issuer}</saml:Issuer>"#,
            r#"{name_id_policy}{contexts}</samlp:AuthnRequest>"#,
        ),
        protocol = names::PROTOCOL,
        acs = attribute(acs_url),
        destination = attribute(&options.destination),
        force = if options.force_authn { r#" ForceAuthn="true""# } else { "" },
        id = attribute(request_id),
        instant = time::format_instant(issue_instant),
        post = names::HTTP_POST,
        assertion = names::ASSERTION,
        issuer = text(service_provider_entity_id),
        name_id_policy = name_id_policy(options.name_id_format.as_deref()),
        contexts = requested_contexts(&options.authn_contexts),
    )
}

/// Core §3.4.1.1: a name may be made for somebody who signs in here for the first time.
fn name_id_policy(format: Option<&str>) -> String {
    let format = format.map(|format| format!(r#" Format="{}""#, attribute(format))).unwrap_or_default();
    format!(r#"<samlp:NameIDPolicy AllowCreate="true"{format}></samlp:NameIDPolicy>"#)
}

/// Core §3.3.2.2.1: one of these, exactly. None at all if nothing is asked.
fn requested_contexts(classes: &[String]) -> String {
    if classes.is_empty() {
        return String::new();
    }
    let one = |class: &String| {
        let (namespace, class) = (names::ASSERTION, text(class));
        format!(r#"<saml:AuthnContextClassRef xmlns:saml="{namespace}">{class}</saml:AuthnContextClassRef>"#)
    };
    let classes: String = classes.iter().map(one).collect();
    format!(r#"<samlp:RequestedAuthnContext Comparison="exact">{classes}</samlp:RequestedAuthnContext>"#)
}

/// The address to redirect a browser to (Bindings §3.4.4.1): `xml` deflated, base64, percent-encoded, appended to
/// whatever query `sso_url` has. `sso_url` has no fragment; an empty `relay_state` is left out.
pub fn redirect_url(sso_url: &str, xml: &str, relay_state: &str) -> String {
    redirect_binding::appended(sso_url, &redirect_binding::query("SAMLRequest", xml, Some(relay_state)))
}

/// The value of the form field `SAMLRequest` for the POST binding (Bindings §3.5.4): base64, not deflated. Its
/// characters need no escaping in HTML.
pub fn post_form_fields(xml: &str) -> String {
    STANDARD.encode(xml)
}
