//! What the mapping of a provider makes of an assertion, before it is saved: for an administrator who tries it.
//!
//! Tried on a response that the administrator pastes, which is read by our own strict reader, believed by nobody, and not kept;
//! its values go back to whoever pasted them. Without one, the names of the attributes in the newest verified attempt are set
//! beside the mapping: of that, no values are kept.

use super::assertion::{Assertion, Attribute, Identity};
use super::provider::StoredProvider;
use super::refusal::Refusal;
use super::settings::{AttributeMapping, ProviderSettings, SettingsChange};
use super::xml::Element;
use super::{assertion_reader, attempt_store, gate, identity, names, outline, providers, xml_reader};
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{Error, Result};

/// Longest response that is read, in octets: a real one has a few thousand.
pub const MOST_PASTED: usize = 128 * 1024;
/// Attempts that are looked through for a verified one.
const LOOKED_AT: i64 = 40;

/// What the mapping gives.
pub struct Preview {
    /// The attempt whose names these are; `None`: nothing was found, or a response was pasted.
    pub attempt: Option<String>,
    /// Names and friendly names of the attributes that were sent.
    pub sent: Vec<String>,
    /// Settings whose attribute was not sent, such as `email`: what they name is missing then.
    pub missing: Vec<&'static str>,
    /// Whom a pasted response names.
    pub identity: Option<Identity>,
    /// The role that their groups give.
    pub role_by_groups: Option<&'static str>,
}

/// Tries a provider's settings with this change of them; `pasted`: XML of a response or an assertion, or its base64.
///
/// # Errors
/// 404; 400 naming a setting that is out of its bounds; 422 naming `response` if that can't be read.
pub async fn preview(
    app: &App,
    workspace: &WorkspaceId,
    id: &str,
    change: &SettingsChange,
    pasted: Option<&str>,
) -> Result<Preview> {
    let stored = providers::load(app, workspace, id).await?;
    let settings = change.applied(&stored.settings)?;
    match pasted {
        Some(text) => of_pasted(app, settings, text).await,
        None => of_attempt(app, workspace, &stored, &settings).await,
    }
}

async fn of_pasted(app: &App, settings: ProviderSettings, text: &str) -> Result<Preview> {
    if text.len() > MOST_PASTED {
        return Err(Error::unprocessable("response", "must have at most 128 KiB"));
    }
    let text = text.trim().to_owned();
    let read = app.verifiers.read(move || read(&text)).await?;
    let refusal = || Refusal::new("gate.panic", "it could not be read");
    let assertion = read.unwrap_or_else(|| Err(refusal()));
    let assertion = assertion.map_err(|refusal| Error::unprocessable("response", refusal.to_string()))?;
    let sent = named(&assertion.attributes);
    let identity = identity::of(&assertion, 0, &settings.attributes);
    Ok(Preview {
        attempt: None,
        missing: missing(&settings.attributes, &sent),
        sent,
        role_by_groups: settings.role_for(&identity.groups).map(|role| role.as_str()),
        identity: Some(identity),
    })
}

async fn of_attempt(
    app: &App,
    workspace: &WorkspaceId,
    stored: &StoredProvider,
    settings: &ProviderSettings,
) -> Result<Preview> {
    let mut read = app.db.read().await?;
    let newest = attempt_store::list(&mut read, workspace, [stored.id.as_str(), ""], i64::MAX, "", LOOKED_AT).await?;
    // Anybody may have written what no certificate verified.
    let verified = newest.into_iter().find(|attempt| attempt.certificate.is_some() && attempt.outline.is_some());
    let sent = verified.as_ref().and_then(|attempt| attempt.outline.as_deref()).map(outline::attribute_names);
    let sent = sent.unwrap_or_default();
    let missing = if verified.is_some() { missing(&settings.attributes, &sent) } else { Vec::new() };
    let attempt = verified.map(|attempt| attempt.id);
    Ok(Preview { attempt, sent, missing, identity: None, role_by_groups: None })
}

/// The one assertion of a text that somebody pasted, as far as it names a person.
pub(super) fn read(pasted: &str) -> Result<Assertion, Refusal> {
    let xml = if pasted.starts_with('<') { pasted.as_bytes().to_vec() } else { gate::decode(pasted)? };
    let root = xml_reader::read_message(&xml)?;
    let inside = root.only_child(names::ASSERTION, "Assertion")?;
    let assertion = if root.is(names::ASSERTION, "Assertion") { Some(&root) } else { inside };
    let none = || Refusal::new("gate.no-assertion", "there is no assertion in it, or it is encrypted");
    named_person(assertion.ok_or_else(none)?)
}

/// Without what makes an assertion count: nobody is signed in by this.
fn named_person(element: &Element) -> Result<Assertion, Refusal> {
    let name_id = match element.only_child(names::ASSERTION, "Subject")? {
        Some(subject) => subject.only_child(names::ASSERTION, "NameID")?,
        None => None,
    };
    Ok(Assertion {
        id: String::new(),
        version: String::new(),
        issue_instant: 0,
        issuer: String::new(),
        name_id: name_id.map(Element::leaf_text).transpose()?.unwrap_or_default().to_owned(),
        name_id_format: None,
        name_qualifier: None,
        sp_name_qualifier: None,
        subject_confirmations: Vec::new(),
        conditions: None,
        authn_statements: Vec::new(),
        attributes: assertion_reader::attributes(element)?,
    })
}

fn named(attributes: &[Attribute]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in attributes.iter().flat_map(|attribute| std::iter::once(&attribute.name).chain(&attribute.friendly_name))
    {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The settings that name an attribute which is not among these.
pub(super) fn missing(mapping: &AttributeMapping, sent: &[String]) -> Vec<&'static str> {
    let AttributeMapping { email, display_name, given_name, family_name, groups } = mapping;
    let settings = [
        ("email", email),
        ("display_name", display_name),
        ("given_name", given_name),
        ("family_name", family_name),
        ("groups", groups),
    ];
    let absent = |name: &String| !sent.iter().any(|known| known.eq_ignore_ascii_case(name));
    settings.into_iter().filter(|(_, set)| set.as_ref().is_some_and(absent)).map(|(field, _)| field).collect()
}
