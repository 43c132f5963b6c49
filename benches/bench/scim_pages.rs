//! All users of a workspace by cursor: the last page beside the first, and what the walk leaves in the server's memory.

use super::scim::{Provider, Trial};
use super::scim_people::PAGE;
use super::statistics::{Rounds, grouped, median_seconds, shown};
use super::table::{Goal, Table};

/// Pages of each kind in a round.
const PAGES: usize = 10;
/// The first part of the pages, which also fills the server's caches.
const PART: u64 = 10;

pub async fn measure(trial: &Trial<'_>, table: &mut Table) {
    let cursor = walk(trial, table).await;
    let (mut provider, mut rounds) = (trial.provider().await, Rounds::default());
    for _ in 0..trial.settings.rounds {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for _ in 0..PAGES {
            first.push(provider.ask("GET", &path(""), "", 200).await);
            last.push(provider.ask("GET", &path(&cursor), "", 200).await);
        }
        rounds.push(median_seconds(&first), median_seconds(&last));
    }
    let (reference, measured, spread) = rounds.medians();
    table.ratio(
        &format!("SCIM, the last page of {} users by cursor, {PAGE} a page", grouped(trial.people.crowd.users)),
        format!("the first page: {}", shown(reference)),
        shown(measured),
        measured / reference,
        &spread,
        Goal::AtMost(1.2),
    );
}

/// Reads every page once, with a line of the table about memory; gives the cursor of the last page.
async fn walk(trial: &Trial<'_>, table: &mut Table) -> String {
    let users = trial.people.crowd.users;
    let (mut provider, mut cursor) = (trial.provider().await, String::new());
    let (mut pages, mut seen, mut before, mut most) = (0, 0, 0, 0);
    loop {
        let next = page(&mut provider, &cursor, &mut seen).await;
        pages += 1;
        let resident = trial.stand.process.resident();
        if pages <= (users / PAGE).div_ceil(PART) {
            (before, most) = (resident, resident);
        }
        most = most.max(resident);
        match next {
            Some(next) if pages < users / PAGE => cursor = next,
            _ => break,
        }
    }
    if seen != users {
        table.wrong(format!("{pages} pages of {PAGE} gave {seen} of {users} users"));
    }
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    table.figure(
        &format!("SCIM, memory while {pages} pages of {PAGE} users are read"),
        format!("after {} of them: {}", (users / PAGE).div_ceil(PART), megabytes(before)),
        format!("{} at the most, {} more", megabytes(most), megabytes(most - before)),
        (most - before) as f64 / 1e6,
        " MB",
        Goal::AtMost(5.0),
    );
    cursor
}

/// Reads a page, counts its users, and gives the cursor of the next one.
async fn page(provider: &mut Provider, cursor: &str, seen: &mut u64) -> Option<String> {
    provider.ask("GET", &path(cursor), "", 200).await;
    let answer = provider.answer();
    *seen += answer["Resources"].as_array().map_or(0, |users| users.len() as u64);
    answer["nextCursor"].as_str().map(str::to_owned)
}

fn path(cursor: &str) -> String {
    format!("/Users?count={PAGE}&cursor={cursor}")
}
