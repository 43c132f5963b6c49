//! `curfew config`, `curfew domain`, `curfew saml`, `curfew ip-allowlist`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Console, InWorkspace, output};
use crate::base::clock::rfc3339;
use crate::config::Config;
use crate::error::Result;
use crate::policy::ip_allowlist::Mode;
use crate::policy::model::OnChange;
use crate::policy::read;
use crate::saml::certificate;
use crate::saml::configure::{self, Change, ServiceProvider};
use crate::saml::encryption_keys;
use crate::security::change_allowlist::{self, Wanted};
use crate::workspaces;

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say whether the settings are valid.
    Check,
    /// Print the settings that are in force, secrets masked.
    Print,
}

#[derive(Subcommand)]
pub enum DomainCommand {
    /// List domains.
    List(InWorkspace),
    /// Add a domain.
    Add {
        domain: String,
        /// Vouch for it yourself; the audit log keeps that.
        #[arg(long)]
        trust: bool,
        #[command(flatten)]
        place: InWorkspace,
    },
    /// Vouch for a domain that was added.
    Verify {
        domain: String,
        /// Required: only an operator's word is taken for now.
        #[arg(long, required = true)]
        trust: bool,
        #[command(flatten)]
        place: InWorkspace,
    },
}

#[derive(Subcommand)]
pub enum SamlCommand {
    /// Set the identity provider from its metadata.
    Import {
        /// The metadata file; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        metadata: PathBuf,
        /// End every session with it.
        #[arg(long)]
        log_all_users_out: bool,
        /// Whether assertions must be encrypted: `optional` or `required`. Unless given, as before.
        #[arg(long, value_parser = ["optional", "required"])]
        encrypted_assertions: Option<String>,
        #[command(flatten)]
        place: InWorkspace,
    },
    /// Make a new key for encrypted assertions; the one before goes on being accepted.
    RotateKey(InWorkspace),
    /// Show what is set, and what the identity provider must know of us.
    Show(InWorkspace),
    /// Switch SAML off.
    Disable(InWorkspace),
}

#[derive(Subcommand)]
pub enum AllowlistCommand {
    /// Show the list.
    List(InWorkspace),
    /// Replace the list.
    Set {
        /// `off`, `report` or `enforce`.
        #[arg(long, value_parser = ["off", "report", "enforce"])]
        mode: String,
        /// A network such as 203.0.113.0/24; may be given more than once.
        #[arg(long, value_name = "CIDR")]
        network: Vec<String>,
        #[command(flatten)]
        place: InWorkspace,
    },
    /// Switch it off, for an administrator who is locked out. The networks stay.
    Disable(InWorkspace),
}

