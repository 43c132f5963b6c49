//! Printing: tables for people, JSON for programs, questions on a terminal.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use serde_json::Value;
use zeroize::Zeroizing;

use super::OutputFormat;
use crate::error::{Error, Result};

/// A line to standard output. A reader that went away is no error of ours.
pub fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// A line to standard error.
pub fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Prints JSON, or the sentence that says the same.
pub fn result(format: OutputFormat, json: &Value, sentence: &str) {
    match format {
        OutputFormat::Json => say(&json.to_string()),
        OutputFormat::Table => say(sentence),
    }
}

/// Prints rows under their headings; as JSON, an array of objects with the headings as keys.
pub fn table(format: OutputFormat, headings: &[&str], rows: &[Vec<String>]) {
    if format == OutputFormat::Json {
        let object = |row: &Vec<String>| {
            let pairs = headings
                .iter()
                .zip(row)
                .map(|(name, cell)| (name.to_lowercase().replace(' ', "_"), cell.clone().into()));
            Value::Object(pairs.collect())
        };
        return say(&Value::Array(rows.iter().map(object).collect()).to_string());
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    say(&line(headings.to_vec()));
    for row in rows {
        say(&line(row.iter().map(String::as_str).collect()));
    }
    if rows.is_empty() {
        say("(none)");
    }
}

/// A number with its noun, which is `one` for exactly one: `1 session`.
pub fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `2 sessions of 1 user`; `more` if there are at least so many.
pub fn sessions_of_users(sessions: i64, users: i64, more: bool) -> String {
    let at_least = if more { "at least " } else { "" };
    format!("{at_least}{} of {}", counted(sessions, "session", "sessions"), counted(users, "user", "users"))
}

/// What a receipt says: `2 sessions of 1 user ended (revocation 7).`
pub fn ended(receipt: &Value) -> String {
    let number = |name: &str| receipt[name].as_i64().unwrap_or_default();
    let counted = sessions_of_users(number("sessions"), number("users"), receipt["more"] == true);
    format!("{counted} ended (revocation {}).", receipt["sequence"])
}

/// What the line with a signed receipt begins with.
pub const SIGNED: &str = "Signed receipt: ";

/// A line with the signed receipt, to stand behind a sentence; empty if it is not signed.
pub fn signed(receipt: &Value) -> String {
    receipt["jws"].as_str().map(|jws| format!("\n{SIGNED}{jws}")).unwrap_or_default()
}

/// Asks for a yes on a terminal.
///
/// # Errors
/// Without a terminal, that `--yes` is needed, and the question; and if the answer was not yes.
pub fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::invalid("--yes", format!("is needed where nobody can be asked. {question}")));
    }
    drop(write!(std::io::stderr(), "{question} Type yes: "));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Error::internal)?;
    if answer.trim() == "yes" {
        return Ok(());
    }
    Err(Error::invalid("answer", "was not yes; nothing was changed"))
}

/// The first line of a file, or of standard input for `-`.
///
/// # Errors
/// Which file can't be read.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>> {
    let text = Zeroizing::new(read_text(path)?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// A file's text, or standard input's for `-`.
///
/// # Errors
/// Which file can't be read.
pub fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(1024 * 1024).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(1024 * 1024).read_to_string(&mut text))
    };
    read.map_err(|error| Error::invalid("file", format!("{}: {error}", path.display())))?;
    Ok(text)
}
