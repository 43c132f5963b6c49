//! The same response, verified by others: @node-saml/node-saml and pysaml2, each in a process of its own on one processor.
//! `benches/peers/setup.sh` installs them; who can't be had here has a line that says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::machine::on_one_processor;
use super::saml_provider::{ENTITY_ID, Provider};
use super::saml_verify::Trial;
use super::settings::Settings;
use super::statistics::{Rounds, rate};
use super::support::{programs, run};
use super::table::{Goal, Table, progress};

pub fn measure(trial: &Trial, provider: &Provider, settings: &Settings, table: &mut Table) {
    let folder = material(trial, provider);
    let what = "SAML, responses judged on one core";
    for (name, goal) in [("node-saml", Goal::AtLeast(8.0)), ("pysaml2", Goal::None)] {
        match rounds(name, trial, &folder, settings) {
            Ok(rounds) => {
                let (theirs, ours, spread) = rounds.medians();
                let reference = format!("{name} on the same response: {}", rate(theirs));
                table.ratio(what, reference, rate(ours), ours / theirs, &spread, goal);
            }
            Err(reason) => {
                progress(&format!("  beside {name}: left out, {reason}"));
                table.figure(what, format!("{name}: left out, {reason}"), String::new(), 0.0, "", Goal::None);
            }
        }
    }
}

fn rounds(name: &str, trial: &Trial, folder: &Path, settings: &Settings) -> Result<Rounds, String> {
    let installed = installed(name)?;
    let mut rounds = Rounds::default();
    for _ in 0..settings.rounds {
        let theirs = verified(name, &installed, folder, settings.turn)?;
        rounds.push(theirs, trial.judged(settings.turn));
    }
    Ok(rounds)
}

/// Where it is; or why it isn't.
fn installed(name: &str) -> Result<PathBuf, String> {
    let script = programs::project("benches/peers/setup.sh");
    let output = Command::new("bash").arg(script).arg(name).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    Err(last_line(&output.stderr))
}

/// Responses a second.
fn verified(name: &str, installed: &Path, folder: &Path, length: Duration) -> Result<f64, String> {
    let mut command = match name {
        "node-saml" => {
            let mut command = on_one_processor("node");
            command.arg(programs::project("benches/peers/node_saml.mjs")).arg(installed);
            command
        }
        _ => {
            let mut command = on_one_processor(&installed.display().to_string());
            command.arg(programs::project("benches/peers/pysaml2_verify.py"));
            command
        }
    };
    // It starts a program for each response: a handful shall be counted.
    let seconds = if name == "pysaml2" { length.as_secs_f64() * 2.0 } else { length.as_secs_f64() };
    let output = command.arg(folder).arg(seconds.to_string()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("it failed: {}", last_line(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let (count, seconds) = text.split_once(' ').ok_or_else(|| format!("it says {text:?}"))?;
    let number = |text: &str| text.parse::<f64>().map_err(|error| error.to_string());
    Ok(number(count)? / number(seconds)?)
}

fn last_line(said: &[u8]) -> String {
    String::from_utf8_lossy(said).lines().last().unwrap_or("it says nothing").to_owned()
}

/// The files that the scripts read.
fn material(trial: &Trial, provider: &Provider) -> PathBuf {
    let folder = run::folder().join("saml-peers");
    std::fs::create_dir_all(&folder).expect("the run's folder is writable");
    let expected = json!({
        "acs_url": trial.asked.acs_url,
        "audience": trial.asked.audience,
        "issuer": ENTITY_ID,
        "request_id": trial.asked.request_id,
        "name_id": trial.asked.email,
    });
    let write = |name: &str, octets: &[u8]| std::fs::write(folder.join(name), octets).expect("there is room");
    write("response.b64", STANDARD.encode(&trial.xml).as_bytes());
    write("certificate.pem", &provider.certificate_pem());
    write("idp-metadata.xml", provider.metadata().as_bytes());
    write("expected.json", expected.to_string().as_bytes());
    folder
}
