#![allow(clippy::useless_vec, reason = "`args!` makes one, as the callers have it")]

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use super::{Connection, Pool};
use crate::args;

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("test.db");
    (folder, path)
}

async fn begun(pool: &Pool) -> Connection {
    pool.acquire().await.expect("it is free").begin().await.expect("nobody has the lock")
}

/// A file with a table that is empty, and who writes to it.
async fn with_table() -> (TempDir, PathBuf, Pool) {
    let (folder, path) = file();
    let writer = Pool::writer(&path);
    let mut connection = writer.acquire().await.expect("the file can be made");
    connection.script("CREATE TABLE t (x BIGINT UNIQUE)").expect("there is none yet");
    drop(connection);
    (folder, path, writer)
}

async fn count(pool: &Pool) -> i64 {
    let mut connection = pool.acquire().await.expect("one is free");
    let rows = connection.all("SELECT COUNT(*) AS found FROM t", &[]).await.expect("the table is there");
    rows[0].get("found").expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_have_numbers() {
    let (_folder, path) = file();
    let mut connection = Pool::writer(&path).acquire().await.expect("the file can be made");
    let sql = "SELECT $2 AS second, $1 AS first, $2 || $2 AS twice, $3 AS third";
    let rows = connection.all(sql, &args![1_i64, "b", None::<String>]).await.expect("a statement");
    assert_eq!(rows[0].get::<i64>("first").expect("a number"), 1);
    assert_eq!(rows[0].get::<String>("second").expect("a text"), "b");
    assert_eq!(rows[0].get::<String>("twice").expect("a text"), "bb");
    assert_eq!(rows[0].get::<Option<String>>("third").expect("nothing"), None);
    for column in ["second", "third", "fourth"] {
        assert!(rows[0].get::<i64>(column).is_err(), "{column} was read as a number");
    }
    assert!(connection.all(sql, &args![1_i64, "b"]).await.is_err(), "an argument was missing");
    assert!(connection.all("SELECT 1; SELECT 2", &[]).await.is_err(), "the second statement would be lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    let (_folder, path, writer) = with_table().await;
    let readers = Pool::readers(&path);
    let mut dropped = begun(&writer).await;
    assert_eq!(
        dropped.execute("INSERT INTO t (x) VALUES ($1), ($2)", &args![1_i64, 2_i64]).await.expect("it is empty"),
        2
    );
    drop(dropped);
    let mut kept = begun(&writer).await;
    assert_eq!(kept.execute("INSERT INTO t (x) VALUES ($1)", &args![1_i64]).await.expect("it is empty"), 1);
    let again = kept.execute("INSERT INTO t (x) VALUES ($1)", &args![1_i64]).await;
    assert!(again.expect_err("it is there already").is_unique_violation());
    assert_eq!(count(&readers).await, 0, "nothing was committed yet");
    kept.commit().await.expect("there is room");
    assert_eq!(count(&readers).await, 1);
}

#[tokio::test]
async fn whoever_waits_for_another_process_can_stop_waiting() {
    let (_folder, path, writer) = with_table().await;
    let other = rusqlite::Connection::open(&path).expect("the file is there");
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO t (x) VALUES (1)").expect("nobody else writes");
    let connection = writer.acquire().await.expect("it is free");
    assert!(timeout(Duration::from_millis(20), connection.begin()).await.is_err(), "the other one has the lock");
    other.execute_batch("COMMIT").expect("it has the lock");
    // It comes back from its thread, and has changed nothing.
    begun(&writer).await.commit().await.expect("there is room");
    assert_eq!(count(&writer).await, 1);
}

#[tokio::test]
async fn what_sqlite_took_back_is_not_gone_on_with() {
    let (_folder, _path, writer) = with_table().await;
    let mut taken_back = begun(&writer).await;
    // As SQLite does by itself when the disk fails.
    taken_back.script("ROLLBACK").expect("a transaction is open");
    assert!(taken_back.execute("INSERT INTO t (x) VALUES (1)", &[]).await.is_err(), "it would be written by itself");
    assert!(taken_back.commit().await.is_err(), "there is nothing to commit");
    assert_eq!(count(&writer).await, 0);
}

#[tokio::test]
async fn a_closed_pool_gives_no_connection() {
    let (_folder, path, writer) = with_table().await;
    writer.close().await;
    assert_eq!(writer.acquire().await.err().expect("it is closed").problem().status, 503);
    assert!(!path.with_extension("db-wal").exists(), "the log was folded into the file");
}
