//! A check without HTTP, beside the least that any such check must do: SHA-256 of the token and one look-up by it.

use std::collections::HashMap;
use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use curfew::app::App;
use curfew::sessions::check::{Verdict, check};
use sha2::{Digest, Sha256};

use super::load::Random;
use super::machine::Pinned;
use super::settings::Settings;
use super::stand::Stand;
use super::statistics::{grouped, median, shown, spread};
use super::table::{Goal, Table};
use super::{people, place};

/// Checks in a turn.
const CHECKS: usize = 400_000;

/// Both sides, in one process and one thread.
pub struct Contest {
    series: u64,
    sessions: u64,
    map: HashMap<[u8; 32], [u8; 96]>,
    addresses: Vec<IpAddr>,
}

impl Contest {
    pub fn prepare(series: u64, sessions: u64) -> Self {
        let entry = |number: u64| (people::token(series, number).hash(), [number as u8; 96]);
        Self { series, sessions, map: (0..sessions).map(entry).collect(), addresses: place::addresses() }
    }

    /// One turn each with the same tokens in the same random order, which is another one in every round; who begins changes.
    /// Nanoseconds for a check and for the reference, how many were valid, how many were found.
    pub async fn round(&self, app: &Arc<App>, round: u64) -> String {
        let mut random = Random::new(round);
        let sessions = usize::try_from(self.sessions).expect("it fits in memory");
        let chosen = (0..CHECKS).map(|_| people::token(self.series, random.below(sessions) as u64).reveal().to_owned());
        let tokens: Vec<String> = chosen.collect();
        let (checked, reference);
        if round.is_multiple_of(2) {
            reference = self.reference(&tokens);
            checked = self.checks(app, &tokens).await;
        } else {
            checked = self.checks(app, &tokens).await;
            reference = self.reference(&tokens);
        }
        format!("{} {} {} {}", checked.0, reference.0, checked.1, reference.1)
    }

    async fn checks(&self, app: &App, tokens: &[String]) -> (f64, usize) {
        let begun = Instant::now();
        let mut valid = 0;
        for (number, token) in tokens.iter().enumerate() {
            let address = self.addresses[number % self.addresses.len()];
            let verdict = check(app, black_box(token), Some(address)).await;
            valid += usize::from(matches!(black_box(verdict), Ok(Verdict::Valid(_))));
        }
        (begun.elapsed().as_nanos() as f64 / tokens.len() as f64, valid)
    }

    fn reference(&self, tokens: &[String]) -> (f64, usize) {
        let begun = Instant::now();
        let mut found = 0;
        for token in tokens {
            let hash: [u8; 32] = Sha256::digest(black_box(token).as_bytes()).into();
            found += usize::from(black_box(self.map.get(&hash)).is_some());
        }
        (begun.elapsed().as_nanos() as f64 / tokens.len() as f64, found)
    }
}

pub fn measure(stand: &mut Stand, settings: &Settings, table: &mut Table) {
    let _pinned = Pinned::here_and(stand.process.id());
    let (mut checks, mut references, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let sessions = stand.distinct;
    for round in 0..=settings.rounds as u64 {
        let answer = stand.order(&format!("contest {} {sessions} {round}", stand.series));
        let figures: Vec<f64> = answer.split(' ').map(|text| text.parse().expect("numbers")).collect();
        let [check, reference, valid, found] = figures[..] else { panic!("the stand says {answer}") };
        if valid != CHECKS as f64 || found != CHECKS as f64 {
            table.wrong(format!("in process, {valid} of {CHECKS} live sessions were valid, {found} were found"));
        }
        // The first round only fills the caches of the machine.
        if round > 0 {
            checks.push(check);
            references.push(reference);
            ratios.push(reference / check);
        }
    }
    let (check, reference) = (median(checks), median(references));
    table.ratio(
        &format!("a check in process, {} sessions at random", grouped(sessions)),
        format!("SHA-256 and one look-up: {}", shown(reference / 1e9)),
        shown(check / 1e9),
        reference / check,
        &spread(&ratios),
        Goal::AtLeast(0.6),
    );
}
