//! LemonLDAP::NG's portal under plackup, with its demonstration accounts and the configuration in
//! `tests/identity_providers/lemonldap`. It reads its configuration at its start.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::identity_provider::{Facts, Place};
use super::programs;

pub const FACTS: Facts = Facts {
    metadata: "/saml/metadata/idp",
    user_field: "user",
    user: "dwho",
    password: "dwho",
    email: "dwho@corp.test",
    display_name: "Doctor Who",
};

const FILES: &str = "tests/identity_providers/lemonldap";

pub fn command(place: &Place) -> Command {
    let program = programs::need(&["plackup"], "libplack-perl");
    let mut asked = Command::new(programs::need(&["perl"], "perl"));
    asked.args(["-MLemonldap::NG::Portal", "-MLasso", "-e", "print $Lemonldap::NG::Portal::VERSION"]);
    let version = programs::run(&mut asked).stdout;
    programs::used(&format!("LemonLDAP::NG/{}", String::from_utf8_lossy(&version).trim()));
    configure(place);
    let files = programs::project(FILES);
    let mut command = Command::new(program);
    command
        .arg("-I")
        .arg(&files)
        .args(["--env", "deployment", "--no-default-middleware", "--host", "127.0.0.1", "--port"])
        .arg(place.port.to_string())
        .arg(files.join("portal.psgi"))
        .env("LLNG_DEFAULTCONFFILE", place.folder.join("lemonldap-ng.ini"));
    command
}

/// Its metadata with a second signing certificate. LemonLDAP::NG has no such thing: the administrator puts it there, as
/// `docs/saml/README.md` says.
pub fn with_next_certificate(metadata: &str, place: &Place) -> String {
    const BEGIN: &str = "<KeyDescriptor use=\"signing\">";
    const END: &str = "</KeyDescriptor>";
    const VALUE: [&str; 2] = ["<ds:X509Certificate>", "</ds:X509Certificate>"];
    let from = metadata.find(BEGIN).expect("a signing certificate");
    let to = from + metadata[from..].find(END).expect("its end") + END.len();
    let first = &metadata[from..to];
    let (before, rest) = first.split_once(VALUE[0]).expect("a certificate");
    let (_, after) = rest.split_once(VALUE[1]).expect("its end");
    let pem = place.read("next.crt");
    let next: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    format!("{}{before}{}{next}{}{after}{}", &metadata[..to], VALUE[0], VALUE[1], &metadata[to..])
}

/// Writes the next numbered configuration, and the file that says where it is.
fn configure(place: &Place) {
    for name in ["conf", "cache", "sessions/lock", "psessions/lock"] {
        place.make_folder(name);
    }
    let shipped = |name: &str| fs::read_to_string(programs::project(FILES).join(name)).expect("it is in the project");
    let folder = place.folder.display().to_string();
    place.write("lemonldap-ng.ini", &shipped("lemonldap-ng.ini").replace("@FOLDER@", &folder));
    let number = fs::read_dir(place.folder.join("conf")).expect("our own folder").count() + 1;
    let mut settings: Value = serde_json::from_str(&shipped("configuration.json")).expect("JSON");
    for (name, value) in own_settings(place, &folder, number) {
        settings[name] = value;
    }
    let mode = if place.encrypts { "assertion" } else { "none" };
    settings["samlSPMetaDataOptions"]["curfew"]["samlSPMetaDataOptionsEncryptionMode"] = mode.into();
    place.write(&format!("conf/lmConf-{number}.json"), &settings.to_string());
}

fn own_settings(place: &Place, folder: &str, number: usize) -> [(&'static str, Value); 8] {
    let files = |name: &str| {
        let directory = format!("{folder}/{name}");
        json!({"LockDirectory": format!("{directory}/lock"), "Directory": directory})
    };
    let mut sessions = files("sessions");
    sessions["generateModule"] = "Lemonldap::NG::Common::Apache::Session::Generate::SHA256".into();
    let cache = json!({"namespace": "sessions", "cache_root": format!("{folder}/cache"), "cache_depth": 3,
        "default_expires_in": 600, "directory_umask": "007"});
    [
        ("cfgNum", number.into()),
        ("portal", format!("{}/", place.url()).into()),
        ("samlServicePrivateKeySig", place.read("signing.key").into()),
        ("samlServicePublicKeySig", place.read("signing.crt").into()),
        ("samlSPMetaDataXML", json!({"curfew": {"samlSPMetaDataXML": place.read("sp-metadata.xml")}})),
        ("globalStorageOptions", sessions),
        ("persistentStorageOptions", files("psessions")),
        ("localSessionStorageOptions", cache),
    ]
}
