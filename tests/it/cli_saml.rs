//! Identity providers at the command line: what is asked before sessions end, and what is said of it; on and off.

use serde_json::{Value, json};

use crate::support::cli::{Cli, Outcome};
use crate::support::saml::{configure, material};
use crate::support::{Database, Home, TestApp};

fn run(cli: &Cli, arguments: &[&str]) -> Outcome {
    cli.run(&[arguments, &["--workspace", "acme"]].concat())
}

fn json_of(cli: &Cli, arguments: &[&str]) -> Value {
    run(cli, &[arguments, &["--output", "json"]].concat()).succeeded().json()
}

fn file(name: &str) -> String {
    material().join(name).display().to_string()
}

#[track_caller]
fn said(outcome: &Outcome, words: &str) {
    let all = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(all.contains(words), "{words:?} is not said: {outcome:?}");
}

on_both_databases! {
    /// What ends sessions by the policy is asked about, can be tried, and is told afterwards; without a terminal `--yes` is needed.
    async fn nobody_is_logged_out_unasked(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        app.set_policy(&owner, json!({"on_saml_change": "log_all_users_out"})).await.expect(200);
        let (cli, metadata) = (app.home.cli(), file("idp-metadata.xml"));
        let import = ["saml", "import", "--metadata", metadata.as_str()];
        for asked in [&import[..], &["saml", "disable"]] {
            let refused = run(&cli, asked).refused();
            said(&refused, "--yes");
            said(&refused, "1 session of 1 user");
            let tried = json_of(&cli, &[asked, &["--dry-run"]].concat());
            let told = (&tried["dry_run"], &tried["would_end"]["sessions"], &tried["sessions"]);
            assert_eq!(told, (&json!(true), &json!(1), &json!("log_all_users_out")), "{tried}");
            assert!(app.is_live(&owner).await, "{asked:?} ended a session");
        }
        run(&cli, &[&import[..], &["--keep-sessions"]].concat()).succeeded();
        assert!(app.is_live(&owner).await);
        let explained = ["--yes", "--reason", "Its key was stolen"];
        let done = run(&cli, &[&import[..], &explained].concat()).succeeded();
        said(&done, "1 session of 1 user ended (revocation ");
        assert!(!app.is_live(&owner).await);
        let owner = app.owner_token().await;
        let off = run(&cli, &[&["saml", "disable"][..], &explained].concat()).succeeded();
        said(&off, "is switched off. 1 session of 1 user ended (revocation ");
        assert!(!app.is_live(&owner).await);
        let on = run(&cli, &["saml", "enable"]).succeeded();
        said(&on, "is switched on. 0 sessions of 0 users ended");
        let owner = app.owner_token().await;
        for action in ["security.saml_changed", "security.saml_disabled"] {
            let entries = app.all_items(&owner, &format!("/api/v1/audit?action={action}")).await;
            assert!(entries.iter().any(|entry| entry["reason"] == "Its key was stolen"), "{action}: {entries:?}");
        }
    }

    /// New metadata doesn't switch on what was switched off; that is a command of its own.
    async fn what_is_off_stays_off(database: Database) {
        let home = Home::new(database);
        let (cli, first, second) = (home.cli(), file("idp-metadata.xml"), file("other-idp-metadata.xml"));
        let import = ["saml", "import", "--provider", "Second", "--metadata", second.as_str()];
        let made = run(&cli, &["saml", "import", "--metadata", &first]).succeeded();
        said(&made, "acme now signs in with http://127.0.0.1:9999/idp.");
        said(&run(&cli, &import).succeeded(), "acme can also sign in with Second.");
        run(&cli, &["saml", "enable"]).refused();
        run(&cli, &["saml", "disable", "--provider", "Second"]).succeeded();
        let again = run(&cli, &import).succeeded();
        said(&again, "It is switched off: curfew saml enable --workspace acme --provider");
        let shown = || json_of(&cli, &["saml", "show", "--provider", "Second"])["enabled"].clone();
        assert_eq!(shown(), false);
        assert_eq!(json_of(&cli, &[&import[..], &["--enable"]].concat())["enabled"], true);
        assert_eq!(shown(), true);
        run(&cli, &["saml", "disable", "--provider", "Second"]).succeeded();
        assert_eq!(json_of(&cli, &["saml", "enable", "--dry-run"])["provider"]["enabled"], true);
        assert_eq!(shown(), false, "it was only tried");
        said(&run(&cli, &["saml", "enable"]).succeeded(), "Second is switched on.");
        assert_eq!(shown(), true);
        run(&cli, &["saml", "disable", "--provider", "Second"]).succeeded();
        run(&cli, &["saml", "disable"]).succeeded();
        said(&run(&cli, &["saml", "enable"]).refused(), "name the one to switch on");
        run(&cli, &["saml", "enable", "--provider", "nobody"]).refused();
        run(&cli, &["saml", "enable", "--provider", "second"]).succeeded();
        assert_eq!(shown(), true);
    }
}
