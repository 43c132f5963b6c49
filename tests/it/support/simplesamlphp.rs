//! SimpleSAMLphp under PHP's own server, with the configuration in `tests/identity_providers/simplesamlphp`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::identity_provider::{Facts, Place};
use super::programs;

pub const FACTS: Facts = Facts {
    metadata: "/saml2/idp/metadata.php",
    user_field: "username",
    user: "mallory",
    password: "pw",
    email: "mallory@corp.test",
    display_name: "Mallory Moe",
};

/// Where it may be: what `make setup` unpacks where the distribution has no package, and Debian's package.
const FOLDERS: [&str; 2] = [".tools/simplesamlphp/usr/share/simplesamlphp", "/usr/share/simplesamlphp"];

pub fn command(place: &Place) -> Command {
    let program = programs::need(&["php"], "php-cli");
    let installed = installed();
    let version = programs::said(&programs::run(Command::new(&program).arg("--version")));
    let version = version.split_whitespace().nth(1).unwrap_or_default().to_owned();
    programs::used(&format!("SimpleSAMLphp/{} on PHP/{version}", release(&installed)));
    for name in ["data", "temporary"] {
        place.make_folder(name);
    }
    if place.encrypts {
        place.write("encrypt", "");
    }
    let mut command = Command::new(program);
    command
        .args(["-d", "display_errors=0", "-d", "log_errors=1", "-d", "error_log=/dev/stderr"])
        // Everything but that something will go one day (E_DEPRECATED).
        .args(["-d", "error_reporting=8191"])
        .arg("-S")
        .arg(format!("127.0.0.1:{}", place.port))
        .arg("-t")
        .arg(installed.join("www"))
        .env("SIMPLESAMLPHP_CONFIG_DIR", programs::project("tests/identity_providers/simplesamlphp"))
        .env("IDP_FOLDER", &place.folder)
        .env("IDP_URL", place.url());
    command
}

fn installed() -> PathBuf {
    let mut folders = FOLDERS.iter().map(|folder| programs::project(folder));
    let found = folders.find(|folder| folder.join("www/saml2/idp").is_dir());
    found.expect("SimpleSAMLphp 1.19 is not installed: install the package simplesamlphp")
}

/// What it calls itself.
fn release(installed: &Path) -> String {
    let file = installed.join("lib/SimpleSAML/Configuration.php");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let version = text.split("VERSION = '").nth(1).and_then(|rest| rest.split('\'').next());
    version.unwrap_or("unknown").to_owned()
}
