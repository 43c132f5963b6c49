//! A log-out that was begun here and goes on at the identity provider (Profiles §4.4.3.1). The session has ended before: this
//! only tells the provider, through the browser, and waits for nothing.

use super::begin::{Begun, FLOW_MS};
use super::configure::{ServiceProvider, parse};
use super::logout_message::Kind;
use super::logout_store::{self, LogoutFlow};
use super::logout_write::{self, Outer};
use super::outgoing::{Outgoing, depart, new_id};
use super::{provider_store, signing_keys};
use crate::app::App;
use crate::base::secret::{Secret, SecretKind};
use crate::error::Result;
use crate::policy::model::Method;
use crate::sessions::model::Facts;
use crate::transact;

/// The way on for somebody whose session has just ended; `None` if no identity provider is behind it, or none that is still
/// the workspace's, takes part in single logout, and shall be told by its settings.
///
/// # Errors
/// 500 if there is no key to sign with; 503 if the database doesn't answer.
pub async fn begin(app: &App, ended: &Facts) -> Result<Option<Begun>> {
    if ended.session.method != Method::Saml {
        return Ok(None);
    }
    let workspace = &ended.workspace;
    let mut read = app.db.read().await?;
    let vouched = logout_store::find_vouched(&mut read, &workspace.id, &ended.session.id).await?;
    let Some(vouched) = vouched else { return Ok(None) };
    let stored = provider_store::find_by_entity_id(&mut read, &workspace.id, &vouched.provider).await?;
    drop(read);
    // Metadata may have run out since.
    let stored = stored.filter(|stored| stored.settings.single_logout);
    let provider = stored.and_then(|stored| parse(app, &stored.metadata).ok());
    let Some(service) = provider.and_then(|provider| provider.single_logout) else { return Ok(None) };
    let (id, now, us) = (new_id(app), app.clock.now(), ServiceProvider::of(app, &workspace.slug));
    let outer = Outer { id: &id, issue_instant: now, destination: &service.url, issuer: &us.entity_id };
    let message = Outgoing {
        binding: service.binding,
        parameter: Kind::Request.parameter(),
        id: id.clone(),
        xml: logout_write::request(outer, &vouched.subject, &vouched.form, vouched.session_index.as_deref()),
        relay_state: String::new(),
        destination: service.url.clone(),
    };
    let departure = depart(message, Some(signing_keys::signing_key(app, &workspace.id).await?)).await?;
    let browser = Secret::generate(SecretKind::SamlFlow, app.random.as_ref());
    let flow = LogoutFlow {
        workspace: workspace.id.clone(),
        request_id: id,
        provider: vouched.provider,
        expires_at: now + FLOW_MS,
    };
    transact!(app.db, |tx| { logout_store::insert_flow(tx, &flow, &browser.hash(), now).await })?;
    Ok(Some(Begun { departure, browser }))
}
