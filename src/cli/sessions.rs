//! `curfew sessions`: what lives, and ending it. Break-glass: it needs the database, not the server.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use super::revoke::{RevokeArguments, revoke_sessions};
use super::{Console, InWorkspace, output};
use crate::base::clock::rfc3339;
use crate::base::page::PageRequest;
use crate::error::{Error, Result};
use crate::security::log_all_users_out::{Done, Request, log_all_users_out, reason};
use crate::security::preview::preview;
use crate::sessions::list;
use crate::sessions::model::ListFilter;

#[derive(Subcommand)]
pub enum SessionsCommand {
    /// List live sessions, newest first.
    List(InWorkspace),
    /// End one session, or those that match.
    Revoke(Box<RevokeArguments>),
    /// Log all users out: end every session of a workspace at once.
    LogAllUsersOut {
        /// Why; the audit log keeps it.
        #[arg(long)]
        reason: String,
        /// Count, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
        /// Revoke API keys with the sessions.
        #[arg(long)]
        include_api_keys: bool,
        #[command(flatten)]
        place: InWorkspace,
    },
}

pub async fn sessions(console: &Console, command: SessionsCommand) -> Result<ExitCode> {
    match command {
        SessionsCommand::List(place) => list_sessions(console, &place).await?,
        SessionsCommand::Revoke(arguments) => revoke_sessions(console, &arguments).await?,
        SessionsCommand::LogAllUsersOut { reason: why, dry_run, yes, include_api_keys, place } => {
            let why = reason(&why)?;
            let workspace = console.workspace(&place.workspace).await?;
            let found = preview(&console.app, &workspace.id, None, include_api_keys).await?;
            let would = found.would_end;
            let counted = output::sessions_of_users(would.sessions, would.users, would.more);
            if dry_run {
                let json = serde_json::to_value(&found).map_err(Error::internal)?;
                output::result(place.output.output, &json, &format!("{counted} would end. Nothing was changed."));
                return Ok(ExitCode::SUCCESS);
            }
            output::confirm(&format!("This ends {counted} in {}, at once.", workspace.name), yes)?;
            let request =
                Request { workspace: &workspace.id, label: &workspace.slug, reason: &why, include_api_keys, key: None };
            let json: Value = match log_all_users_out(&console.app, &console.actor, &request).await? {
                Done::Now(receipt) => serde_json::to_value(receipt).map_err(Error::internal)?,
                Done::Before(receipt) => receipt,
            };
            let (name, ended, signed) = (&workspace.name, output::ended(&json), output::signed(&json));
            let sentence = format!("All users of {name} were logged out: {ended}{signed}");
            output::result(place.output.output, &json, &sentence);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list_sessions(console: &Console, place: &InWorkspace) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let (mut rows, mut page) = (Vec::new(), PageRequest::first(200));
    loop {
        let found = list::list(&console.app, &workspace.id, &ListFilter::default(), None, &page).await?;
        rows.extend(found.items.iter().map(|facts| {
            let session = &facts.session;
            let (method, seen) = (session.method.as_str().to_owned(), rfc3339(session.last_seen_at));
            vec![facts.user.user_name.clone(), method, session.last_ip.clone(), seen, session.id.to_string()]
        }));
        let Some(next) = found.next else { break };
        page = PageRequest::parse(Some(200), Some(&next))?;
    }
    output::table(place.output.output, &["User", "Method", "Address", "Last seen", "Id"], &rows);
    Ok(())
}
