//! `curfew saml list` and `curfew saml show`.

use serde_json::json;

use super::{Console, InWorkspace, output};
use crate::base::clock::rfc3339;
use crate::error::{Error, NOT_FOUND, Result};
use crate::saml::configure::{self, ServiceProvider};
use crate::saml::provider::{Outline, StoredProvider, find_named};
use crate::saml::{certificate, providers};
use crate::workspaces::model::Workspace;

/// The providers of a workspace, the oldest first.
pub async fn list(console: &Console, place: &InWorkspace) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let found = providers::list(&console.app, &workspace.id).await?;
    let row = |provider: &StoredProvider| {
        vec![
            provider.id.to_string(),
            provider.name.clone(),
            provider.entity_id.clone(),
            on_or_off(provider.enabled).to_owned(),
            provider.settings.domains.join(" "),
            rfc3339(provider.updated_at),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    output::table(place.output.output, &["Id", "Name", "Entity id", "State", "Domains", "Updated"], &rows);
    Ok(())
}

/// One of them, or the default one, and what it must know of us. The keys of the certificates are made when they are fetched.
pub async fn show(console: &Console, named: Option<&str>, place: &InWorkspace) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let us = ServiceProvider::of(&console.app, &workspace.slug);
    let stored = find(console, &workspace, named).await?;
    let parsed = stored.as_ref().and_then(|stored| configure::parse(&console.app, &stored.metadata).ok());
    let certificates: Vec<String> = parsed
        .iter()
        .flat_map(|provider| provider.certificates.iter().map(|der| certificate::fingerprint(der)))
        .collect();
    let enabled = stored.as_ref().is_some_and(|stored| stored.enabled);
    let entity = parsed.as_ref().map(|provider| provider.entity_id.clone());
    let json = json!({
        "id": stored.as_ref().map(|stored| stored.id.as_str()), "name": stored.as_ref().map(|stored| &stored.name),
        "enabled": enabled, "entity_id": entity, "certificates_sha256": certificates,
        "settings": stored.as_ref().map(|stored| &stored.settings),
        "service_provider": {
            "entity_id": us.entity_id, "acs_url": us.acs_url, "login_url": us.login_url, "metadata_url": us.entity_id,
            "slo_url": us.slo_url, "signing_certificate_url": us.signing_certificate_url,
            "encryption_certificate_url": us.encryption_certificate_url,
        },
    });
    let sentence = format!(
        "Identity provider  {} ({})\nCertificates       {}\n\nFor the identity provider{}",
        entity.unwrap_or_else(|| "none".into()),
        on_or_off(enabled),
        if certificates.is_empty() { "none".to_owned() } else { certificates.join(", ") },
        for_the_provider(&us)
    );
    output::result(place.output.output, &json, &sentence);
    Ok(())
}

/// Our addresses, a line each.
fn for_the_provider(us: &ServiceProvider) -> String {
    let addresses = [
        ("Entity ID", &us.entity_id),
        ("ACS URL", &us.acs_url),
        ("Metadata", &us.entity_id),
        ("Sign-in", &us.login_url),
        ("Single log-out", &us.slo_url),
        ("Signing certificate", &us.signing_certificate_url),
        ("Encryption certificate", &us.encryption_certificate_url),
    ];
    addresses.iter().map(|(label, address)| format!("\n  {label:<22}  {address}")).collect()
}

async fn find(console: &Console, workspace: &Workspace, named: Option<&str>) -> Result<Option<StoredProvider>> {
    let Some(text) = named else { return configure::find(&console.app, &workspace.id).await };
    let found = find_outline(console, workspace, text).await?;
    providers::load(&console.app, &workspace.id, found.id.as_str()).await.map(Some)
}

/// The one with this id or name.
///
/// # Errors
/// 404 naming `provider`.
pub async fn find_outline(console: &Console, workspace: &Workspace, text: &str) -> Result<Outline> {
    let known = providers::outlines(&console.app, &workspace.id).await?;
    let missing = || {
        let detail = format!("{} has no identity provider {text:?}", workspace.slug);
        Error::new(NOT_FOUND, detail).with_field("provider")
    };
    find_named(&known, text).cloned().ok_or_else(missing)
}

pub fn on_or_off(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}
