//! `curfew config`, `curfew domain`, `curfew saml`, `curfew ip-allowlist`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::saml_import::{self, ImportArguments, StateArguments};
use super::saml_keys::{self, RotateKeyArguments};
use super::{Console, InWorkspace, output, saml_providers};
use crate::base::clock::rfc3339;
use crate::config::Config;
use crate::error::Result;
use crate::policy::ip_allowlist::Mode;
use crate::policy::read;
use crate::security::change_allowlist::{self, Wanted};
use crate::workspaces;
use crate::workspaces::domain_rules::record_name;

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
    /// Verify a domain that was added, by its TXT record.
    Verify {
        domain: String,
        /// Vouch for it yourself instead of asking DNS; the audit log keeps that.
        #[arg(long)]
        trust: bool,
        #[command(flatten)]
        place: InWorkspace,
    },
    /// Remove a domain. Nobody's session ends by it.
    Remove {
        domain: String,
        /// Only count who could no longer sign in.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        place: InWorkspace,
    },
}

#[derive(Subcommand)]
pub enum SamlCommand {
    /// Set an identity provider from its metadata.
    Import(ImportArguments),
    /// Make a new key, for encrypted assertions or to sign requests with; the one before stays.
    RotateKey(RotateKeyArguments),
    /// List identity providers.
    List(InWorkspace),
    /// Show an identity provider, and what it must know of us.
    Show {
        /// Its id or name. Unless given, the default one.
        #[arg(long, value_name = "PROVIDER")]
        provider: Option<String>,
        #[command(flatten)]
        place: InWorkspace,
    },
    /// Switch an identity provider on.
    Enable(StateArguments),
    /// Switch an identity provider off.
    Disable(StateArguments),
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
            let record = record_name(&added.domain);
            let verified = trust || added.verified_at.is_some();
            let json = json!({
                "domain": added.domain, "record": record, "challenge": added.challenge, "verified": verified,
            });
            let sentence = match verified {
                true => format!("{} is a verified domain of {}.", added.domain, workspace.slug),
                false => format!(
                    "{0} was added. It counts once DNS has this record, and then it is verified:\n  \
                     {record}. TXT \"{2}\"\n  curfew domain verify --workspace {1} {0}",
                    added.domain, workspace.slug, added.challenge
                ),
            };
            output::result(place.output.output, &json, &sentence);
        }
        DomainCommand::Verify { domain, trust, place } => {
            let workspace = console.workspace(&place.workspace).await?;
            if trust {
                workspaces::verify_domain(app, &console.actor, &workspace, &domain).await?;
            } else {
                workspaces::prove_domain(app, &console.actor, &workspace, &domain).await?;
            }
            output::result(place.output.output, &json!({"domain": domain, "verified": true}), "It is verified.");
        }
        DomainCommand::Remove { domain, dry_run, place } => {
            let workspace = console.workspace(&place.workspace).await?;
            let removal = if dry_run {
                workspaces::preview_removal(app, &workspace.id, &domain).await?
            } else {
                workspaces::remove_domain(app, &console.actor, &workspace, &domain).await?
            };
            let (name, people) = (removal.domain, removal.cannot_sign_in);
            let json = json!({"domain": name, "dry_run": dry_run, "cannot_sign_in": people});
            let verb = if dry_run { "would be removed" } else { "was removed" };
            let counted = output::counted(people, "person", "people");
            let sentence = format!("{name} {verb}; {counted} can't sign in without it.");
            output::result(place.output.output, &json, &sentence);
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn saml(console: &Console, command: SamlCommand) -> Result<ExitCode> {
    match command {
        SamlCommand::Import(arguments) => saml_import::import(console, &arguments).await?,
        SamlCommand::RotateKey(arguments) => return saml_keys::rotate(console, arguments).await,
        SamlCommand::List(place) => saml_providers::list(console, &place).await?,
        SamlCommand::Show { provider, place } => saml_providers::show(console, provider.as_deref(), &place).await?,
        SamlCommand::Enable(arguments) => saml_import::enable(console, &arguments).await?,
        SamlCommand::Disable(arguments) => saml_import::disable(console, &arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
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
