//! `curfew user`, `curfew scim-token`, `curfew api-key`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Console, InWorkspace, output};
use crate::base::canonical;
use crate::base::clock::rfc3339;
use crate::base::ids::CredentialId;
use crate::base::page::PageRequest;
use crate::base::secret::Secret;
use crate::error::{Error, NOT_FOUND, Result};
use crate::login::setup::issue_setup_link;
use crate::security::credentials::model::{Credential, CredentialKind};
use crate::security::credentials::wanted::{self, Wanted};
use crate::security::credentials::{self, rotate};
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

#[derive(Args)]
pub struct NewScimToken {
    #[command(flatten)]
    new: NewCredential,
    /// An instant such as 2027-01-31T12:00:00Z, instead of days.
    #[arg(long, value_name = "INSTANT", conflicts_with = "expires_in_days")]
    expires_at: Option<String>,
    /// A network such as 203.0.113.0/24 that it may be used from; may be given more than once. From anywhere if absent.
    #[arg(long, value_name = "CIDR")]
    network: Vec<String>,
    /// What a PATCH is answered with: `resource` (200), or `no_content` (204) for tenants with very large groups.
    #[arg(long, value_name = "KIND", default_value = "resource")]
    patch_response: String,
}

impl NewScimToken {
    /// Where it is to be made.
    pub(super) fn place(&self) -> &InWorkspace {
        &self.new.place
    }

    /// What is to be made.
    ///
    /// # Errors
    /// Which option can't be accepted.
    pub(super) fn wanted(&self, console: &Console) -> Result<Wanted> {
        let expires_at = wanted::end(console.app.clock.now(), self.expires_at.as_deref(), self.new.expires_in_days)?;
        let networks = wanted::networks(self.network.iter().map(String::as_str))?;
        let patch_response = wanted::patch_response(Some(&self.patch_response))?;
        Ok(Wanted { name: self.new.name.clone(), expires_at, networks, patch_response })
    }
}

#[derive(Subcommand)]
pub enum ScimTokenCommand {
    /// Create a token. It is printed once.
    Create(NewScimToken),
    /// List tokens.
    List(InWorkspace),
    /// Print a new token in place of an old one, which ends by itself after a while.
    Rotate {
        /// Id of the old token.
        id: String,
        /// How long the old one goes on working; 0: it ends at once.
        #[arg(long, value_name = "SECONDS", default_value_t = rotate::USUAL_OVERLAP)]
        overlap_seconds: i64,
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
    let sessions = output::counted(receipt.ended.sessions, "session", "sessions");
    let sentence = format!("{} was suspended; {sessions} ended.", user.label());
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
        ScimTokenCommand::Create(new) => {
            let workspace = console.workspace(&new.place().workspace).await?;
            let wanted = new.wanted(console)?;
            let (token, secret) =
                credentials::create_limited(&console.app, &console.actor, &workspace.id, kind, &[], &wanted).await?;
            shown_once(console, new.place(), &token, &secret);
        }
        ScimTokenCommand::List(place) => list(console, kind, &place).await?,
        ScimTokenCommand::Rotate { id, overlap_seconds, place } => {
            let (workspace, id) = (console.workspace(&place.workspace).await?, CredentialId::from_text(id));
            let (app, actor) = (&console.app, &console.actor);
            let (token, secret) = rotate::rotate(app, actor, &workspace.id, &id, overlap_seconds).await?;
            shown_once(console, &place, &token, &secret);
        }
        ScimTokenCommand::Revoke { id, place } => revoke_credential(console, kind, &place, id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn api_key(console: &Console, command: ApiKeyCommand) -> Result<ExitCode> {
    let kind = CredentialKind::ApiKey;
    match command {
        ApiKeyCommand::Create { scope, new } => {
            create(console, kind, &new.place, &new.name, &scope, new.expires_in_days).await?;
        }
        ApiKeyCommand::List(place) => list(console, kind, &place).await?,
        ApiKeyCommand::Revoke { id, place } => revoke_credential(console, kind, &place, id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(
    console: &Console,
    kind: CredentialKind,
    place: &InWorkspace,
    name: &str,
    scopes: &[String],
    days: Option<i64>,
) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let (credential, secret) =
        credentials::create(&console.app, &console.actor, &workspace.id, kind, name, scopes, days).await?;
    shown_once(console, place, &credential, &secret);
    Ok(())
}

fn shown_once(console: &Console, place: &InWorkspace, credential: &Credential, secret: &Secret) {
    let json = json!({
        "id": credential.id,
        "name": credential.name,
        "token": secret.reveal(),
        "expires_at": credential.expires_at.map(rfc3339),
        "networks": credential.networks,
        "base_url": format!("{}/scim/v2", console.app.config.public_url),
    });
    output::result(place.output.output, &json, &format!("{}\nKeep it now: it can't be shown again.", secret.reveal()));
}

async fn list(console: &Console, kind: CredentialKind, place: &InWorkspace) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let found = credentials::list(&console.app, &workspace.id, kind).await?;
    let rows: Vec<_> = found.iter().map(row).collect();
    output::table(place.output.output, &["Name", "Created", "Expires", "Last used", "Networks", "Id"], &rows);
    Ok(())
}

/// Name, making, end, last use, networks, id.
pub(super) fn row(credential: &Credential) -> Vec<String> {
    let instant = |at: Option<i64>| at.map(rfc3339).unwrap_or_else(|| "never".into());
    let times = [rfc3339(credential.created_at), instant(credential.expires_at), instant(credential.last_used_at)];
    let networks = credential.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let networks = if networks.is_empty() { "any".to_owned() } else { networks };
    [vec![credential.name.clone()], times.to_vec(), vec![networks, credential.id.to_string()]].concat()
}

pub(super) async fn revoke_credential(
    console: &Console,
    kind: CredentialKind,
    place: &InWorkspace,
    id: String,
) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    credentials::revoke(&console.app, &console.actor, &workspace.id, kind, &CredentialId::from_text(&id)).await?;
    output::result(place.output.output, &json!({"revoked": id}), "It was revoked.");
    Ok(())
}
