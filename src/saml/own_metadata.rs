//! Our metadata for one workspace's identity providers: its keys, made if there are none yet, and on request signed.
//!
//! The plain one says nothing of an end: people save it as a file, and a provider that heeds `validUntil` would refuse everybody
//! one day. The signed one is for those who fetch it by its address, and ends after a week: a signature that never ended would
//! make an old key believed for ever.

use super::configure::{self, ServiceProvider};
use super::metadata_xml::{OwnMetadata, as_file, entity_descriptor};
use super::xml_sign::sign_enveloped;
use super::{encryption_keys, provider_store, providers, request_options, signing_keys};
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{Error, Result};
use crate::policy::model::MINUTE_MS;
use crate::workspaces::model::Workspace;

/// How long signed metadata may be believed.
const LIFETIME_MS: i64 = 7 * 24 * 60 * MINUTE_MS;

/// Our metadata, not signed. Without keys if none can be made.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn plain(app: &App, workspace: &Workspace) -> Result<String> {
    let (xml, _) = write(app, workspace, Lifetime::Unsaid).await?;
    Ok(as_file(&xml))
}

/// Our metadata, signed with the key that signs requests, and valid for a week.
///
/// # Errors
/// 500 if it can't be signed; 503 if the database doesn't answer.
pub async fn signed(app: &App, workspace: &Workspace) -> Result<String> {
    let key = signing_keys::signing_key(app, &workspace.id).await?;
    let (xml, id) = write(app, workspace, Lifetime::AWeek).await?;
    let work = tokio::task::spawn_blocking(move || sign_enveloped(&key, &xml, &id));
    Ok(as_file(&work.await.map_err(Error::internal)??))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lifetime {
    Unsaid,
    AWeek,
}

/// The text, and the ID of its root.
async fn write(app: &App, workspace: &Workspace, lifetime: Lifetime) -> Result<(String, String)> {
    let us = ServiceProvider::of(app, &workspace.slug);
    let signing = signing_keys::offered(app, &workspace.id).await;
    let signing: Vec<Vec<u8>> = signing.into_iter().map(|key| key.certificate).collect();
    let written = entity_descriptor(&OwnMetadata {
        entity_id: &us.entity_id,
        acs_url: &us.acs_url,
        slo_url: &us.slo_url,
        signing_certificates: &signing,
        encryption_certificates: &encryption_keys::offered(app, &workspace.id).await,
        requests_signed: all_requests_signed(app, &workspace.id).await?,
        valid_until: (lifetime == Lifetime::AWeek).then(|| app.clock.now() + LIFETIME_MS),
    });
    Ok((written.xml, written.id))
}

/// Whether every request is signed, whichever provider it goes to: metadata is read by all of them.
async fn all_requests_signed(app: &App, workspace: &WorkspaceId) -> Result<bool> {
    let known = providers::outlines(app, workspace).await?;
    let mut some = false;
    for outline in known.iter().filter(|outline| outline.enabled) {
        let stored = provider_store::find(&mut app.db.read().await?, workspace, &outline.id).await?;
        let Some(stored) = stored else { continue };
        // One whose metadata ran out is sent nothing.
        let Ok(provider) = configure::parse(app, &stored.metadata) else { continue };
        if !request_options::signed(&stored.settings, &provider) {
            return Ok(false);
        }
        some = true;
    }
    Ok(some)
}
