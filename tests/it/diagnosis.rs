//! What an operator is told of a database in trouble, and that asking it changes nothing.

use std::time::{Duration, Instant};

use curfew::db::Db;

use crate::support::cli::Cli;
use crate::support::postgres::{self, Cluster};
use crate::support::process::Serve;
use crate::support::{Database, Home, programs, run};

/// What is logged of a database without a synchronous standby.
const ADVICE: &str = "set synchronous_standby_names; see docs/operations.md#failover";
const STUCK: &str = "he database answers, but a commit does not finish";

on_both_databases! {
    /// Who asks for the version of the schema makes no table.
    async fn looking_changes_nothing(database: Database) {
        let folder = run::temporary("empty-");
        let (url, tables) = match database {
            Database::Sqlite => {
                (format!("sqlite://{}", folder.path().join("curfew.db").display()), "SELECT name FROM sqlite_master")
            }
            Database::Postgres => {
                postgres::cluster().create("never_migrated", None);
                let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
                (postgres::cluster().url("never_migrated"), tables)
            }
        };
        let cli = Cli::new(&url, folder.path());
        let said = cli.run(&["migrate", "--check"]).refused();
        assert!(said.code == Some(1) && said.stdout.contains("schema version 0"), "{said:?}");
        let db = Db::open(&url).await.expect("the database opens");
        let found = db.read().await.expect("a connection").all(tables, Vec::new()).await.expect("an answer");
        assert!(found.is_empty(), "looking made {} tables", found.len());
        db.close().await;
        cli.run(&["migrate"]).succeeded();
        cli.run(&["migrate", "--check"]).succeeded();
    }
}

/// Where the server should be and why it isn't reached, without the password.
#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_is_named() {
    let folder = run::temporary("unreachable-");
    for (port, why) in
        [(programs::free_port(), "refused"), (postgres::cluster().port(), "password authentication failed")]
    {
        let url = format!("postgres://curfew:guessed-in-vain@127.0.0.1:{port}/curfew");
        let said = Cli::new(&url, folder.path()).run(&["migrate", "--check"]).refused().stderr;
        assert!(said.contains(&format!("PostgreSQL at 127.0.0.1:{port} ")) && said.contains(why), "{said}");
        assert!(!said.contains("guessed-in-vain"), "{said}");
    }
}

/// A standby that was never there is a warning; one that is gone is told from a database that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_standby_is_told() {
    let cluster = Cluster::start("postgres-diagnosis");
    let home = Home::on(&cluster);
    let serve = Serve::new(&home);
    let mut server = serve.start().await;
    until(&serve, "no standby", |said| warnings(said) == 1).await;
    let doctor = home.cli().run(&["doctor"]);
    assert!(doctor.code == Some(1) && doctor.stdout.contains("synchronous_standby_names"), "{doctor:?}");
    cluster.configure("synchronous_standby_names = 'nobody'\n");
    cluster.reload();
    until(&serve, "a commit that hangs", |said| said.contains(STUCK)).await;
    until(&serve, "the other promise", |said| said.contains("an acknowledged revocation survives")).await;
    let doctor = home.cli().run(&["doctor"]);
    assert!(doctor.code == Some(2) && doctor.stdout.contains(STUCK), "{doctor:?}");
    cluster.configure("");
    cluster.reload();
    until(&serve, "no standby, again", |said| warnings(said) == 2).await;
    server.kill();
    cluster.discard();
}

fn warnings(said: &str) -> usize {
    said.lines().filter(|line| line.contains("WARN") && line.contains(ADVICE)).count()
}

/// Asks whether the server is ready, which makes it look, until it has logged something.
async fn until(serve: &Serve, what: &str, holds: impl Fn(&str) -> bool) {
    let begun = Instant::now();
    loop {
        serve.is_ready().await;
        let said = serve.said();
        if holds(&said) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
