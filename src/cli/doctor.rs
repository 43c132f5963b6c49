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
use crate::error::{Error, Result, UNPROCESSABLE};
use crate::feed::promise;
use crate::saml::key_use::KeyUse;
use crate::saml::provider::StoredProvider;
use crate::saml::{certificate, configure, key_ring, providers};
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
    let database_url = config.database_url.clone();
    match App::open(config, Arc::new(SystemClock::new()), Arc::new(SystemRandom)).await {
        Ok(app) => findings.extend(about_data(&app).await?),
        Err(error) => findings.push(about_failure(&database_url, &error).await),
    }
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Good);
    print(&findings, format);
    Ok(ExitCode::from(match worst {
        Level::Good => 0,
        Level::Warning => 1,
        Level::Bad => 2,
    }))
}

/// Why the database could not be opened.
async fn about_failure(database_url: &str, error: &Error) -> Finding {
    // What can't be carried out as it is has said why, and is not for want of an answer.
    if error.problem() != UNPROCESSABLE
        && database_url.starts_with("postgres")
        && let Ok(db) = Db::open(database_url).await
        && let Some(stuck) = promise::stuck(&db).await
    {
        let advice = "Until then every change waits, and no session is judged valid: see docs/operations.md#failover.";
        return finding(Level::Bad, capitalised(stuck), advice);
    }
    finding(Level::Bad, error.log().to_owned(), "Without the database nothing works.")
}

/// What a failover would lose. An embedded database has nothing to fail over to.
async fn about_promise(app: &App) -> Option<Finding> {
    if !app.db.is_postgres() {
        return None;
    }
    let promise = promise::of(&app.db).await;
    let what = format!("{}.", capitalised(promise.sentence()));
    Some(match promise.advice() {
        None => finding(Level::Good, what, ""),
        Some(advice) => finding(Level::Warning, what, format!("{}.", capitalised(advice))),
    })
}

/// A sentence that the log has in its middle, to stand alone.
fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
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
    findings.extend(about_promise(app).await);
    let workspaces = store::list(&mut app.db.read().await?).await?;
    if workspaces.is_empty() {
        let advice = "curfew workspace create SLUG --name NAME --owner EMAIL";
        findings.push(finding(Level::Warning, "There is no workspace yet.", advice));
    }
    for workspace in workspaces {
        let verified = audit::verify(&app.db, &workspace.id).await?;
        findings.push(match verified.broken {
            None => {
                let entries = output::counted(verified.entries, "entry", "entries");
                finding(Level::Good, format!("{}: audit log intact, {entries}.", workspace.slug), "")
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
    let providers = providers::list(app, &workspace.id).await?;
    let enabled = providers.iter().filter(|stored| stored.enabled);
    let mut findings: Vec<Finding> = enabled.flat_map(|stored| about_provider(app, &workspace.slug, stored)).collect();
    for (key_use, opened, closed) in key_ring::count_open(app, &workspace.id).await? {
        findings.extend(about_keys(&workspace.slug, key_use, opened, closed));
    }
    Ok(findings)
}

/// What is said of keys that this process can't open.
fn about_keys(workspace: &str, key_use: KeyUse, opened: usize, closed: usize) -> Option<Finding> {
    if closed == 0 {
        return None;
    }
    let level = if opened == 0 { Level::Bad } else { Level::Warning };
    let key_use = key_use.as_str();
    let what = format!(
        "{workspace}: {closed} of {} SAML keys for {key_use} can't be opened: they were sealed under another key_file.",
        opened + closed
    );
    let activate = if key_use == "signing" { ", and then with --activate" } else { "" };
    let advice = format!(
        "Copy that file here, or name it by key_file. If it is lost: curfew saml rotate-key --workspace {workspace} \
         --use {key_use}{activate}; then give the identity providers our metadata again."
    );
    Some(finding(level, what, advice))
}

fn about_provider(app: &App, workspace: &str, stored: &StoredProvider) -> Vec<Finding> {
    let Ok(provider) = configure::parse(app, &stored.metadata) else {
        let what = format!("{workspace}: the metadata of {} can't be used any more.", stored.name);
        return vec![finding(Level::Bad, what, "Import it anew: curfew saml import --provider")];
    };
    let soon = app.clock.now() + MONTH_MS;
    let expiring = provider
        .certificates
        .iter()
        .map(|der| certificate::shown(der))
        .filter(|shown| shown.not_after.is_some_and(|at| at < soon));
    let warn = |shown: certificate::Shown| {
        let what =
            format!("{workspace}: SAML certificate {} of {} ends within 30 days.", &shown.sha256[..16], stored.name);
        finding(Level::Warning, what, "Ask the identity provider for its next one and import the metadata.")
    };
    expiring.map(warn).collect()
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
