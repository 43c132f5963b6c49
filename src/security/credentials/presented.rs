//! Recognises what a SCIM client presents: a token of the workspace, or one that an OAuth client was given. The database is
//! asked every time, so that a revoked one is refused at once, on every replica.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::model::{Credential, CredentialKind, Refusal};
use super::{note_use, store};
use crate::app::App;
use crate::base::secret::{SecretHash, SecretKind, recognise};
use crate::error::Result;

/// What is known of a presented token.
#[derive(Debug)]
pub enum Presented {
    /// Nobody's.
    Unknown,
    /// Somebody's, and not accepted. Its holder hears no more than about an unknown one.
    Refused(Credential, Refusal),
    /// For a client's token, the client.
    Accepted(Credential),
}

/// Judges a bearer token, and notes its use.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn judge(app: &App, token: &str, address: Option<IpAddr>) -> Result<Presented> {
    let now = app.clock.now();
    let (found, ended) = if let Some(hash) = recognise(SecretKind::ScimToken, token) {
        (store::find(&mut app.db.read().await?, CredentialKind::ScimToken, &hash).await?, false)
    } else if let Some(hash) = recognise(SecretKind::AccessToken, token) {
        let found = store::find_client_of(&mut app.db.read().await?, &hash).await?;
        found.map_or((None, false), |(client, end)| (Some(client), end <= now))
    } else {
        (None, false)
    };
    let Some(credential) = found else { return Ok(Presented::Unknown) };
    let refusal = credential.refusal(now, address).or(ended.then_some(Refusal::Expired));
    if let Some(refusal) = refusal {
        return Ok(Presented::Refused(credential, refusal));
    }
    note_use(app, &credential, address).await;
    Ok(Presented::Accepted(credential))
}

/// A client that proves itself with a secret; `None` unless the secret is that client's. Networks and end are the caller's
/// matter.
pub async fn client_by_secret(app: &App, client_id: &str, secret: &str) -> Result<Option<Credential>> {
    let Some(hash) = recognise(SecretKind::ClientSecret, secret) else { return Ok(None) };
    let found = store::find(&mut app.db.read().await?, CredentialKind::ScimClient, &hash).await?;
    Ok(found.filter(|client| client.id.as_str() == client_id && client.public_key.is_none()))
}

/// A client that proves itself with a key. Nothing is proved by that yet.
pub async fn client_with_key(app: &App, client_id: &str) -> Result<Option<Credential>> {
    let hash = hash_of_client(client_id);
    let found = store::find(&mut app.db.read().await?, CredentialKind::ScimClient, &hash).await?;
    Ok(found.filter(|client| client.public_key.is_some()))
}

/// What stands where others have the hash of their secret: a client that signs has none, and is found by its name alone. No
/// secret has this hash, because every secret has a prefix of its own.
pub fn hash_of_client(client_id: &str) -> SecretHash {
    Sha256::new().chain_update("client:").chain_update(client_id.as_bytes()).finalize().into()
}
