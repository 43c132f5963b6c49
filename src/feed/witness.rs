//! Beside an embedded database: a file with the newest head that this machine has seen. A backup that is copied back has an
//! older one, and so can't bring back who was logged out since.

use std::path::{Path, PathBuf};

use tokio::sync::Mutex;

use crate::db::Db;

fn place(db: &Db) -> Option<PathBuf> {
    match db {
        Db::Sqlite { path, .. } => Some(path.with_extension("head")),
        Db::Postgres(_) => None,
    }
}

/// The newest head that was seen here; 0 if nobody knows.
pub async fn seen(db: &Db) -> i64 {
    let Some(place) = place(db) else { return 0 };
    let text = tokio::fs::read_to_string(place).await.unwrap_or_default();
    text.trim().parse().unwrap_or_default()
}

/// One writer at a time: an older head must not overtake a newer one.
static WRITING: Mutex<()> = Mutex::const_new(());

/// Remembers a head, before anybody is told of it. A failure is no failure of whatever is under way.
pub async fn note(db: &Db, head: i64) {
    let Some(place) = place(db) else { return };
    let _writing = WRITING.lock().await;
    let shown = place.clone();
    let written = tokio::task::spawn_blocking(move || replace(&place, head)).await;
    if let Err(error) = written.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        tracing::warn!(%error, file = %shown.display(), "could not note the newest revocation beside the database");
    }
}

fn replace(place: &Path, head: i64) -> std::io::Result<()> {
    let before = std::fs::read_to_string(place).unwrap_or_default();
    if before.trim().parse::<i64>().is_ok_and(|before| before >= head) {
        return Ok(());
    }
    let fresh = place.with_extension(format!("head.{}", std::process::id()));
    std::fs::write(&fresh, head.to_string())?;
    std::fs::rename(&fresh, place)
}
