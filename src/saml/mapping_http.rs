//! `POST /api/v1/security/saml/providers/{id}/mapping-preview`: what a mapping gives, before it is saved.

use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::mapping::{self, Preview};
use super::providers_http::{SamlAttributes, SamlGroupRole, mapping_of, pairs_of};
use super::settings::SettingsChange;
use crate::sessions::permission::require_admin;
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body};

/// Groups that are shown at the most.
const SHOWN_GROUPS: usize = 200;

/// A mapping to try. What is absent is as it is saved.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct MappingPreviewBody {
    /// In the place of all that are set.
    attributes: Option<SamlAttributes>,
    /// In the place of all that are set.
    roles: Option<Vec<SamlGroupRole>>,
    /// A response or an assertion to try it on: XML, or the base64 of the form field `SAMLResponse`; at most 128 KiB, not
    /// encrypted. It is believed by nobody and not kept. If absent, the newest verified attempt says which attributes are sent.
    response: Option<String>,
}

/// What the mapping gives.
#[derive(Serialize, Object)]
struct MappingPreviewView {
    /// The attempt whose attributes these are, of which only names are kept; null for a response that was sent here, or if there
    /// is no verified attempt.
    attempt: Option<String>,
    /// Names and friendly names of the attributes that were sent.
    attributes_sent: Vec<String>,
    /// Settings whose attribute was not sent: what they name would be missing.
    missing: Vec<String>,
    /// Of a response that was sent here, as are the members that follow.
    name_id: Option<String>,
    email: Option<String>,
    display_name: Option<String>,
    /// The first 200.
    groups: Vec<String>,
    /// How many there are.
    group_count: i64,
    /// The role that the groups give; null: none of them gives one.
    role_by_groups: Option<String>,
}

pub struct SamlMappingApi;

#[OpenApi(prefix_path = "/api/v1")]
impl SamlMappingApi {
    /// Try a mapping of attributes and groups
    ///
    /// Nothing is changed, nobody is signed in, and nothing of the response is kept.
    #[oai(path = "/security/saml/providers/:id/mapping-preview", method = "post", operation_id = "previewSamlMapping")]
    async fn preview(
        &self,
        caller: Caller,
        id: Path<String>,
        body: Body<MappingPreviewBody>,
    ) -> poem::Result<Answer<MappingPreviewView>> {
        require_admin(&caller.facts)?;
        let MappingPreviewBody { attributes, roles, response } = body.0;
        let change = SettingsChange {
            attributes: attributes.as_ref().map(mapping_of),
            roles: roles.as_deref().map(pairs_of),
            ..SettingsChange::default()
        };
        let workspace = &caller.facts.workspace.id;
        let found = mapping::preview(&caller.app, workspace, &id.0, &change, response.as_deref()).await?;
        Ok(Answer::ok(view(found)))
    }
}

fn view(found: Preview) -> MappingPreviewView {
    let Preview { attempt, sent, missing, identity, role_by_groups } = found;
    let groups = identity.as_ref().map(|identity| identity.groups.clone()).unwrap_or_default();
    MappingPreviewView {
        attempt,
        attributes_sent: sent,
        missing: missing.into_iter().map(str::to_owned).collect(),
        name_id: identity.as_ref().map(|identity| identity.name_id.clone()),
        email: identity.as_ref().and_then(|identity| identity.email.clone()),
        display_name: identity.and_then(|identity| identity.display_name),
        group_count: i64::try_from(groups.len()).unwrap_or(i64::MAX),
        groups: groups.into_iter().take(SHOWN_GROUPS).collect(),
        role_by_groups: role_by_groups.map(str::to_owned),
    }
}
