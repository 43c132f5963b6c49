//! How long a history is, how much happens in it, and the seed that decides what.

use std::time::Duration;

use super::dice::Dice;

pub struct Plan {
    pub seed: u64,
    pub seconds: u64,
    /// Tasks that ask each replica, and how long each rests between two questions.
    pub askers: usize,
    pub asking_pause: Duration,
    pub people: usize,
    pub sign_in_pause: Duration,
    pub administrators: usize,
    pub members: usize,
    pub revoking_pause: Duration,
    pub everybody_pause: Duration,
    pub provisioning_pause: Duration,
    pub single_use_pause: Duration,
    /// Failovers of the whole; `None`: one after every round of the other faults.
    pub failovers: Option<usize>,
    /// No other faults between them.
    pub failovers_only: bool,
}

impl Plan {
    /// Half a minute beside other tests: it must leave them something of the machine.
    pub fn short() -> Self {
        let milliseconds = Duration::from_millis;
        Self {
            seed: seed(),
            seconds: number("CURFEW_HISTORY_SECONDS").unwrap_or(30),
            askers: 2,
            asking_pause: milliseconds(4),
            people: 2,
            sign_in_pause: milliseconds(130),
            administrators: 3,
            members: 12,
            revoking_pause: milliseconds(300),
            everybody_pause: milliseconds(4_000),
            provisioning_pause: milliseconds(700),
            single_use_pause: milliseconds(4_000),
            failovers: Some(1),
            failovers_only: false,
        }
    }

    /// A quarter of an hour on a machine of its own.
    pub fn long() -> Self {
        let milliseconds = Duration::from_millis;
        Self {
            seconds: number("CURFEW_HISTORY_SECONDS").unwrap_or(900),
            askers: 5,
            asking_pause: milliseconds(1),
            people: 4,
            sign_in_pause: milliseconds(130),
            administrators: 12,
            members: 40,
            revoking_pause: milliseconds(150),
            everybody_pause: milliseconds(6_000),
            provisioning_pause: milliseconds(500),
            single_use_pause: milliseconds(10_000),
            failovers: None,
            failovers_only: std::env::var_os("CURFEW_HISTORY_FAILOVERS").is_some(),
            ..Self::short()
        }
    }
}

fn seed() -> u64 {
    let fresh = || {
        let now = crate::support::true_now();
        Dice::new(u64::try_from(now).unwrap_or_default(), u64::from(std::process::id())).roll() % 1_000_000_000
    };
    number("CURFEW_HISTORY_SEED").unwrap_or_else(fresh)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}
