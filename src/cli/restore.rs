//! `curfew restore`: the last step of bringing a backup back. Nobody who was logged out since it was made may come back with it.

use clap::Args;
use serde_json::json;

use super::{Console, OutputArguments, output};
use crate::error::{Error, Result};
use crate::security::log_all_users_out::reason;
use crate::sessions::revoke;

#[derive(Args)]
pub struct RestoreArguments {
    /// Why, for the audit log of every workspace.
    #[arg(long, default_value = "a backup was restored")]
    reason: String,
    /// Go ahead: everybody in every workspace signs in again.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: OutputArguments,
}

/// Logs everybody out of every workspace.
///
/// # Errors
/// 422 without `--yes`.
pub(super) async fn restore(console: &Console, arguments: RestoreArguments) -> Result<()> {
    let why = reason(&arguments.reason)?;
    if !arguments.yes {
        let text = "this logs everybody out of every workspace, so that nobody comes back who was logged out since the \
                    backup was made; say --yes to go ahead";
        return Err(Error::unprocessable("yes", text));
    }
    let (sequence, workspaces) = revoke::revoke_everything(&console.app, &console.actor, &why).await?;
    let counted = output::counted(workspaces, "workspace", "workspaces");
    let sentence = format!("Everybody signs in again: {counted}, revocation {sequence}.");
    output::result(arguments.output.output, &json!({"sequence": sequence, "workspaces": workspaces}), &sentence);
    Ok(())
}
