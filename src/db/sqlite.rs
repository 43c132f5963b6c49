//! SQLite as the library it is: a statement runs in the thread that asks. Handing it to another and waking up again takes
//! several times as long as an average statement (docs/decisions/0011).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{FromSql, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, OpenFlags};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Value;
use super::open::ACQUIRE_TIMEOUT;
use crate::error::{DatabaseFault, Error, Result};

/// Another process may write, too: a command of the operator.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than the statements that are often run.
const PREPARED: usize = 256;

/// Connections to one file, opened when they are first needed. Cloning shares them.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    path: PathBuf,
    /// Kibibytes of pages that each connection keeps.
    cache_kib: u32,
    size: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<rusqlite::Connection>>,
}

/// A connection of a pool, until it is dropped. A transaction that is open then leaves nothing behind.
pub struct Connection {
    /// `None` once it is dropped.
    inner: Option<rusqlite::Connection>,
    pool: Pool,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    pub fn new(path: &Path, size: u32, cache_kib: u32) -> Self {
        Self(Arc::new(Shared {
            path: path.to_owned(),
            cache_kib,
            size,
            places: Arc::new(Semaphore::new(size as usize)),
            idle: Mutex::new(Vec::new()),
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
            None => aside(|| self.connect()).map_err(fault)?,
        };
        Ok(Connection { inner: Some(inner), pool: self.clone(), _place: place })
    }

    /// Opens the file, with every setting that durability rests on; makes one that is missing.
    fn connect(&self) -> rusqlite::Result<rusqlite::Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(&self.0.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cache_size", -i64::from(self.0.cache_kib))?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Ok(connection)
    }

    /// Waits for every connection, and closes them: the last one folds the log into the file.
    pub async fn close(&self) {
        let everyone = self.0.places.clone().acquire_many_owned(self.0.size).await;
        self.0.places.close();
        let idle = std::mem::take(&mut *self.idle());
        aside(|| drop(idle));
        drop(everyone);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<rusqlite::Connection>> {
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
        self.inner.as_ref().ok_or_else(|| Error::internal("a connection was given back"))
    }

    /// Runs a statement to its end: all rows of its result.
    pub fn all(&mut self, sql: &str, args: &[Value]) -> Result<Vec<Row>> {
        let inner = self.inner()?;
        aside(|| rows(inner, sql, args)).map_err(fault)
    }

    /// Runs a statement that changes rows, and says how many.
    pub fn execute(&mut self, sql: &str, args: &[Value]) -> Result<u64> {
        let inner = self.inner()?;
        aside(|| rows(inner, sql, args).map(|_| inner.changes())).map_err(fault)
    }

    /// Runs statements without arguments, one after the other.
    pub fn script(&mut self, sql: &str) -> Result<()> {
        let inner = self.inner()?;
        aside(|| inner.execute_batch(sql)).map_err(fault)
    }

    /// Begins a transaction that may write: it has the lock from now on, or fails now.
    pub fn begin(&mut self) -> Result<()> {
        self.all("BEGIN IMMEDIATE", &[]).map(drop)
    }

    pub fn commit(&mut self) -> Result<()> {
        self.all("COMMIT", &[]).map(drop)
    }
}

/// Runs what may have to wait for the disk. The runtime's other tasks go on in another thread meanwhile.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn rows(connection: &rusqlite::Connection, sql: &str, args: &[Value]) -> rusqlite::Result<Vec<Row>> {
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
    Ok(found)
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
        let index = self.columns.iter().position(|name| **name == *column);
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
    Error::database(kind, error)
}
