//! Fuzzing of SAML responses: mutants of good ones, which know what an element, a signature and an ID are, go through gate,
//! decryption, both verifiers and checks. None may end in a panic, in an identity that no original has, or in octets that were not
//! signed; where the two verifiers don't say the same, the answer is no, and the input is kept.
//!
//! `make test` does so for 20 seconds, `make fuzz` as long as one likes (plan.rs). A failure names the mutant: with the same seed
//! and CURFEW_FUZZ_FROM it is made again. The whole sign-in with mutants: `tests/it/saml_fuzz.rs`.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, reason = "tests ask the machine for time and print")]

mod bench;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../it/support/corpus.rs"]
mod corpus;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../it/history/dice.rs"]
mod dice;
mod mutate;
mod plan;

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use curfew::saml::refusal::Refusal;

use bench::{Bench, Seed, Verdict, keep};
use dice::Dice;
use plan::{Plan, say};

/// Problems after which a run ends.
const ENOUGH: usize = 20;
/// Longest input that is kept because it is interesting, in octets.
const SMALL: usize = 16 * 1024;
/// Inputs that are kept because they are interesting.
const KEPT: usize = 150;
/// The refusal when the verifiers don't say the same.
const DISAGREEMENT: &str = "signature.disagreement";

/// What has come of the mutants so far.
#[derive(Default)]
struct Tally {
    /// By the check that refused, `accepted` among them.
    counts: BTreeMap<String, u64>,
    /// Refusals that were seen: the check, and its sentence without what is quoted in it.
    seen: HashSet<String>,
    problems: Vec<String>,
    kept: usize,
}

/// What all threads share.
struct Run {
    plan: Plan,
    bench: Bench,
    tally: Mutex<Tally>,
    next: AtomicU64,
    over: AtomicBool,
}

#[test]
fn no_mutant_is_believed() {
    let plan = Plan::read();
    let bench = Bench::open(&corpus::Corpus::recorded());
    say(&format!("fuzz: {} seeds; again with CURFEW_FUZZ_SEED={}", bench.seeds.len(), plan.seed));
    let (next, begun) = (AtomicU64::new(plan.from), Instant::now());
    let seen = bench.refusals().iter().map(sentence).collect();
    let tally = Mutex::new(Tally { seen, ..Tally::default() });
    let run = Run { plan, bench, tally, next, over: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        for _ in 0..run.plan.threads {
            scope.spawn(|| run.work());
        }
        run.watch(begun);
    });
    let tally = run.tally.lock().expect("no holder of this lock can panic");
    run.report(&tally, begun);
    assert!(tally.problems.is_empty(), "seed {}:\n{}", run.plan.seed, tally.problems.join("\n"));
    let made = tally.counts.values().sum::<u64>();
    if made >= 2_000 {
        let (accepted, checks) = (tally.counts.get("accepted").copied().unwrap_or_default(), tally.counts.len());
        let deep = tally.counts.get("signature.invalid").copied().unwrap_or_default();
        assert!(accepted > 0 && deep > made / 50 && checks > 20, "the mutants are out of balance: {:?}", tally.counts);
    }
}

#[test]
fn what_was_kept_is_refused_as_it_was() {
    let bench = Bench::open(&corpus::Corpus::recorded());
    for (name, refusal) in bench.kept() {
        let check = refusal.map_or_else(|| "accepted".to_owned(), |refusal| refusal.check.to_owned());
        assert_eq!(name.split("--").nth(1), Some(check.as_str()), "{name}");
    }
}

impl Run {
    /// Makes and judges mutants until somebody says that it is over.
    fn work(&self) {
        while !self.over.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if self.plan.mutants.is_some_and(|mutants| number >= self.plan.from + mutants) {
                return self.over.store(true, Ordering::Relaxed);
            }
            let (seed, mutant) = self.bench.mutant(self.plan.seed, number);
            // Other dice than those that made it, or a change there would change what happens here.
            let mut dice = Dice::new(!self.plan.seed, number);
            let verdict = self.bench.judge(seed, &mutant.octets, &mut dice);
            self.count(seed, number, &mutant.octets, &mutant.changes, verdict);
        }
    }

    fn count(&self, seed: &Seed, number: u64, octets: &[u8], changes: &[&str], verdict: Verdict) {
        let mut tally = self.tally.lock().expect("no holder of this lock can panic");
        let check = match verdict {
            Verdict::Accepted => "accepted",
            Verdict::Refused(refusal) => {
                self.remember(&mut tally, seed, number, octets, &refusal);
                refusal.check
            }
            Verdict::Wrong(what) => {
                let file = keep(&self.plan.problems(), seed, "problem", number, octets);
                tally.problems.push(format!("{number}, {} by {changes:?}: {what} ({file})", seed.name));
                if tally.problems.len() >= ENOUGH {
                    self.over.store(true, Ordering::Relaxed);
                }
                "wrong"
            }
        };
        *tally.counts.entry(check.to_owned()).or_default() += 1;
    }

    /// Keeps the input of a disagreement, and one for every sentence of every check.
    fn remember(&self, tally: &mut Tally, seed: &Seed, number: u64, octets: &[u8], refusal: &Refusal) {
        let is_new = tally.seen.insert(sentence(refusal));
        let disagreement = refusal.check == DISAGREEMENT;
        if disagreement && is_new {
            let file = keep(&self.plan.problems(), seed, refusal.check, number, octets);
            return say(&format!("fuzz: {refusal} ({file} in {})", self.plan.problems().display()));
        }
        let Some(folder) = self.plan.keep.as_ref().filter(|_| is_new && octets.len() <= SMALL) else { return };
        if tally.kept < KEPT && std::str::from_utf8(octets).is_ok() {
            tally.kept += 1;
            keep(folder, seed, refusal.check, number, octets);
        }
    }

    /// Says how it goes, and ends it in time.
    fn watch(&self, begun: Instant) {
        let mut said = begun;
        while !self.over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
            if self.plan.time.is_some_and(|time| begun.elapsed() >= time) {
                self.over.store(true, Ordering::Relaxed);
            }
            if said.elapsed() >= Duration::from_secs(10) {
                said = Instant::now();
                self.report(&self.tally.lock().expect("no holder of this lock can panic"), begun);
            }
        }
    }

    fn report(&self, tally: &Tally, begun: Instant) {
        let made = tally.counts.values().sum::<u64>();
        let family = |name: &str| -> u64 {
            tally.counts.iter().filter(|(check, _)| check.starts_with(name)).map(|(_, count)| count).sum()
        };
        let disagreements = tally.counts.get(DISAGREEMENT).copied().unwrap_or_default();
        say(&format!(
            "fuzz: {made} mutants in {:.0} s; gate {}, encryption {}, signature {} ({disagreements} disagreements), \
             assertion {}, check {}, accepted {}, problems {}",
            begun.elapsed().as_secs_f64(),
            family("gate."),
            family("encryption."),
            family("signature."),
            family("assertion."),
            family("check."),
            family("accepted"),
            tally.problems.len(),
        ));
    }
}

/// The check, and its sentence without what stands between quotes, and without digits.
fn sentence(refusal: &Refusal) -> String {
    let outside = refusal.detail.split('"').step_by(2).collect::<Vec<_>>().concat();
    let plain: String = outside.chars().filter(|c| !c.is_ascii_digit()).collect();
    format!("{}: {plain}", refusal.check)
}
