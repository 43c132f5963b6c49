//! **Log all users out** with few and with many live sessions, beside one empty durable commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use curfew::actor::Actor;
use curfew::app::App;
use curfew::error::Result;
use curfew::security::log_all_users_out::{Request, log_all_users_out};
use curfew::sessions::follow;
use curfew::{args, transact};

use super::commit::{self, Disk};
use super::people::Crowd;
use super::place::Home;
use super::settings::Settings;
use super::statistics::{grouped, median_seconds, shown};
use super::table::{Goal, Table};

/// What a commit costs now is what it costs a moment later only on average: many short rounds.
const ROUNDS: usize = 5;
/// What one change leaves to be done, such as acknowledging it, is not to be paid for by the next.
const PAUSE: Duration = Duration::from_millis(20);

pub async fn measure(home: &Home, settings: &Settings, table: &mut Table) {
    let app = home.large.open().await;
    // A replica like any other: it has a lease, and knows of its own revocations.
    let following = follow::start(app.clone());
    follow::ensure_lease(&app).await.expect("our own database gives a lease");
    commit::prepare(&app).await;
    let disk = Disk::open();
    let (mut writes, mut commits) = (Vec::new(), Vec::new());
    let mut times: Vec<Vec<Duration>> = home.sizes.iter().map(|_| Vec::new()).collect();
    for _ in 0..settings.rounds * ROUNDS {
        writes.push(disk.write());
        tokio::time::sleep(PAUSE).await;
        commits.push(commit::empty(&app).await);
        tokio::time::sleep(PAUSE).await;
        for (crowd, times) in home.sizes.iter().zip(&mut times) {
            times.push(revoke(&app, crowd).await);
            tokio::time::sleep(PAUSE).await;
            revive(&app, crowd).await.expect("the database is ours");
            tokio::time::sleep(PAUSE).await;
        }
    }
    report(home, &writes, &commits, &times, table);
    following.iter().for_each(tokio::task::JoinHandle::abort);
    follow::leave(&app).await;
    app.db.close().await;
}

async fn revoke(app: &Arc<App>, crowd: &Crowd) -> Duration {
    let (workspace, label) = (&crowd.workspace, crowd.slug.as_str());
    let request = Request { workspace, label, reason: "bench", include_api_keys: false, key: None };
    let begun = Instant::now();
    let done = log_all_users_out(app, &Actor::cli(0), &request).await;
    let took = begun.elapsed();
    done.expect("everybody can be logged out");
    took
}

/// The sessions live again for the next round; only a bench may do that.
async fn revive(app: &App, crowd: &Crowd) -> Result<()> {
    transact!(app.db, |tx| {
        tx.execute("UPDATE workspace SET epoch = 0 WHERE id = $1", args![&crowd.workspace]).await?;
        Ok(())
    })
}

fn report(home: &Home, writes: &[Duration], commits: &[Duration], times: &[Vec<Duration>], table: &mut Table) {
    let (write, commit) = (median_seconds(writes), median_seconds(commits));
    let what = "an empty durable commit: less than the disk would be none";
    table.ratio(
        what,
        format!("4 KiB written and synced: {}", shown(write)),
        shown(commit),
        commit / write,
        "",
        Goal::None,
    );
    let smallest = median_seconds(&times[0]);
    for (index, (crowd, times)) in home.sizes.iter().zip(times).enumerate() {
        let took = median_seconds(times);
        let what = format!("log all users out, {} live sessions", grouped(crowd.sessions));
        let reference = format!("a commit: {}", shown(commit));
        table.ratio(&what, reference, shown(took), took / commit, "", Goal::AtMost(3.0));
        if index > 0 {
            let goal = if crowd.sessions == home.everybody.sessions { Goal::AtMost(1.5) } else { Goal::None };
            let reference = format!("{} sessions: {}", grouped(home.sizes[0].sessions), shown(smallest));
            table.ratio(&what, reference, shown(took), took / smallest, "", goal);
        }
    }
}
