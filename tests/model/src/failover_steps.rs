//! The steps of `failover.rs`.

use super::explore::Step;
use super::failover::{Check, D, Database, Entry, Failover, LEAP, NEW, Replica, Revocation, Row, State, Work};
use super::mutants::Mutant;

const REVOCATIONS: [&str; 2] = ["revocation 1", "revocation 2"];
const PUSHES: [&str; 2] = ["applies a push of the old primary", "applies a push of the new primary"];
const ACKS: [&str; 2] = ["acknowledges on the old primary", "acknowledges on the new primary"];
const LISTS: [&str; 2] = ["applies what the old primary lists, extends its lease", "applies what the new primary lists, extends its lease"];
const LOADS: [&str; 2] = ["reads from the old primary: it lives", "reads from the new primary: it lives"];

impl Failover {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    pub(super) fn tick(&self, state: &State, next: &mut Vec<(Step, State)>) {
        let mut later = *state;
        for revocation in &mut later.revocations {
            if let Revocation::Waiting { age, .. } = revocation {
                *age = (*age + 1).min(D);
            }
        }
        later.replica.lease = later.replica.lease.saturating_sub(1);
        if matches!(later.replica.work, Work::Asks { .. } | Work::Answered { .. }) {
            later.replica.age = (later.replica.age + 1).min(D);
        }
        if later != *state {
            next.push((Step { who: "time", does: "passes" }, later));
        }
    }

    pub(super) fn fail(&self, state: &State, next: &mut Vec<(Step, State)>) {
        let [old, new] = state.databases;
        let Some(mut old) = old else { return };
        if new.is_none() {
            let databases = [Some(old), Some(old)];
            next.push((Step { who: "the standby", does: "becomes the primary" }, State { databases, ..*state }));
            return;
        }
        if !state.lost {
            old.raise(1, false);
            let databases = [Some(old), new];
            let does = "shows a change that the standby never had";
            next.push((Step { who: "the old primary", does }, State { databases, lost: true, ..*state }));
        }
        if self.newborn && !state.born && new.is_some_and(|new| new.leapt > 0) {
            next.push((Step { who: "somebody", does: "signs in on the new primary" }, State { born: true, ..*state }));
        }
    }

    /// Everybody signs in again: a change that ends every session, far beyond every number that was ever seen.
    fn leap(&self, database: &mut Database) {
        if database.leapt == 0 {
            database.raise(LEAP, true);
            database.leapt = database.head;
        }
    }

    pub(super) fn revoke(&self, state: &State, number: usize, next: &mut Vec<(Step, State)>) {
        let on = state.primary();
        let mut then = |does, database: Option<Database>, revocation| {
            let mut state = *state;
            state.databases[on] = database;
            state.revocations[number] = revocation;
            next.push((Step { who: REVOCATIONS[number], does }, state));
        };
        let Some(mut database) = state.databases[on] else { return };
        match state.revocations[number] {
            Revocation::Idle => {
                if on == 1 && !self.is(Mutant::RaiseWithoutLeap) {
                    self.leap(&mut database);
                }
                for (does, ends) in [("ends the session", true), ("ends somebody else's", false)] {
                    let mut database = database;
                    database.raise(1, ends);
                    then(does, Some(database), Revocation::Waiting { seq: database.head, ends, age: 0 });
                }
            }
            Revocation::Waiting { seq, ends, age } => {
                let done = Revocation::Told(ends);
                let knows = |row: &Row| row.fenced || row.acked_seq >= seq || state.heard >= seq;
                for looked in state.databases.iter().flatten() {
                    let here = looked.head >= seq;
                    if here && looked.row.as_ref().is_none_or(knows) {
                        then("is acknowledged: every row says so", Some(database), done);
                    }
                }
                if age >= D {
                    for row in database.row.iter_mut() {
                        row.fenced |= row.granted_seq < seq && row.acked_seq < seq;
                    }
                    then("fences, and is acknowledged: D is over", Some(database), done);
                }
            }
            Revocation::Told(_) => {}
        }
    }

