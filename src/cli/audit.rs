//! `curfew audit`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Console, InWorkspace, output};
use crate::audit;
use crate::audit::http::{CSV_HEAD, csv_line, json_line};
use crate::base::text::hex;
use crate::error::Result;

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Walk the hash chain; exit status 1 if it is broken.
    Verify(InWorkspace),
    /// Print every entry, oldest first.
    Export {
        /// `jsonl` or `csv`.
        #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
        format: String,
        #[command(flatten)]
        place: InWorkspace,
    },
}

pub async fn audit(console: &Console, command: AuditCommand) -> Result<ExitCode> {
    match command {
        AuditCommand::Verify(place) => verify(console, &place).await,
        AuditCommand::Export { format, place } => {
            let workspace = console.workspace(&place.workspace).await?;
            if format == "csv" {
                output::say(CSV_HEAD.trim_end());
            }
            let mut after = 0;
            loop {
                let chunk = audit::export(&console.app.db, &workspace.id, after).await?;
                let Some(last) = chunk.last() else { break };
                after = last.sequence;
                for found in &chunk {
                    let line = if format == "csv" { csv_line(found) } else { json_line(found) };
                    output::say(line.trim_end());
                }
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn verify(console: &Console, place: &InWorkspace) -> Result<ExitCode> {
    let workspace = console.workspace(&place.workspace).await?;
    let verified = audit::verify(&console.app.db, &workspace.id).await?;
    let (intact, head) = (verified.broken.is_none(), hex(&verified.head));
    let first_bad = verified.broken.as_ref().map(|broken| broken.sequence);
    let why = verified.broken.as_ref().map(|broken| broken.why);
    let json = json!({"intact": intact, "entries": verified.entries, "head": head, "first_bad": first_bad, "why": why});
    let entries = output::counted(verified.entries, "entry", "entries");
    let sentence = match &verified.broken {
        None => format!("Intact: {entries}, head {head}"),
        Some(broken) => {
            let holds = output::counted(verified.entries, "entry before it holds", "entries before it hold");
            format!("BROKEN at entry {}: {}. {holds}.", broken.sequence, broken.why)
        }
    };
    output::result(place.output.output, &json, &sentence);
    Ok(if intact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
