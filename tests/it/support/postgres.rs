//! One temporary PostgreSQL cluster of the run's own, on a port of 127.0.0.1, with its default durability. It never touches
//! a server that was there before. The server refuses to run as root: then its files belong to an unprivileged user.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{programs, run};

const PACKAGE: &str = "postgresql";
const USER: &str = "curfew";

pub struct Cluster {
    tools: PathBuf,
    port: u16,
    password: String,
}

/// Whose process the server is.
struct Owner {
    user: u32,
    group: u32,
}

/// The cluster, started by the first test that asks.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let started =
        CLUSTER.get_or_init(|| std::panic::catch_unwind(start).map_err(|_| "see the first failure".to_owned()));
    started.as_ref().unwrap_or_else(|error| panic!("PostgreSQL did not start: {error}"))
}

impl Cluster {
    /// The address of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Makes a database, empty or as a copy.
    pub fn create(&self, database: &str, template: Option<&str>) {
        let mut command = Command::new(self.tools.join("createdb"));
        command
            .args(["-h", "127.0.0.1", "-U", USER, "-p"])
            .arg(self.port.to_string())
            .env("PGPASSWORD", &self.password);
        if let Some(template) = template {
            command.args(["-T", template]);
        }
        programs::run(command.arg(database));
    }
}

fn start() -> Cluster {
    let tools = tools();
    let home = run::folder().join("postgres");
    std::fs::create_dir(&home).expect("the run's folder is writable");
    let owner = unprivileged();
    let password = random_word();
    let password_file = home.join("password");
    std::fs::write(&password_file, &password).expect("our own folder");
    if let Some(owner) = &owner {
        for path in [&home, &password_file] {
            chown(path, Some(owner.user), Some(owner.group)).expect("root may give files away");
        }
    }
    let data = home.join("data");
    let make = as_owner(owner.as_ref(), &tools.join("initdb"), &home)
        .args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "-D"])
        .arg(&data)
        .arg("--pwfile")
        .arg(&password_file)
        .output()
        .expect("initdb starts");
    assert!(make.status.success(), "initdb: {}", programs::said(&make));
    let port = programs::free_port();
    configure(&data, port);
    // The server inherits what pg_ctl has: a pipe to us would never end.
    let started = as_owner(owner.as_ref(), &tools.join("pg_ctl"), &home)
        .args(["-w", "-t", "60", "-l", "log", "-D"])
        .arg(&data)
        .arg("start")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
    assert!(started.is_ok_and(|status| status.success()), "pg_ctl could not start the server: {log}");
    announce(&tools);
    Cluster { tools, port, password }
}

fn configure(data: &Path, port: u16) {
    let settings = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nmax_connections = 500\nlog_min_messages = warning\n"
    );
    let mut file = OpenOptions::new().append(true).open(data.join("postgresql.conf")).expect("initdb wrote it");
    file.write_all(settings.as_bytes()).expect("our own file");
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
