//! Temporary PostgreSQL servers of the run's own, on ports of 127.0.0.1, with their default durability: one that most tests
//! share, and others for tests that break theirs. They never touch a server that was there before. The server refuses to run
//! as root: then its files belong to an unprivileged user.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{programs, run};

const PACKAGE: &str = "postgresql";
const USER: &str = "curfew";
/// Our settings, in a file that PostgreSQL's own includes.
const SETTINGS: &str = "curfew.conf";

/// A server with its data.
pub struct Cluster {
    tools: PathBuf,
    home: PathBuf,
    port: u16,
    password: String,
    owner: Option<Owner>,
}

/// Whose process the server is.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

/// The server that most tests share, started by the first that asks.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let started = CLUSTER.get_or_init(|| {
        std::panic::catch_unwind(|| Cluster::start("postgres")).map_err(|_| "see the first failure".to_owned())
    });
    started.as_ref().unwrap_or_else(|error| panic!("PostgreSQL did not start: {error}"))
}

impl Cluster {
    /// A new server. `name` is its folder in that of the run; it begins with `postgres`, so that the watchdog finds it.
    pub fn start(name: &str) -> Self {
        let cluster = Self::at(name, random_word());
        let password_file = cluster.home.join("password");
        std::fs::write(&password_file, &cluster.password).expect("our own folder");
        cluster.give(&password_file);
        let make = cluster
            .program("initdb")
            .args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "-D"])
            .arg(cluster.data())
            .arg("--pwfile")
            .arg(&password_file)
            .output()
            .expect("initdb starts");
        assert!(make.status.success(), "initdb: {}", programs::said(&make));
        let own = cluster.data().join("postgresql.conf");
        let mut file = OpenOptions::new().append(true).open(own).expect("initdb wrote it");
        writeln!(file, "include_if_exists '{SETTINGS}'").expect("our own file");
        cluster.configure("");
        cluster.launch();
        announce(&cluster.tools);
        cluster
    }

    /// A copy of this server as it runs, which follows it on a port of its own.
    pub fn standby(&self, name: &str) -> Self {
        let standby = Self::at(name, self.password.clone());
        let mut copy = standby.program("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-U", USER, "-X", "stream", "-c", "fast", "-p"]).arg(self.port.to_string());
        programs::run(copy.arg("-D").arg(standby.data()).env("PGPASSWORD", &self.password));
        standby.configure(&format!(
            "primary_conninfo = 'host=127.0.0.1 port={} user={USER} password={}'\n",
            self.port, self.password
        ));
        let signal = standby.data().join("standby.signal");
        std::fs::write(&signal, "").expect("our own folder");
        standby.give(&signal);
        standby.launch();
        standby
    }

    /// The address of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a database, empty or as a copy.
    pub fn create(&self, database: &str, template: Option<&str>) {
        let mut command = self.client("createdb");
        if let Some(template) = template {
            command.args(["-T", template]);
        }
        programs::run(command.arg(database));
    }

    /// What a statement gives: a line for each row, `|` between columns.
    pub fn query(&self, database: &str, sql: &str) -> String {
        let output = programs::run(self.client("psql").args(["-X", "-A", "-t", "-q", "-d", database, "-c", sql]));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Replaces our settings: those of every server, and `more`, a line each. `reload` or a start makes them hold.
    pub fn configure(&self, more: &str) {
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nmax_connections = 500\n\
             log_min_messages = warning\nlog_min_duration_statement = '500ms'\nlog_checkpoints = on\nlog_line_prefix = '%m '\nwal_keep_size = '256MB'\n{more}",
            self.port
        );
        let file = self.data().join(SETTINGS);
        std::fs::write(&file, settings).expect("our own folder");
        self.give(&file);
    }

    /// The end of its log: what was slow, and why perhaps.
    pub fn said(&self) -> String {
        let log = std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(80)..].join("\n")
    }

    /// Makes changed settings hold.
    pub fn reload(&self) {
        programs::run(&mut self.control(&["reload"]));
    }

    /// Makes a primary of a standby; returns when it takes writes.
    pub fn promote(&self) {
        programs::run(&mut self.control(&["-w", "-t", "30", "promote"]));
    }

    /// Ends it as a power cut would: nobody is told, nothing is written any more.
    pub fn stop_immediately(&self) {
        programs::run(&mut self.control(&["-w", "-t", "30", "-m", "immediate", "stop"]));
    }

    /// As `stop_immediately`, and no failure if it doesn't run.
    pub fn end_quietly(&self) {
        let mut stop = self.control(&["-w", "-t", "30", "-m", "immediate", "stop"]);
        drop(stop.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }

    /// As `end_quietly`; then its data is gone.
    pub fn discard(self) {
        self.end_quietly();
        std::fs::remove_dir_all(&self.home).expect("our own folder");
    }

    fn at(name: &str, password: String) -> Self {
        let home = run::folder().join(name);
        std::fs::create_dir(&home).expect("the run's folder is writable");
        let cluster = Self { tools: tools(), home, port: programs::free_port(), password, owner: unprivileged() };
        cluster.give(&cluster.home);
        cluster
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn give(&self, path: &Path) {
        if let Some(owner) = self.owner {
            chown(path, Some(owner.user), Some(owner.group)).expect("root may give files away");
        }
    }

    fn launch(&self) {
        // The server inherits what pg_ctl has: a pipe to us would never end.
        let started = self
            .control(&["-w", "-t", "60", "-l", "log", "start"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let log = std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
        assert!(started.is_ok_and(|status| status.success()), "pg_ctl could not start the server: {log}");
    }

    fn control(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data()).args(arguments);
        command
    }

    /// A program of this server's kind, run as its owner.
    fn program(&self, name: &str) -> Command {
        as_owner(self.owner.as_ref(), &self.tools.join(name), &self.home)
    }

    /// A program that connects to this server.
    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.tools.join(name));
        command.args(["-h", "127.0.0.1", "-U", USER, "-p"]).arg(self.port.to_string());
        command.env("PGPASSWORD", &self.password).env("PGCONNECT_TIMEOUT", "10");
        command
    }
}

