//! How long, and the seed that decides what: CURFEW_FUZZ_SECONDS, CURFEW_FUZZ_MUTANTS, CURFEW_FUZZ_SEED, CURFEW_FUZZ_FROM,
//! CURFEW_FUZZ_THREADS, CURFEW_FUZZ_KEEP.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// What `make test` has time for.
const SECONDS: u64 = 20;

pub struct Plan {
    pub seed: u64,
    /// Number of the first mutant. A mutant is made of seed and number, and of what was kept.
    pub from: u64,
    /// At the most so many; `None`: as many as there is time for.
    pub mutants: Option<u64>,
    /// At the most so long; `None`: as long as it takes.
    pub time: Option<Duration>,
    pub threads: usize,
    /// Where interesting inputs go; a problem's input always goes somewhere.
    pub keep: Option<PathBuf>,
}

impl Plan {
    pub fn read() -> Self {
        let mutants = number("CURFEW_FUZZ_MUTANTS");
        let seconds = number("CURFEW_FUZZ_SECONDS").or(mutants.is_none().then_some(SECONDS));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = number("CURFEW_FUZZ_THREADS").and_then(|threads| usize::try_from(threads).ok());
        Self {
            seed: number("CURFEW_FUZZ_SEED").unwrap_or_else(fresh),
            from: number("CURFEW_FUZZ_FROM").unwrap_or(0),
            mutants,
            time: seconds.map(Duration::from_secs),
            threads: threads.unwrap_or(cores).max(1),
            keep: std::env::var_os("CURFEW_FUZZ_KEEP").map(PathBuf::from),
        }
    }

    /// Where the input of a problem goes.
    pub fn problems(&self) -> PathBuf {
        self.keep.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz"))
    }
}

fn fresh() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| since.as_secs() % 1_000_000_000)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

/// Past the test harness, which keeps what tests print to itself.
pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
