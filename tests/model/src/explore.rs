//! Breadth first through every state that a protocol can reach, each exactly once, with the shortest way to a fault.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A step and who takes it.
#[derive(Clone, Copy)]
pub struct Step {
    pub who: &'static str,
    pub does: &'static str,
}

/// Where a protocol may begin, what may happen next, and what must never be.
pub trait Protocol {
    type State: Clone + Eq + Hash;
    fn starts(&self) -> Vec<Self::State>;
    fn steps(&self, state: &Self::State, next: &mut Vec<(Step, Self::State)>);
    /// The promise that is broken in this state.
    fn fault(&self, state: &Self::State) -> Option<&'static str>;
    /// Everything that was asked for is acknowledged.
    fn done(&self, state: &Self::State) -> bool;
}

/// What an exploration found.
pub struct Explored {
    pub states: usize,
    pub steps: usize,
    /// The broken promise, and the shortest way to it.
    pub fault: Option<(&'static str, Vec<Step>)>,
    /// The shortest way to a state from which no way leads to `done`.
    pub stuck: Option<Vec<Step>>,
}

/// Explores everything, or as far as the first fault.
pub fn explore<P: Protocol>(protocol: &P) -> Explored {
    let mut known: HashMap<P::State, u32, BuildHasherDefault<Quick>> = HashMap::default();
    let mut seen = Seen::default();
    let mut queue = VecDeque::new();
    for start in protocol.starts() {
        let id = seen.add(None);
        if known.insert(start.clone(), id).is_none() {
            queue.push_back((id, start));
        }
    }
    let mut next = Vec::new();
    while let Some((from, state)) = queue.pop_front() {
        if protocol.done(&state) {
            seen.done.push(from);
        }
        protocol.steps(&state, &mut next);
        for (step, state) in next.drain(..) {
            if let Some(&to) = known.get(&state) {
                seen.edges.push((from, to));
                continue;
            }
            let to = seen.add(Some((from, step)));
            seen.edges.push((from, to));
            if let Some(fault) = protocol.fault(&state) {
                return seen.explored(Some((fault, seen.way(to))), None);
            }
            known.insert(state.clone(), to);
            queue.push_back((to, state));
        }
    }
    let stuck = seen.cut_off().map(|id| seen.way(id));
    seen.explored(None, stuck)
}

#[derive(Default)]
struct Seen {
    /// By which step each state was first reached.
    parents: Vec<Option<(u32, Step)>>,
    edges: Vec<(u32, u32)>,
    done: Vec<u32>,
}

impl Seen {
    fn add(&mut self, parent: Option<(u32, Step)>) -> u32 {
        self.parents.push(parent);
        u32::try_from(self.parents.len() - 1).expect("fewer states than that fit into memory")
    }

    fn way(&self, mut to: u32) -> Vec<Step> {
        let mut way = Vec::new();
        while let Some((from, step)) = self.parents[to as usize] {
            way.push(step);
            to = from;
        }
        way.reverse();
        way
    }

    /// The first state from which no way leads to `done`: backwards from there, over every step.
    fn cut_off(&self) -> Option<u32> {
        let count = self.parents.len();
        let mut ends = vec![0_u32; count + 1];
        for (_, to) in &self.edges {
            ends[*to as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let mut sources = vec![0_u32; self.edges.len()];
        for (from, to) in &self.edges {
            ends[*to as usize] -= 1;
            sources[ends[*to as usize] as usize] = *from;
        }
        let mut reached = vec![false; count];
        let mut rest = self.done.clone();
        while let Some(id) = rest.pop() {
            if !std::mem::replace(&mut reached[id as usize], true) {
                rest.extend(&sources[ends[id as usize] as usize..ends[id as usize + 1] as usize]);
            }
        }
        reached.iter().position(|reached| !reached).and_then(|id| u32::try_from(id).ok())
    }

    fn explored(&self, fault: Option<(&'static str, Vec<Step>)>, stuck: Option<Vec<Step>>) -> Explored {
        Explored { states: self.parents.len(), steps: self.edges.len(), fault, stuck }
    }
}

/// A hash for states of a few small numbers: the usual one takes most of the time of an unoptimised test.
#[derive(Default)]
pub struct Quick(u64);

impl Quick {
    fn mix(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(value as u64);
    }
}
