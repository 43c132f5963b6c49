//! Processes that a bench starts: a real `curfew serve`, and this program as its own server. They end with their value, and
//! with the watchdog of the run if this process dies first.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::http::{self, Connection};
use super::place::Place;
use super::support::{programs, run};

/// The program that was built with this bench.
const PROGRAM: &str = env!("CARGO_BIN_EXE_curfew");
/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process of ours.
pub struct Process {
    pub child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it in a group of its own, with nothing of this machine's settings.
    pub fn start(command: &mut Command, log: &str) -> Self {
        without_settings(command);
        let log = run::folder().join(log);
        let file = std::fs::File::create(&log).expect("the run's folder is writable");
        let child =
            command.current_dir(run::folder()).stderr(file).process_group(0).spawn().expect("our own program starts");
        std::fs::write(run::marker(child.id()), "").expect("the run's folder is writable");
        Self { child, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Bytes in memory.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib * 1024
    }

    /// Seconds of a processor that it has used.
    pub fn busy(&self) -> f64 {
        busy(self.id())
    }

    /// Asks it to end in good order, and waits until it has.
    pub fn stop(mut self) {
        let _gone_is_well = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            assert!(begun.elapsed() < PATIENCE, "a server does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone_is_well = self.child.kill();
            let _gone_is_well = self.child.wait();
        }
        let _absent_is_well = std::fs::remove_file(run::marker(self.id()));
    }
}

/// Seconds of a processor that a process has used, in steps of a hundredth.
pub fn busy(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The name, in parentheses, may hold anything.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    // Linux says hundredths of a second to every program, whatever it counts in.
    ticks / 100.0
}

/// A running `curfew serve`.
pub struct Serve {
    pub process: Process,
    pub port: u16,
    pub admin_port: u16,
    pub started: Instant,
}

impl Serve {
    /// Starts it; it may not be ready yet.
    pub fn spawn(place: &Place, name: &str) -> Self {
        let (port, admin_port) = (programs::free_port(), programs::free_port());
        let mut command = Command::new(Path::new(PROGRAM));
        command
            .arg("serve")
            .env("CURFEW_LISTEN", format!("127.0.0.1:{port}"))
            .env("CURFEW_ADMIN_LISTEN", format!("127.0.0.1:{admin_port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = Instant::now();
        let process = Process::start(with_place(&mut command, place, name), &format!("{name}.log"));
        Self { process, port, admin_port, started }
    }

    /// Starts it and waits until it says that it is ready.
    pub async fn start(place: &Place, name: &str) -> Self {
        let server = Self::spawn(place, name);
        let question = http::request("GET", "/readyz", "", "127.0.0.1", "", "");
        loop {
            if let Ok(mut connection) = Connection::open(server.admin_port).await
                && let Ok(200) = connection.ask(&question).await
            {
                return server;
            }
            assert!(server.started.elapsed() < PATIENCE, "curfew serve is not ready: {}", server.process.said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Runs a command of the product on a database that nobody has open.
pub fn curfew(place: &Place, arguments: &[&str]) {
    let mut command = Command::new(Path::new(PROGRAM));
    programs::run(with_place(without_settings(&mut command), place, "bench").args(arguments));
}

/// Nothing of this machine's settings.
fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CURFEW_")) {
        command.env_remove(name);
    }
    command
}

/// The settings of a server on a database, behind a reverse proxy on this machine.
pub fn with_place<'a>(command: &'a mut Command, place: &Place, name: &str) -> &'a mut Command {
    command
        .env("NO_COLOR", "1")
        .env("CURFEW_DATABASE_URL", &place.url)
        .env("CURFEW_DATA_DIR", &place.data)
        .env("CURFEW_REPLICA_NAME", name)
        .env("CURFEW_TRUSTED_PROXIES", "127.0.0.1/32")
        // One token asks as fast as it is answered.
        .env("CURFEW_SCIM__REQUESTS_PER_SECOND", "1000000")
        .env("CURFEW_SCIM__BURST", "1000000")
}
