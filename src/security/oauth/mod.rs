//! The token endpoint: clients of a workspace get short-lived tokens for SCIM (RFC 6749 §4.4). A token is nothing without its
//! client: revoking the client ends what it got, at once, on every replica.

pub mod assertion;
pub mod http;
pub mod key;

use std::net::IpAddr;

use self::assertion::Genuine;
use self::key::ClientKey;
use super::credentials::model::Credential;
use super::credentials::{note_use, presented, store};
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::base::secret::{Secret, SecretKind};
use crate::error::Result;
use crate::policy::model::MINUTE_MS;
use crate::transact;

/// Seconds that a token works.
pub const LIFETIME: i64 = 10 * 60;
/// The one scope there is.
pub const SCOPE: &str = "scim";
/// Where the token endpoint is, below the public address.
pub const PATH: &str = "/oauth2/token";

/// How a client says who it is.
pub enum Proof<'a> {
    Secret {
        client_id: &'a str,
        secret: &'a str,
    },
    /// A signed assertion, and the client that was named beside it, if one was.
    Assertion {
        jws: &'a str,
        client_id: Option<&'a str>,
    },
}

/// Gives a client a token. `None` if it is not known, proves nothing, or may not be used now from that address: which of them
/// is not told.
///
/// # Errors
/// 429 if the client asks too fast: each token is a row and a commit. 503 if the database doesn't answer.
pub async fn grant(app: &App, proof: &Proof<'_>, address: Option<IpAddr>) -> Result<Option<Secret>> {
    let now = app.clock.now();
    let Some((client, used)) = prove(app, proof, now).await? else { return Ok(None) };
    if let Some(refusal) = client.refusal(now, address) {
        tracing::debug!(client = client.id.as_str(), ?refusal, "an OAuth client was refused");
        return Ok(None);
    }
    app.scim_limits.admit(&client.id, app.clock.monotonic())?;
    let token = Secret::generate(SecretKind::AccessToken, app.random.as_ref());
    let hash = token.hash();
    let given = transact!(app.db, |tx| {
        if let Some(used) = &used
            && !store::use_assertion(tx, &client, &used.jti, used.until).await?
        {
            return Ok(false);
        }
        store::insert_access_token(tx, &client, &hash, now, now + LIFETIME * 1000).await?;
        Ok(true)
    })?;
    if given {
        note_use(app, &client, address).await;
    }
    Ok(given.then_some(token))
}

/// The client whose proof is good, with the assertion that it used up.
async fn prove(app: &App, proof: &Proof<'_>, now: UnixMillis) -> Result<Option<(Credential, Option<Genuine>)>> {
    match proof {
        Proof::Secret { client_id, secret } => {
            let client = presented::client_by_secret(app, client_id, secret).await?;
            Ok(client.map(|client| (client, None)))
        }
        Proof::Assertion { jws, client_id } => {
            let Some(claimed) = assertion::claimed_client(jws) else { return Ok(None) };
            if client_id.is_some_and(|named| named != claimed) {
                return Ok(None);
            }
            let Some(client) = presented::client_with_key(app, &claimed).await? else { return Ok(None) };
            let Some(key) = client.public_key.as_deref().and_then(ClientKey::from_text) else { return Ok(None) };
            let issuer = app.config.public_url.as_str();
            let endpoint = format!("{issuer}{PATH}");
            match assertion::judge(jws, &claimed, &key, &[issuer, &endpoint], now) {
                Ok(genuine) => Ok(Some((client, Some(genuine)))),
                Err(fault) => {
                    tracing::debug!(client = client.id.as_str(), fault, "an OAuth client's assertion was refused");
                    Ok(None)
                }
            }
        }
    }
}

/// How far clocks of replicas may be apart: an assertion that has ended here must not be new again where it hasn't.
const CLOCKS_APART_MS: i64 = 10 * MINUTE_MS;

/// Removes tokens and used assertions that have ended.
pub async fn tidy(app: &App) -> Result<u64> {
    let now = app.clock.now();
    transact!(app.db, |tx| {
        let tokens = store::tidy_access_tokens(tx, now).await?;
        Ok(tokens + store::tidy_assertions(tx, now - CLOCKS_APART_MS).await?)
    })
}
