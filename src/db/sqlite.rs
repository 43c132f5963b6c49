//! SQLite as the library it is: a statement runs in the thread that asks. Handing it to another and waking up again takes
//! several times as long as an average statement (docs/decisions/0011). What waits for the disk or for another process's lock
//! has a thread to wait in, so that whoever has limited their patience is heard.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, OpenFlags, StatementStatus};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{block_in_place, coop, spawn_blocking, yield_now};
use tokio::time::timeout;

use super::Value;
use super::open::ACQUIRE_TIMEOUT;
use crate::error::{DatabaseFault, Error, Result};

/// Another process may write, too: a command of the operator.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than the statements that are often run.
const PREPARED: usize = 256;
/// Rows of a result that is one of many: whoever asks for a long list in pieces lets others have their turn between them.
const PIECE: usize = 100;

/// Steps of SQLite's machine, a millisecond or less: what takes more isn't run in a thread of the runtime again.
const LONG: i32 = 20_000;

/// Connections to one file, opened when they are first needed. Cloning shares them.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    path: PathBuf,
    flags: OpenFlags,
    /// Kibibytes of pages that each connection keeps.
    cache_kib: i64,
    size: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<rusqlite::Connection>>,
    /// Statements that took long, by their address: they are part of the program.
    long: Mutex<HashSet<usize>>,
}

/// A connection of a pool, until it is dropped. A transaction that is open then leaves nothing behind.
pub struct Connection {
    /// `None` once it is dropped.
    inner: Option<rusqlite::Connection>,
    in_transaction: bool,
    pool: Pool,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    /// The one connection that writes. It makes a file that is missing.
    pub fn writer(path: &Path) -> Self {
        Self::new(path, OpenFlags::SQLITE_OPEN_CREATE, 1, 2000)
    }

    /// Pages that readers need again the operating system has for all of them: eight caches of two megabytes would hold the same.
    pub fn readers(path: &Path) -> Self {
        Self::new(path, OpenFlags::empty(), 8, 512)
    }

    fn new(path: &Path, create: OpenFlags, size: u32, cache_kib: i64) -> Self {
        Self(Arc::new(Shared {
            path: path.to_owned(),
            flags: OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create,
            cache_kib,
            size,
            places: Arc::new(Semaphore::new(size as usize)),
            idle: Mutex::new(Vec::new()),
            long: Mutex::new(HashSet::new()),
        }))
    }

    /// A connection that nobody else has.
    ///
    /// # Errors
    /// 503 if none is free in time or the pool is closed; whatever is wrong with the file.
    pub async fn acquire(&self) -> Result<Connection> {
        let unavailable = |log: &str| Error::database(DatabaseFault::Unavailable, log);
        let place = timeout(ACQUIRE_TIMEOUT, self.0.places.clone().acquire_owned())
            .await
            .map_err(|_| unavailable("no connection to the file became free in time"))?
            .map_err(|_| unavailable("the database is closed"))?;
        let idle = self.idle().pop();
        let inner = match idle {
            Some(inner) => inner,
            None => here(|| self.connect()).map_err(fault)?,
        };
        Ok(Connection { inner: Some(inner), in_transaction: false, pool: self.clone(), _place: place })
    }

    /// Opens the file, with every setting that durability rests on.
    fn connect(&self) -> rusqlite::Result<rusqlite::Connection> {
        let connection = rusqlite::Connection::open_with_flags(&self.0.path, self.0.flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cache_size", -self.0.cache_kib)?;
        // One plan for a statement, whatever its arguments are. Otherwise SQLite makes a new one each time they could matter.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Ok(connection)
    }

    /// Waits for every connection, and closes them: the last one folds the log into the file.
    pub async fn close(&self) {
        let everyone = self.0.places.clone().acquire_many_owned(self.0.size).await;
        self.0.places.close();
        let idle = std::mem::take(&mut *self.idle());
        here(|| drop(idle));
        drop(everyone);
    }

    fn long(&self) -> MutexGuard<'_, HashSet<usize>> {
        self.0.long.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<rusqlite::Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        if inner.is_autocommit() || inner.execute_batch("ROLLBACK").is_ok() {
            self.pool.idle().push(inner);
        }
    }
}

impl Connection {
    fn inner(&self) -> Result<&rusqlite::Connection> {
        let inner = self.inner.as_ref().ok_or_else(|| Error::internal("a connection was given back"))?;
        // SQLite takes a transaction back by itself when the disk fails. What follows would be written without it.
        if self.in_transaction && inner.is_autocommit() {
            return Err(Error::internal("SQLite took the transaction back"));
        }
        Ok(inner)
    }

    /// Runs a statement to its end: all rows of its result.
    pub async fn all(&mut self, sql: &'static str, args: &[Value]) -> Result<Vec<Row>> {
        // Within a transaction pages were read a moment ago, and others wait for its end: giving the thread's place away for a few
        // microseconds would cost it a whole turn of the scheduler on a busy machine.
        let found = match self.in_transaction && !self.pool.long().contains(&address(sql)) {
            true => self.run(sql, args)?,
            false => here(|| self.run(sql, args))?,
        };
        // Nothing here waits: without this, a loop over statements would never let its task be stopped.
        if found.len() >= PIECE && !self.in_transaction {
            yield_now().await;
        } else {
            coop::consume_budget().await;
        }
        Ok(found)
    }

