//! Pure: how long a replica may answer from memory, and how long a revocation waits for one that is silent.

use std::time::Duration;

/// D: a replica that is cut off stops saying "valid" within this time.
pub const LEASE: Duration = Duration::from_millis(1_500);
/// How often a lease is renewed: twice it may fail.
pub const RENEW_EVERY: Duration = Duration::from_millis(500);
/// How often an embedded database is asked whether the command line changed it. A read of one row.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);
/// ρ, in thousandths: how much two monotonic clocks may differ in speed. Crystals differ by a tenth of one, but a time service
/// may slew them: chrony, by as much as 83 unless it is told otherwise (`maxslewrate`).
const DRIFT_PER_MILLE: u32 = 100;

/// When a lease ends that was asked for at `asked`, on the clock of whoever holds it. Counted from the question, not from
/// the answer: the answer may have been long under way.
pub fn ends(asked: Duration) -> Duration {
    asked + LEASE * (1_000 - DRIFT_PER_MILLE) / 1_000
}

/// How long a revocation waits after its commit, on its own clock. Then every lease that was granted before it has ended.
pub fn outlasted() -> Duration {
    LEASE * (1_000 + DRIFT_PER_MILLE) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_before_a_revocation_stops_waiting_for_it_whatever_the_clocks_do() {
        // The holder's clock is slewed to be slow, the waiter's to be fast.
        let held = ends(Duration::ZERO).as_secs_f64() / (1.0 - 0.0834);
        let waited = outlasted().as_secs_f64() / (1.0 + 0.0834);
        assert!(held < waited, "{held} < {waited}");
        assert!(ends(Duration::from_secs(7)) > Duration::from_secs(8));
        assert!(RENEW_EVERY * 2 < ends(Duration::ZERO));
    }
}
