//! `/api/v1/scim-tokens`, `/api/v1/api-keys`.

use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::model::{Credential, CredentialKind, NewCredential, PatchResponse};
use crate::base::clock::rfc3339;
use crate::base::ids::CredentialId;
use crate::error::Error;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body, NoContent};

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct TokenBody {
    /// What a person calls it.
    name: String,
    /// 1 to 3650; it never expires if absent.
    expires_in_days: Option<i64>,
    /// What a PATCH over SCIM is answered with: `resource` (200), or `no_content` (204) for tenants with very large groups. The
    /// former if absent.
    patch_response: Option<String>,
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
    last_used_at: Option<String>,
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
        let patch_response = match body.0.patch_response.as_deref() {
            None => PatchResponse::default(),
            Some(text) => PatchResponse::parse(text)
                .ok_or_else(|| Error::invalid("patch_response", "must be resource or no_content"))?,
        };
        let (name, expires_in_days) = (&body.0.name, body.0.expires_in_days);
        let kind = CredentialKind::ScimToken;
        create(&caller, &NewCredential { kind, name, scopes: &[], expires_in_days, patch_response }).await
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
        let new = NewCredential {
            kind: CredentialKind::ApiKey,
            name: &body.0.name,
            scopes: &body.0.scopes,
            expires_in_days: body.0.expires_in_days,
            patch_response: PatchResponse::default(),
        };
        create(&caller, &new).await
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
        last_used_at: credential.last_used_at.map(rfc3339),
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

async fn create(caller: &Caller, new: &NewCredential<'_>) -> poem::Result<Answer<CredentialView>> {
    require_recent_admin(&caller.facts, caller.app.clock.now())?;
    let workspace = &caller.facts.workspace.id;
    let (credential, secret) = super::create_as(&caller.app, &caller.actor, workspace, new).await?;
    Ok(Answer::created(credential_view(&credential, Some(secret.reveal()))))
}

async fn revoke(caller: &Caller, kind: CredentialKind, id: String) -> poem::Result<NoContent> {
    require_recent_admin(&caller.facts, caller.app.clock.now())?;
    let id = CredentialId::from_text(id);
    super::revoke(&caller.app, &caller.actor, &caller.facts.workspace.id, kind, &id).await?;
    Ok(NoContent)
}
