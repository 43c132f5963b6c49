//! From the start of the process to its first correct check, with many sessions in the database and with few.

use std::time::Duration;

use super::http::{self, Connection};
use super::people::{Crowd, token};
use super::place::{self, Home, Place};
use super::servers::Serve;
use super::settings::Settings;
use super::statistics::{grouped, median_seconds, shown, spread};
use super::table::{Goal, Table};

/// A token of nobody.
const STRANGER: (u64, u64) = (98, 0);
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn measure(home: &Home, settings: &Settings, table: &mut Table) {
    let (mut few, mut many, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    // The first start of each also finds its files in no cache.
    for round in 0..=settings.rounds {
        let small = until_correct(&home.small, &home.few, table).await;
        let large = until_correct(&home.large, &home.everybody, table).await;
        if round > 0 {
            few.push(small);
            many.push(large);
            ratios.push(large.as_secs_f64() / small.as_secs_f64());
        }
    }
    let (reference, measured) = (median_seconds(&few), median_seconds(&many));
    table.ratio(
        &format!("start to first correct check, {} sessions", grouped(home.everybody.sessions)),
        format!("{} sessions: {}", grouped(home.few.sessions), shown(reference)),
        shown(measured),
        measured / reference,
        &spread(&ratios),
        Goal::AtMost(1.5),
    );
}

/// Correct: a live session is accepted, and an unknown one is refused.
async fn until_correct(place: &Place, crowd: &Crowd, table: &mut Table) -> Duration {
    let address = place::addresses()[0].to_string();
    let live = http::check(crowd.token(crowd.sessions / 2).reveal(), &address);
    let unknown = http::check(token(STRANGER.0, STRANGER.1).reveal(), &address);
    let server = Serve::spawn(place, "start");
    let took = loop {
        assert!(server.started.elapsed() < PATIENCE, "curfew serve does not answer: {}", server.process.said());
        if let Ok(mut connection) = Connection::open(server.port).await
            && let (Ok(first), Ok(second)) = (connection.ask(&live).await, connection.ask(&unknown).await)
        {
            match (first, second) {
                (200, 401) => break server.started.elapsed(),
                // Not yet: it has no lease.
                (503, _) | (_, 503) => {}
                other => table.wrong(format!("a server that just started answers {other:?}, not 200 and 401")),
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    server.process.stop();
    took
}
