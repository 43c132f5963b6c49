//! A thin kernel over rusqlite and sqlx, so that one SQL text serves SQLite and PostgreSQL.
//!
//! The shared subset: `$1…$n`; TEXT, BIGINT and bytes; `ON CONFLICT … DO UPDATE`; `RETURNING`; `CAST(SUM(x) AS BIGINT)`.
//! A row is locked by updating it: `UPDATE … RETURNING` does that on both. It decides nothing and knows no table.

pub mod id_list;
mod listen;
pub mod migrate;
mod open;
mod sqlite;
mod value;

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Transaction};

pub use listen::Listener;
pub use value::{Row, Value};

use crate::error::{DatabaseFault, Error, INVALID_REQUEST, Result};

/// A database. Cloning shares its connections.
#[derive(Clone)]
pub enum Db {
    /// Many readers, one writer: SQLite lets one write at a time, and queueing here is fairer than its busy loop.
    Sqlite {
        readers: sqlite::Pool,
        writer: sqlite::Pool,
        path: std::path::PathBuf,
    },
    Postgres(sqlx::PgPool),
}

enum Handle {
    Sqlite(sqlite::Connection),
    Postgres(PoolConnection<Postgres>),
    PostgresWrite(Transaction<'static, Postgres>),
}

/// A handle, as far as a statement cares.
enum Way<'a> {
    Sqlite(&'a mut sqlite::Connection),
    Postgres(&'a mut PgConnection),
}

impl Handle {
    fn way(&mut self) -> Way<'_> {
        match self {
            Self::Sqlite(connection) => Way::Sqlite(connection),
            Self::Postgres(connection) => Way::Postgres(connection),
            Self::PostgresWrite(transaction) => Way::Postgres(transaction),
        }
    }
}

/// A connection to read from. Each statement sees what is committed.
pub struct Read {
    handle: Handle,
}

/// A transaction. Dropped without `commit`, it leaves nothing behind. It can read, too.
pub struct Write {
    read: Read,
    /// A known fault: the commit happens after it was answered.
    #[cfg(feature = "mutants")]
    pub late: bool,
}

impl Deref for Write {
    type Target = Read;
    fn deref(&self) -> &Read {
        &self.read
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Read {
        &mut self.read
    }
}

impl Db {
    /// A connection to read from.
    ///
    /// # Errors
    /// 503 if none is free within the pool's time.
    pub async fn read(&self) -> Result<Read> {
        let handle = match self {
            Self::Sqlite { readers, .. } => Handle::Sqlite(readers.acquire().await?),
            Self::Postgres(pool) => Handle::Postgres(pool.acquire().await.map_err(fault)?),
        };
        Ok(Read { handle })
    }

    /// Begins a transaction. Use `transact!`, which also tries a deadlocked one again.
    pub async fn begin(&self) -> Result<Write> {
        let handle = match self {
            Self::Sqlite { writer, .. } => Handle::Sqlite(writer.acquire().await?.begin().await?),
            Self::Postgres(pool) => Handle::PostgresWrite(pool.begin().await.map_err(fault)?),
        };
        Ok(Write {
            read: Read { handle },
            #[cfg(feature = "mutants")]
            late: false,
        })
    }

