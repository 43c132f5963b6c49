//! The folder of this test run, and the watchdog that empties it whatever ends the run: success, panic, Ctrl-C or kill -9.
//! The watchdog is a shell that reads from a pipe which only this process holds; the pipe's end is its signal.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// `$1` is the folder. `processes/` has an empty file for each process group; each PostgreSQL names its own process.
const WATCHDOG: &str = r#"
read -r _
for file in "$1"/processes/*; do
  [ -e "$file" ] && kill -s KILL -- "-${file##*/}"
done
postmasters=
for file in "$1"/postgres*/data/postmaster.pid; do
  [ -e "$file" ] && postmasters="$postmasters $(head -n 1 "$file")"
done
for postmaster in $postmasters; do kill -s QUIT "$postmaster"; done
for postmaster in $postmasters; do
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 "$postmaster" || break
    sleep 0.2
  done
done
rm -rf "$1"
"#;

struct Run {
    folder: PathBuf,
    _watchdog: Child,
}

/// The folder of this run. Others may pass through it, as PostgreSQL's own user must, but not list it.
pub fn folder() -> &'static Path {
    static RUN: OnceLock<Run> = OnceLock::new();
    &RUN.get_or_init(begin).folder
}

/// A folder of one test; gone with its value.
pub fn temporary(prefix: &str) -> TempDir {
    tempfile::Builder::new().prefix(prefix).tempdir_in(folder()).expect("the run's folder takes another one")
}

/// Where the process group `id` is marked for the watchdog.
pub fn marker(id: u32) -> PathBuf {
    folder().join("processes").join(id.to_string())
}

fn begin() -> Run {
    let folder = tempfile::Builder::new().prefix("curfew-it-").tempdir().expect("a temporary folder").keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711)).expect("our own folder");
    std::fs::create_dir(folder.join("processes")).expect("our own folder");
    let watchdog = Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell");
    Run { folder, _watchdog: watchdog }
}
