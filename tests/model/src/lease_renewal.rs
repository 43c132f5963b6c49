//! The steps of `lease.rs` that lead to a lease: t0, one transaction, its answer, apply, extend.

use super::explore::Step;
use super::lease::{Late, Lease, NEW, Replica, Row, State, Work};
use super::lease_steps::REPLICAS;
use super::mutants::Mutant;

/// What a step of a renewal touches: the replica and its row.
type Both = (Replica, Option<Row>);

impl Lease {
    pub(super) fn renew(&self, state: &State, id: u8, next: &mut Vec<(Step, State)>) {
        let own = usize::from(id);
        let before: Both = (state.replicas[own], state.rows[self.row(id)]);
        let mut then = |does, (replica, row): Both| {
            let mut state = *state;
            state.replicas[own] = replica;
            state.rows[self.row(id)] = row;
            next.push((Step { who: REPLICAS[own], does }, state));
        };
        match before.0.work {
            Work::Idle => self.ask(before, &mut then),
            Work::AsksRenewal | Work::AsksRegistration => self.read_head(state, id, before, &mut then),
            Work::Renews | Work::Registers => self.commit(id, before, &mut then),
            Work::Renewed | Work::Registered | Work::Hasty => self.extend(before, &mut then),
        }
        if before.0.work != Work::Idle {
            self.give_up(before, &mut then);
        }
    }

    /// The clock is read before the question is asked. Who registers forgets everything first.
    fn ask(&self, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        if replica.registered {
            then("notes t0, asks for a renewal", (Replica { work: Work::AsksRenewal, ..replica }, row));
        }
        let kept = if self.is(Mutant::RegisterWithLease) { replica } else { Replica { late: replica.late, ..NEW } };
        let asks = Replica { work: Work::AsksRegistration, ..kept };
        then("drops lease and memory, notes t0, asks for registration", (asks, row));
    }

    /// The statement reads the head; it waits for whoever writes it.
    fn read_head(&self, state: &State, id: u8, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        let registers = replica.work == Work::AsksRegistration;
        // On an embedded database a renewal only reads; a registration has the lock of the writer.
        let reads = self.embedded && !registers;
        let locked = matches!(replica.late, Late::Commit(_));
        if state.is_written() && !reads && !self.is(Mutant::NoShare) || registers && locked {
            return;
        }
        if !registers && !self.may_renew(id, row) {
            return;
        }
        let work = match (registers, reads) {
            (true, _) => Work::Registers,
            (false, true) => Work::Renewed,
            (false, false) => Work::Renews,
        };
        then("reads the head", (Replica { work, saw: state.head, ..replica }, row));
    }

    fn may_renew(&self, id: u8, row: Option<Row>) -> bool {
        row.is_some_and(|row| row.owner == id && (!row.fenced || self.is(Mutant::RenewThoughFenced)))
    }

    /// A fence since the head was read counts: the row is looked at when it is written.
    fn commit(&self, id: u8, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        let seq = replica.saw;
        if replica.work == Work::Registers {
            let row = Row { owner: id, granted_seq: seq, acked_seq: seq, fenced: false };
            // A renewal of an earlier incarnation finds no row any more.
            let late = if replica.late == Late::Renewal { Late::None } else { replica.late };
            then("commits its registration", (Replica { work: Work::Registered, late, ..replica }, Some(row)));
        } else if self.may_renew(id, row) {
            let row = row.map(|row| Row { granted_seq: seq.max(row.granted_seq), ..row });
            then("commits its renewal", (Replica { work: Work::Renewed, ..replica }, row));
        }
    }

    /// Everything up to the head that was read is applied, and only then the lease is at least that long.
    fn extend(&self, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        let lease = replica.lease.max(if self.is(Mutant::T0Late) { self.duration } else { self.duration - replica.age });
        let applied = replica.applied.max(replica.saw);
        let idle = Replica { work: Work::Idle, age: 0, saw: 0, registered: true, applied, ..replica };
        match replica.work {
            Work::Renewed if self.is(Mutant::LeaseBeforeApply) => {
                then("extends its lease", (Replica { work: Work::Hasty, lease, ..replica }, row));
            }
            Work::Hasty => then("applies up to the head", (idle, row)),
            Work::Registered => then("begins with that head, has a lease", (Replica { lease, ..idle }, row)),
            _ => then("applies up to the head, extends its lease", (Replica { lease, ..idle }, row)),
        }
    }

    /// No answer in time, or no row: the statement may still be carried out.
    fn give_up(&self, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        let idle = Replica { work: Work::Idle, age: 0, saw: 0, ..replica };
        then("gives up", (idle, row));
        let late = match replica.work {
            Work::AsksRenewal => Late::Renewal,
            Work::AsksRegistration if self.is(Mutant::LateRegistration) => Late::Registration,
            Work::Registers => Late::Commit(replica.saw),
            _ => Late::None,
        };
        if self.late && late != Late::None && replica.late == Late::None {
            then("gives up; its statement doesn't", (Replica { late, ..idle }, row));
        }
    }

    /// A statement that was given up is carried out.
    pub(super) fn outlive(&self, state: &State, id: u8, next: &mut Vec<(Step, State)>) {
        let (own, row) = (usize::from(id), self.row(id));
        let registered = |seq| Some(Row { owner: u8::MAX, granted_seq: seq, acked_seq: seq, fenced: false });
        let becomes = match state.replicas[own].late {
            Late::None => return,
            Late::Commit(seq) => registered(seq),
            _ if state.is_written() => return,
            Late::Registration => registered(state.head),
            Late::Renewal => match state.rows[row] {
                Some(mine) if self.may_renew(id, Some(mine)) => Some(Row { granted_seq: state.head, ..mine }),
                other => other,
            },
        };
        let mut state = *state;
        state.rows[row] = becomes;
        state.replicas[own].late = Late::None;
        next.push((Step { who: REPLICAS[own], does: "has a statement that it gave up carried out" }, state));
    }
}