    /// Runs a statement that changes rows, and says how many.
    pub async fn execute(&mut self, sql: &'static str, args: &[Value]) -> Result<u64> {
        self.all(sql, args).await?;
        Ok(self.inner()?.changes())
    }

    /// Runs statements without arguments, one after the other.
    pub fn script(&mut self, sql: &str) -> Result<()> {
        here(|| self.inner()?.execute_batch(sql).map_err(fault))
    }

    /// Begins a transaction that may write: it has the lock from now on.
    ///
    /// # Errors
    /// 503 if another process keeps the lock.
    pub async fn begin(self) -> Result<Self> {
        // Only another process can have it, which is seldom.
        let begun = self.with_patience(Duration::ZERO).and_then(|()| self.run("BEGIN IMMEDIATE", &[]));
        self.with_patience(BUSY_TIMEOUT)?;
        let mut begun = match begun {
            Err(error) if error.is_transient() => {
                self.waiting(|held| held.run("BEGIN IMMEDIATE", &[]).map(|_| held)).await?
            }
            begun => begun.map(|_| self)?,
        };
        begun.in_transaction = true;
        Ok(begun)
    }

    /// Makes a transaction durable.
    pub async fn commit(self) -> Result<()> {
        self.waiting(|held| held.run("COMMIT", &[]).map(drop)).await
    }

    /// Runs one statement that commits by itself: all rows of its result.
    pub async fn write(self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>> {
        self.waiting(move |held| held.run(sql, &args)).await
    }

    fn run(&self, sql: &'static str, args: &[Value]) -> Result<Vec<Row>> {
        let (rows, steps) = rows(self.inner()?, sql, args).map_err(fault)?;
        if steps > LONG {
            self.pool.long().insert(address(sql));
        }
        Ok(rows)
    }

    fn with_patience(&self, patience: Duration) -> Result<()> {
        self.inner()?.busy_timeout(patience).map_err(fault)
    }

    /// Does what may take long in a thread of its own, and gives the connection back there. Whoever stops waiting for it doesn't
    /// stop it.
    async fn waiting<T: Send + 'static>(self, work: impl FnOnce(Self) -> Result<T> + Send + 'static) -> Result<T> {
        match spawn_blocking(move || work(self)).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => Err(Error::internal(error)),
            Err(_) => Err(Error::database(DatabaseFault::Unavailable, "the database is closed")),
        }
    }
}

/// Runs a statement in this thread. The runtime's other tasks go on in another one meanwhile.
fn here<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        _ => work(),
    }
}

fn address(sql: &'static str) -> usize {
    sql.as_ptr().addr()
}

/// The rows, and how many steps they took.
fn rows(connection: &rusqlite::Connection, sql: &str, args: &[Value]) -> rusqlite::Result<(Vec<Row>, i32)> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, args)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    let mut columns: Option<Arc<[Box<str>]>> = None;
    while let Some(row) = rows.next()? {
        let columns = columns.get_or_insert_with(|| row.as_ref().column_names().map(Box::from).collect());
        let values = (0..columns.len()).map(|index| Ok(row.get_ref(index)?.try_into()?));
        found.push(Row { values: values.collect::<rusqlite::Result<_>>()?, columns: columns.clone() });
    }
    drop(rows);
    Ok((found, statement.reset_status(StatementStatus::VmStep)))
}

/// To SQLite `$2` is a name, and the first one it meets has the index 1.
fn bind(statement: &mut CachedStatement<'_>, args: &[Value]) -> rusqlite::Result<()> {
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let Some(value) = number.and_then(|number| args.get(number.checked_sub(1)?)) else {
            return Err(rusqlite::Error::InvalidParameterCount(args.len(), index));
        };
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(Some(value)) => ValueRef::Integer(*value),
            Self::Text(Some(value)) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(Some(value)) => ValueRef::Blob(value),
            Self::Int(None) | Self::Text(None) | Self::Bytes(None) => ValueRef::Null,
        }))
    }
}

/// One row of a result.
pub struct Row {
    columns: Arc<[Box<str>]>,
    values: Vec<rusqlite::types::Value>,
}

impl Row {
    /// # Errors
    /// 500 if there is no such column, or it holds something else.
    pub fn get<T: FromSql>(&self, column: &str) -> Result<T> {
        let index = self.columns.iter().rposition(|name| **name == *column);
        let value = index.and_then(|index| self.values.get(index));
        let value = value.ok_or_else(|| Error::internal(format!("no column {column}")))?;
        T::column_result(ValueRef::from(value)).map_err(|error| Error::internal(format!("column {column}: {error}")))
    }
}

/// Sorts a fault, as for the other database.
pub fn fault(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    let kind = match error.sqlite_error() {
        Some(sqlite) if matches!(sqlite.code, DatabaseBusy | DatabaseLocked) => DatabaseFault::Conflict,
        Some(sqlite) if matches!(sqlite.extended_code, SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE) => {
            DatabaseFault::UniqueViolation
        }
        _ => DatabaseFault::Other,
    };
    match error.sqlite_error() {
        Some(sqlite) => Error::database(kind, format!("{error} (SQLite {})", sqlite.extended_code)),
        None => Error::database(kind, error),
    }
}

#[cfg(test)]
mod tests;
