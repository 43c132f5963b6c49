//! The steps of `memory.rs`.

use super::explore::{Protocol, Step};
use super::lease::{Replica, Work};
use super::memory::{Before, Check, Entry, Fault, Memory, Scope, Session, Site, State};
use super::mutants::Mutant;

const CHECKS: [&str; 2] = ["check 1", "check 2"];

impl Memory {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    /// Every step of the leases, and what it does to memory.
    pub(super) fn follow(&self, state: &State, next: &mut Vec<(Step, State)>) {
        let mut leases = Vec::new();
        self.leases().steps(&state.lease, &mut leases);
        for (step, lease) in leases {
            let (before, after) = (state.lease.replicas[0], lease.replicas[0]);
            let mut state = State { lease, ..*state };
            if step.does == "crashes" {
                let born = state.born;
                state = State { lease, born, ..self.starts()[0] };
            } else if before.work == Work::Idle && after.work == Work::AsksRegistration {
                self.clear(&mut state);
            } else if before.registered {
                let first = if step.does == "applies the newest push" { after.applied - 1 } else { before.applied };
                (first..after.applied).for_each(|seq| self.apply(&mut state, seq + 1));
            }
            next.push((step, state));
        }
    }

    fn clear(&self, state: &mut State) {
        if !self.is(Mutant::KeepMemory) {
            (state.site, state.entry, state.unknown) = (None, None, false);
        }
    }

    fn apply(&self, state: &mut State, seq: u8) {
        match (self.scopes[usize::from(seq - 1)], &mut state.entry, &mut state.site) {
            (Scope::User, Some(entry), _) => entry.void_since = entry.void_since.max(seq),
            // What was read after this change knows it, and perhaps more.
            (Scope::All | Scope::AllButCaller, _, Some(site)) if seq > site.as_of => {
                *site = self.site(seq);
                site.spared &= !self.is(Mutant::ForgetSpared);
            }
            _ => {}
        }
    }

    /// A check of somebody else's session reads the workspace too.
    pub(super) fn read_beside(&self, state: &State, next: &mut Vec<(Step, State)>) {
        let mut then = |does, state| next.push((Step { who: "another check", does }, state));
        match state.beside {
            None if state.lease.replicas[0].lease > 0 => {
                then("reads from the database", State { beside: Some(state.lease.head), ..*state });
            }
            Some(head) => {
                let mut state = State { beside: None, ..*state };
                if self.current(&state, head) {
                    self.learn_site(&mut state, head);
                }
                then("remembers it", state);
            }
            None => {}
        }
    }

    /// Whether what was read with that head may be remembered.
    fn current(&self, state: &State, head: u8) -> bool {
        let replica = state.lease.replicas[0];
        let open = replica.registered || self.is(Mutant::LearnWhileRegistering);
        open && (head >= replica.applied || self.is(Mutant::InsertStale))
    }

    fn learn_site(&self, state: &mut State, head: u8) {
        let read = self.site(head);
        let keep = state.site.filter(|site| head <= site.as_of || site.epoch == read.epoch);
        state.site = Some(keep.unwrap_or(read));
    }

    pub(super) fn check(&self, state: &State, number: usize, next: &mut Vec<(Step, State)>) {
        let mut then = |does, check, state: &State| {
            let mut state = *state;
            state.checks[number] = check;
            // Two checks that have come equally far are one case.
            state.checks.sort_unstable();
            next.push((Step { who: CHECKS[number], does }, state));
        };
        let replica = state.lease.replicas[0];
        match state.checks[number] {
            Check::None if replica.lease > 0 => {
                let need = state.lease.acknowledged();
                let before = Before { need, refused: state.refused, born: state.born, floor: replica.applied };
                then("finds the lease live", Check::Judged(before), state);
            }
            Check::None => {}
            Check::Judged(before) => {
                // Not in memory, or no more, or not asked.
                then("reads from the database", Check::Loaded(before, state.lease.head, state.born), state);
                match self.look_up(state) {
                    Some(true) => then("says valid from memory", Check::None, &self.accept(state, before)),
                    Some(false) => then("refuses from memory", Check::None, &self.refuse(state, before)),
                    None => {}
                }
            }
            Check::Loaded(before, _, false) => {
                let unknown = self.is(Mutant::NegativeCache);
                then("says unknown", Check::None, &State { entry: None, unknown, ..*state });
                if before.born {
                    then("says unknown", Check::None, &State { fault: Some(Fault::Betrayed), ..*state });
                }
            }
            Check::Loaded(before, head, true) if self.ended(head) => match self.catch_up(state, head) {
                Some(caught) => then("refuses", Check::None, &self.refuse(&State { entry: None, ..caught }, before)),
                None => then("is unavailable: the replica registers", Check::None, state),
            },
            Check::Loaded(before, head, true) if self.current(state, head) => {
                let mut learnt = *state;
                self.learn_site(&mut learnt, head);
                let void_since = state.entry.map_or(0, |entry| entry.void_since);
                learnt.entry = Some(Entry { loaded_seq: head, void_since });
                then("remembers it and says valid", Check::None, &self.accept(&learnt, before));
            }
            // A change came meanwhile: what was read is used once, and not remembered.
            Check::Loaded(before, head, true) if head >= before.floor => {
                then("says valid, remembers nothing", Check::None, &self.accept(state, before));
            }
            Check::Loaded(_, _, true) => then("is unavailable: the database is behind", Check::None, state),
        }
    }

    /// What memory says; `None`: ask the database.
    fn look_up(&self, state: &State) -> Option<bool> {
        if state.unknown {
            return Some(false);
        }
        let (Some(entry), Some(Site { epoch, spared, .. })) = (state.entry, state.site) else { return None };
        if self.stamp() != epoch && !(spared && self.session == Session::Caller) {
            // A stamp ahead: this replica is behind.
            return if self.stamp() > epoch { None } else { Some(false) };
        }
        (entry.loaded_seq >= entry.void_since).then_some(true)
    }

    /// What the database refuses is refused by memory too before anybody hears of it; `None` while there is none.
    fn catch_up(&self, state: &State, head: u8) -> Option<State> {
        let Replica { registered, applied, .. } = state.lease.replicas[0];
        if self.is(Mutant::RefuseUnsettled) {
            return Some(*state);
        }
        let mut state = *state;
        (applied..head).for_each(|seq| self.apply(&mut state, seq + 1));
        state.lease.replicas[0].applied = applied.max(head);
        registered.then_some(state)
    }

    fn accept(&self, state: &State, before: Before) -> State {
        let fault = match before {
            Before { need, .. } if self.ended(need) => Some(Fault::Revived),
            Before { refused: true, .. } => Some(Fault::Relapsed),
            Before { .. } => None,
        };
        State { fault, ..*state }
    }

    fn refuse(&self, state: &State, before: Before) -> State {
        let ended = self.ended(state.lease.head);
        let fault = (before.born && !ended).then_some(Fault::Betrayed);
        State { refused: state.refused || ended, fault, ..*state }
    }
}
