//! The machine: on which processor what runs, and what it is.

use std::process::{Command, Stdio};

use super::settings::Settings;
use super::support::run;

/// While it lives, this process runs on the second processor, and another on the first: neither takes the other's time. Without
/// `taskset`, or on one processor, nothing is pinned.
pub struct Pinned(bool);

impl Pinned {
    pub fn here_and(server: u32) -> Self {
        let pinned = processors() > 1 && pin(server, "0") && pin(std::process::id(), "1");
        Self(pinned)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if self.0 {
            let all = format!("0-{}", processors_online() - 1);
            let _as_far_as_it_can = pin(std::process::id(), &all);
        }
    }
}

fn pin(process: u32, processors: &str) -> bool {
    let mut taskset = Command::new("taskset");
    taskset.args(["-a", "-c", "-p", processors]).arg(process.to_string());
    taskset.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A program that will have the second processor alone, if programs can be bound here.
pub fn on_one_processor(program: &str) -> Command {
    if !can_pin() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "1", program]);
    command
}

fn can_pin() -> bool {
    processors_online() > 1 && pin(std::process::id(), &format!("0-{}", processors_online() - 1))
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// All of them, whichever this process may use at the moment.
fn processors_online() -> usize {
    let found = said("getconf", &["_NPROCESSORS_ONLN"]);
    found.parse().unwrap_or(1).max(1)
}

/// A paragraph for docs/benchmarks.md: what was measured where, when, and with what.
pub fn describe(settings: &Settings, versions: &[String]) -> String {
    let processor = first_line("/proc/cpuinfo", "model name");
    let memory = first_line("/proc/meminfo", "MemTotal");
    let folder = run::folder().display().to_string();
    let files = said("df", &["--output=fstype", &folder]);
    let files = files.lines().last().unwrap_or_default().to_owned();
    let volatile = if files == "tmpfs" { " (NOT DURABLE: set TMPDIR to a disk)" } else { "" };
    let whole = if settings.is_whole() { "" } else { " A SHORTENED RUN: not for the record." };
    format!(
        "{}, {} × {processor}, {memory}, Linux {}, files on {files}{volatile}. {}, curfew {} {}, optimised build. \
         {}. Median of {} rounds; in parentheses the smallest and largest ratio of a round.{whole}\n",
        said("date", &["+%F"]),
        processors_online(),
        said("uname", &["-r"]),
        versions.join(", "),
        env!("CARGO_PKG_VERSION"),
        said("git", &["-C", env!("CARGO_MANIFEST_DIR"), "rev-parse", "--short", "HEAD"]),
        if can_pin() {
            "Server and client each on a processor of its own"
        } else {
            "NOTHING PINNED: taskset is missing"
        },
        settings.rounds,
    )
}

fn first_line(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
    line.map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
