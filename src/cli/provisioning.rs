//! `curfew scim-client`, `curfew scim-hold`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::admin::{self, NewScimToken};
use super::{Console, InWorkspace, output};
use crate::base::clock::rfc3339;
use crate::base::secret::Secret;
use crate::error::{Error, Result};
use crate::security::credentials;
use crate::security::credentials::model::{AuthMethod, Credential, CredentialKind};
use crate::security::oauth::key::ClientKey;
use crate::users::hold::{self, Standing, WINDOW_MS};

const KIND: CredentialKind = CredentialKind::ScimClient;

#[derive(Args)]
pub struct NewScimClient {
    #[command(flatten)]
    new: NewScimToken,
    /// The public JWK of a client that signs (Ed25519, P-256 or RSA); `-` reads standard input. It has a secret if absent.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum ScimClientCommand {
    /// Create a client. Its secret, if it has one, is printed once.
    Create(NewScimClient),
    /// List clients.
    List(InWorkspace),
    /// Revoke a client, and every token that it fetched.
    Revoke {
        id: String,
        #[command(flatten)]
        place: InWorkspace,
    },
}

#[derive(Subcommand)]
pub enum ScimHoldCommand {
    /// Show whether deprovisioning waits for approval.
    Show(InWorkspace),
    /// Let many lose access, for an hour: what was held passes when the identity provider sends it again.
    Approve {
        /// So many users at the most, 1 to 1000000; any number if absent.
        #[arg(long, value_name = "N")]
        users: Option<i64>,
        #[command(flatten)]
        place: InWorkspace,
    },
}

pub async fn scim_client(console: &Console, command: ScimClientCommand) -> Result<ExitCode> {
    match command {
        ScimClientCommand::Create(new) => create(console, &new).await?,
        ScimClientCommand::List(place) => list(console, &place).await?,
        ScimClientCommand::Revoke { id, place } => admin::revoke_credential(console, KIND, &place, id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(console: &Console, NewScimClient { new, public_key }: &NewScimClient) -> Result<()> {
    let workspace = console.workspace(&new.place().workspace).await?;
    let (app, actor, wanted) = (&console.app, &console.actor, new.wanted(console)?);
    let (client, secret) = match public_key {
        Some(file) => {
            let jwk = read_key(file)?.to_text();
            (credentials::create_signing_client(app, actor, &workspace.id, &wanted, jwk).await?, None)
        }
        None => {
            let (client, secret) = credentials::create_limited(app, actor, &workspace.id, KIND, &[], &wanted).await?;
            (client, Some(secret))
        }
    };
    shown_once(console, new.place(), &client, secret.as_ref());
    Ok(())
}

/// # Errors
/// Which file can't be read; 400 naming `public_key`.
fn read_key(file: &Path) -> Result<ClientKey> {
    let text = output::read_text(file)?;
    let jwk: Value =
        serde_json::from_str(&text).map_err(|_| Error::invalid("public_key", "must be a JWK, which is JSON"))?;
    ClientKey::parse(&jwk)
}

fn shown_once(console: &Console, place: &InWorkspace, client: &Credential, secret: Option<&Secret>) {
    let public_url = &console.app.config.public_url;
    let json = json!({
        "id": client.id,
        "name": client.name,
        "auth_method": client.auth_method.map(AuthMethod::as_str),
        "client_secret": secret.map(Secret::reveal),
        "expires_at": client.expires_at.map(rfc3339),
        "networks": client.networks,
        "patch_response": client.patch_response.as_str(),
        "token_url": format!("{public_url}/oauth2/token"),
        "base_url": format!("{public_url}/scim/v2"),
    });
    let known = format!("client_id: {}\ntoken endpoint: {public_url}/oauth2/token", client.id);
    let sentence = match secret {
        Some(secret) => {
            let secret = secret.reveal();
            format!("{known}\nclient_secret: {secret}\nKeep the secret now: it can't be shown again.")
        }
        None => format!("{known}\nIt signs with its own key: there is no secret."),
    };
    output::result(place.output.output, &json, &sentence);
}

async fn list(console: &Console, place: &InWorkspace) -> Result<()> {
    let workspace = console.workspace(&place.workspace).await?;
    let found = credentials::list(&console.app, &workspace.id, KIND).await?;
    let row = |client: &Credential| {
        let mut cells = admin::row(client);
        cells.insert(1, client.auth_method.map_or("", AuthMethod::as_str).to_owned());
        cells
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let headings = ["Name", "Auth method", "Created", "Expires", "Last used", "Networks", "Id"];
    output::table(place.output.output, &headings, &rows);
    Ok(())
}

pub async fn scim_hold(console: &Console, command: ScimHoldCommand) -> Result<ExitCode> {
    let (place, approval) = match command {
        ScimHoldCommand::Show(place) => (place, None),
        ScimHoldCommand::Approve { users, place } => (place, Some(users)),
    };
    let workspace = console.workspace(&place.workspace).await?;
    if let Some(users) = approval {
        hold::approve(&console.app, &console.actor, &workspace.id, users).await?;
    }
    let standing = hold::standing(&console.app, &workspace.id).await?;
    let approved = console.app.clock.now() < standing.hold.approved_until;
    output::result(place.output.output, &told(&standing, approved), &sentence(&standing, approved));
    Ok(ExitCode::SUCCESS)
}

/// As the API tells it.
fn told(standing: &Standing, approved: bool) -> Value {
    let hold = &standing.hold;
    json!({
        "held": hold.held_since.is_some(),
        "held_since": hold.held_since.map(rfc3339),
        "held_requests": hold.held_requests,
        "last_held_at": hold.last_held_at.map(rfc3339),
        "approved_until": approved.then(|| rfc3339(hold.approved_until)),
        "approved_users_left": hold.approved_left.filter(|_| approved),
        "recent_users": standing.recent,
        "limit": standing.limit,
        "window_seconds": WINDOW_MS / 1000,
    })
}

fn sentence(standing: &Standing, approved: bool) -> String {
    let hold = &standing.hold;
    let now = match (hold.held_since, approved, standing.limit) {
        (Some(since), ..) => {
            let turned_away = output::counted(hold.held_requests, "request was", "requests were");
            format!("Held since {}: {turned_away} turned away.", rfc3339(since))
        }
        (None, true, _) => {
            let some = |left| output::counted(left, "user", "users");
            let users = hold.approved_left.map_or("any number of users".to_owned(), some);
            format!("Approved until {}: {users} may still lose access.", rfc3339(hold.approved_until))
        }
        (None, false, None) => "Nothing is held, and nothing will be: the limit is off.".to_owned(),
        (None, false, Some(_)) => "Nothing is held.".to_owned(),
    };
    let limit = standing.limit.map_or("any number".to_owned(), |limit| limit.to_string());
    let recent = output::counted(standing.recent, "user", "users");
    format!("{now}\nWithin ten minutes {recent} lost access by provisioning; {limit} may.")
}
