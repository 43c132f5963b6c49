//! Ways to the database that requests can't use up, and that don't use up each other.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::time::timeout;

use crate::db::Db;
use crate::error::{Error, Result, UNAVAILABLE};

/// A few connections for one purpose. If one of them is silent they are all left behind: after a failover the other end may be gone
/// for good.
pub struct Beside {
    current: RwLock<Current>,
    database_url: String,
    purpose: &'static str,
    connections: u32,
}

#[derive(Clone)]
struct Current {
    db: Db,
    /// How many there were before.
    generation: u64,
}

impl Beside {
    /// Connects when it is first used. `purpose` is what the database server shows.
    ///
    /// # Errors
    /// 400 for an address that is none.
    pub fn new(db: &Db, database_url: &str, purpose: &'static str, connections: u32) -> Result<Self> {
        let db = db.open_beside(database_url, purpose, connections)?;
        let current = RwLock::new(Current { db, generation: 0 });
        Ok(Self { current, database_url: database_url.to_owned(), purpose, connections })
    }

    pub fn db(&self) -> Db {
        self.current().db
    }

    /// Asks the database something.
    ///
    /// # Errors
    /// As the question; 503 if there is no answer in time: then its connection is left behind.
    pub async fn ask<T, F>(&self, patience: Duration, question: impl FnOnce(Db) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let Current { db, generation } = self.current();
        match timeout(patience, question(db)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.leave(generation);
                Err(silent())
            }
        }
    }

    /// Leaves the connections behind.
    pub fn reconnect(&self) {
        self.leave(self.current().generation);
    }

    // Of many who found it silent one does it.
    fn leave(&self, generation: u64) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.generation != generation {
            return;
        }
        if let Ok(db) = current.db.open_beside(&self.database_url, self.purpose, self.connections) {
            *current = Current { db, generation: generation + 1 };
        }
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn silent() -> Error {
    Error::new(UNAVAILABLE, "the database did not answer in time").with_retry_after(Duration::from_secs(1))
}
