//! The `curfew` program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    curfew::cli::run().await
}
