//! Users found by a filter among many, beside one read by its id: over the same connection, with the same in the answer.

use std::time::{Duration, Instant};

use super::load::Random;
use super::people::Crowd;
use super::scim::Trial;
use super::scim_people::external_id;
use super::statistics::{Rounds, grouped, rate};
use super::table::{Goal, Table};

/// How a user is asked for.
#[derive(Clone, Copy)]
enum Way {
    Id,
    UserName,
    ExternalId,
}

impl Way {
    fn path(self, crowd: &Crowd, user: u64) -> String {
        let filter = match self {
            Self::Id => return format!("/Users/{}", crowd.user_id(user)),
            Self::UserName => format!("userName eq \"{}\"", crowd.user_name(user)),
            Self::ExternalId => format!("externalId eq \"{}\"", external_id(user)),
        };
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        format!("/Users?filter={filter}")
    }
}

pub async fn measure(trial: &Trial<'_>, table: &mut Table) {
    let (mut by_name, mut by_external_id) = (Rounds::default(), Rounds::default());
    for round in 0..=trial.settings.rounds as u64 {
        let read = turn(trial, Way::Id, round * 3, table).await;
        let named = turn(trial, Way::UserName, round * 3 + 1, table).await;
        let external = turn(trial, Way::ExternalId, round * 3 + 2, table).await;
        // The first round only fills caches.
        if round > 0 {
            by_name.push(read, named);
            by_external_id.push(read, external);
        }
    }
    for (attribute, rounds) in [("userName", by_name), ("externalId", by_external_id)] {
        let (reference, measured, spread) = rounds.medians();
        table.ratio(
            &format!("SCIM filter {attribute} eq, {} users at random", grouped(trial.people.crowd.users)),
            format!("one user by id: {}", rate(reference)),
            rate(measured),
            measured / reference,
            &spread,
            Goal::AtLeast(0.8),
        );
    }
}

/// Answers a second of half a turn, each about another user.
async fn turn(trial: &Trial<'_>, way: Way, seed: u64, table: &mut Table) -> f64 {
    let crowd = &trial.people.crowd;
    let users = usize::try_from(crowd.users).expect("they fit in memory");
    let (mut provider, mut random) = (trial.provider().await, Random::new(seed));
    let (mut answers, mut others, mut spent) = (0_u64, 0_u64, Duration::ZERO);
    let begun = Instant::now();
    while begun.elapsed() < trial.settings.turn / 2 {
        let user = random.below(users) as u64;
        spent += provider.ask("GET", &way.path(crowd, user), "", 200).await;
        answers += 1;
        others += u64::from(!provider.says(&external_id(user)));
    }
    if others > 0 {
        table.wrong(format!("{others} of {answers} answers were not about the user who was asked for"));
    }
    answers as f64 / spent.as_secs_f64()
}
