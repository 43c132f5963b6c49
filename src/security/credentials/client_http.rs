//! `/api/v1/scim-clients`: OAuth clients, which get short-lived tokens at `/oauth2/token`.

use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{AuthMethod, Credential, CredentialKind};
use super::wanted::{self, Wanted};
use crate::base::clock::rfc3339;
use crate::base::ids::CredentialId;
use crate::error::{Error, Result};
use crate::security::oauth::key::ClientKey;
use crate::sessions::permission::{require_admin, require_recent_admin};
use crate::web::authenticate::Caller;
use crate::web::json::{Answer, Body, NoContent};

const KIND: CredentialKind = CredentialKind::ScimClient;

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct ClientBody {
    /// What a person calls it.
    name: String,
    /// `secret` (HTTP Basic, or in the body) or `private_key_jwt`.
    auth_method: String,
    /// For `private_key_jwt`: a public JWK, Ed25519 (EdDSA), P-256 (ES256) or RSA of 2048 bits at least (RS256).
    public_key: Option<Value>,
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

/// An OAuth client. The secret is in the answer to its creation only.
#[derive(Serialize, Object)]
struct ClientView {
    /// The `client_id`.
    id: String,
    name: String,
    /// `secret` or `private_key_jwt`.
    auth_method: String,
    created_at: String,
    expires_at: Option<String>,
    /// Networks that it may be used from; from anywhere if empty.
    networks: Vec<String>,
    last_used_at: Option<String>,
    last_used_ip: Option<String>,
    /// `resource` or `no_content`.
    patch_response: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

#[derive(Serialize, Object)]
struct ClientPage {
    items: Vec<ClientView>,
    next: Option<String>,
}

pub struct ScimClientsApi;

#[OpenApi(prefix_path = "/api/v1")]
impl ScimClientsApi {
    /// List SCIM clients
    #[oai(path = "/scim-clients", method = "get", operation_id = "listScimClients")]
    async fn clients(&self, caller: Caller) -> poem::Result<Answer<ClientPage>> {
        require_admin(&caller.facts)?;
        let found = super::list(&caller.app, &caller.facts.workspace.id, KIND).await?;
        Ok(Answer::ok(ClientPage { items: found.iter().map(|client| view(client, None)).collect(), next: None }))
    }

    /// Create a SCIM client
    ///
    /// It gets tokens of ten minutes at `/oauth2/token` (RFC 6749 §4.4). Its secret, if it has one, is in this answer and nowhere
    /// else.
    #[oai(path = "/scim-clients", method = "post", operation_id = "createScimClient")]
    async fn create_client(&self, caller: Caller, body: Body<ClientBody>) -> poem::Result<Answer<ClientView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        Ok(Answer::created(create(&caller, body.0).await?))
    }

    /// Revoke a SCIM client
    ///
    /// Every token that it got is refused from its next request on.
    #[oai(path = "/scim-clients/:id", method = "delete", operation_id = "revokeScimClient")]
    async fn revoke_client(&self, caller: Caller, id: Path<String>) -> poem::Result<NoContent> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let id = CredentialId::from_text(id.0);
        super::revoke(&caller.app, &caller.actor, &caller.facts.workspace.id, KIND, &id).await?;
        Ok(NoContent)
    }
}

async fn create(caller: &Caller, body: ClientBody) -> Result<ClientView> {
    let ClientBody { name, auth_method, public_key, expires_in_days, expires_at, networks, patch_response } = body;
    let unknown = || Error::invalid("auth_method", "must be secret or private_key_jwt");
    let method = AuthMethod::parse(&auth_method).ok_or_else(unknown)?;
    let expires_at = wanted::end(caller.app.clock.now(), expires_at.as_deref(), expires_in_days)?;
    let networks = wanted::networks(networks.iter().flatten().map(String::as_str))?;
    let patch_response = wanted::patch_response(patch_response.as_deref())?;
    let wanted = Wanted { name, expires_at, networks, patch_response };
    let (app, actor, workspace) = (&caller.app, &caller.actor, &caller.facts.workspace.id);
    match (method, public_key) {
        (AuthMethod::Secret, None) => {
            let (client, secret) = super::create_limited(app, actor, workspace, KIND, &[], &wanted).await?;
            Ok(view(&client, Some(secret.reveal())))
        }
        (AuthMethod::PrivateKeyJwt, Some(jwk)) => {
            let jwk = ClientKey::parse(&jwk)?.to_text();
            Ok(view(&super::create_signing_client(app, actor, workspace, &wanted, jwk).await?, None))
        }
        (AuthMethod::Secret, Some(_)) => Err(Error::invalid("public_key", "is for private_key_jwt only")),
        (AuthMethod::PrivateKeyJwt, None) => Err(Error::invalid("public_key", "is required for private_key_jwt")),
    }
}

fn view(client: &Credential, secret: Option<&str>) -> ClientView {
    ClientView {
        id: client.id.to_string(),
        name: client.name.clone(),
        auth_method: client.auth_method.map_or("", AuthMethod::as_str).to_owned(),
        created_at: rfc3339(client.created_at),
        expires_at: client.expires_at.map(rfc3339),
        networks: client.networks.iter().map(ToString::to_string).collect(),
        last_used_at: client.last_used_at.map(rfc3339),
        last_used_ip: Some(client.last_used_ip.clone()).filter(|ip| !ip.is_empty()),
        patch_response: client.patch_response.as_str().to_owned(),
        client_secret: secret.map(str::to_owned),
    }
}
