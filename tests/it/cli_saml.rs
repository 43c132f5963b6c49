//! Identity providers at the command line: what is asked before sessions end, and what is said of it; on and off.

use serde_json::{Value, json};

use crate::support::cli::{Cli, Outcome};
use crate::support::saml::{configure, material, metadata, other_metadata};
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
    /// A provider is replaced only by name; without one the metadata of another is refused, also if it is only tried.
    async fn another_one_is_replaced_by_name_only(database: Database) {
        let home = Home::new(database);
        let (cli, first, second) = (home.cli(), file("idp-metadata.xml"), file("other-idp-metadata.xml"));
        let (old, new) = ("http://127.0.0.1:9999/idp", "http://127.0.0.1:9998/idp");
        let import = ["saml", "import", "--metadata", first.as_str()];
        let other = ["saml", "import", "--metadata", second.as_str()];
        let made = json_of(&cli, &import);
        let id = made["id"].as_str().expect("an id");
        let shown = || json_of(&cli, &["saml", "show"])["entity_id"].clone();
        for asked in [other.to_vec(), [&other[..], &["--dry-run"]].concat()] {
            let refused = run(&cli, &asked).refused();
            said(&refused, &format!("this workspace signs in with {old:?}, and this metadata is of another"));
            said(&refused, &format!("({new:?}): to replace it, name it (curfew saml list has its id)"));
        }
        assert_eq!(shown(), old);
        let named = [&other[..], &["--provider", id]].concat();
        let tried = [&named[..], &["--dry-run"]].concat();
        said(&run(&cli, &tried).succeeded(), &format!("{old} is on. {old:?} would be replaced by {new:?}."));
        assert_eq!(json_of(&cli, &tried)["replaced_entity_id"], old);
        assert_eq!(shown(), old, "it was only tried");
        said(&run(&cli, &named).refused(), &format!("--yes: is needed where nobody can be asked. {old:?} is replaced by"));
        assert_eq!(shown(), old, "nobody said yes");
        let yes = [&named[..], &["--yes"]].concat();
        said(&run(&cli, &yes).succeeded(), &format!("{old:?} is replaced by {new:?}. Certificates that come: "));
        assert_eq!(shown(), new);
        let back = json_of(&cli, &[&import[..], &["--provider", new, "--yes"]].concat());
        assert_eq!((&back["id"], &back["replaced_entity_id"]), (&json!(id), &json!(new)));
        run(&cli, &["saml", "disable"]).succeeded();
        said(&run(&cli, &other).refused(), &format!("this workspace has, switched off, {old:?}"));
    }

    /// What is on is said to be on; and which certificates come and go.
    async fn a_roll_over_is_told(database: Database) {
        let home = Home::new(database);
        let cli = home.cli();
        let import = |text: &str, more: &[&str]| {
            cli.run_with_input(&[&["saml", "import", "--workspace", "acme", "--metadata", "-"][..], more].concat(), text)
        };
        let key = |xml: &str| {
            let (start, end) = ("<md:KeyDescriptor", "</md:KeyDescriptor>");
            let end = xml.find(end).expect("its end") + end.len();
            xml[xml.find(start).expect("a key")..end].to_owned()
        };
        let one = metadata();
        let both = one.replace(&key(&one), &format!("{}{}", key(&other_metadata()), key(&one)));
        let made = import(&one, &[]).succeeded();
        assert!(!made.stdout.contains("No domain"), "{made:?}");
        let foreseen = import(&both, &["--dry-run", "--output", "json"]).succeeded().json();
        let (added, removed) = (&foreseen["certificates_added"], &foreseen["certificates_removed"]);
        assert_eq!((added.as_array().map(Vec::len), removed), (Some(1), &json!([])));
        let print = added[0].as_str().expect("a fingerprint");
        let (come, go) =
            (format!("Certificates that come: {}.", &print[..8]), format!("Certificates that go: {}.", &print[..8]));
        let tried = import(&both, &["--dry-run"]).succeeded();
        said(&tried, &format!("http://127.0.0.1:9999/idp is on. {come} 0 sessions of 0 users would end."));
        said(&import(&both, &[]).succeeded(), &format!("was imported. {come} It is on."));
        assert_eq!(json_of(&cli, &["saml", "show"])["certificates_sha256"][0], print);
        let back = import(&one, &["--output", "json"]).succeeded().json();
        let told = (&back["certificates_removed"], &back["replaced_entity_id"]);
        assert_eq!(told, (&json!([print]), &Value::Null));
        import(&both, &[]).succeeded();
        said(&import(&one, &[]).succeeded(), &go);
        said(&run(&cli, &["saml", "disable", "--dry-run"]).succeeded(), "idp would be switched off. 0 sessions");
    }

    /// Without a verified domain nobody can sign in yet, which is said; what is wrong is said of what was given.
    async fn beginners_are_told(database: Database) {
        let home = Home::new(database);
        let import = |text: &str| {
            home.cli().run_with_input(&["saml", "import", "--workspace", "globex", "--metadata", "-"], text)
        };
        for (wrong, words) in [
            ("<!DOCTYPE html>\n<html><body>Sign in</body></html>".to_owned(), "this is a web page, not metadata"),
            (metadata().replace("IDPSSODescriptor", "SPSSODescriptor"), "IDPSSODescriptor: this is metadata of a service"),
            (metadata().replace("use=\"signing\"", "use=\"encryption\""), "X509Certificate: the metadata has no signing"),
        ] {
            let refused = import(&wrong).refused();
            said(&refused, &format!("curfew: standard input: {words}"));
            assert!(!refused.stderr.contains("metadata_xml"), "{refused:?}");
        }
        let hint = "nobody can sign in by it: curfew domain add --workspace globex DOMAIN";
        said(&import(&metadata()).succeeded(), hint);
        let again = import(&metadata()).succeeded();
        assert!(!again.stdout.contains("No domain"), "{again:?}");
    }
}
