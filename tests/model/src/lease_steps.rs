//! The steps of `lease.rs`: of revocations, and of replicas between their renewals. Those are in `lease_renewal.rs`.

use super::explore::Step;
use super::lease::{Check, Lease, NEW, Replica, Revocation, Row, State, Work};
use super::mutants::Mutant;

pub const REPLICAS: [&str; 2] = ["replica 1", "replica 2"];
const REVOCATIONS: [&str; 2] = ["revocation 1", "revocation 2"];

impl Lease {
    pub(super) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    /// The row of a replica: its own, unless two share an id.
    pub(super) fn row(&self, id: u8) -> usize {
        if self.is(Mutant::SharedId) { 0 } else { usize::from(id) }
    }

    pub(super) fn tick(&self, state: &State, next: &mut Vec<(Step, State)>) {
        let mut later = *state;
        for revocation in &mut later.revocations {
            if let Revocation::Waiting(age) = revocation {
                *age = (*age + 1).min(self.duration);
            }
        }
        for replica in &mut later.replicas {
            replica.lease = replica.lease.saturating_sub(1);
            if !matches!(replica.work, Work::Idle | Work::AsksRegistration | Work::Enrolled) {
                replica.age = (replica.age + 1).min(self.duration);
            }
        }
        if later != *state {
            next.push((Step { who: "time", does: "passes" }, later));
        }
    }

    /// Lock the head, commit, wait, fence, acknowledge.
    pub(super) fn revoke(&self, state: &State, number: u8, next: &mut Vec<(Step, State)>) {
        let own = usize::from(number);
        let seq = number + 1;
        let mut then = |does, revocation, head| {
            let mut state = State { head, ..*state };
            state.revocations[own] = revocation;
            next.push((Step { who: REVOCATIONS[own], does }, state));
        };
        match state.revocations[own] {
            Revocation::Idle if state.head == number && !state.is_written() => {
                then("locks the head", Revocation::Writing, state.head);
            }
            Revocation::Writing => {
                then("commits", Revocation::Waiting(0), seq);
                if self.is(Mutant::AckBeforeCommit) {
                    then("is acknowledged before its commit", Revocation::Early, state.head);
                }
            }
            Revocation::Early => then("commits", Revocation::Acknowledged, seq),
            Revocation::Waiting(age) => self.wait(state, seq, age, next),
            _ => {}
        }
    }

    fn wait(&self, state: &State, seq: u8, age: u8, next: &mut Vec<(Step, State)>) {
        let own = usize::from(seq - 1);
        let mut then = |does, rows| {
            let mut state = State { rows, ..*state };
            state.revocations[own] = Revocation::Acknowledged;
            next.push((Step { who: REVOCATIONS[own], does }, state));
        };
        let wait = if self.is(Mutant::ShortWait) { self.duration - 1 } else { self.duration };
        let fences = !self.embedded || self.is(Mutant::EmbeddedFence);
        if state.rows.iter().flatten().all(|row| row.fenced || row.acked_seq >= seq) {
            then("is acknowledged: every row says so", state.rows);
        } else if age >= wait && (!fences || self.is(Mutant::NoFence)) {
            then("is acknowledged: D is over", state.rows);
        } else if age >= wait {
            let mut rows = state.rows;
            for row in rows.iter_mut().flatten() {
                let old = row.granted_seq < seq || self.is(Mutant::FenceByAck);
                row.fenced |= old && row.acked_seq < seq;
            }
            then("fences, and is acknowledged: D is over", rows);
        }
    }

    /// What happens to a replica between its renewals.
    pub(super) fn follow(&self, state: &State, id: u8, next: &mut Vec<(Step, State)>) {
        let own = usize::from(id);
        let replica = state.replicas[own];
        let mut then = |does, replica: Replica, row: Option<Row>| {
            let mut state = *state;
            state.replicas[own] = replica;
            state.rows[self.row(id)] = row;
            next.push((Step { who: REPLICAS[own], does }, state));
        };
        let row = state.rows[self.row(id)];
        if replica.registered && replica.applied < state.head {
            then("applies a pushed revocation", Replica { applied: replica.applied + 1, ..replica }, row);
            if self.is(Mutant::ApplyOutOfOrder) {
                then("applies the newest push", Replica { applied: state.head, ..replica }, row);
            }
        }
        if let Some(mine) = row.filter(|row| row.owner == id && row.acked_seq < replica.applied)
            && replica.registered
        {
            then("acknowledges", replica, Some(Row { acked_seq: replica.applied, ..mine }));
        }
        if self.is(Mutant::WallClock) && replica.registered && replica.lease < self.duration {
            then("has its clock set back", Replica { lease: self.duration, ..replica }, row);
        }
        if replica.work != Work::Idle || replica.registered {
            self.crash(state, id, next);
        }
    }

    fn crash(&self, state: &State, id: u8, next: &mut Vec<(Step, State)>) {
        let own = usize::from(id);
        let mut state = *state;
        state.replicas[own] = Replica { late: state.replicas[own].late, ..NEW };
        if matches!(state.check, Check::Judged { at, .. } | Check::Read { at, .. } if at == id) {
            state.check = Check::None;
        }
        next.push((Step { who: REPLICAS[own], does: "crashes" }, state));
    }

    /// The lease is judged, then the state is read. How late the answer comes makes no difference.
    pub(super) fn check(&self, state: &State, id: u8, next: &mut Vec<(Step, State)>) {
        let who = REPLICAS[usize::from(id)];
        let mut then = |does, check| next.push((Step { who, does }, State { check, ..*state }));
        let live = state.replicas[usize::from(id)].lease > 0;
        let refused = state.replicas.iter().map(|replica| replica.applied).max().unwrap_or_default();
        let need = if self.unpromised { refused } else { state.acknowledged() };
        let belief = state.belief(id);
        let answer = |need, belief| if belief < need { Check::Wrong } else { Check::None };
        match state.check {
            Check::None if self.is(Mutant::LeaseLast) && need > 0 => {
                then("checks: reads the state", Check::Read { at: id, need, belief });
            }
            Check::None if live && need > 0 => then("checks: its lease is live", Check::Judged { at: id, need }),
            Check::Judged { at, need } if at == id => then("reads the state and says valid", answer(need, belief)),
            Check::Read { at, need, belief } if at == id && live => {
                then("judges its lease and says valid", answer(need, belief));
            }
            _ => {}
        }
    }
}
