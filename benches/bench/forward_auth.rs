//! Forward-auth checks over HTTP, beside the same process answering a constant to the same questions of the same client.

use std::sync::Arc;

use super::load::{Pace, Tokens, turn};
use super::machine::Pinned;
use super::place::Home;
use super::servers::busy;
use super::settings::Settings;
use super::stand::Stand;
use super::statistics::{grouped, median, percentile, rate, shown, spread};
use super::table::{Goal, Table, progress};

/// What is asked, and how.
struct Load<'a> {
    stand: &'a Stand,
    settings: &'a Settings,
    tokens: Arc<Tokens>,
    pace: Pace,
}

/// What the turns of one side gave.
#[derive(Default)]
struct Side {
    rates: Vec<f64>,
    p99: Vec<f64>,
    /// Seconds of a processor for an answer, of the server and of the client.
    server: Vec<f64>,
    client: Vec<f64>,
}

impl Side {
    fn take(&mut self, what: &str, port: u16, load: &Load, table: &mut Table) {
        let used = || (load.stand.process.busy(), busy(std::process::id()));
        let before = used();
        let (mut taken, ()) = turn(port, &load.tokens, load.pace, load.settings.turn, async {});
        let after = used();
        if taken.others > 0 {
            table.wrong(format!("{what}: {} of {} answers were not 200", taken.others, taken.all));
        }
        self.rates.push(taken.rate());
        self.p99.push(percentile(&mut taken.latencies, 99.0) as f64 / 1e9);
        self.server.push((after.0 - before.0) / taken.all as f64);
        self.client.push((after.1 - before.1) / taken.all as f64);
    }
}

/// Brings the sessions whose first use in a minute is to be measured into memory; noting that use takes a while.
pub fn prepare(stand: &mut Stand, home: &Home) {
    stand.warm(home.unseen.series, 0..home.unseen.sessions, u64::MAX);
    stand.rest();
}

pub fn measure(stand: &Stand, home: &Home, settings: &Settings, table: &mut Table) {
    let tokens = Tokens::at_random(&home.everybody, 0..stand.distinct);
    let _pinned = Pinned::here_and(stand.process.id());
    let mut load = Load { stand, settings, tokens, pace: Pace::AsFastAsAnswered };
    let per_second = at_full_speed(&load, table);
    load.pace = Pace::EverySecond(per_second / 2.0);
    at_half_speed(&load, per_second / 2.0, table);
    first_use(&load, home, table);
}

/// Each connection asks again as soon as it is answered. Gives what the constant could take.
fn at_full_speed(load: &Load, table: &mut Table) -> f64 {
    let (mut constant, mut check, mut dressed) = (Side::default(), Side::default(), Side::default());
    for _ in 0..load.settings.rounds {
        constant.take("constant", load.stand.constant, load, table);
        check.take("check", load.stand.port, load, table);
        dressed.take("constant with headers", load.stand.dressed, load, table);
    }
    let ratios: Vec<f64> = check.rates.iter().zip(&constant.rates).map(|(check, constant)| check / constant).collect();
    let [plain, checks, bytes] = [&constant, &check, &dressed].map(|side| median(side.rates.clone()));
    let what = format!("forward-auth check, {} sessions at random, 1,000 networks", grouped(load.stand.distinct));
    let goal = Goal::AtLeast(0.9);
    table.ratio(&what, format!("constant: {}", rate(plain)), rate(checks), checks / plain, &spread(&ratios), goal);
    latency("p99 of that forward-auth check", &constant, &check, table);
    let reference = format!("constant with as many bytes: {}", rate(bytes));
    table.ratio("forward-auth check beside another constant", reference, rate(checks), checks / bytes, "", Goal::None);
    let [(plain_used, client), (check_used, _)] =
        [&constant, &check].map(|side| (median(side.server.clone()), median(side.client.clone())));
    let (what, reference) = ("processor time of the server for an answer", format!("constant: {}", shown(plain_used)));
    table.ratio(what, reference, shown(check_used), check_used / plain_used, "", Goal::None);
    if client > 0.9 * plain_used {
        progress("  the client was as busy as the server: the throughput is partly its own");
    }
    plain
}

/// Half as many questions as the constant could take, each when it is due.
fn at_half_speed(load: &Load, per_second: f64, table: &mut Table) {
    let (mut constant, mut check) = (Side::default(), Side::default());
    for _ in 0..load.settings.rounds {
        constant.take("constant", load.stand.constant, load, table);
        check.take("check", load.stand.port, load, table);
    }
    latency(&format!("p99 of forward-auth checks that come at {}", rate(per_second)), &constant, &check, table);
}

fn latency(what: &str, constant: &Side, check: &Side, table: &mut Table) {
    let ratios: Vec<f64> = check.p99.iter().zip(&constant.p99).map(|(check, constant)| check / constant).collect();
    let (plain, checks) = (median(constant.p99.clone()), median(check.p99.clone()));
    let reference = format!("constant: {}", shown(plain));
    table.ratio(what, reference, shown(checks), checks / plain, &spread(&ratios), Goal::AtMost(1.5));
}

/// The worst mixture there is: every check is the first in a minute of its session, so each use is to be written down.
fn first_use(load: &Load, home: &Home, table: &mut Table) {
    const ROUNDS: u64 = 3;
    let part = home.unseen.sessions / ROUNDS;
    let (mut constant, mut check) = (Side::default(), Side::default());
    for round in 0..ROUNDS {
        let numbers = round * part..(round + 1) * part;
        for (side, port) in [(&mut constant, load.stand.constant), (&mut check, load.stand.port)] {
            let tokens = Tokens::each_once(&home.unseen, numbers.clone());
            let once = Load { tokens, pace: Pace::AsFastAsAnswered, ..*load };
            side.take("first use", port, &once, table);
        }
        load.stand.rest();
    }
    let (plain, checks) = (median(constant.rates), median(check.rates));
    let what = "forward-auth check if each is its session's first in a minute";
    table.ratio(what, format!("constant: {}", rate(plain)), rate(checks), checks / plain, "", Goal::None);
}
