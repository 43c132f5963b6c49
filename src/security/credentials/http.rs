//! `/api/v1/scim-tokens`, `/api/v1/api-keys`.

use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::model::{Credential, CredentialKind};
use super::rotate;
use super::wanted::{self, Wanted};
use crate::base::clock::rfc3339;
use crate::base::ids::CredentialId;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body, NoContent};

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct TokenBody {
    /// What a person calls it.
    name: String,
    /// 1 to 3650; it never expires if this and `expires_at` are absent.
    expires_in_days: Option<i64>,
    /// RFC 3339, instead of `expires_in_days`.
    expires_at: Option<String>,
    /// Networks (CIDR) or addresses that it may be used from; from anywhere if absent or empty.
    networks: Option<Vec<String>>,
    /// What a PATCH over SCIM is answered with: `resource` (200), or `no_content` (204) for tenants with very large groups. The
    /// former if absent.
    patch_response: Option<String>,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct RotateBody {
    /// How long the old one goes on working: 0 (it ends at once) to 2592000; a day if absent.
    overlap_seconds: Option<i64>,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct KeyBody {
    name: String,
    /// `sessions:check`, `revocations:read`.
    scopes: Vec<String>,
    expires_in_days: Option<i64>,
}

/// A SCIM token or API key. The secret is in the answer to its creation only.
#[derive(Serialize, Object)]
struct CredentialView {
    id: String,
    name: String,
    scopes: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    /// Networks that it may be used from; from anywhere if empty.
    networks: Vec<String>,
    last_used_at: Option<String>,
    last_used_ip: Option<String>,
    /// What took its place when it was rotated; this one ends at `expires_at`.
    replaced_by: Option<String>,
    /// Of SCIM tokens: `resource` or `no_content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_response: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

#[derive(Serialize, Object)]
struct CredentialPage {
    items: Vec<CredentialView>,
    next: Option<String>,
}

pub struct CredentialsApi;

#[OpenApi(prefix_path = "/api/v1")]
impl CredentialsApi {
    /// List SCIM tokens
    #[oai(path = "/scim-tokens", method = "get", operation_id = "listScimTokens")]
    async fn scim_tokens(&self, caller: Caller) -> poem::Result<Answer<CredentialPage>> {
        page(&caller, CredentialKind::ScimToken).await
    }

    /// Create a SCIM token
    ///
    /// The token is in this answer and nowhere else.
    #[oai(path = "/scim-tokens", method = "post", operation_id = "createScimToken")]
    async fn create_scim_token(&self, caller: Caller, body: Body<TokenBody>) -> poem::Result<Answer<CredentialView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let TokenBody { name, expires_in_days, expires_at, networks, patch_response } = body.0;
        let expires_at = wanted::end(caller.app.clock.now(), expires_at.as_deref(), expires_in_days)?;
        let networks = wanted::networks(networks.iter().flatten().map(String::as_str))?;
        let patch_response = wanted::patch_response(patch_response.as_deref())?;
        let wanted = Wanted { name, expires_at, networks, patch_response };
        let (workspace, kind) = (&caller.facts.workspace.id, CredentialKind::ScimToken);
        let made = super::create_limited(&caller.app, &caller.actor, workspace, kind, &[], &wanted).await?;
        Ok(Answer::created(credential_view(&made.0, Some(made.1.reveal()))))
    }

    /// Rotate a SCIM token
    ///
    /// Makes another with the same name, networks, lifetime and answers. The old one ends by itself after the overlap; until then
    /// both work. The token is in this answer and nowhere else.
    #[oai(path = "/scim-tokens/:id/rotate", method = "post", operation_id = "rotateScimToken")]
    async fn rotate_scim_token(
        &self,
        caller: Caller,
        id: Path<String>,
        body: Body<RotateBody>,
    ) -> poem::Result<Answer<CredentialView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let (workspace, id) = (&caller.facts.workspace.id, CredentialId::from_text(id.0));
        let overlap = body.0.overlap_seconds.unwrap_or(rotate::USUAL_OVERLAP);
        let made = rotate::rotate(&caller.app, &caller.actor, workspace, &id, overlap).await?;
        Ok(Answer::created(credential_view(&made.0, Some(made.1.reveal()))))
    }

    /// Revoke a SCIM token
    #[oai(path = "/scim-tokens/:id", method = "delete", operation_id = "revokeScimToken")]
    async fn revoke_scim_token(&self, caller: Caller, id: Path<String>) -> poem::Result<NoContent> {
        revoke(&caller, CredentialKind::ScimToken, id.0).await
    }

    /// List API keys
    #[oai(path = "/api-keys", method = "get", operation_id = "listApiKeys")]
    async fn api_keys(&self, caller: Caller) -> poem::Result<Answer<CredentialPage>> {
        page(&caller, CredentialKind::ApiKey).await
    }

    /// Create an API key
    ///
    /// The key is in this answer and nowhere else.
    #[oai(path = "/api-keys", method = "post", operation_id = "createApiKey")]
    async fn create_api_key(&self, caller: Caller, body: Body<KeyBody>) -> poem::Result<Answer<CredentialView>> {
        create(&caller, CredentialKind::ApiKey, &body.0.name, &body.0.scopes, body.0.expires_in_days).await
    }

    /// Revoke an API key
    #[oai(path = "/api-keys/:id", method = "delete", operation_id = "revokeApiKey")]
    async fn revoke_api_key(&self, caller: Caller, id: Path<String>) -> poem::Result<NoContent> {
        revoke(&caller, CredentialKind::ApiKey, id.0).await
    }
}

fn credential_view(credential: &Credential, token: Option<&str>) -> CredentialView {
    CredentialView {
        id: credential.id.to_string(),
        name: credential.name.clone(),
        scopes: credential.scopes.clone(),
        created_at: rfc3339(credential.created_at),
        expires_at: credential.expires_at.map(rfc3339),
        networks: credential.networks.iter().map(ToString::to_string).collect(),
        last_used_at: credential.last_used_at.map(rfc3339),
        last_used_ip: Some(credential.last_used_ip.clone()).filter(|ip| !ip.is_empty()),
        replaced_by: credential.replaced_by.as_ref().map(ToString::to_string),
        patch_response: (credential.kind == CredentialKind::ScimToken)
            .then(|| credential.patch_response.as_str().to_owned()),
        token: token.map(str::to_owned),
    }
}

async fn page(caller: &Caller, kind: CredentialKind) -> poem::Result<Answer<CredentialPage>> {
    require_admin(&caller.facts)?;
    let found = super::list(&caller.app, &caller.facts.workspace.id, kind).await?;
    let items = found.iter().map(|credential| credential_view(credential, None)).collect();
    Ok(Answer::ok(CredentialPage { items, next: None }))
}

async fn create(
    caller: &Caller,
    kind: CredentialKind,
    name: &str,
    scopes: &[String],
    days: Option<i64>,
) -> poem::Result<Answer<CredentialView>> {
    require_recent_admin(&caller.facts, caller.app.clock.now())?;
    let workspace = &caller.facts.workspace.id;
    let (credential, secret) = super::create(&caller.app, &caller.actor, workspace, kind, name, scopes, days).await?;
    Ok(Answer::created(credential_view(&credential, Some(secret.reveal()))))
}

async fn revoke(caller: &Caller, kind: CredentialKind, id: String) -> poem::Result<NoContent> {
    require_recent_admin(&caller.facts, caller.app.clock.now())?;
    let id = CredentialId::from_text(id);
    super::revoke(&caller.app, &caller.actor, &caller.facts.workspace.id, kind, &id).await?;
    Ok(NoContent)
}
