//! The steps of `lease.rs` that lead to a lease: a row, t0, the head, its answer, apply, extend.

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
            Work::AsksRegistration => self.register(state, before, &mut then),
            Work::Registers => self.enrol(id, before, &mut then),
            Work::Enrolled => {
                let asks = Replica { work: Work::AsksRenewal { first: true }, age: 0, ..before.0 };
                then("notes t0, asks for its first renewal", (asks, before.1));
            }
            Work::AsksRenewal { first } => self.read_head(state, id, first, before, &mut then),
            Work::Renews { first } => self.grant(id, first, before, &mut then),
            Work::Renewed { .. } | Work::Hasty => self.extend(before, &mut then),
        }
        if before.0.work != Work::Idle {
            self.give_up(id, before, &mut then);
        }
    }

    /// The clock is read before the question is asked. Who registers forgets everything first.
    fn ask(&self, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        if replica.registered {
            let asks = Replica { work: Work::AsksRenewal { first: false }, ..replica };
            then("notes t0, asks for a renewal", (asks, row));
        }
        let kept = if self.is(Mutant::RegisterWithLease) { replica } else { Replica { late: replica.late, ..NEW } };
        let asks = Replica { work: Work::AsksRegistration, ..kept };
        then("drops lease and memory, registers", (asks, row));
    }

    /// Its row is locked by an earlier registration until that has ended.
    fn register(&self, state: &State, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        if replica.late == Late::Commit {
            return;
        }
        let saw = if self.is(Mutant::HeadBeforeRow) { state.head } else { 0 };
        then("writes its row", (Replica { work: Work::Registers, saw, ..replica }, row));
    }

    /// From here on every barrier sees it. The head is read next.
    fn enrol(&self, id: u8, (replica, _): Both, then: &mut impl FnMut(&'static str, Both)) {
        // A renewal of an earlier incarnation finds no row any more.
        let late = if matches!(replica.late, Late::Renewal { .. } | Late::Grant { .. }) { Late::None } else { replica.late };
        let enrolled = Replica { late, work: Work::Enrolled, age: 0, saw: 0, ..replica };
        let mine = Row { owner: id, granted_seq: 0, acked_seq: 0, fenced: false };
        if self.is(Mutant::HeadBeforeRow) {
            let Replica { age, saw, .. } = replica;
            let begins = Replica { work: Work::Renewed { first: true }, age, saw, ..enrolled };
            let mine = Row { granted_seq: saw, acked_seq: saw, ..mine };
            then("commits its row", (begins, Some(mine)));
        } else {
            then("commits its row", (enrolled, Some(mine)));
        }
    }

    /// The statement reads the head, and waits for nobody. On an embedded database that is all.
    fn read_head(
        &self,
        state: &State,
        id: u8,
        first: bool,
        (replica, row): Both,
        then: &mut impl FnMut(&'static str, Both),
    ) {
        if self.may_renew(id, row) {
            let work = if self.embedded { Work::Renewed { first } } else { Work::Renews { first } };
            then("reads the head", (Replica { work, saw: state.head, ..replica }, row));
        }
    }

    fn may_renew(&self, id: u8, row: Option<Row>) -> bool {
        row.is_some_and(|row| row.owner == id && (!row.fenced || self.is(Mutant::RenewThoughFenced)))
    }

    /// A fence since the head was read counts: the row is looked at when it is written.
    fn grant(&self, id: u8, first: bool, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        if self.may_renew(id, row) {
            let row = row.map(|row| self.granted(row, replica.saw, first));
            then("commits its renewal", (Replica { work: Work::Renewed { first }, ..replica }, row));
        }
    }

    /// A renewal that was given up may come after its successor. Who remembers nothing has applied everything.
    fn granted(&self, row: Row, seq: u8, first: bool) -> Row {
        let granted_seq = if self.is(Mutant::GrantBackwards) { seq } else { seq.max(row.granted_seq) };
        Row { granted_seq, acked_seq: if first { seq } else { row.acked_seq }, ..row }
    }

    /// Everything up to the head that was read is applied, and only then the lease is at least that long.
    fn extend(&self, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        let lease = replica.lease.max(if self.is(Mutant::T0Late) { self.duration } else { self.duration - replica.age });
        let applied = replica.applied.max(replica.saw);
        let idle = Replica { work: Work::Idle, age: 0, saw: 0, registered: true, applied, ..replica };
        match replica.work {
            Work::Renewed { first: false } if self.is(Mutant::LeaseBeforeApply) => {
                then("extends its lease", (Replica { work: Work::Hasty, lease, ..replica }, row));
            }
            Work::Hasty => then("applies up to the head", (idle, row)),
            Work::Renewed { first: true } => then("begins with that head, has a lease", (Replica { lease, ..idle }, row)),
            _ => then("applies up to the head, extends its lease", (Replica { lease, ..idle }, row)),
        }
    }

    /// No answer in time, or no row: the statement may still be carried out.
    fn give_up(&self, id: u8, (replica, row): Both, then: &mut impl FnMut(&'static str, Both)) {
        let idle = Replica { work: Work::Idle, age: 0, saw: 0, ..replica };
        then("gives up", (idle, row));
        let late = match replica.work {
            Work::AsksRenewal { first } => Late::Renewal { first },
            Work::AsksRegistration if self.is(Mutant::LateRegistration) => Late::Registration,
            Work::Registers => Late::Commit,
            Work::Renews { first } => Late::Grant { seq: replica.saw, first },
            _ => Late::None,
        };
        if id < self.late && late != Late::None && replica.late == Late::None {
            then("gives up; its statement doesn't", (Replica { late, ..idle }, row));
        }
    }

    /// A statement that was given up is carried out, or goes on.
    pub(super) fn outlive(&self, state: &State, id: u8, next: &mut Vec<(Step, State)>) {
        let (own, row) = (usize::from(id), self.row(id));
        let registered = Some(Row { owner: u8::MAX, granted_seq: 0, acked_seq: 0, fenced: false });
        let mut then = |does, late, row_becomes| {
            let mut state = *state;
            state.rows[row] = row_becomes;
            state.replicas[own].late = late;
            next.push((Step { who: REPLICAS[own], does }, state));
        };
        let mine = state.rows[row].filter(|mine| self.may_renew(id, Some(*mine)));
        match state.replicas[own].late {
            Late::Commit => then("has a registration that it gave up committed", Late::None, registered),
            Late::Registration => then("has a registration that it gave up carried out", Late::None, registered),
            Late::Renewal { first } => {
                let grant = Late::Grant { seq: state.head, first };
                then("has a renewal that it gave up read the head", grant, state.rows[row]);
            }
            Late::Grant { seq, first } => {
                let becomes = mine.map(|mine| self.granted(mine, seq, first)).or(state.rows[row]);
                then("has a renewal that it gave up committed", Late::None, becomes);
            }
            Late::None => {}
        }
    }
}
