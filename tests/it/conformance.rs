//! The scripts of `tests/conformance` against the real program, on both databases: hostile SAML, and SCIM as vendors speak it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::process::Serve;
use crate::support::saml::{material, script};
use crate::support::{Database, Home, programs, run};

/// The SCIM cases that this product's first issue promises.
const SCIM_CASES: &str = "deprovision|okta_lifecycle|entra_connection_test|entra_lifecycle|errors_are_scim|\
    token_is_needed|no_privilege_by_scim|bad_input_is_refused";
/// As many as that pattern finds.
const SCIM_COUNT: usize = 12;

/// Counts who connects: nothing in a SAML response may make the server fetch anything.
async fn canary() -> (u16, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = visits.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, visits)
}

/// Both workspaces trust their identity provider.
fn import_metadata(home: &Home) {
    for (workspace, file) in [("acme", "idp-metadata.xml"), ("globex", "other-idp-metadata.xml")] {
        let metadata = material().join(file).display().to_string();
        home.cli().run(&["saml", "import", "--workspace", workspace, "--metadata", &metadata]).succeeded();
    }
}

fn attack(base: &str, canary: u16, report: &Path) -> Command {
    let mut command = script("samlattack.py");
    command.arg("run").arg("--keys").arg(material().join("keys")).arg("--report").arg(report);
    for (option, value) in [
        ("--login-url", format!("{base}/saml/acme/login")),
        ("--acs", format!("{base}/saml/acme/acs")),
        ("--sp-entity-id", format!("{base}/saml/acme/metadata")),
        ("--other-acs", format!("{base}/saml/globex/acs")),
        ("--other-sp-entity-id", format!("{base}/saml/globex/metadata")),
        ("--whoami-url", format!("{base}/api/v1/session")),
        ("--canary-url", format!("http://127.0.0.1:{canary}")),
    ] {
        command.arg(option).arg(value);
    }
    command
}

/// Every valid response is accepted, no hostile one is, nothing is a fault of ours.
fn judge(rows: &[Value], said: &str) {
    assert!(rows.len() > 100, "{} cases are not the corpus: {said}", rows.len());
    for row in rows {
        let status = row["status"].as_u64().expect("a status");
        assert!(status > 0 && status < 500, "a fault of ours: {row}");
        if row["family"] == "valid" {
            assert_eq!(row["accepted"], true, "a valid response is refused: {row}");
        }
        if row["expect"] == "reject" {
            assert_eq!(row["accepted"], false, "a hostile response is accepted: {row}");
        }
        assert!(["ok", "skip?"].map(Value::from).contains(&row["verdict"]), "{row}");
    }
}

on_both_databases! {
    async fn saml_attacks_are_refused(database: Database) {
        let home = Home::new(database);
        import_metadata(&home);
        let serve = Serve::new(&home).with("CURFEW_SIGN_IN__ATTEMPTS_PER_ADDRESS", "100000");
        let mut server = serve.start().await;
        let (port, visits) = canary().await;
        let report = run::folder().join(format!("saml-{database:?}.json"));
        let mut command = attack(&serve.base(), port, &report);
        let output =
            tokio::task::spawn_blocking(move || command.output().expect("python starts")).await.expect("it ran");
        let said = programs::said(&output);
        let rows: Vec<Value> = std::fs::read_to_string(&report)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_else(|| panic!("no report: {said}"));
        judge(&rows, &said);
        assert!(output.status.success(), "{said}");
        assert_eq!(visits.load(Ordering::SeqCst), 0, "a response made the server fetch something");
        assert!(server.ended().is_none(), "the server ended: {}", serve.said());
        assert!(!serve.said().contains("panicked"), "{}", serve.said());
        server.kill();
        home.cli().run(&["audit", "verify", "--workspace", "acme"]).succeeded();
    }

    async fn vendors_are_served(database: Database) {
        let home = Home::new(database);
        home.without_hold().await;
        let serve = Serve::new(&home).with("CURFEW_SIGN_IN__ATTEMPTS_PER_ADDRESS", "100000");
        let mut server = serve.start().await;
        let mut command = Command::new(programs::need(&["python3"], "python3"));
        command.arg(programs::project("tests/conformance/scim/vendors.py")).env("PYTHONDONTWRITEBYTECODE", "1");
        command.args(["--base", &format!("{}/scim/v2", serve.base()), "--token", &home.scim_token]);
        command.args(["--app", &serve.base(), "--workspace", "acme", "--only", SCIM_CASES]);
        let output =
            tokio::task::spawn_blocking(move || command.output().expect("python starts")).await.expect("it ran");
        let said = programs::said(&output);
        assert!(output.status.success(), "{said}");
        assert!(said.contains(&format!("{SCIM_COUNT} passed, 0 failed")) && !said.contains("skipped"), "{said}");
        assert!(server.ended().is_none(), "the server ended: {}", serve.said());
        server.kill();
    }
}
