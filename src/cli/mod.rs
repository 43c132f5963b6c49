//! The command line. It works on the database directly, with the server running or not, so that an operator is never locked
//! out; the audit log names the operator as `cli:<uid>`.

mod admin;
mod audit;
pub mod demo;
mod doctor;
mod output;
mod provisioning;
mod receipt;
mod restore;
mod revoke;
mod saml_change;
mod saml_import;
mod saml_keys;
mod saml_providers;
mod saml_told;
mod serve;
mod sessions;
mod settings;
mod workspace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::actor::Actor;
use crate::app::App;
use crate::base::clock::SystemClock;
use crate::base::random::SystemRandom;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::telemetry;
use crate::workspaces::{self, model::Workspace};

/// A self-hosted session authority: log all users out, everywhere, at once.
#[derive(Parser)]
#[command(name = "curfew", version, propagate_version = true)]
struct Arguments {
    /// A TOML file with settings; CURFEW_… variables override it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP until stopped.
    Serve(serve::ServeArguments),
    /// Serve throw-away data with a sample application and a mock identity provider.
    Demo(demo::DemoArguments),
    /// Bring the database to this program's schema.
    Migrate {
        /// Only say whether there is something to do; exit status 1 if so.
        #[arg(long)]
        check: bool,
    },
    /// The last step of restoring a backup: everybody signs in again.
    Restore(restore::RestoreArguments),
    /// Judge or print the settings.
    #[command(subcommand)]
    Config(settings::ConfigCommand),
    /// Look for what is wrong with this installation.
    Doctor(OutputArguments),
    /// Workspaces: the tenants.
    #[command(subcommand)]
    Workspace(workspace::WorkspaceCommand),
    /// A one-time link with which a workspace's first owner chooses a password.
    SetupLink(InWorkspace),
    /// Members of a workspace.
    #[command(subcommand)]
    User(admin::UserCommand),
    /// Tokens with which an identity provider provisions people.
    #[command(subcommand)]
    ScimToken(admin::ScimTokenCommand),
    /// OAuth clients with which an identity provider fetches tokens for provisioning.
    #[command(subcommand)]
    ScimClient(provisioning::ScimClientCommand),
    /// Deprovisioning that waits because many would lose access at once, and its approval.
    #[command(subcommand)]
    ScimHold(provisioning::ScimHoldCommand),
    /// Keys with which applications ask whether a session is valid, and follow revocations.
    #[command(subcommand)]
    ApiKey(admin::ApiKeyCommand),
    /// Live sessions, and ending them.
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// Signed receipts of revocations.
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// Internet domains whose people SAML may sign in.
    #[command(subcommand)]
    Domain(settings::DomainCommand),
    /// The identity providers of a workspace.
    #[command(subcommand)]
    Saml(settings::SamlCommand),
    /// The networks that a workspace's people may come from.
    #[command(subcommand)]
    IpAllowlist(settings::AllowlistCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    #[default]
    Table,
    Json,
}

#[derive(Args)]
struct OutputArguments {
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Args)]
struct InWorkspace {
    /// The workspace's slug.
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    #[command(flatten)]
    output: OutputArguments,
}

/// Runs the command line of this process.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments).await {
        Ok(code) => code,
        Err(error) => {
            complain_of(&error);
            ExitCode::FAILURE
        }
    }
}

fn complain_of(error: &Error) {
    let field = error.field().map(|field| format!("{field}: ")).unwrap_or_default();
    output::complain(&format!("curfew: {field}{}", error.log()));
}

async fn dispatch(arguments: Arguments) -> Result<ExitCode> {
    let config = || Config::load(arguments.config.as_deref());
    match arguments.command {
        Command::Serve(serve) => serve::serve(config()?, serve).await,
        Command::Demo(demo) => demo::demo(demo).await,
        Command::Migrate { check } => serve::migrate(config()?, check).await,
        Command::Restore(arguments) => {
            restore::restore(&open_existing(config()?).await?, arguments).await.map(|()| ExitCode::SUCCESS)
        }
        Command::Config(command) => settings::config(&config()?, &command),
        Command::Doctor(output) => doctor::doctor(config()?, output.output).await,
        Command::Workspace(command) => workspace::workspace(&open(config()?).await?, command).await,
        Command::SetupLink(place) => workspace::setup_link(&open_existing(config()?).await?, place).await,
        Command::User(command) => admin::user(&open_existing(config()?).await?, command).await,
        Command::ScimToken(command) => admin::scim_token(&open_existing(config()?).await?, command).await,
        Command::ScimClient(command) => provisioning::scim_client(&open_existing(config()?).await?, command).await,
        Command::ScimHold(command) => provisioning::scim_hold(&open_existing(config()?).await?, command).await,
        Command::ApiKey(command) => admin::api_key(&open_existing(config()?).await?, command).await,
        Command::Sessions(command) => sessions::sessions(&open_existing(config()?).await?, command).await,
        Command::Receipt(command) => Ok(receipt::receipt(config, command).await),
        Command::Domain(command) => settings::domain(&open_existing(config()?).await?, command).await,
        Command::Saml(command) => settings::saml(&open_existing(config()?).await?, command).await,
        Command::IpAllowlist(command) => settings::ip_allowlist(&open_existing(config()?).await?, command).await,
        Command::Audit(command) => audit::audit(&open_existing(config()?).await?, command).await,
    }
}

/// What a command works with: the database, and the operator who types.
struct Console {
    app: Arc<App>,
    actor: Actor,
}

impl Console {
    async fn workspace(&self, slug: &str) -> Result<Workspace> {
        workspaces::load(&self.app, slug).await
    }
}

/// Opens what is there. A command in the wrong folder must not answer from an empty database that it has just made.
async fn open_existing(config: Config) -> Result<Console> {
    let config = config.completed()?;
    if let Some(path) = config.database_url.strip_prefix("sqlite://").filter(|path| !Path::new(path).exists()) {
        let text =
            format!("there is no database at {path}: set CURFEW_DATA_DIR or CURFEW_DATABASE_URL, or name --config");
        return Err(Error::invalid("database_url", text));
    }
    open(config).await
}

async fn open(mut config: Config) -> Result<Console> {
    // What a command has to say is its output; only trouble belongs beside it.
    config.log.filter = "warn".into();
    telemetry::start(&config.log)?;
    let app = App::open(config, Arc::new(SystemClock::new()), Arc::new(SystemRandom)).await?;
    Ok(Console { app, actor: Actor::cli(rustix::process::getuid().as_raw()) })
}
