//! An identity provider of pysaml2, `tests/identity_providers/pysaml2/provider.py`. It reads its folder at each request.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::identity_provider::{Facts, Place};
use super::programs;

pub const FACTS: Facts = Facts {
    metadata: "/metadata",
    user_field: "username",
    user: "mallory",
    password: "pw",
    email: "mallory@corp.test",
    display_name: "Mallory Moe",
};

const FILES: &str = "tests/identity_providers/pysaml2";

pub fn command(place: &Place) -> Command {
    let signer = programs::need(&["xmlsec1"], "xmlsec1");
    let mut asked = Command::new(python());
    asked.args(["-c", "import importlib.metadata as installed; print(installed.version('pysaml2'))"]);
    let version = programs::run(&mut asked).stdout;
    let signers = programs::said(&programs::run(Command::new(&signer).arg("--version")));
    let signers = signers.split_whitespace().nth(1).unwrap_or_default().to_owned();
    programs::used(&format!("pysaml2/{} with xmlsec1/{signers}", String::from_utf8_lossy(&version).trim()));
    if place.encrypts {
        place.write("encrypt", "");
    }
    let mut command = Command::new(python());
    command
        .args(["-W", "ignore"])
        .arg(programs::project(FILES).join("provider.py"))
        .arg("--folder")
        .arg(&place.folder)
        .args(["--port", &place.port.to_string(), "--xmlsec1"])
        .arg(signer)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The interpreter with pysaml2.
fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let bash = programs::need(&["bash"], "bash");
        let made = programs::run(Command::new(bash).arg(programs::project(FILES).join("setup.sh")));
        PathBuf::from(String::from_utf8_lossy(&made.stdout).trim())
    })
}
