//! A server under test: this program in a process of its own (`stand_process.rs`), with every session in its memory.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::place::Home;
use super::servers::{Process, with_place};
use super::stand_process::NAME;

pub struct Stand {
    pub process: Process,
    /// Serves the product.
    pub port: u16,
    /// Answers a constant.
    pub constant: u16,
    /// Answers a constant with as many headers as a check.
    pub dressed: u16,
    /// The series and number of the sessions in its memory.
    pub series: u64,
    pub distinct: u64,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What bringing sessions into memory came to.
pub struct Warmed {
    pub checked: u64,
    pub seconds: f64,
    pub valid: u64,
}

impl Stand {
    pub fn start(home: &Home) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program is a file"));
        command.arg(NAME).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(
            with_place(&mut command, &home.large, "stand").env("CURFEW_LISTEN", "127.0.0.1:0"),
            &format!("stand-{}.log", home.kind.name()),
        );
        let orders = process.child.stdin.take().expect("it was piped");
        let answers = BufReader::new(process.child.stdout.take().expect("it was piped"));
        let mut stand = Self { process, port: 0, constant: 0, dressed: 0, series: 0, distinct: 0, orders, answers };
        let ports: Vec<u16> = stand.answer().split(' ').map(|port| port.parse().expect("a port")).collect();
        let [port, constant, dressed] = ports[..] else { panic!("three ports, not {ports:?}") };
        Self { port, constant, dressed, series: home.everybody.series, ..stand }
    }

    /// Gives an order and waits for what it says.
    pub fn order(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").expect("it runs");
        self.answer()
    }

    /// Checks these sessions once each, for so many seconds at the most.
    pub fn warm(&mut self, series: u64, numbers: std::ops::Range<u64>, seconds: u64) -> Warmed {
        Self::warmed(&self.order(&format!("warm {series} {} {} {seconds}", numbers.start, numbers.end)))
    }

    fn warmed(answer: &str) -> Warmed {
        let words: Vec<&str> = answer.split(' ').collect();
        let number = |index: usize| words[index].parse().expect("a number");
        Warmed { checked: number(0), seconds: words[1].parse().expect("seconds"), valid: number(2) }
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).expect("it speaks text");
        assert!(read > 0, "the stand has ended: {}", self.process.said());
        line.trim().to_owned()
    }

    /// Waits until it has written down what it has noted, and does nothing any more: for half a minute at the most.
    pub fn rest(&self) {
        const LOOK: Duration = Duration::from_millis(500);
        for _ in 0..60 {
            let before = self.process.busy();
            std::thread::sleep(LOOK);
            if self.process.busy() - before < LOOK.as_secs_f64() / 10.0 {
                return;
            }
        }
    }

    /// Ends it in good order.
    pub fn stop(self) {
        let Self { mut process, orders, .. } = self;
        drop(orders);
        let status = process.child.wait().expect("our own child");
        assert!(status.success(), "the stand ended with {status}: {}", process.said());
    }
}
