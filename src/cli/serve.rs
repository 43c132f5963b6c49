//! `curfew serve`, `curfew migrate`.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::output;
use crate::app::App;
use crate::base::clock::SystemClock;
use crate::base::random::SystemRandom;
use crate::config::Config;
use crate::db::{Db, migrate as schema};
use crate::error::{Error, Result, UNPROCESSABLE};
use crate::feed::promise;
use crate::jobs;
use crate::saml::key_ring;
use crate::scim::requests;
use crate::telemetry;
use crate::web::server::Server;

#[derive(Args)]
pub struct ServeArguments {
    /// Where to listen, instead of the setting `listen`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn serve(mut config: Config, arguments: ServeArguments) -> Result<ExitCode> {
    if let Some(listen) = arguments.listen {
        if config.public_url == format!("http://{}", config.listen) {
            config.public_url = String::new();
        }
        config.listen = listen;
        config = config.completed()?;
    }
    telemetry::start(&config.log)?;
    let listener = bind("listen", config.listen).await?;
    let admin_listener = match config.admin_listen {
        Some(address) => Some(bind("admin_listen", address).await?),
        None => None,
    };
    let app = App::open(config, Arc::new(SystemClock::new()), Arc::new(SystemRandom)).await?;
    let _only_one = lock(&app.db)?;
    let tidying = jobs::start(app.clone());
    let server = Server::start(app.clone(), listener);
    let admin = admin_listener.map(|listener| Server::start_admin(app.clone(), listener));
    announce(&app, &server);
    if let Some(trouble) = key_ring::trouble(&app).await? {
        tracing::error!("SAML messages can't be decrypted or signed: {trouble}");
    }
    promise::watch(&app).await;
    stopped().await?;
    tracing::info!("stopping: finishing what is under way");
    server.stop().await;
    if let Some(admin) = admin {
        admin.stop().await;
    }
    tidying.abort();
    requests::flush(&app).await;
    app.db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Binds a listener.
///
/// # Errors
/// Which address is taken or not ours, and which setting chooses another.
pub async fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another process listens there: stop it, or choose another port with a flag or the setting"
            }
            std::io::ErrorKind::PermissionDenied => "this user may not listen there: choose a port above 1023",
            _ => "choose an address of this machine",
        };
        Error::new(UNPROCESSABLE, format!("can't listen on {address} ({error}); {hint}")).with_field(setting)
    })
}

/// One server for an embedded database: the lock lasts as long as the returned file is open.
///
/// # Errors
/// That another server holds it.
pub fn lock(db: &Db) -> Result<Option<File>> {
    let Db::Sqlite { path, .. } = db else { return Ok(None) };
    lock_file(path).map(Some)
}

/// The lock of the embedded database at `database`, whether that is there yet or not.
///
/// # Errors
/// That another server holds it, or that the folder can't be written to.
pub fn lock_file(database: &Path) -> Result<File> {
    let path = database.with_extension("lock");
    let file = File::create(&path).map_err(|error| Error::internal(format!("{}: {error}", path.display())))?;
    file.try_lock().map_err(|_| {
        let text = format!(
            "another server runs on this database ({}): an embedded database serves one; several servers need PostgreSQL",
            path.display()
        );
        Error::new(UNPROCESSABLE, text).with_field("database_url")
    })?;
    Ok(file)
}

fn announce(app: &App, server: &Server) {
    let kind = if app.db.is_postgres() { "PostgreSQL" } else { "SQLite" };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        database = kind,
        listen = %server.address(),
        public_url = app.config.public_url,
        "curfew serves; console at /console, API documentation at /docs"
    );
}

/// Returns when the process is asked to stop.
pub async fn stopped() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::internal)?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Error::internal),
    }
}

/// Migrates, or says whether there is something to migrate.
pub async fn migrate(config: Config, check: bool) -> Result<ExitCode> {
    let config = config.completed()?;
    let db = Db::open(&config.database_url).await?;
    if check {
        let found = schema::current(&db).await?;
        schema::refuse_newer(found)?;
        output::say(&format!("schema version {found}, this program wants {}", schema::latest()));
        return Ok(if found == schema::latest() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let applied = schema::migrate(&db).await?;
    let steps = if applied == 1 { "step" } else { "steps" };
    output::say(&format!("schema version {}, {applied} {steps} applied", schema::latest()));
    Ok(ExitCode::SUCCESS)
}
