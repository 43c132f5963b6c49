//! `curfew saml import` and `curfew saml disable`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Console, InWorkspace, output};
use crate::base::ids::WorkspaceId;
use crate::error::Result;
use crate::policy::model::OnChange;
use crate::saml::configure::{self, Change};
use crate::saml::providers;
use crate::saml::wanted::{Wanted, Which};

#[derive(Args)]
pub struct ImportArguments {
    /// Its id or name; one that isn't there is made, with that name. Unless given, the default one: the oldest.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// The metadata file; `-` reads standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "metadata_url")]
    metadata: Option<PathBuf>,
    /// Where the metadata is: it is fetched from there, now and from time to time.
    #[arg(long, value_name = "URL", conflicts_with = "metadata")]
    metadata_url: Option<String>,
    /// Whether assertions must be encrypted: `optional` or `required`. Unless given, as before.
    #[arg(long, value_parser = ["optional", "required"])]
    encrypted_assertions: Option<String>,
    #[command(flatten)]
    sessions: SessionsArguments,
    #[command(flatten)]
    place: InWorkspace,
}

#[derive(Args)]
pub struct DisableArguments {
    /// Its id or name. Unless given, the default one.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    #[command(flatten)]
    sessions: SessionsArguments,
    #[command(flatten)]
    place: InWorkspace,
}

// What becomes of sessions. Unless given, what the policy says.
#[derive(Args)]
pub struct SessionsArguments {
    /// End every session with it.
    #[arg(long)]
    log_all_users_out: bool,
    /// End the sessions with it that the change takes the ground from.
    #[arg(long, conflicts_with = "log_all_users_out")]
    log_out_affected: bool,
    /// End none.
    #[arg(long, conflicts_with_all = ["log_all_users_out", "log_out_affected"])]
    keep_sessions: bool,
}

impl SessionsArguments {
    fn wanted(&self) -> Option<OnChange> {
        let all = [
            (self.log_all_users_out, OnChange::LogAllUsersOut),
            (self.log_out_affected, OnChange::LogOutAffected),
            (self.keep_sessions, OnChange::Keep),
        ];
        all.into_iter().find(|(given, _)| *given).map(|(_, choice)| choice)
    }
}

/// Sets a provider from its metadata, and switches it on.
pub async fn import(console: &Console, arguments: &ImportArguments) -> Result<()> {
    let workspace = console.workspace(&arguments.place.workspace).await?;
    let text = arguments.metadata.as_deref().map(output::read_text).transpose()?;
    let encrypted_assertions = configure::encrypted_assertions(arguments.encrypted_assertions.as_deref())?;
    let change = Change { encrypted_assertions, ..change(&workspace.id, &workspace.slug, arguments.sessions.wanted()) };
    let wanted = Wanted {
        metadata: text.as_deref(),
        metadata_url: arguments.metadata_url.as_deref(),
        enabled: Some(true),
        ..Wanted::of(which(arguments.provider.as_deref()))
    };
    let saved = providers::save(&console.app, &console.actor, None, &change, &wanted).await?;
    let (entity, receipt) = (saved.provider.entity_id, saved.receipt);
    let ended = receipt.as_ref().map(|receipt| format!(" {} sessions ended.", receipt.ended.sessions));
    let sentence = format!("{} now signs in with {entity}.{}", workspace.slug, ended.unwrap_or_default());
    let json = json!({"id": saved.provider.id.as_str(), "entity_id": entity, "receipt": receipt});
    output::result(arguments.place.output.output, &json, &sentence);
    Ok(())
}

/// Switches a provider off.
pub async fn disable(console: &Console, arguments: &DisableArguments) -> Result<()> {
    let workspace = console.workspace(&arguments.place.workspace).await?;
    let change = change(&workspace.id, &workspace.slug, arguments.sessions.wanted());
    let which = which(arguments.provider.as_deref());
    let receipt = providers::disable(&console.app, &console.actor, None, &change, which).await?;
    let json = json!({"enabled": false, "receipt": receipt});
    output::result(arguments.place.output.output, &json, "The identity provider is switched off.");
    Ok(())
}

fn which(provider: Option<&str>) -> Which<'_> {
    provider.map_or(Which::Default, Which::Named)
}

fn change<'a>(workspace: &'a WorkspaceId, label: &'a str, sessions: Option<OnChange>) -> Change<'a> {
    Change { workspace, label, sessions, reason: None, by_owner: true, encrypted_assertions: None }
}
