//! A message of ours on its way to an identity provider, by way of the browser: signed if it shall be, packed for its binding.

use super::redirect_binding::{appended, query};
use super::redirect_signature::sign_redirect;
use super::request::post_form_fields;
use super::settings::Binding;
use super::signing_keys::SigningKey;
use super::xml_sign::sign_enveloped;
use crate::app::App;
use crate::base::random::bytes32;
use crate::base::text::hex;
use crate::error::{Error, Result};

/// A message that is not packed yet.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub binding: Binding,
    /// Where it goes: the address for that binding.
    pub destination: String,
    /// `SAMLRequest` or `SAMLResponse`.
    pub parameter: &'static str,
    /// `ID` of its root.
    pub id: String,
    pub xml: String,
    /// Our own has at most 80 octets (Bindings §3.4.3), that of an answer is the asker's; an empty one isn't sent.
    pub relay_state: String,
}

/// What the browser is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Go to this address.
    Redirect(String),
    /// Post this form.
    Form(PostForm),
}

/// A form for another origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostForm {
    pub action: String,
    /// Names and values of hidden fields.
    pub fields: Vec<(&'static str, String)>,
}

/// An ID for a message of ours: an NCName with 160 random bits.
pub fn new_id(app: &App) -> String {
    format!("_{}", hex(&bytes32(app.random.as_ref())[..20]))
}

/// Packs a message, signed if there is a key. A signature is work for the processor, and not for a thread that answers.
///
/// # Errors
/// 500 if it can't be signed.
pub async fn depart(message: Outgoing, key: Option<SigningKey>) -> Result<Departure> {
    match key {
        None => packed(&message, None),
        Some(key) => {
            tokio::task::spawn_blocking(move || packed(&message, Some(&key))).await.map_err(Error::internal)?
        }
    }
}

fn packed(message: &Outgoing, key: Option<&SigningKey>) -> Result<Departure> {
    match message.binding {
        Binding::Redirect => {
            let relay_state = Some(message.relay_state.as_str());
            let query = match key {
                Some(key) => sign_redirect(key, message.parameter, &message.xml, relay_state)?,
                None => query(message.parameter, &message.xml, relay_state),
            };
            Ok(Departure::Redirect(appended(&message.destination, &query)))
        }
        Binding::Post => {
            let value = match key {
                Some(key) => post_form_fields(&sign_enveloped(key, &message.xml, &message.id)?),
                None => post_form_fields(&message.xml),
            };
            let mut fields = vec![(message.parameter, value)];
            if !message.relay_state.is_empty() {
                fields.push(("RelayState", message.relay_state.clone()));
            }
            Ok(Departure::Form(PostForm { action: message.destination.clone(), fields }))
        }
    }
}
