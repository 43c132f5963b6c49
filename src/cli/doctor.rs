//! `curfew doctor`: looks at an installation and says what is wrong with it and how to mend it.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{OutputFormat, output};
use crate::app::App;
use crate::audit;
use crate::base::clock::SystemClock;
use crate::base::random::SystemRandom;
use crate::config::Config;
use crate::db::Db;
use crate::error::Result;
use crate::saml::{certificate, configure};
use crate::workspaces::store;

const MONTH_MS: i64 = 30 * 24 * 60 * 60 * 1000;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Good,
    Warning,
    Bad,
}

struct Finding {
    level: Level,
    what: String,
    advice: String,
}

fn finding(level: Level, what: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { level, what: what.into(), advice: advice.into() }
}

/// Prints the findings. Exit status 0, 1 with warnings, 2 with faults.
pub async fn doctor(config: Config, format: OutputFormat) -> Result<ExitCode> {
    let mut findings = about_config(&config);
    match App::open(config, Arc::new(SystemClock::new()), Arc::new(SystemRandom)).await {
        Ok(app) => findings.extend(about_data(&app).await?),
        Err(error) => findings.push(finding(Level::Bad, error.log().to_owned(), "Without the database nothing works.")),
    }
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Good);
    print(&findings, format);
    Ok(ExitCode::from(match worst {
        Level::Good => 0,
        Level::Warning => 1,
        Level::Bad => 2,
    }))
}

fn about_config(config: &Config) -> Vec<Finding> {
    let mut findings = vec![finding(Level::Good, "The settings are valid.", "")];
    if !config.secure_cookies() {
        let what = format!("public_url is {}: browsers reach this without TLS.", config.public_url);
        findings.push(finding(
            Level::Warning,
            what,
            "Put a TLS proxy in front and set public_url to its https address.",
        ));
    }
    if config.secure_cookies() && config.trusted_proxies.is_empty() {
        let what = "No proxy is trusted: every client seems to come from the TLS proxy's address.";
        findings.push(finding(Level::Warning, what, "Set trusted_proxies to the proxy's network."));
    }
    findings
}

async fn about_data(app: &App) -> Result<Vec<Finding>> {
    let mut findings = vec![finding(Level::Good, "The database answers and has this program's schema.", "")];
    if let Db::Sqlite { path, .. } = &app.db {
        findings.push(finding(Level::Good, format!("SQLite at {}, WAL, synchronous=FULL.", path.display()), ""));
    }
    let workspaces = store::list(&mut app.db.read().await?).await?;
    if workspaces.is_empty() {
        let advice = "curfew workspace create SLUG --name NAME --owner EMAIL";
        findings.push(finding(Level::Warning, "There is no workspace yet.", advice));
    }
    for workspace in workspaces {
        let verified = audit::verify(&app.db, &workspace.id).await?;
        findings.push(match verified.broken {
            None => {
                finding(Level::Good, format!("{}: audit log intact, {} entries.", workspace.slug, verified.entries), "")
            }
            Some(broken) => {
                let what =
                    format!("{}: audit log broken at entry {}: {}.", workspace.slug, broken.sequence, broken.why);
                finding(Level::Bad, what, "Somebody changed the database. Keep it, and compare it with a backup.")
            }
        });
        findings.extend(about_saml(app, &workspace).await?);
    }
    Ok(findings)
}

async fn about_saml(app: &App, workspace: &crate::workspaces::model::Workspace) -> Result<Vec<Finding>> {
    let Some(stored) = configure::find(app, &workspace.id).await?.filter(|stored| stored.enabled) else {
        return Ok(Vec::new());
    };
    let Ok(provider) = configure::parse(app, &stored.metadata) else {
        let what = format!("{}: the identity provider's metadata can't be used any more.", workspace.slug);
        return Ok(vec![finding(Level::Bad, what, "Import it anew: curfew saml import")]);
    };
    let soon = app.clock.now() + MONTH_MS;
    let expiring = provider
        .certificates
        .iter()
        .map(|der| certificate::shown(der))
        .filter(|shown| shown.not_after.is_some_and(|at| at < soon));
    let warn = |shown: certificate::Shown| {
        let what = format!("{}: SAML certificate {} ends within 30 days.", workspace.slug, &shown.sha256[..16]);
        finding(Level::Warning, what, "Ask the identity provider for its next one and import the metadata.")
    };
    Ok(expiring.map(warn).collect())
}

fn print(findings: &[Finding], format: OutputFormat) {
    if format == OutputFormat::Json {
        let level = |level| match level {
            Level::Good => "good",
            Level::Warning => "warning",
            Level::Bad => "bad",
        };
        let items = findings
            .iter()
            .map(|finding| json!({"level": level(finding.level), "what": finding.what, "advice": finding.advice}));
        return output::say(&Value::Array(items.collect()).to_string());
    }
    for finding in findings {
        let mark = match finding.level {
            Level::Good => "✔",
            Level::Warning => "⚠",
            Level::Bad => "✘",
        };
        output::say(&format!("{mark} {}", finding.what));
        if !finding.advice.is_empty() {
            output::say(&format!("    {}", finding.advice));
        }
    }
}
