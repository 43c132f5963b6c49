//! Opening a database, with every setting that durability rests on read back. Creates an embedded one that is missing.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _};
use tokio::time::timeout;

use super::{Db, sqlite};
use crate::error::{Error, Result, UNPROCESSABLE};

/// How long a request waits for a connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl Db {
    /// Opens `sqlite:///path/to/file` or `postgres://…`.
    ///
    /// # Errors
    /// A sentence for the operator: which path or host, and what the system said. The URL's password is never in it.
    pub async fn open(url: &str) -> Result<Self> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => open_sqlite(url).await,
            Some("postgres" | "postgresql") => open_postgres(url).await,
            _ => Err(Error::invalid("database_url", "must begin with sqlite: or postgres:")),
        }
    }
}

async fn open_sqlite(url: &str) -> Result<Db> {
    let path = sqlite_path(url)?;
    let cannot = |error: Error| {
        Error::new(UNPROCESSABLE, format!("the database file {} can't be opened: {}", path.display(), error.log()))
            .with_field("database_url")
    };
    let writer = sqlite::Pool::writer(&path);
    let mut first = writer.acquire().await.map_err(cannot)?;
    owner_only(&path)?;
    verify_sqlite(&mut first, &path).await?;
    drop(first);
    Ok(Db::Sqlite { readers: sqlite::Pool::readers(&path), writer, path })
}

fn sqlite_path(url: &str) -> Result<PathBuf> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or_default();
    if path.is_empty() || path.contains('?') || path == ":memory:" {
        return Err(Error::invalid("database_url", "must name a file: sqlite:///path/to/curfew.db"));
    }
    Ok(PathBuf::from(path))
}

#[cfg(unix)]
fn owner_only(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(|error| {
        Error::new(UNPROCESSABLE, format!("the database file {} can't be protected: {error}", path.display()))
            .with_field("database_url")
    })
}

#[cfg(not(unix))]
fn owner_only(_path: &Path) -> Result<()> {
    Ok(())
}

/// WAL and FULL are what an acknowledged revocation rests on; some file systems silently refuse the first.
async fn verify_sqlite(connection: &mut sqlite::Connection, path: &Path) -> Result<()> {
    let sql = "SELECT journal_mode, synchronous, foreign_keys \
        FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys";
    let settings =
        connection.all(sql, &[]).await?.pop().ok_or_else(|| Error::internal("SQLite does not tell its settings"))?;
    let journal: String = settings.get("journal_mode")?;
    let synchronous: i64 = settings.get("synchronous")?;
    let foreign_keys: i64 = settings.get("foreign_keys")?;
    if journal != "wal" || synchronous != 2 || foreign_keys != 1 {
        return Err(Error::internal(format!(
            "{} gave journal_mode={journal}, synchronous={synchronous}, foreign_keys={foreign_keys}; wal, 2 and 1 are needed",
            path.display()
        )));
    }
    Ok(())
}

async fn open_postgres(url: &str) -> Result<Db> {
    let options = postgres_options(url, "curfew")?.options([
        ("lock_timeout", "5s"),
        ("statement_timeout", "30s"),
        // A process that stops in the middle of a revocation holds the head, and with it every other change.
        ("idle_in_transaction_session_timeout", "1200ms"),
    ]);
    match postgres_pool(16, ACQUIRE_TIMEOUT).connect_with(options.clone()).await {
        Ok(pool) => Ok(Db::Postgres(pool)),
        Err(error) => Err(unreachable(&options, error).await),
    }
}

/// What to say of a server that can't be reached: where it should be, and why it isn't.
async fn unreachable(options: &PgConnectOptions, error: sqlx::Error) -> Error {
    let why = match error {
        // The pool tried for as long as it may, and keeps what it met to itself.
        sqlx::Error::PoolTimedOut => match timeout(ACQUIRE_TIMEOUT, PgConnection::connect_with(options)).await {
            Ok(Err(error)) => reason(&error),
            Ok(Ok(_)) => "it answers only now: try again".to_owned(),
            Err(_) => "it does not answer".to_owned(),
        },
        error => reason(&error),
    };
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let text = format!("PostgreSQL at {host}:{} can't be reached: {why}", options.get_port());
    Error::new(UNPROCESSABLE, text).with_field("database_url")
}

/// In the words of the system or of the server. Neither knows the password.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    }
}

impl Db {
    /// Another way to the same database that ordinary requests can't use up, with short patience: leases and barriers depend on
    /// it. It connects when it is first used; `name` is what the server shows. An embedded database has one way only.
    ///
    /// # Errors
    /// 400 for an address that is none.
    pub fn open_beside(&self, url: &str, name: &str, connections: u32) -> Result<Self> {
        if !self.is_postgres() {
            return Ok(self.clone());
        }
        let options = postgres_options(url, name)?.options([
            ("lock_timeout", "1s"),
            ("statement_timeout", "1s"),
            // A process that stops inside a transaction must not hold the head: docs/revocation-protocol.md.
            ("idle_in_transaction_session_timeout", "1s"),
        ]);
        Ok(Self::Postgres(postgres_pool(connections, Duration::from_secs(1)).connect_lazy_with(options)))
    }
}

fn postgres_options(url: &str, name: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)
        .map_err(|_| Error::invalid("database_url", "is not a valid postgres:// address"))?
        .application_name(name)
        // What an acknowledged revocation rests on is not left to a server's or role's defaults.
        .options([("synchronous_commit", "on"), ("default_transaction_isolation", "read committed")])
        .disable_statement_logging())
}

/// A connection that rested is asked whether it still lives; one that was used just now is not: that would double the way.
fn postgres_pool(connections: u32, patience: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > Duration::from_secs(1) {
                    return Ok(connection.ping().await.is_ok());
                }
                Ok(true)
            })
        })
}