    /// Runs one statement that changes rows, and commits by itself; gives its first row.
    ///
    /// # Errors
    /// As the statement, or 503 if no connection is free.
    pub async fn write_one(&self, sql: &'static str, args: Vec<Value>) -> Result<Option<Row>> {
        match self {
            Self::Sqlite { writer, .. } => {
                refuse_nul(&args)?;
                Ok(writer.acquire().await?.write(sql, args).await?.into_iter().next().map(Row::Sqlite))
            }
            Self::Postgres(_) => self.read().await?.optional(sql, args).await,
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Closes every connection; SQLite folds its log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Write {
    pub async fn commit(self) -> Result<()> {
        #[cfg(feature = "mutants")]
        if self.late {
            tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                drop(Self { late: false, ..self }.finish().await);
            });
            return Ok(());
        }
        self.finish().await
    }

    async fn finish(self) -> Result<()> {
        match self.read.handle {
            Handle::Sqlite(connection) => connection.commit().await,
            Handle::PostgresWrite(transaction) => transaction.commit().await.map_err(fault),
            Handle::Postgres(_) => Err(Error::internal("a reader can't commit")),
        }
    }

    /// Marks where `undo` goes back to. A later mark takes the place of an earlier one.
    pub async fn mark(&mut self) -> Result<()> {
        self.script("SAVEPOINT mark").await
    }

    /// Takes back what was written since the mark, also after a statement that failed; what was before it stays.
    pub async fn undo(&mut self) -> Result<()> {
        self.script("ROLLBACK TO SAVEPOINT mark").await
    }

    /// Runs statements without arguments, one after the other.
    async fn script(&mut self, sql: &'static str) -> Result<()> {
        match self.read.handle.way() {
            Way::Sqlite(connection) => connection.script(sql),
            Way::Postgres(connection) => sqlx::raw_sql(sql).execute(connection).await.map(|_| ()).map_err(fault),
        }
    }

    /// Runs a statement that changes rows, and says how many.
    pub async fn execute(&mut self, sql: &'static str, args: Vec<Value>) -> Result<u64> {
        refuse_nul(&args)?;
        match self.read.handle.way() {
            Way::Sqlite(connection) => connection.execute(sql, &args).await,
            Way::Postgres(connection) => Ok(bind(sql, args).execute(connection).await.map_err(fault)?.rows_affected()),
        }
    }
}

impl Read {
    pub fn is_postgres(&self) -> bool {
        matches!(self.handle, Handle::Postgres(_) | Handle::PostgresWrite(_))
    }

    /// All rows of a result. Callers bound it by LIMIT or by what a workspace can have.
    pub async fn all(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>> {
        refuse_nul(&args)?;
        match self.handle.way() {
            Way::Sqlite(connection) => Ok(connection.all(sql, &args).await?.into_iter().map(Row::Sqlite).collect()),
            Way::Postgres(connection) => {
                let rows = bind(sql, args).fetch_all(connection).await.map_err(fault)?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row, if there is one.
    pub async fn optional(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Option<Row>> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// The one row that must be there.
    pub async fn one(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Row> {
        self.optional(sql, args).await?.ok_or_else(|| Error::internal("a row that must exist is missing"))
    }
}

/// PostgreSQL has no NUL in text, SQLite has: nobody may store or ask for what only one of them knows.
fn refuse_nul(args: &[Value]) -> Result<()> {
    let nul = |value: &Value| matches!(value, Value::Text(Some(text)) if text.contains('\0'));
    if args.iter().any(nul) {
        return Err(Error::new(INVALID_REQUEST, "text may not contain a NUL character"));
    }
    Ok(())
}

fn bind(sql: &'static str, args: Vec<Value>) -> sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments> {
    args.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    })
}

/// Sorts an error of PostgreSQL: may it be tried again, is a key taken, or is it ours to look into?
pub(crate) fn fault(error: sqlx::Error) -> Error {
    let kind = match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => DatabaseFault::UniqueViolation,
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // Serialisation failure, deadlock, lock timeout.
            Some("40001" | "40P01" | "55P03") => DatabaseFault::Conflict,
            // Shutting down, cannot connect now, read-only.
            Some("57P01" | "57P02" | "57P03" | "25006") => DatabaseFault::Unavailable,
            _ => DatabaseFault::Other,
        },
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
            DatabaseFault::Unavailable
        }
        _ => DatabaseFault::Other,
    };
    Error::database(kind, error)
}

/// Runs a block in a write transaction: commits if it gives `Ok`, leaves nothing behind otherwise, and tries a deadlocked
/// or busy one once more. `transact!(app.db, |tx| { store::insert(tx, …).await?; Ok(()) })`; the block may run twice, so it
/// must not consume what it captures. docs/decisions/0007 says why this is a macro.
#[macro_export]
macro_rules! transact {
    ($db:expr, |$tx:ident| $body:block) => {{
        let mut retried = false;
        loop {
            let mut transaction = $db.begin().await?;
            let outcome: $crate::error::Result<_> = {
                let $tx = &mut transaction;
                async { $body }.await
            };
            let outcome = match outcome {
                Ok(value) => transaction.commit().await.map(|()| value).map_err($crate::error::Error::at_commit),
                Err(error) => {
                    drop(transaction);
                    Err(error)
                }
            };
            match outcome {
                Err(error) if error.is_transient() && !retried => retried = true,
                outcome => break outcome,
            }
        }
    }};
}
