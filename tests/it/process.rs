//! The real program as a process: what it refuses to start with, and what is left of 200 writes when it is killed.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::audit::tamper;
use crate::support::cli::PROGRAM;
use crate::support::process::Serve;
use crate::support::{Database, Home, OWNER, PASSWORD, programs, run};

on_both_databases! {
    /// A taken port is named, with the setting that chooses another.
    async fn a_taken_port_is_named(database: Database) {
        let home = Home::new(database);
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("a bound socket has an address").port();
        let said = Serve::on_ports(&home, port, programs::free_port()).refuses(&[]);
        assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("listen"), "{said}");
        let said = Serve::on_ports(&home, programs::free_port(), port).refuses(&[]);
        assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("admin_listen"), "{said}");
    }

    /// A database that a newer program wrote is left alone.
    async fn a_newer_database_is_left_alone(database: Database) {
        let home = Home::new(database);
        let sql = "INSERT INTO schema_version (version, name) VALUES (999999, '9999_future')";
        tamper(&home, sql).await;
        let said = Serve::new(&home).refuses(&[]);
        assert!(said.contains("999999") && said.contains("newer"), "{said}");
        for command in [
            &["migrate"][..],
            &["migrate", "--check"],
            &["workspace", "list"],
            &["audit", "verify", "--workspace", "acme"],
        ] {
            home.cli().run(command).refused();
        }
    }

    /// A misspelt setting is an error with a suggestion, in the environment and in the file; nothing starts half configured.
    async fn an_unknown_setting_is_refused(database: Database) {
        let home = Home::new(database);
        for (name, suggestion) in [
            ("CURFEW_LISTN", "listen"),
            ("CURFEW_PUBLIK_URL", "public_url"),
            ("CURFEW_SIGN_IN__ARGON2_MEMORY", "argon2_memory_kib"),
        ] {
            let said = Serve::new(&home).with(name, "127.0.0.1:1").refuses(&[]);
            assert!(said.contains(suggestion), "{name}: {said}");
        }
        let file = home.data_dir().join("curfew.toml");
        std::fs::write(&file, "trusted_proxy = [\"10.0.0.0/8\"]\n").expect("our own folder");
        let path = file.display().to_string();
        let refused = home.cli().run(&["config", "check", "--config", &path]).refused();
        assert!(refused.stderr.contains("trusted_proxies"), "{refused:?}");
        for (name, value) in [
            ("CURFEW_TRUSTED_PROXIES", "everybody"),
            ("CURFEW_PUBLIC_URL", "ftp://x"),
            ("CURFEW_LISTEN", "here"),
            ("CURFEW_DATABASE_URL", "mysql://x/y"),
        ] {
            let said = Serve::new(&home).with(name, value).refuses(&[]);
            assert!(said.to_lowercase().contains(&name["CURFEW_".len()..].to_lowercase()), "{name}={value}: {said}");
        }
        let said = Serve::new(&home).with("CURFEW_LISTEN", "0.0.0.0:0").refuses(&[]);
        assert!(said.contains("https"), "plain HTTP on every address: {said}");
    }

    /// The log of a working process has no secret in it, and is made of lines that a machine can read.
    async fn the_log_has_no_secret(database: Database) {
        let home = Home::new(database);
        let serve = Serve::new(&home).with("CURFEW_LOG__FILTER", "trace").with("CURFEW_LOG__FORMAT", "json");
        let mut server = serve.start().await;
        let client = crate::support::http::client();
        let login = serde_json::json!({"workspace": "acme", "email": OWNER, "password": PASSWORD});
        let reply =
            crate::support::send(client.post(format!("{}/api/v1/login", serve.base())).json(&login)).await.expect(200);
        let token = reply.json()["token"].as_str().expect("a token").to_owned();
        let request =
            client.get(format!("{}/api/v1/session", serve.base())).header("user-agent", "x\"}{\"level\":\"FORGED\"");
        crate::support::send(request.bearer_auth(&token)).await.expect(200);
        crate::support::send(client.get(format!("{}/scim/v2/Users", serve.base())).bearer_auth(&home.scim_token))
            .await
            .expect(200);
        server.kill();
        let said = serve.said();
        assert!(!said.is_empty());
        for secret in [token.as_str(), PASSWORD, home.scim_token.as_str()] {
            assert!(!said.contains(secret), "the log has a secret at trace level");
        }
        if let Some(password) =
            home.url.split("://").nth(1).and_then(|rest| rest.split('@').next()).and_then(|who| who.split(':').nth(1))
        {
            assert!(!said.contains(password), "the log has the database's password");
        }
        for line in said.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "no JSON: {line}");
        }
    }
}

/// Two servers on one file would each believe that it alone knows who is out.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_file_is_refused() {
    let home = Home::new(Database::Sqlite);
    let first = Serve::new(&home);
    let mut running = first.start().await;
    let said = Serve::new(&home).refuses(&[]);
    assert!(said.contains("another"), "{said}");
    assert!(running.ended().is_none());
    crate::support::send(crate::support::http::client().get(format!("{}/login", first.base()))).await.expect(200);
    running.kill();
    drop(running);
    Serve::new(&home).start().await.kill();
}

/// A folder that can't be written to is named. Root may write everywhere, so the program runs as somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_data_folder_is_named() {
    let home = Home::new(Database::Sqlite);
    let folder = run::folder().join("read-only");
    std::fs::create_dir(&folder).expect("the run's folder is writable");
    let program = run::folder().join("curfew-for-anybody");
    std::fs::copy(PROGRAM, &program).expect("the run's folder is writable");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("our own file");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).expect("our own folder");
    let root = programs::run(Command::new("id").arg("-u")).stdout == b"0\n";
    let launcher: &[&str] = if root { &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] } else { &[] };
    let inside: PathBuf = folder.join("data");
    for data_dir in [&folder, &inside] {
        let url = format!("sqlite://{}", data_dir.join("curfew.db").display());
        let serve = Serve::new(&home).with_program(&program).with("CURFEW_DATABASE_URL", &url);
        let said = serve.with("CURFEW_DATA_DIR", &data_dir.display().to_string()).refuses(launcher);
        assert!(said.contains(&data_dir.display().to_string()), "{said}");
    }
    assert_eq!(std::fs::read_dir(&folder).expect("it can be read").count(), 0, "something was left behind");
}
