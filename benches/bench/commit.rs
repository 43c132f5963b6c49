//! The reference of everything that writes: one empty durable commit, through the same kernel, on the same disk.
//!
//! It must change a value. SQLite finds a row that is written as it was unchanged, and commits without touching the disk; that
//! would be the reference of nothing.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use curfew::app::App;
use curfew::error::Result;
use curfew::{args, transact};

use super::support::run;

/// Makes the one row that commits change.
pub async fn prepare(app: &App) {
    let made: Result<()> = async {
        transact!(app.db, |tx| {
            tx.execute(
                "CREATE TABLE IF NOT EXISTS bench_commit (id BIGINT NOT NULL PRIMARY KEY, number BIGINT NOT NULL)",
                args![],
            )
            .await?;
            tx.execute("INSERT INTO bench_commit (id, number) VALUES (1, 0) ON CONFLICT (id) DO NOTHING", args![])
                .await?;
            Ok(())
        })
    }
    .await;
    made.expect("the database is ours");
}

/// `UPDATE` of one row and `COMMIT`.
pub async fn empty(app: &App) -> Duration {
    let begun = Instant::now();
    let done: Result<u64> = async {
        transact!(app.db, |tx| {
            tx.execute("UPDATE bench_commit SET number = number + 1 WHERE id = 1", args![]).await
        })
    }
    .await;
    let took = begun.elapsed();
    assert_eq!(done.expect("the database is ours"), 1, "the row is there");
    took
}

/// What the disk alone takes: 4 KiB written and made durable. A commit that is much faster is none.
pub struct Disk(File);

impl Disk {
    pub fn open() -> Self {
        Self(File::create(run::folder().join("disk")).expect("the run's folder is writable"))
    }

    pub fn write(&self) -> Duration {
        let begun = Instant::now();
        self.0.write_all_at(&[7; 4096], 0).expect("there is room");
        self.0.sync_data().expect("the disk takes it");
        begun.elapsed()
    }
}
