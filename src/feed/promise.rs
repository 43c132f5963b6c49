//! What the promise survives, by what the database says of itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use crate::app::App;
use crate::args;
use crate::db::Db;
use crate::error::Result;

/// How long a database that answers may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// What to say where a question is answered and a commit isn't.
const STUCK: &str = "the database answers, but a commit does not finish: \
                     is a synchronous standby (synchronous_standby_names) connected?";

/// How much of the promise outlives the loss of the database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// One process, one file: nothing to fail over to.
    Embedded,
    /// Commits wait for a standby: what was answered survives the loss of the primary.
    SurvivesFailover,
    /// No standby waits: if the primary is lost for good, the newest revocations are lost with it. Then everybody signs in
    /// again.
    SingleServer,
    /// The database doesn't say.
    Unknown,
}

impl Promise {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::SurvivesFailover => "survives_failover",
            Self::SingleServer => "single_server",
            Self::Unknown => "unknown",
        }
    }

    /// For the operator.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Embedded => {
                "embedded database: revocations hold in this process; restore a backup with `curfew restore`"
            }
            Self::SurvivesFailover => {
                "synchronous standby: an acknowledged revocation survives the loss of the primary; after a failover everybody signs in again"
            }
            Self::SingleServer => {
                "no synchronous standby: if the database server is lost for good, revocations of its last moments are lost; everybody signs in again then"
            }
            Self::Unknown => "the database does not say whether a synchronous standby is there",
        }
    }

    /// What the operator can do to be promised more.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::SingleServer => Some("set synchronous_standby_names; see docs/operations.md#failover"),
            Self::Unknown => Some("see docs/operations.md#failover"),
            Self::Embedded | Self::SurvivesFailover => None,
        }
    }

    fn log(self) {
        match self.advice() {
            Some(advice) => tracing::warn!("{}; {advice}", self.sentence()),
            None => tracing::info!("{}", self.sentence()),
        }
    }
}

/// What the database promised when it was last asked.
#[derive(Default)]
pub struct Remembered(Mutex<Option<Promise>>);

impl Remembered {
    /// Whether this is news. A database that doesn't answer takes nothing back.
    fn is_changed_by(&self, promise: Promise) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == Some(promise) || (known.is_some() && promise == Promise::Unknown) {
            return false;
        }
        *known = Some(promise);
        true
    }
}

/// Asks the database, and logs its answer if it was another one before.
pub async fn watch(app: &App) -> Promise {
    let promise = of(&app.db).await;
    if app.feed.promised.is_changed_by(promise) {
        promise.log();
    }
    promise
}

/// What to say of a commit that did not finish; `None` unless the database answers, and commits wait for a standby.
pub async fn stuck(db: &Db) -> Option<&'static str> {
    let answer = timeout(PATIENCE, of(db)).await;
    matches!(answer, Ok(Promise::SurvivesFailover)).then_some(STUCK)
}

/// Asks the database.
pub async fn of(db: &Db) -> Promise {
    if !db.is_postgres() {
        return Promise::Embedded;
    }
    match standby(db).await {
        Ok(true) => Promise::SurvivesFailover,
        Ok(false) => Promise::SingleServer,
        Err(_) => Promise::Unknown,
    }
}

async fn standby(db: &Db) -> Result<bool> {
    let sql =
        "SELECT current_setting('synchronous_standby_names') AS names, current_setting('synchronous_commit') AS wait";
    let row = db.read().await?.one(sql, args![]).await?;
    let waits = ["on", "remote_apply", "remote_write"].contains(&row.text("wait")?.as_str());
    Ok(!row.text("names")?.is_empty() && waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_news() {
        let known = Remembered::default();
        let news = [
            (Promise::SingleServer, true),
            (Promise::SingleServer, false),
            (Promise::Unknown, false),
            (Promise::SingleServer, false),
            (Promise::SurvivesFailover, true),
            (Promise::SingleServer, true),
        ];
        for (at, (promise, is_news)) in news.into_iter().enumerate() {
            assert_eq!(known.is_changed_by(promise), is_news, "{at}: {promise:?}");
        }
    }
}