    pub(super) fn renew(&self, state: &State, next: &mut Vec<(Step, State)>) {
        let replica = state.replica;
        let mut then = |does, state| next.push((Step { who: "the replica", does }, state));
        if replica != NEW {
            then("crashes", State { check: Check::None, ..forgotten(state) });
        }
        match replica.work {
            Work::Idle => {
                if replica.registered.is_some() {
                    let replica = Replica { work: Work::Asks { first: false }, age: 0, since: seeking(state), ..replica };
                    then("notes t0, asks for a renewal", State { replica, ..*state });
                }
                let registers = Replica { work: Work::Registers, ..NEW };
                then("drops lease and memory, registers", State { replica: registers, ..forgotten(state) });
            }
            Work::Registers => {
                then(["has a row on the old primary", "has a row on the new primary"][state.primary()], enrolled(state));
            }
            Work::Enrolled => {
                let replica = Replica { work: Work::Asks { first: true }, age: 0, since: seeking(state), ..replica };
                then("notes t0, asks for its first renewal", State { replica, ..*state });
            }
            Work::Asks { first } => {
                let zombie = !first && self.is(Mutant::AsyncRenewal) && state.primary() == 1;
                let answering = if zombie { 0..2 } else { state.primary()..state.primary() + 1 };
                for on in answering {
                    if let Some(state) = answered(state, on, first) {
                        then(["commits on the old primary", "commits on the new primary"][on], state);
                    }
                }
            }
            Work::Answered { first: true, on, trusted: false, .. } => {
                let mut state = State { replica: NEW, ..*state };
                if let Some(database) = &mut state.databases[on] {
                    self.leap(database);
                }
                then("logs everybody out of a database that may have lost changes", state);
            }
            Work::Answered { first: true, head, on, .. } => {
                let lease = D - replica.age;
                let state = renewed(*state);
                let replica = Replica { work: Work::Idle, age: 0, since: false, registered: Some(on), applied: head, lease };
                then("begins with that head, has a lease", State { replica, ..state });
            }
            Work::Answered { first: false, head, .. } => {
                for (on, database) in state.databases.iter().enumerate() {
                    if let Some(database) = database {
                        then(LISTS[on], caught_up(state, database, head));
                    }
                }
            }
        }
        if replica.work != Work::Idle {
            then("gives up", State { replica: Replica { work: Work::Idle, age: 0, since: false, ..replica }, ..*state });
        }
    }

    /// Pushes come from either database, and acknowledgements need not be durable.
    pub(super) fn follow(&self, state: &State, on: usize, database: &Database, next: &mut Vec<(Step, State)>) {
        let Replica { registered: Some(_), applied, .. } = state.replica else { return };
        if database.has(applied + 1) {
            let mut state = *state;
            state.replica.applied += 1;
            void(&mut state, database, applied + 1);
            next.push((Step { who: "the replica", does: PUSHES[on] }, state));
        }
        if let Some(row) = database.row.filter(|row| row.mine && row.acked_seq < applied) {
            let mut state = State { heard: applied, ..*state };
            state.databases[on] = Some(Database { row: Some(Row { acked_seq: applied, ..row }), ..*database });
            next.push((Step { who: "the replica", does: ACKS[on] }, state));
        }
    }

    pub(super) fn check(&self, state: &State, next: &mut Vec<(Step, State)>) {
        let mut then = |does, check, entry| {
            next.push((Step { who: "a check", does }, State { check, entry, ..*state }));
        };
        let valid = |told| if told { Check::Wrong } else { Check::None };
        match state.check {
            Check::None if state.replica.lease > 0 => {
                then("finds the lease live", Check::Judged { told: state.told(), leased: true, floor: state.replica.applied }, state.entry);
            }
            Check::None if self.is(Mutant::UnleasedRead) => {
                then("finds no lease", Check::Judged { told: state.told(), leased: false, floor: 0 }, state.entry);
            }
            Check::Judged { told, leased, floor } => {
                if leased && state.entry.is_some_and(|entry| entry.loaded_seq >= entry.void_since) {
                    then("says valid from memory", valid(told), state.entry);
                }
                for (on, database) in state.databases.iter().enumerate() {
                    if let Some(database) = database.filter(|database| database.ended == 0) {
                        then(LOADS[on], Check::Loaded { told, leased, floor, head: database.head }, state.entry);
                    }
                }
                then("refuses", Check::None, state.entry);
            }
            Check::Loaded { told, leased, floor, head } => {
                let current = leased && state.replica.registered.is_some() && head >= state.replica.applied;
                let usable = !leased || head >= floor || self.is(Mutant::IgnoreFloor);
                let void_since = state.entry.map_or(0, |entry| entry.void_since);
                match (current, usable) {
                    (true, _) => {
                        then("remembers it and says valid", valid(told), Some(Entry { loaded_seq: head, void_since }));
                    }
                    (false, true) => then("says valid, remembers nothing", valid(told), state.entry),
                    (false, false) => then("is unavailable: the database is behind", Check::None, state.entry),
                }
            }
            _ => {}
        }
    }

