//! The real `curfew serve` as a process: started with its environment, waited for, killed without warning, started again.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::child::Owned;
use super::cli::{Cli, PROGRAM};
use super::http::{client, send};
use super::{Home, programs};

/// How long a server may take to be ready, or to refuse to start.
const START: Duration = Duration::from_secs(30);

/// Everything that a `curfew serve` needs, whether it runs or not.
#[derive(Clone)]
pub struct Serve {
    cli: Cli,
    program: PathBuf,
    log: PathBuf,
    /// Of the public listener.
    pub port: u16,
    admin_port: u16,
}

impl Serve {
    /// On the database of `home`, on free ports of 127.0.0.1.
    pub fn new(home: &Home) -> Self {
        Self::on_ports(home, programs::free_port(), programs::free_port())
    }

    /// On these ports.
    pub fn on_ports(home: &Home, port: u16, admin_port: u16) -> Self {
        let cli = home
            .cli()
            .with("CURFEW_LISTEN", &format!("127.0.0.1:{port}"))
            .with("CURFEW_ADMIN_LISTEN", &format!("127.0.0.1:{admin_port}"))
            .with("CURFEW_PUBLIC_URL", &format!("http://127.0.0.1:{port}"));
        let log = super::run::folder().join(format!("serve-{port}.log"));
        Self { cli, program: PathBuf::from(PROGRAM), log, port, admin_port }
    }

    /// With one more setting of the environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.cli = self.cli.with(name, value);
        self
    }

    /// `http://127.0.0.1:port`.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it and waits until it says that it is ready.
    pub async fn start(&self) -> Owned {
        let mut server = self.spawn(&[]);
        let begun = Instant::now();
        while !self.is_ready().await {
            if let Some(status) = server.ended() {
                panic!("curfew serve ended with {status}: {}", self.said());
            }
            assert!(begun.elapsed() < START, "curfew serve is not ready: {}", self.said());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        server
    }

    /// Starts it, expects that it refuses, and gives what it says.
    pub fn refuses(&self, launcher: &[&str]) -> String {
        let mut server = self.spawn(launcher);
        let status: ExitStatus = server.wait(START).unwrap_or_else(|| panic!("curfew serve runs: {}", self.said()));
        let said = self.said();
        assert!(!status.success(), "curfew serve ended as if all were well: {said}");
        assert!(!said.contains("panicked"), "curfew serve panicked: {said}");
        said
    }

    /// With a copy of the program that any user may run.
    pub fn with_program(mut self, program: &Path) -> Self {
        self.program = program.to_owned();
        self
    }

    /// What it has logged since its last start.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn spawn(&self, launcher: &[&str]) -> Owned {
        let log = || {
            Stdio::from(std::fs::File::options().append(true).create(true).open(&self.log).expect("the run's folder"))
        };
        std::fs::write(&self.log, "").expect("the run's folder is writable");
        let mut command = match launcher {
            [] => self.cli.command(&self.program),
            [first, rest @ ..] => {
                let mut command = self.cli.command(&programs::need(&[*first], "util-linux"));
                command.args(rest).arg(&self.program);
                command
            }
        };
        command.arg("serve").current_dir(super::run::folder()).stdout(log()).stderr(log());
        Owned::start(&mut command)
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let address = format!("127.0.0.1:{}", self.admin_port);
        if tokio::net::TcpStream::connect(&address).await.is_err() {
            return false;
        }
        send(client().get(format!("http://{address}/readyz"))).await.status == 200
    }
}
