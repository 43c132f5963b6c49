//! `curfew user`, `curfew scim-token`, `curfew api-key`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Console, InWorkspace, output};
use crate::base::canonical;
use crate::base::clock::rfc3339;
use crate::base::ids::CredentialId;
use crate::base::page::PageRequest;
use crate::error::{Error, NOT_FOUND, Result};
use crate::login::setup::issue_setup_link;
use crate::security::credentials;
use crate::security::credentials::model::{self, Credential, CredentialKind, PatchResponse};
use crate::sessions::model::{Trigger, UserState};
use crate::sessions::revoke;
use crate::transact;
use crate::users::manage::{self, Loss};
use crate::users::model::User;
use crate::users::store;
use crate::workspaces::model::Workspace;

#[derive(Subcommand)]
pub enum UserCommand {
    /// List members.
    List(InWorkspace),
    /// Suspend a member and end their sessions.
    Suspend {
        /// User name.
        user: String,
        /// Why; the audit log keeps it.
        #[arg(long, default_value = "suspended by an operator")]
        reason: String,
        #[command(flatten)]
        place: InWorkspace,
    },
    /// Give a suspended member their access back. No session comes back.
    Activate {
        /// User name.
        user: String,
        #[command(flatten)]
        place: InWorkspace,
    },
    /// Print a one-time link with which a member chooses a new password.
    ResetPassword {
        /// User name.
        user: String,
        #[command(flatten)]
        place: InWorkspace,
    },
}

#[derive(Args)]
pub struct NewCredential {
    /// What people call it.
    #[arg(long)]
    name: String,
    /// 1 to 3650; it never expires if absent.
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<i64>,
    #[command(flatten)]
    place: InWorkspace,
}

#[derive(Subcommand)]
pub enum ScimTokenCommand {
    /// Create a token. It is printed once.
    Create {
        #[command(flatten)]
        new: NewCredential,
        /// What a PATCH is answered with: `resource` (200), or `no_content` (204) for tenants with very large groups.
        #[arg(long, value_name = "KIND", default_value = "resource")]
        patch_response: String,
    },
    /// List tokens.
    List(InWorkspace),
    /// Print a new token beside the old one, which works until it is revoked.
    Rotate {
        /// Id of the old token.
        id: String,
        #[command(flatten)]
        place: InWorkspace,
    },
    /// Revoke a token.
    Revoke {
        id: String,
        #[command(flatten)]
        place: InWorkspace,
    },
}

#[derive(Subcommand)]
pub enum ApiKeyCommand {
    /// Create a key. It is printed once.
    Create {
        /// `sessions:check` or `revocations:read`; may be given more than once.
        #[arg(long, required = true, value_name = "SCOPE")]
        scope: Vec<String>,
        #[command(flatten)]
        new: NewCredential,
    },
    /// List keys.
    List(InWorkspace),
    /// Revoke a key.
    Revoke {
        id: String,
        #[command(flatten)]
        place: InWorkspace,
    },
}

pub async fn user(console: &Console, command: UserCommand) -> Result<ExitCode> {
    match command {
        UserCommand::List(place) => list_users(console, &place).await?,
        UserCommand::Suspend { user, reason, place } => suspend(console, &place, &user, &reason).await?,
        UserCommand::Activate { user, place } => activate(console, &place, &user).await?,
        UserCommand::ResetPassword { user, place } => {
            let workspace = console.workspace(&place.workspace).await?;
            let user = find(console, &workspace, &user).await?;
            if !matches!(user.state, UserState::Active | UserState::Invited) {
                return Err(Error::unprocessable("user", "is not active: a link would open nothing"));
            }
            let app = &console.app;
            let link =
                transact!(app.db, |tx| { issue_setup_link(tx, app, &console.actor, &workspace.id, &user).await })?;
            let sentence = format!("{} chooses a new password here, within 24 hours:\n  {link}", user.label());
            output::result(place.output.output, &json!({"user": user.user_name, "setup_link": link}), &sentence);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list_users(console: &Console, place: &InWorkspace) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let (mut rows, mut page) = (Vec::new(), PageRequest::first(200));
    loop {
        let found = manage::list(&console.app, &workspace.id, &page).await?;
        rows.extend(found.items.iter().map(|user| {
            let state = user.state.as_str().to_owned();
            vec![
                user.user_name.clone(),
                user.role.as_str().to_owned(),
                state,
                user.source.as_str().to_owned(),
                user.id.to_string(),
            ]
        }));
        let Some(next) = found.next else { break };
        page = PageRequest::parse(Some(200), Some(&next))?;
    }
    output::table(place.output.output, &["User name", "Role", "State", "Source", "Id"], &rows);
    Ok(())
}

async fn suspend(console: &Console, place: &InWorkspace, name: &str, reason: &str) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let user = find(console, &workspace, name).await?;
    let app = &console.app;
    let revoked = transact!(app.db, |tx| {
        let user = manage::lock(tx, &workspace.id, &user.id).await?;
        manage::end_access(tx, app, &console.actor, &user, Loss::Suspended, Trigger::Admin, reason).await
    })?;
    let receipt = revoke::acknowledge(app, revoked).await?;
    let sentence = format!("{} was suspended; {} sessions ended.", user.label(), receipt.ended.sessions);
    output::result(place.output.output, &json!({"user": user.user_name, "receipt": receipt}), &sentence);
    Ok(())
}

async fn activate(console: &Console, place: &InWorkspace, name: &str) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let user = find(console, &workspace, name).await?;
    let app = &console.app;
    transact!(app.db, |tx| {
        let user = manage::lock(tx, &workspace.id, &user.id).await?;
        if user.state != UserState::Suspended {
            return Err(Error::unprocessable("user", "is not suspended"));
        }
        manage::restore_access(tx, app, &console.actor, &user).await
    })?;
    let state = manage::load(app, &workspace.id, &user.id).await?.state.as_str();
    output::result(
        place.output.output,
        &json!({"user": user.user_name, "state": state}),
        &format!("{name} is {state} now."),
    );
    Ok(())
}

