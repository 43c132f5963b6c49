//! What **Log all users out** costs with few and with many sessions, beside one empty durable commit on the same disk.
//! Figures are medians; the ratios are what matters. SQLite, WAL, synchronous=FULL.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, reason = "a bench measures time and prints it")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use curfew::actor::Actor;
use curfew::app::App;
use curfew::args;
use curfew::base::clock::SystemClock;
use curfew::base::random::SystemRandom;
use curfew::config::Config;
use curfew::error::Result;
use curfew::security::log_all_users_out::{Request, log_all_users_out};
use curfew::transact;
use curfew::workspaces::{NewWorkspace, create};

const ROUNDS: usize = 15;
const USERS: i64 = 1_000;

#[tokio::main]
async fn main() -> Result<()> {
    println!("log all users out, SQLite, median of {ROUNDS} rounds");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = Config { data_dir: folder.path().to_owned(), ..Config::default() };
    let app = App::open(settings, Arc::new(SystemClock::new()), Arc::new(SystemRandom)).await?;
    let commit = median(&app, Work::EmptyCommit, 0).await?;
    println!("{:>9}  one empty durable commit", shown(commit));
    let mut first = None;
    for sessions in [1_000, 100_000, 1_000_000] {
        let took = median(&app, Work::Revocation, sessions).await?;
        let smallest = *first.get_or_insert(took);
        let (by_commit, by_smallest) = (ratio(took, commit), ratio(took, smallest));
        println!(
            "{:>9}  {sessions} sessions: {by_commit:.2} commits, {by_smallest:.2} times the smallest",
            shown(took)
        );
    }
    app.db.close().await;
    Ok(())
}

#[derive(Clone, Copy)]
enum Work {
    EmptyCommit,
    Revocation,
}

/// Each round revokes in a workspace of its own, so that each ends as many live sessions.
async fn median(app: &Arc<App>, work: Work, sessions: i64) -> Result<Duration> {
    let actor = Actor::cli(0);
    let slug = format!("bench-{sessions}");
    let new = NewWorkspace { slug: &slug, name: "Bench", owner_email: "owner@bench.test", password_hash: None };
    let workspace = create(app, &actor, &new).await?.workspace;
    fill(app, workspace.id.as_str(), sessions).await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        match work {
            Work::EmptyCommit => {
                transact!(app.db, |tx| { tx.execute("UPDATE head SET seq = seq WHERE id = 1", args![]).await })
                    .map(|_| ())?
            }
            Work::Revocation => {
                let (id, label) = (&workspace.id, slug.as_str());
                let request = Request { workspace: id, label, reason: "bench", include_api_keys: false, key: None };
                log_all_users_out(app, &actor, &request).await?;
            }
        }
        times.push(began.elapsed());
        // The sessions live again for the next round; only a bench may do that.
        transact!(app.db, |tx| {
            let sql = "UPDATE workspace SET epoch = 0 WHERE id = $1";
            tx.execute(sql, args![workspace.id.as_str()]).await
        })?;
    }
    times.sort();
    Ok(times[ROUNDS / 2])
}

async fn fill(app: &Arc<App>, workspace: &str, sessions: i64) -> Result<()> {
    let now = app.clock.now();
    transact!(app.db, |tx| {
        let users = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) \
            INSERT INTO users (workspace_id, id, user_name, user_name_key, display_name, role, state, provider_active, source, \
            epoch, epoch_seq, resource, version, created_at, updated_at) \
            SELECT $1, 'u' || i, 'u' || i, 'u' || i, 'U', 'member', 'active', 1, 'scim', 0, 0, '{}', 1, $3, $3 FROM n";
        tx.execute(users, args![workspace, USERS, now]).await?;
        let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) \
            INSERT INTO session (workspace_id, id, user_id, token_hash, method, workspace_epoch, user_epoch, created_at, \
            signed_in_at, last_seen_at, ip, last_ip, user_agent) \
            SELECT $1, 's' || i, 'u' || (1 + i % $4), randomblob(32), 'password', 0, 0, $3, $3, $3, '', '', '' FROM n \
            WHERE $2 > 0";
        tx.execute(rows, args![workspace, sessions.max(1), now, USERS]).await
    })?;
    Ok(())
}

fn shown(took: Duration) -> String {
    format!("{:.2} ms", took.as_secs_f64() * 1000.0)
}

fn ratio(took: Duration, reference: Duration) -> f64 {
    took.as_secs_f64() / reference.as_secs_f64()
}
