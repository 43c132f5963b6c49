//! `curfew workspace`, `curfew setup-link`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Console, InWorkspace, OutputArguments, output};
use crate::base::clock::rfc3339;
use crate::base::page::PageRequest;
use crate::error::{Error, NOT_FOUND, Result};
use crate::login::setup::issue_setup_link;
use crate::sessions::model::{Role, UserState};
use crate::transact;
use crate::users::manage;
use crate::workspaces::{NewWorkspace, create, store};

#[derive(Subcommand)]
pub enum WorkspaceCommand {
    /// Create a workspace with its first owner.
    Create {
        /// 1 to 63 of a-z, 0-9 and hyphens: it stands in addresses.
        slug: String,
        /// What people call it.
        #[arg(long)]
        name: String,
        /// E-mail address of the first owner.
        #[arg(long, value_name = "EMAIL")]
        owner: String,
        /// A file whose first line is the owner's password; `-` reads it from standard input. Without it a one-time link
        /// to choose one is printed.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// List workspaces.
    List(OutputArguments),
}

pub async fn workspace(console: &Console, command: WorkspaceCommand) -> Result<ExitCode> {
    let app = &console.app;
    match command {
        WorkspaceCommand::Create { slug, name, owner, password_file, output } => {
            let password = password_file.as_deref().map(output::read_secret).transpose()?;
            let password_hash = match &password {
                Some(password) => Some(app.passwords.hash_new(password).await?),
                None => None,
            };
            let waits = password_hash.is_none();
            let new = NewWorkspace { slug: &slug, name: &name, owner_email: &owner, password_hash };
            let created = create(app, &console.actor, &new).await?;
            let link = if waits { Some(link(console, &created.owner).await?) } else { None };
            let json = json!({
                "workspace": {"id": created.workspace.id, "slug": slug, "name": created.workspace.name},
                "owner": {"id": created.owner.id, "email": owner},
                "setup_link": link,
            });
            let then = link.map(|link| format!("\nThe owner chooses a password here, within 24 hours:\n  {link}"));
            let sentence = format!("Workspace {slug} was created; its owner is {owner}.{}", then.unwrap_or_default());
            output::result(output.output, &json, &sentence);
        }
        WorkspaceCommand::List(format) => {
            let found = store::list(&mut app.db.read().await?).await?;
            let row = |workspace: &crate::workspaces::model::Workspace| {
                vec![
                    workspace.slug.clone(),
                    workspace.name.clone(),
                    rfc3339(workspace.created_at),
                    workspace.id.to_string(),
                ]
            };
            output::table(
                format.output,
                &["Slug", "Name", "Created", "Id"],
                &found.iter().map(row).collect::<Vec<_>>(),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn link(console: &Console, user: &crate::users::model::User) -> Result<String> {
    let app = &console.app;
    transact!(app.db, |tx| { issue_setup_link(tx, app, &console.actor, &user.workspace, user).await })
}

pub async fn setup_link(console: &Console, place: InWorkspace) -> Result<ExitCode> {
    let workspace = console.workspace(&place.workspace).await?;
    let users = manage::list(&console.app, &workspace.id, &PageRequest::first(200)).await?;
    let owner = users
        .items
        .into_iter()
        .find(|user| user.role == Role::Owner && matches!(user.state, UserState::Invited | UserState::Active))
        .ok_or_else(|| Error::new(NOT_FOUND, "this workspace has no owner who may sign in"))?;
    let link = link(console, &owner).await?;
    let sentence = format!("{} chooses a new password here, within 24 hours:\n  {link}", owner.label());
    output::result(place.output.output, &json!({"owner": owner.user_name, "setup_link": link}), &sentence);
    Ok(ExitCode::SUCCESS)
}
