//! Users created: one after the other, beside as many durable commits; and many at once, beside as many rows.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::place::Kind;
use super::scim::Trial;
use super::statistics::{Rounds, grouped, rate};
use super::table::{Goal, Table};

/// Operations of a bulk request, and rows of a commit.
pub const EACH: u64 = 100;

pub async fn one_by_one(trial: &mut Trial<'_>, table: &mut Table) {
    let (mut rounds, length) = (Rounds::default(), trial.settings.turn);
    for _ in 0..trial.settings.rounds {
        let commits = per_second(&trial.stand.order(&format!("commits {}", length.as_millis())));
        let created = create(trial, length).await;
        rounds.push(commits, created);
        // The request log is still being written.
        trial.stand.rest();
    }
    let (reference, measured, spread) = rounds.medians();
    let goal = if trial.kind == Kind::Sqlite { Goal::AtLeast(0.6) } else { Goal::None };
    let what = "SCIM, users created one after the other";
    table.ratio(
        what,
        format!("empty durable commits: {}", rate(reference)),
        rate(measured),
        measured / reference,
        &spread,
        goal,
    );
}

/// Users a second.
async fn create(trial: &mut Trial<'_>, length: Duration) -> f64 {
    let mut provider = trial.provider().await;
    let (mut created, mut spent, begun) = (0_u64, Duration::ZERO, Instant::now());
    while begun.elapsed() < length {
        let user = trial.newcomer().to_string();
        spent += provider.ask("POST", "/Users", &user, 201).await;
        created += 1;
    }
    created as f64 / spent.as_secs_f64()
}

pub async fn in_bulk(trial: &mut Trial<'_>, table: &mut Table) {
    let mut rounds = Rounds::default();
    let number = trial.settings.rounds as u64;
    let requests = (trial.people.crowd.users / 10 / EACH / number).max(1);
    for round in 0..number {
        let (from, to) = (round * requests * EACH, (round + 1) * requests * EACH);
        let order = format!("rows {} {from} {to}", trial.people.crowd.workspace);
        let rows = per_second(&trial.stand.order(&order));
        let created = bulk(trial, requests, table).await;
        rounds.push(rows, created);
        trial.stand.rest();
    }
    let (reference, measured, spread) = rounds.medians();
    table.ratio(
        &format!("SCIM, {} users by Bulk of {EACH}", grouped(number * requests * EACH)),
        format!("rows of users, {EACH} a commit: {}", rate(reference)),
        rate(measured),
        measured / reference,
        &spread,
        Goal::AtLeast(0.3),
    );
}

/// Users a second.
async fn bulk(trial: &mut Trial<'_>, requests: u64, table: &mut Table) -> f64 {
    let (mut provider, mut spent) = (trial.provider().await, Duration::ZERO);
    for _ in 0..requests {
        let operations: Vec<Value> = (0..EACH)
            .map(|id| json!({"method": "POST", "path": "/Users", "bulkId": id.to_string(), "data": trial.newcomer()}))
            .collect();
        let urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        let request = json!({"schemas": [urn], "Operations": operations}).to_string();
        spent += provider.ask("POST", "/Bulk", &request, 200).await;
        let answer = provider.answer();
        let done = answer["Operations"].as_array().into_iter().flatten().filter(|done| done["status"] == "201").count();
        if done as u64 != EACH {
            table.wrong(format!("of {EACH} users in a bulk request {done} were created"));
        }
    }
    (requests * EACH) as f64 / spent.as_secs_f64()
}

/// From what the stand says: how many, in how many seconds.
pub fn per_second(answer: &str) -> f64 {
    let (count, seconds) = answer.split_once(' ').expect("two numbers");
    let number = |text: &str| text.parse::<f64>().expect("a number");
    number(count) / number(seconds)
}