async fn find(console: &Console, workspace: &Workspace, name: &str) -> Result<User> {
    let missing = || Error::new(NOT_FOUND, format!("there is no user {name:?} in this workspace")).with_field("user");
    let key = canonical::key(name).map_err(|_| missing())?;
    store::find_by_name(&mut console.app.db.read().await?, &workspace.id, &key).await?.ok_or_else(missing)
}

pub async fn scim_token(console: &Console, command: ScimTokenCommand) -> Result<ExitCode> {
    let kind = CredentialKind::ScimToken;
    match command {
        ScimTokenCommand::Create { new, patch_response } => {
            let patch_response = PatchResponse::parse(&patch_response)
                .ok_or_else(|| Error::invalid("patch_response", "must be resource or no_content"))?;
            let days = new.expires_in_days;
            create(console, &new.place, &wanted(kind, &new.name, &[], days, patch_response)).await?;
        }
        ScimTokenCommand::List(place) => list(console, kind, &place).await?,
        ScimTokenCommand::Rotate { id, place } => {
            let workspace = console.workspace(&place.workspace).await?;
            let known = credentials::list(&console.app, &workspace.id, kind).await?;
            let old = known.into_iter().find(|token| token.id.as_str() == id);
            let old = old.ok_or_else(|| Error::not_found("SCIM token"))?;
            let day_ms = 24 * 60 * 60 * 1000;
            let days = old.expires_at.map(|at| ((at - old.created_at) / day_ms).max(1));
            create(console, &place, &wanted(kind, &old.name, &[], days, old.patch_response)).await?;
        }
        ScimTokenCommand::Revoke { id, place } => revoke_credential(console, kind, &place, id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn api_key(console: &Console, command: ApiKeyCommand) -> Result<ExitCode> {
    let kind = CredentialKind::ApiKey;
    match command {
        ApiKeyCommand::Create { scope, new } => {
            let (days, patch_response) = (new.expires_in_days, PatchResponse::default());
            create(console, &new.place, &wanted(kind, &new.name, &scope, days, patch_response)).await?;
        }
        ApiKeyCommand::List(place) => list(console, kind, &place).await?,
        ApiKeyCommand::Revoke { id, place } => revoke_credential(console, kind, &place, id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted<'a>(
    kind: CredentialKind,
    name: &'a str,
    scopes: &'a [String],
    expires_in_days: Option<i64>,
    patch_response: PatchResponse,
) -> model::NewCredential<'a> {
    model::NewCredential { kind, name, scopes, expires_in_days, patch_response }
}

async fn create(console: &Console, place: &InWorkspace, new: &model::NewCredential<'_>) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let (credential, secret) = credentials::create_as(&console.app, &console.actor, &workspace.id, new).await?;
    let json = json!({
        "id": credential.id,
        "name": credential.name,
        "token": secret.reveal(),
        "expires_at": credential.expires_at.map(rfc3339),
        "base_url": format!("{}/scim/v2", console.app.config.public_url),
    });
    output::result(place.output.output, &json, &format!("{}\nKeep it now: it can't be shown again.", secret.reveal()));
    Ok(())
}

async fn list(console: &Console, kind: CredentialKind, place: &InWorkspace) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let found = credentials::list(&console.app, &workspace.id, kind).await?;
    let instant = |at: Option<i64>| at.map(rfc3339).unwrap_or_else(|| "never".into());
    let row = |credential: &Credential| {
        let times = [rfc3339(credential.created_at), instant(credential.expires_at), instant(credential.last_used_at)];
        [vec![credential.name.clone()], times.to_vec(), vec![credential.id.to_string()]].concat()
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    output::table(place.output.output, &["Name", "Created", "Expires", "Last used", "Id"], &rows);
    Ok(())
}

async fn revoke_credential(console: &Console, kind: CredentialKind, place: &InWorkspace, id: String) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    credentials::revoke(&console.app, &console.actor, &workspace.id, kind, &CredentialId::from_text(&id)).await?;
    output::result(place.output.output, &json!({"revoked": id}), "It was revoked.");
    Ok(())
}
