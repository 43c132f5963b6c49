//! Checks while fifty sessions a second are revoked on the same server, beside checks without that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::http::{self, Connection};
use super::load::{Pace, Tokens, turn};
use super::machine::Pinned;
use super::people::Crowd;
use super::place::{self, Home};
use super::settings::Settings;
use super::stand::Stand;
use super::statistics::{grouped, median, median_seconds, rate, shown, spread};
use super::table::{Goal, Table};

/// Revocations a second.
const PACE: u64 = 50;

/// What came of revoking beside a load.
#[derive(Default)]
struct Revoked {
    times: Vec<Duration>,
    /// Checks that were accepted after the answer to their session's revocation.
    accepted: u64,
    strange: Vec<String>,
}

pub fn measure(stand: &Stand, home: &Home, settings: &Settings, table: &mut Table) {
    let tokens = Tokens::at_random(&home.everybody, 0..stand.distinct);
    let _pinned = Pinned::here_and(stand.process.id());
    let next = AtomicU64::new(0);
    let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut all = Revoked::default();
    for _ in 0..settings.rounds {
        let (alone, ()) = turn(stand.port, &tokens, Pace::AsFastAsAnswered, settings.turn, async {});
        let revoking = revoke(stand.port, home, &next, settings.turn);
        let (beside, revoked) = turn(stand.port, &tokens, Pace::AsFastAsAnswered, settings.turn, revoking);
        if alone.others + beside.others > 0 {
            table.wrong(format!("while revoking: {} live sessions were refused", alone.others + beside.others));
        }
        without.push(alone.rate());
        with.push(beside.rate());
        ratios.push(beside.rate() / alone.rate());
        all.times.extend(revoked.times);
        all.accepted += revoked.accepted;
        all.strange.extend(revoked.strange);
    }
    if all.accepted > 0 {
        table.wrong(format!("{} checks were accepted after their session's revocation was answered", all.accepted));
    }
    if let Some(strange) = all.strange.first() {
        table.wrong(format!("{} revocations went wrong; the first: {strange}", all.strange.len()));
    }
    let (reference, measured) = (median(without), median(with));
    let reached = all.times.len() as f64 / (settings.turn.as_secs_f64() * settings.rounds as f64);
    table.ratio(
        &format!("checks while {reached:.0} revocations a second run, {} sessions at random", grouped(stand.distinct)),
        format!("without: {}", rate(reference)),
        format!("{}; a revocation took {}", rate(measured), shown(median_seconds(&all.times))),
        measured / reference,
        &spread(&ratios),
        Goal::AtLeast(0.9),
    );
}

/// Revokes one session after the other, each of another user, as an administrator does over HTTP; looks at each before
/// and after.
async fn revoke(port: u16, home: &Home, next: &AtomicU64, length: Duration) -> Revoked {
    let (crowd, address) = (&home.leaving, place::addresses()[0].to_string());
    let owner = home.everybody.token(0).reveal().to_owned();
    let mut connection = Connection::open(port).await.expect("the server listens");
    let mut timer = tokio::time::interval(Duration::from_secs(1) / u32::try_from(PACE).expect("a few"));
    let (begun, mut revoked) = (Instant::now(), Revoked::default());
    while begun.elapsed() < length {
        timer.tick().await;
        // The owner's own sessions stay.
        let number = next.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(number < crowd.sessions, "there are too few sessions to revoke");
        let check = http::check(crowd.token(number).reveal(), &address);
        let before = connection.ask(&check).await.expect("the server answers");
        let order = end(crowd, number, &owner, &address);
        let asked = Instant::now();
        let ended = connection.ask(&order).await.expect("the server answers");
        revoked.times.push(asked.elapsed());
        if (before, ended) != (200, 200) {
            let body = String::from_utf8_lossy(connection.body()).into_owned();
            revoked.strange.push(format!("{before} before, the revocation gave {ended} {body}"));
        }
        let after = connection.ask(&check).await.expect("the server answers");
        revoked.accepted += u64::from(after == 200);
    }
    revoked
}

fn end(crowd: &Crowd, number: u64, owner: &str, address: &str) -> Vec<u8> {
    let path = format!("/api/v1/sessions/{}", crowd.session_id(number));
    http::request("DELETE", &path, owner, address, "", "")
}