    /// A check of the newborn session, which only the old primary doesn't know.
    pub(super) fn seek(&self, state: &State, next: &mut Vec<(Step, State)>) {
        let mut then = |does, check| next.push((Step { who: "a check of the newborn", does }, State { check, ..*state }));
        match state.check {
            Check::None if state.born && state.replica.lease > 0 => {
                let mut state = State { check: Check::Seeks { floor: state.replica.applied, renewed: false, again: false }, ..*state };
                state.replica.since = false;
                next.push((Step { who: "a check of the newborn", does: "finds the lease live" }, state));
            }
            Check::Seeks { floor, renewed, again } => {
                let old = state.databases[0].filter(|old| old.head >= floor);
                let missed = |old: Database| if again { Check::Denied } else { Check::Missed { head: old.head, renewed } };
                then("reads from the old primary, which doesn't know it", old.map_or(Check::None, missed));
                then("reads from the new primary, which does", Check::None);
            }
            Check::Missed { .. } if self.is(Mutant::UnknownUnasked) => then("is told: unknown", Check::Denied),
            Check::Missed { head, renewed: true } => {
                let floor = state.replica.applied;
                match state.replica.registered {
                    None => then("is unavailable: the replica registers", Check::None),
                    Some(_) if head >= floor => then("is told: unknown", Check::Denied),
                    Some(_) => then("reads again", Check::Seeks { floor, renewed: true, again: true }),
                }
            }
            Check::Missed { .. } => then("is unavailable: no lease was granted since", Check::None),
            _ => {}
        }
    }
}

/// A check of the newborn session is under way.
fn seeking(state: &State) -> bool {
    matches!(state.check, Check::Seeks { .. } | Check::Missed { .. })
}

/// The check hears of a renewal that was asked for since it began.
fn renewed(mut state: State) -> State {
    if let Check::Seeks { renewed, .. } | Check::Missed { renewed, .. } = &mut state.check {
        *renewed |= state.replica.since;
    }
    state
}

/// A row of this incarnation is committed, which is everywhere the only one of it.
fn enrolled(state: &State) -> State {
    let mut state = State { heard: 0, ..*state };
    let primary = state.primary();
    for row in state.databases.iter_mut().flatten().filter_map(|database| database.row.as_mut()) {
        row.mine = false;
    }
    if let Some(database) = &mut state.databases[primary] {
        database.row = Some(Row { mine: true, granted_seq: 0, acked_seq: 0, fenced: false });
    }
    state.replica.work = Work::Enrolled;
    state
}

/// The statement commits on that database, if there is something to commit. Who has been here before sees by the timeline that
/// this is another database.
fn answered(state: &State, on: usize, first: bool) -> Option<State> {
    let mut state = *state;
    let database = state.databases[on].as_mut()?;
    let head = database.head;
    let row = database.row.as_mut().filter(|row| row.mine && !row.fenced)?;
    row.granted_seq = row.granted_seq.max(head);
    row.acked_seq = if first { head } else { row.acked_seq };
    let trusted = on == 0 || database.leapt > 0;
    if !first && !(on == 0 || trusted && state.replica.registered == Some(1)) {
        return None;
    }
    state.replica.work = Work::Answered { first, head, on, trusted };
    Some(state)
}

/// Without lease, memory and incarnation.
fn forgotten(state: &State) -> State {
    let mut state = State { replica: NEW, entry: None, ..*state };
    for row in state.databases.iter_mut().flatten().filter_map(|database| database.row.as_mut()) {
        row.mine = false;
    }
    state
}

/// Everything up to `head` is applied, as that database lists it; what is missing there voids everything.
fn caught_up(state: &State, database: &Database, head: u8) -> State {
    let mut state = renewed(*state);
    let replica = state.replica;
    for seq in replica.applied + 1..=head {
        void(&mut state, database, seq);
        if let Some(entry) = state.entry.as_mut().filter(|_| !database.has(seq)) {
            entry.void_since = head;
        }
    }
    let lease = replica.lease.max(D - replica.age);
    state.replica =
        Replica { work: Work::Idle, age: 0, since: false, applied: replica.applied.max(head), lease, ..replica };
    state
}

fn void(state: &mut State, database: &Database, seq: u8) {
    if let Some(entry) = state.entry.as_mut().filter(|_| database.ends(seq)) {
        entry.void_since = entry.void_since.max(seq);
    }
}
