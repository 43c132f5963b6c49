//! What the promise survives, by what the database says of itself.

use crate::args;
use crate::db::Db;
use crate::error::Result;

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
