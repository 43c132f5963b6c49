//! What to measure, and for how long: from the environment.

use std::time::Duration;

use super::place::Kind;

/// A line of the table, by the name that `CURFEW_BENCH_ONLY` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    ForwardAuth,
    InProcess,
    LogAllUsersOut,
    Deactivation,
    Memory,
    Start,
    WhileRevoking,
    Scim,
    Saml,
}

impl Line {
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::ForwardAuth, "forward-auth"),
        (Self::InProcess, "in-process"),
        (Self::LogAllUsersOut, "log-all-users-out"),
        (Self::Deactivation, "deactivation"),
        (Self::Memory, "memory"),
        (Self::Start, "start"),
        (Self::WhileRevoking, "while-revoking"),
        (Self::Scim, "scim"),
        (Self::Saml, "saml"),
    ];
}

#[derive(Clone, Debug)]
pub struct Settings {
    only: Option<Line>,
    database: Option<Kind>,
    /// Ten million sessions as well, on PostgreSQL.
    pub full: bool,
    /// Live sessions of the large workspace. Anything but a million is for trying the bench itself.
    pub sessions: u64,
    /// Rounds of each pair, reference and measured in turns.
    pub rounds: usize,
    /// How long each turn of a load lasts.
    pub turn: Duration,
    /// How long PostgreSQL's server may take to bring sessions into memory; the embedded one takes all.
    pub warm: Duration,
}

impl Settings {
    /// # Panics
    /// For a value that can't be meant.
    pub fn from_environment() -> Self {
        let only = text("CURFEW_BENCH_ONLY").map(|wanted| {
            let names = Line::ALL.map(|(_, name)| name).join(", ");
            let found = Line::ALL.into_iter().find(|(_, name)| *name == wanted);
            found.unwrap_or_else(|| panic!("CURFEW_BENCH_ONLY is {wanted}, and must be one of {names}")).0
        });
        let database = text("CURFEW_BENCH_DATABASE").map(|wanted| match wanted.as_str() {
            "sqlite" => Kind::Sqlite,
            "postgres" => Kind::Postgres,
            _ => panic!("CURFEW_BENCH_DATABASE is {wanted}, and must be sqlite or postgres"),
        });
        let rounds = number("CURFEW_BENCH_ROUNDS", 5).max(1);
        Self {
            only,
            database,
            full: text("CURFEW_BENCH_FULL").is_some_and(|value| value == "1"),
            sessions: number("CURFEW_BENCH_SESSIONS", 1_000_000).max(10_000),
            rounds: usize::try_from(rounds).expect("a few rounds"),
            turn: Duration::from_millis(number("CURFEW_BENCH_TURN_MS", 2_000)),
            warm: Duration::from_secs(number("CURFEW_BENCH_WARM_SECONDS", 45)),
        }
    }

    pub fn wants(&self, line: Line) -> bool {
        self.only.is_none_or(|only| only == line)
    }

    pub fn wants_database(&self, kind: Kind) -> bool {
        self.database.is_none_or(|database| database == kind)
    }

    /// Whether this is the run that docs/benchmarks.md shows.
    pub fn is_whole(&self) -> bool {
        self.sessions == 1_000_000 && self.rounds >= 5
    }
}

fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str, otherwise: u64) -> u64 {
    text(name)
        .map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} is {value}, which is no number")))
}
