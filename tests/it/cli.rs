//! The command line as an operator uses it: on the database directly, with the server stopped or running, in tables for
//! people and JSON for programs, and on record in the audit log.

use serde_json::{Value, json};

use crate::support::cli::{Cli, rows};
use crate::support::http::client;
use crate::support::process::Serve;
use crate::support::saml::{material, metadata};
use crate::support::{Database, Home, OWNER, PASSWORD, TestApp, send};

const ACME: [&str; 2] = ["--workspace", "acme"];

/// A command about `acme` whose answer is JSON.
fn json_of(cli: &Cli, arguments: &[&str]) -> Value {
    cli.run(&[arguments, &ACME, &["--output", "json"]].concat()).succeeded().json()
}

on_both_databases! {
    /// A workspace is made once, under a usable name, with a password worth the word or a link to choose one.
    async fn workspaces_are_created(database: Database) {
        let home = Home::new(database);
        let cli = home.cli();
        let create = |slug: &str, owner: &str, password: &str| {
            let arguments = [
                "workspace",
                "create",
                slug,
                "--name",
                "New",
                "--owner",
                owner,
                "--password-file",
                "-",
                "--output",
                "json",
            ];
            cli.run_with_input(&arguments, password)
        };
        for (slug, owner, password) in [
            ("acme", "a@new.test", PASSWORD),
            ("Not A Slug", "a@new.test", PASSWORD),
            ("", "a@new.test", PASSWORD),
            ("../new", "a@new.test", PASSWORD),
            ("new", "nobody", PASSWORD),
            ("new", "a@new.test", ""),
            ("new", "a@new.test", "short"),
        ] {
            create(slug, owner, password).refused();
        }
        let created = create("new", "a@new.test", &format!("{PASSWORD}\n")).succeeded().json();
        assert_eq!(created["workspace"]["slug"], "new");
        let linked = cli.run(&[
            "workspace",
            "create",
            "linked",
            "--name",
            "Linked",
            "--owner",
            "b@new.test",
            "--output",
            "json",
        ]);
        let link = linked.succeeded().json()["setup_link"].as_str().expect("a link").to_owned();
        assert!(link.starts_with("http://127.0.0.1:8080/setup/"), "{link}");
        let again = cli.run(&["setup-link", "--workspace", "linked", "--output", "json"]).succeeded().json();
        assert_ne!(again["setup_link"], link, "a link is given out twice");
        let app = TestApp::reopen(home).await;
        app.try_sign_in("new", "a@new.test", PASSWORD).await.expect(200);
        app.try_sign_in("linked", "b@new.test", "").await.expect_any(&[400, 401]);
    }

    /// Tokens and keys are printed once; lists have everything but them; what is revoked opens nothing.
    async fn credentials_come_and_go(database: Database) {
        let home = Home::new(database);
        let cli = home.cli();
        let revoke = |noun: &str, id: &str| cli.run(&[noun, "revoke", id, "--workspace", "acme"]);
        let created = json_of(&cli, &["scim-token", "create", "--name", "second"]);
        let (id, token) = (created["id"].as_str().expect("an id"), created["token"].as_str().expect("a token"));
        let rotated = json_of(&cli, &["scim-token", "rotate", id]);
        let newer = rotated["token"].as_str().expect("a token");
        assert!(token.starts_with("cfscim_") && newer.starts_with("cfscim_") && token != newer);
        let key = json_of(&cli, &["api-key", "create", "--name", "third", "--scope", "sessions:check"]);
        let (key_id, key) = (key["id"].as_str().expect("an id"), key["token"].as_str().expect("a key"));
        assert!(key.starts_with("cfk_"));
        for (noun, name, id, secret) in
            [("scim-token", "second", id, &token[7..]), ("api-key", "third", key_id, &key[4..])]
        {
            let table = cli.run(&[noun, "list", "--workspace", "acme"]).succeeded();
            assert!(table.stdout.contains(name) && !table.stdout.contains(secret), "{table:?}");
            assert!(rows(&json_of(&cli, &[noun, "list"])).iter().any(|row| row["id"] == id));
            revoke(noun, id).succeeded();
            revoke(noun, "01890000-0000-7000-8000-000000000000").refused();
        }
        cli.run(&["api-key", "create", "--workspace", "acme", "--name", "x", "--scope", "everything"]).refused();
        let app = TestApp::reopen(home).await;
        app.scim_as(token, reqwest::Method::GET, "/Users", None).await.expect(401);
        app.scim_as(newer, reqwest::Method::GET, "/Users", None).await.expect(200);
        app.post(key, "/api/v1/sessions/check", json!({"token": "cfs_x"})).await.expect(401);
    }

    /// The operator's *log all users out*: counted first, only with a yes, sparing nobody, and on record with a name.
    async fn an_operator_logs_all_users_out(database: Database) {
        let app = TestApp::on(database).await;
        let tokens = [app.owner_token().await, app.owner_token().await];
        let clock = app.clock.clone();
        let home = app.stop().await;
        let cli = home.cli();
        let command = ["sessions", "log-all-users-out", "--reason", "The server room is on fire"];
        let counted = json_of(&cli, &[&command[..], &["--dry-run"]].concat());
        assert_eq!((&counted["sessions"], &counted["dry_run"]), (&json!(2), &json!(true)));
        assert_eq!(rows(&json_of(&cli, &["sessions", "list"])).len(), 2);
        cli.run(&[&command[..], &ACME].concat()).refused();
        cli.run(&["sessions", "log-all-users-out", "--workspace", "acme", "--yes"]).refused();
        cli.run(&["sessions", "log-all-users-out", "--workspace", "acme", "--reason", "  ", "--yes"]).refused();
        cli.run(&["sessions", "log-all-users-out", "--workspace", "nowhere", "--reason", "Nobody is there", "--yes"])
            .refused();
        assert_eq!(rows(&json_of(&cli, &["sessions", "list"])).len(), 2, "a refused command logged somebody out");
        let receipt = json_of(&cli, &[&command[..], &["--yes"]].concat());
        assert_eq!((&receipt["sessions"], &receipt["spared_session"]), (&json!(2), &Value::Null));
        let app = TestApp::start(home, clock, |_| {}).await;
        assert_eq!(app.live(&tokens).await, 0);
        let owner = app.owner_token().await;
        let entries = app.all_items(&owner, "/api/v1/audit?action=session.log_all_users_out").await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!(
            (&entries[0]["actor"]["kind"], &entries[0]["reason"]),
            (&json!("cli"), &json!("The server room is on fire"))
        );
        assert!(entries[0]["actor"]["id"].as_str().is_some_and(|id| id.starts_with("cli:")), "{}", entries[0]);
    }

    /// Break-glass beside a running server: when the command says that it is done, the server agrees.
    async fn break_glass_reaches_a_running_server(database: Database) {
        let home = Home::new(database);
        let serve = Serve::new(&home);
        let mut server = serve.start().await;
        let login = json!({"workspace": "acme", "email": OWNER, "password": PASSWORD});
        let reply = send(client().post(format!("{}/api/v1/login", serve.base())).json(&login)).await.expect(200);
        let token = reply.json()["token"].as_str().expect("a token").to_owned();
        let check = || client().get(format!("{}/api/v1/session", serve.base())).bearer_auth(&token);
        send(check()).await.expect(200);
        home.cli()
            .run(&["sessions", "log-all-users-out", "--workspace", "acme", "--reason", "Break the glass", "--yes"])
            .succeeded();
        send(check()).await.expect_problem(401, "session-ended");
        server.kill();
    }

    /// Members, domains, the identity provider and the allowlist, each changed and read back.
    async fn settings_are_changed_and_shown(database: Database) {
        let home = Home::new(database);
        let cli = home.cli();
        let members = rows(&json_of(&cli, &["user", "list"]));
        assert!(members.iter().any(|row| row["user_name"] == OWNER && row["role"] == "owner"), "{members:?}");
        cli.run(&[&["user", "suspend", OWNER][..], &ACME].concat()).refused();
        cli.run(&[&["user", "suspend", "nobody@corp.test"][..], &ACME].concat()).refused();
        assert!(json_of(&cli, &["user", "reset-password", OWNER])["setup_link"].is_string());
        json_of(&cli, &["domain", "add", "second.test", "--trust"]);
        let domains = rows(&json_of(&cli, &["domain", "list"]));
        for domain in ["corp.test", "second.test"] {
            assert!(domains.iter().any(|row| row["domain"] == domain && row["verified"] != "no"), "{domains:?}");
        }
        for wrong in ["", "no domain", "http://x.test", "*.test"] {
            cli.run(&[&["domain", "add", wrong, "--trust"][..], &ACME].concat()).refused();
        }
        let file = material().join("idp-metadata.xml").display().to_string();
        assert_eq!(json_of(&cli, &["saml", "import", "--metadata", &file])["entity_id"], "http://127.0.0.1:9999/idp");
        let unsigned = cli.run_with_input(
            &[&["saml", "import", "--metadata", "-"][..], &ACME].concat(),
            &metadata().replace("signing", "encryption"),
        );
        unsigned.refused();
        let shown = json_of(&cli, &["saml", "show"]);
        assert_eq!((&shown["enabled"], &shown["entity_id"]), (&json!(true), &json!("http://127.0.0.1:9999/idp")));
        let places = [
            ("acs_url", "/acs"), ("login_url", "/login"), ("metadata_url", "/metadata"), ("slo_url", "/slo"),
            ("signing_certificate_url", "/signing.pem"), ("encryption_certificate_url", "/encryption.pem"),
        ];
        let text = cli.run(&[&["saml", "show"][..], &ACME].concat()).succeeded().stdout;
        for (member, place) in places {
            let address = shown["service_provider"][member].as_str().unwrap_or_default();
            assert!(address.ends_with(&format!("/saml/acme{place}")), "{member}: {shown}");
            assert!(text.lines().any(|line| line.ends_with(&format!(" {address}"))), "{address}: {text}");
        }
        assert_eq!(json_of(&cli, &["saml", "disable"])["enabled"], false);
        let set = json_of(
            &cli,
            &["ip-allowlist", "set", "--mode", "enforce", "--network", "203.0.113.0/24", "--network", "2001:db8::/32"],
        );
        assert_eq!((&set["mode"], set["networks"].as_array().map(Vec::len)), (&json!("enforce"), Some(2)));
        cli.run(&[&["ip-allowlist", "set", "--mode", "enforce", "--network", "nowhere"][..], &ACME].concat()).refused();
        assert_eq!(json_of(&cli, &["ip-allowlist", "list"])["mode"], "enforce");
        assert_eq!(json_of(&cli, &["ip-allowlist", "disable"])["mode"], "off");
    }

    /// The log is verified and exported without a server; the doctor and the settings say nothing secret.
    async fn the_installation_can_be_examined(database: Database) {
        let home = Home::new(database);
        let cli = home.cli();
        let verdict = json_of(&cli, &["audit", "verify"]);
        assert_eq!(verdict["intact"], true);
        let exported = cli.run(&[&["audit", "export"][..], &ACME].concat()).succeeded().stdout;
        assert_eq!(exported.lines().count() as i64, verdict["entries"].as_i64().expect("a number"));
        assert!(exported.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        let table = cli.run(&[&["audit", "export", "--format", "csv"][..], &ACME].concat()).succeeded().stdout;
        assert!(table.lines().count() > exported.lines().count(), "no heading: {table}");
        let doctor = cli.run(&["doctor", "--output", "json"]);
        assert!(doctor.code.is_some_and(|code| code <= 1), "a fresh installation is ill: {doctor:?}");
        assert!(!doctor.json().as_array().expect("findings").is_empty());
        cli.run(&["migrate", "--check"]).succeeded();
        cli.run(&["migrate"]).succeeded();
        cli.run(&["config", "check"]).succeeded();
        let printed = cli.run(&["config", "print"]).succeeded().stdout;
        assert!(printed.contains("data_dir"), "{printed}");
        let password =
            home.url.split("://").nth(1).and_then(|rest| rest.split('@').next()).and_then(|who| who.split(':').nth(1));
        if let (Database::Postgres, Some(password)) = (database, password) {
            assert!(printed.contains("***") && !printed.contains(password), "the database's password is printed");
        }
    }

    /// What is no command is refused with the way to help, never carried out by half.
    async fn nonsense_is_refused(database: Database) {
        let home = Home::new(database);
        for arguments in [
            &["frobnicate"][..],
            &["sessions"],
            &["sessions", "log-all-users-out"],
            &["sessions", "log-all-users-out", "--workspace"],
            &["scim-token", "create", "--workspace", "nowhere", "--name", "x"],
            &["audit", "verify", "--workspace", "nowhere"],
            &["audit", "export", "--workspace", "acme", "--format", "pdf"],
            &["serve", "--frobnicate"],
            &["--config", "/nonexistent/curfew.toml", "config", "check"],
            &["demo", "--listen", "0.0.0.0:0"],
            &["demo", "--app-listen", "[::]:0"],
        ] {
            home.cli().run(arguments).refused();
        }
        assert!(home.cli().run(&["--version"]).succeeded().stdout.contains(env!("CARGO_PKG_VERSION")));
        home.cli().run(&["--help"]).succeeded();
    }
}