pub fn config(config: &Config, command: &ConfigCommand) -> Result<ExitCode> {
    let completed = config.clone().completed()?;
    match command {
        ConfigCommand::Check => output::say("The settings are valid."),
        ConfigCommand::Print => output::say(completed.masked().trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn domain(console: &Console, command: DomainCommand) -> Result<ExitCode> {
    let app = &console.app;
    match command {
        DomainCommand::List(place) => {
            let workspace = console.workspace(&place.workspace).await?;
            let found = workspaces::list_domains(app, &workspace.id).await?;
            let row = |domain: &workspaces::model::Domain| {
                let verified = domain.verified_at.map(rfc3339).unwrap_or_else(|| "no".into());
                vec![domain.domain.clone(), verified, domain.challenge.clone()]
            };
            let rows: Vec<_> = found.iter().map(row).collect();
            output::table(place.output.output, &["Domain", "Verified", "Challenge"], &rows);
        }
        DomainCommand::Add { domain, trust, place } => {
            let workspace = console.workspace(&place.workspace).await?;
            let added = workspaces::add_domain(app, &console.actor, &workspace, &domain).await?;
            if trust {
                workspaces::verify_domain(app, &console.actor, &workspace, &domain).await?;
            }
            let json = json!({"domain": added.domain, "challenge": added.challenge, "verified": trust || added.verified_at.is_some()});
            let sentence = match trust || added.verified_at.is_some() {
                true => format!("{} is a verified domain of {}.", added.domain, workspace.slug),
                false => format!(
                    "{0} was added. It counts once an operator vouches for it:
  curfew domain verify --workspace {1} {0} --trust",
                    added.domain, workspace.slug
                ),
            };
            output::result(place.output.output, &json, &sentence);
        }
        DomainCommand::Verify { domain, trust: _, place } => {
            let workspace = console.workspace(&place.workspace).await?;
            workspaces::verify_domain(app, &console.actor, &workspace, &domain).await?;
            output::result(place.output.output, &json!({"domain": domain, "verified": true}), "It is verified.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn saml(console: &Console, command: SamlCommand) -> Result<ExitCode> {
    let app = &console.app;
    match command {
        SamlCommand::Import { metadata, log_all_users_out, encrypted_assertions, place } => {
            let workspace = console.workspace(&place.workspace).await?;
            let text = output::read_text(&metadata)?;
            let sessions = log_all_users_out.then_some(OnChange::LogAllUsersOut);
            let change = Change {
                workspace: &workspace.id,
                label: &workspace.slug,
                sessions,
                reason: None,
                by_owner: true,
                encrypted_assertions: configure::encrypted_assertions(encrypted_assertions.as_deref())?,
            };
            let receipt = configure::import(app, &console.actor, &change, &text).await?;
            let entity = configure::parse(app, &text)?.entity_id;
            let ended = receipt.as_ref().map(|receipt| format!(" {} sessions ended.", receipt.ended.sessions));
            let sentence = format!("{} now signs in with {entity}.{}", workspace.slug, ended.unwrap_or_default());
            output::result(place.output.output, &json!({"entity_id": entity, "receipt": receipt}), &sentence);
        }
        SamlCommand::RotateKey(place) => {
            let workspace = console.workspace(&place.workspace).await?;
            encryption_keys::rotate(app, &console.actor, &workspace.id, &workspace.slug).await?;
            let sentence =
                "There is a new key for encrypted assertions: give the identity provider our metadata again.";
            output::result(place.output.output, &json!({"rotated": true}), sentence);
        }
        SamlCommand::Show(place) => show_saml(console, &place).await?,
        SamlCommand::Disable(place) => {
            let workspace = console.workspace(&place.workspace).await?;
            let change = Change {
                workspace: &workspace.id,
                label: &workspace.slug,
                sessions: None,
                reason: None,
                by_owner: true,
                encrypted_assertions: None,
            };
            let receipt = configure::disable(app, &console.actor, None, &change).await?;
            output::result(
                place.output.output,
                &json!({"enabled": false, "receipt": receipt}),
                "SAML is switched off.",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show_saml(console: &Console, place: &InWorkspace) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let us = ServiceProvider::of(&console.app, &workspace.slug);
    let stored = configure::find(&console.app, &workspace.id).await?;
    let provider = stored.as_ref().and_then(|stored| configure::parse(&console.app, &stored.metadata).ok());
    let certificates: Vec<String> = provider
        .iter()
        .flat_map(|provider| provider.certificates.iter().map(|der| certificate::fingerprint(der)))
        .collect();
    let enabled = stored.as_ref().is_some_and(|stored| stored.enabled);
    let entity = provider.as_ref().map(|provider| provider.entity_id.clone());
    let json = json!({
        "enabled": enabled, "entity_id": entity, "certificates_sha256": certificates,
        "service_provider": {"entity_id": us.entity_id, "acs_url": us.acs_url, "login_url": us.login_url},
    });
    let sentence = format!(
        "Identity provider  {} ({})\nCertificates       {}\n\nFor the identity provider\n  Entity ID        {}\n  ACS URL          {}",
        entity.unwrap_or_else(|| "none".into()),
        if enabled { "on" } else { "off" },
        if certificates.is_empty() { "none".to_owned() } else { certificates.join(", ") },
        us.entity_id,
        us.acs_url
    );
    output::result(place.output.output, &json, &sentence);
    Ok(())
}

pub async fn ip_allowlist(console: &Console, command: AllowlistCommand) -> Result<ExitCode> {
    let (place, change) = match command {
        AllowlistCommand::List(place) => (place, None),
        AllowlistCommand::Set { mode, network, place } => (place, Some((mode, Some(network)))),
        AllowlistCommand::Disable(place) => (place, Some(("off".to_owned(), None))),
    };
    let workspace = console.workspace(&place.workspace).await?;
    let before = read::allowlist(&console.app, &workspace.id).await?;
    let list = match change {
        None => before,
        Some((mode, networks)) => {
            let entries = match &networks {
                Some(networks) => change_allowlist::networks(networks.iter().map(|network| (network.as_str(), "")))?,
                None => before.entries.to_vec(),
            };
            let wanted = Wanted {
                workspace: &workspace.id,
                label: &workspace.slug,
                mode: Mode::parse(&mode).unwrap_or_default(),
                entries,
                sessions: None,
                reason: None,
                confirm_lockout: true,
                if_version: None,
            };
            change_allowlist::change(&console.app, &console.actor, &wanted).await?.0
        }
    };
    let networks: Vec<String> = list.entries.iter().map(|entry| entry.cidr.to_string()).collect();
    let json = json!({"mode": list.mode.as_str(), "networks": networks});
    let shown = if networks.is_empty() { "no networks".to_owned() } else { networks.join("\n  ") };
    output::result(place.output.output, &json, &format!("Mode: {}\n  {shown}", list.mode.as_str()));
    Ok(ExitCode::SUCCESS)
}
