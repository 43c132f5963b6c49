//! `curfew sessions revoke`: ending one session, or those that match.

use clap::Args;
use serde_json::{Value, json};

use super::{Console, InWorkspace, OutputFormat, output};
use crate::base::clock::rfc3339;
use crate::base::ids::SessionId;
use crate::error::{Error, Result};
use crate::security::log_all_users_out::{Done, reason};
use crate::security::revoke_selection::{Preview, Request, preview, revoke_selection};
use crate::sessions::list;
use crate::sessions::model::{Facts, Scope, Trigger};
use crate::sessions::revoke::{self, Order};
use crate::sessions::selection::{Selection, Written};
use crate::transact;
use crate::workspaces::model::Workspace;

#[derive(Args)]
pub struct RevokeArguments {
    /// The id of one session. Without it: those that match every criterion below, of which one is needed.
    id: Option<String>,
    /// Why; the audit log keeps it.
    #[arg(long)]
    reason: String,
    /// A user's id.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// The id of a group whose members are meant.
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// password, saml or setup.
    #[arg(long)]
    method: Option<String>,
    /// Entity id of the SAML identity provider that vouched for the person.
    #[arg(long, value_name = "ENTITY_ID")]
    identity_provider: Option<String>,
    /// Address or network of the last use.
    #[arg(long, value_name = "CIDR")]
    ip: Option<String>,
    /// Signed in before this instant, such as 2026-11-24T10:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    created_before: Option<String>,
    /// Last used before this instant.
    #[arg(long, value_name = "INSTANT")]
    seen_before: Option<String>,
    /// Part of the User-Agent of the sign-in, in any case.
    #[arg(long, value_name = "TEXT")]
    user_agent: Option<String>,
    /// Count, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Don't ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: InWorkspace,
}

impl RevokeArguments {
    fn written(&self) -> Written {
        Written {
            user: self.user.clone(),
            group: self.group.clone(),
            method: self.method.clone(),
            identity_provider: self.identity_provider.clone(),
            ip: self.ip.clone(),
            created_before: self.created_before.clone(),
            seen_before: self.seen_before.clone(),
            user_agent: self.user_agent.clone(),
        }
    }
}

/// # Errors
/// 422 for an id and criteria at once, or neither; else as the operations.
pub async fn revoke_sessions(console: &Console, arguments: &RevokeArguments) -> Result<()> {
    let why = reason(&arguments.reason)?;
    let workspace = console.workspace(&arguments.place.workspace).await?;
    match &arguments.id {
        None => revoke_matching(console, arguments, &workspace, &arguments.written().read()?, &why).await,
        Some(id) => {
            if arguments.written() != Written::default() || arguments.dry_run {
                return Err(Error::unprocessable("id", "names one session: leave criteria and --dry-run out"));
            }
            revoke_one(console, arguments.place.output.output, &workspace, id, &why).await
        }
    }
}

async fn revoke_matching(
    console: &Console,
    arguments: &RevokeArguments,
    workspace: &Workspace,
    selection: &Selection,
    why: &str,
) -> Result<()> {
    let format = arguments.place.output.output;
    let found = preview(&console.app, &workspace.id, selection, None).await?;
    let would = found.would_end;
    let counted = output::sessions_of_users(would.sessions, would.users, would.more);
    if arguments.dry_run {
        return show(format, selection, &found, &counted);
    }
    output::confirm(&format!("This ends {counted} in {}, at once.", workspace.name), arguments.yes)?;
    let request = Request { workspace: &workspace.id, label: &workspace.slug, selection, reason: why, key: None };
    let json: Value = match revoke_selection(&console.app, &console.actor, &request).await? {
        Done::Now(receipt) => serde_json::to_value(receipt).map_err(Error::internal)?,
        Done::Before(receipt) => receipt,
    };
    output::result(format, &json, &output::ended(&json));
    Ok(())
}

fn show(format: OutputFormat, selection: &Selection, found: &Preview, counted: &str) -> Result<()> {
    let mut json = json!({"dry_run": true, "filter": selection.to_json()});
    let count = serde_json::to_value(found.would_end).map_err(Error::internal)?;
    for (name, value) in count.as_object().into_iter().flatten() {
        json[name.as_str()] = value.clone();
    }
    json["sample"] = found.sample.iter().map(row).collect();
    let mut lines = vec![format!("{counted} would end. Nothing was changed.")];
    lines.extend(found.sample.iter().map(|facts| {
        let session = &facts.session;
        format!("  {}  {}  {}  {}", session.id, facts.user.user_name, session.method.as_str(), session.last_ip)
    }));
    output::result(format, &json, &lines.join("\n"));
    Ok(())
}

fn row(facts: &Facts) -> Value {
    let session = &facts.session;
    json!({
        "id": session.id,
        "user": facts.user.user_name,
        "method": session.method.as_str(),
        "address": session.last_ip,
        "created_at": rfc3339(session.created_at),
        "last_seen": rfc3339(session.last_seen_at),
    })
}

async fn revoke_one(console: &Console, format: OutputFormat, workspace: &Workspace, id: &str, why: &str) -> Result<()> {
    let app = &console.app;
    let session = SessionId::from_text(id);
    let facts = list::load(app, &workspace.id, &session).await?;
    let order = Order {
        workspace: &workspace.id,
        scope: Scope::Session(session),
        trigger: Trigger::Admin,
        reason: why,
        target_label: &facts.user.user_name,
    };
    let revoked = transact!(app.db, |tx| { revoke::revoke(tx, app, &console.actor, &order).await })?;
    let receipt = revoke::acknowledge(app, revoked).await?;
    let sentence = if receipt.ended.sessions == 1 { "The session ended." } else { "The session had ended already." };
    output::result(format, &json!(receipt), sentence);
    Ok(())
}