/// The newest installed set of programs; distributions keep them off the path.
fn tools() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for version in 13..40 {
        for folder in [format!("/usr/lib/postgresql/{version}/bin"), format!("/usr/pgsql-{version}/bin")] {
            found.push((version, PathBuf::from(folder)));
        }
    }
    found.retain(|(_, folder)| folder.join("pg_ctl").is_file() && folder.join("initdb").is_file());
    if let Some((_, folder)) = found.into_iter().max() {
        return folder;
    }
    let control = programs::need(&["pg_ctl"], PACKAGE);
    control.parent().expect("a file is in a folder").to_owned()
}

fn announce(tools: &Path) {
    let output = programs::run(Command::new(tools.join("postgres")).arg("--version"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or("?");
    programs::used(&format!("PostgreSQL {version}"));
}

/// Whom the server runs as if we are root; `None`: as ourselves.
fn unprivileged() -> Option<Owner> {
    if number(&["-u"]) != Some(0) {
        return None;
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some(Owner { user: number(&["-u", name])?, group: number(&["-g", name])? }))
}

fn number(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().expect("every Unix has id");
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn as_owner(owner: Option<&Owner>, program: &Path, folder: &Path) -> Command {
    let mut command = match owner {
        None => Command::new(program),
        Some(owner) => {
            let mut command = Command::new(programs::need(&["setpriv"], "util-linux"));
            command
                .arg(format!("--reuid={}", owner.user))
                .arg(format!("--regid={}", owner.group))
                .arg("--clear-groups");
            command.arg(program);
            command
        }
    };
    command.current_dir(folder);
    command
}

/// 32 hexadecimal digits nobody can guess.
fn random_word() -> String {
    let mut bytes = [0_u8; 16];
    let mut source = std::fs::File::open("/dev/urandom").expect("every Unix has it");
    source.read_exact(&mut bytes).expect("it never ends");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
