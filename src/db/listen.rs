//! PostgreSQL's LISTEN: hints that something changed. It loses what comes while it is disconnected, and says nothing.

use sqlx::postgres::PgListener;

use super::{Db, fault};
use crate::error::Result;

/// Hints from other processes.
pub struct Listener(PgListener);

impl Listener {
    /// Listens on these channels; `None` for an embedded database, which nobody else can change unseen.
    ///
    /// # Errors
    /// 503 if there is no connection.
    pub async fn open(db: &Db, channels: &[&str]) -> Result<Option<Self>> {
        let Db::Postgres(pool) = db else { return Ok(None) };
        let mut listener = PgListener::connect_with(pool).await.map_err(fault)?;
        listener.ignore_pool_close_event(true);
        listener.listen_all(channels.iter().copied()).await.map_err(fault)?;
        Ok(Some(Self(listener)))
    }

    /// The next hint: channel and text. `None` when the connection was lost: hints may have been missed.
    ///
    /// # Errors
    /// 503 if it can't be made again.
    pub async fn receive(&mut self) -> Result<Option<(String, String)>> {
        let hint = self.0.try_recv().await.map_err(fault)?;
        Ok(hint.map(|hint| (hint.channel().to_owned(), hint.payload().to_owned())))
    }
}
