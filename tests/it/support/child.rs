//! A process of ours in a process group of its own. It ends with its value, its descendants too; if this process dies
//! first, the watchdog in `run.rs` ends it.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::run;

pub struct Owned {
    child: Child,
}

impl Owned {
    /// Starts the program; nothing is left to read from its input.
    pub fn start(command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        std::fs::write(run::marker(child.id()), "").expect("the run's folder is writable");
        Self { child }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    /// Waits for its end. `None`: it still runs.
    pub fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < at_most {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Makes it stand still in whatever it does, as a suspended machine would.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after `freeze`.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to stop, as a supervisor does.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Processor time that it has used, all its threads together, in steps of 10 ms.
    pub fn processor_time(&self) -> Duration {
        let text = self.read("stat");
        // The name of the program stands in brackets before the numbers and may hold anything.
        let numbers: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| numbers[at].parse::<u64>().expect("a number");
        // Linux counts in hundredths of a second for every program: user time, then system time.
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// Bytes of memory that it holds.
    pub fn resident(&self) -> u64 {
        let text = self.read("status");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process has memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    fn read(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}: has it ended?"))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("our own child");
    }

    /// `kill -9`, and nothing more: what it had not written is lost.
    pub fn kill(&mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let group = self.child.id().to_string();
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = std::fs::remove_file(run::marker(self.child.id()));
            return;
        }
        let _ = Command::new("sh").args(["-c", r#"kill -s KILL -- "-$0""#, &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(run::marker(self.child.id()));
    }
}
