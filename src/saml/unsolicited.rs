//! A response that nobody here asked for (Profiles §4.1.5), as it comes when somebody begins at the identity provider's page of
//! applications. It is never believed: anybody can slip one into a browser, and so sign its person in as somebody else. Where a
//! provider may begin a sign-in, the browser is sent there with a request of ours, and what that brings is believed or not.
//!
//! Read is who claims to have sent it, behind the structural gate, and nothing is kept. It happens once: what comes back answers
//! a request, or carries a RelayState that is the id of one, and neither leads here again.

use super::gate::{self, Envelope};
use super::{provider_store, sealed, xml_reader};
use crate::app::App;
use crate::base::text::local_path;
use crate::error::Result;
use crate::workspaces::model::Workspace;

/// Of a RelayState, whoever sent it: a path of ours, or what has the form of a request's id. Nothing else of it is used or shown.
pub(super) fn kept(relay_state: &str) -> Option<String> {
    (is_path(relay_state) || is_request_id(relay_state)).then(|| relay_state.to_owned())
}

fn is_path(text: &str) -> bool {
    local_path(Some(text)) == text
}

/// As `begin.rs` makes them.
fn is_request_id(text: &str) -> bool {
    text.len() == 41 && text.strip_prefix('_').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Where to send a browser that has begun no sign-in and brings this: to the beginning of one, with the provider that claims to
/// have sent it. `None` if that one may not begin one, or this is no such response.
pub(super) async fn begin_here(
    app: &App,
    workspace: &Workspace,
    response: &str,
    relay_state: Option<&str>,
) -> Result<Option<String>> {
    if relay_state.is_some_and(is_request_id) {
        return Ok(None);
    }
    let known = provider_store::list_settings(&mut app.db.read().await?, &workspace.id).await?;
    if !known.iter().any(|(_, _, settings)| settings.idp_initiated) {
        return Ok(None);
    }
    let sent = response.to_owned();
    let Some(issuer) = app.verifiers.read(move || issuer(&sent)).await?.flatten() else { return Ok(None) };
    let provider = known.iter().find(|(_, entity_id, settings)| *entity_id == issuer && settings.idp_initiated);
    Ok(provider.map(|(id, _, _)| login_path(&workspace.slug, id.as_str(), relay_state)))
}

fn login_path(slug: &str, provider: &str, relay_state: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("provider", provider).append_pair("restarted", "1");
    if let Some(path) = relay_state.filter(|text| is_path(text)) {
        query.append_pair("return_to", path);
    }
    format!("/saml/{slug}/login?{}", query.finish())
}

/// Who claims to have sent a Response that answers no request.
pub(super) fn issuer(form_value: &str) -> Option<String> {
    let envelope = envelope(&gate::decode(form_value).ok()?)?;
    envelope.issuer.filter(|_| envelope.in_response_to.is_none())
}

fn envelope(xml: &[u8]) -> Option<Envelope> {
    if sealed::may_be_sealed(xml) {
        let root = xml_reader::read_message(xml).ok()?;
        if sealed::is_sealed(&root) {
            return sealed::admit(&root).ok().map(|(envelope, _)| envelope);
        }
    }
    gate::admit(xml).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_relay_state_a_path_is_kept_and_an_id() {
        let id = format!("_{}", "0a".repeat(20));
        for good in ["/console/sessions", "/", id.as_str()] {
            assert_eq!(kept(good).as_deref(), Some(good));
        }
        for bad in
            ["", "https://evil.example/", "//evil.example", "/\\evil", "<script>", "_short", "javascript:x", "/a b"]
        {
            assert_eq!(kept(bad), None, "{bad}");
        }
        assert_eq!(
            login_path("acme", "a", Some("/x?y=z")),
            "/saml/acme/login?provider=a&restarted=1&return_to=%2Fx%3Fy%3Dz"
        );
        assert_eq!(login_path("acme", "a", None), "/saml/acme/login?provider=a&restarted=1");
    }
}
