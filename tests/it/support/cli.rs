//! Runs the real `curfew` program as an operator would, with nothing of this machine's own configuration.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The program that this test run built.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_curfew");

/// The program against one database.
#[derive(Clone)]
pub struct Cli {
    settings: Vec<(String, String)>,
}

/// Hides whatever settings this machine has of its own.
pub fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CURFEW_")) {
        command.env_remove(name);
    }
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    asked: String,
}

impl Cli {
    pub fn new(database_url: &str, data_dir: &Path) -> Self {
        let setting = |name: &str, value: String| (name.to_owned(), value);
        Self {
            settings: vec![
                setting("CURFEW_DATABASE_URL", database_url.to_owned()),
                setting("CURFEW_DATA_DIR", data_dir.display().to_string()),
                setting("CURFEW_PUBLIC_URL", "http://127.0.0.1:8080".to_owned()),
                setting("CURFEW_SIGN_IN__ARGON2_MEMORY_KIB", "64".to_owned()),
                setting("CURFEW_SIGN_IN__ARGON2_ITERATIONS", "1".to_owned()),
            ],
        }
    }

    /// Adds a setting of the environment, or replaces it.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command, not yet started.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        without_settings(&mut command);
        command.env("NO_COLOR", "1").envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end, with `input` on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut child = self
            .command(&PathBuf::from(PROGRAM))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program that was built starts");
        // A program that refuses early closes its input: that isn't our failure.
        let _ = child.stdin.take().expect("it was piped").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("our own child");
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            asked: format!("curfew {}", arguments.join(" ")),
        }
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with_input(arguments, "")
    }
}

impl Outcome {
    /// Fails unless the command succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{} failed: {}{}", self.asked, self.stdout, self.stderr);
        self
    }

    /// Fails unless the command was refused with a sentence, not with a panic.
    #[track_caller]
    pub fn refused(self) -> Self {
        assert!(self.code.is_some_and(|code| code != 0 && code != 101), "{} was not refused: {self:?}", self.asked);
        assert!(!self.stderr.contains("panicked"), "{} panicked: {}", self.asked, self.stderr);
        assert!(!(self.stdout.trim().is_empty() && self.stderr.trim().is_empty()), "{} says nothing", self.asked);
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{} printed no JSON ({error}): {}{}", self.asked, self.stdout, self.stderr))
    }
}

/// The rows of a printed list, whether it stands alone or under `items`.
#[track_caller]
pub fn rows(list: &Value) -> Vec<Value> {
    let rows = if list.is_array() { list } else { &list["items"] };
    rows.as_array().unwrap_or_else(|| panic!("not a list: {list}")).clone()
}
