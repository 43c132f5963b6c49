//! The command line's part in provisioning: OAuth clients, and the approval of a hold where nobody can sign in. The server runs
//! meanwhile, and agrees at once.

use reqwest::Method;
use serde_json::json;

use crate::support::cli::rows;
use crate::support::{Database, TestApp, send};

/// RFC 7515, appendix A.3.
const JWK: &str = r#"{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

on_both_databases! {
    /// A client with a secret fetches tokens until it is revoked; then they are refused, too.
    async fn clients_with_a_secret_come_and_go(database: Database) {
        let app = TestApp::on(database).await;
        let cli = app.home.cli();
        let run = |arguments: &[&str]| {
            cli.run(&[&["scim-client"][..], arguments, &["--workspace", "acme", "--output", "json"]].concat())
        };
        let create = ["create", "--name", "Entra ID", "--network", "127.0.0.1", "--patch-response", "no_content"];
        let made = run(&create).succeeded().json();
        let id = made["id"].as_str().expect("an id");
        let secret = made["client_secret"].as_str().expect("a secret");
        assert!(secret.starts_with("cfcs_") && made["auth_method"] == "secret", "{made}");
        assert!(made["token_url"].as_str().is_some_and(|url| url.ends_with("/oauth2/token")), "{made}");
        let ask = || {
            let form = [("grant_type", "client_credentials")];
            app.request(Method::POST, "/oauth2/token").basic_auth(id, Some(secret)).form(&form)
        };
        let granted = send(ask()).await.expect(200).json();
        let token = granted["access_token"].as_str().expect("a token");
        app.scim_as(token, Method::GET, "/Users?count=1", None).await.expect(200);
        let listed = rows(&run(&["list"]).succeeded().json());
        assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["auth_method"]), (1, &json!(id), &json!("secret")));
        assert_eq!(listed[0]["networks"], "127.0.0.1/32");
        let table = cli.run(&["scim-client", "list", "--workspace", "acme"]).succeeded();
        assert!(table.stdout.contains("Entra ID") && !table.stdout.contains(&secret[5..]), "{table:?}");
        cli.run(&["scim-client", "revoke", id, "--workspace", "globex"]).refused();
        run(&["revoke", id]).succeeded();
        run(&["revoke", id]).refused();
        send(ask()).await.expect(401);
        app.scim_as(token, Method::GET, "/Users?count=1", None).await.expect(401);
        assert!(rows(&run(&["list"]).succeeded().json()).is_empty());
    }

    /// A client that signs is known by its public key; a private one, or none, is refused.
    async fn clients_that_sign_are_made(database: Database) {
        let app = TestApp::on(database).await;
        let cli = app.home.cli();
        let create = |file: &str, input: &str, more: &[&str]| {
            let usual = ["scim-client", "create", "--workspace", "acme", "--name", "Signer", "--output", "json"];
            cli.run_with_input(&[&usual[..], &["--public-key", file], more].concat(), input)
        };
        let made = create("-", JWK, &["--expires-in-days", "30"]).succeeded().json();
        assert_eq!((&made["auth_method"], made["client_secret"].is_null()), (&json!("private_key_jwt"), true), "{made}");
        assert!(made["expires_at"].is_string(), "{made}");
        let file = app.home.data_dir().join("client.jwk");
        std::fs::write(&file, JWK).expect("a writable folder");
        let file = file.display().to_string();
        create(&file, "", &[]).succeeded();
        let private = JWK.replace("{\"kty\"", "{\"d\": \"c2VjcmV0\", \"kty\"");
        for wrong in ["", "no JSON", "{}", private.as_str()] {
            create("-", wrong, &[]).refused();
        }
        create("/nonexistent/client.jwk", "", &[]).refused();
        for more in [["--network", "nowhere"], ["--patch-response", "nothing"], ["--expires-in-days", "0"]] {
            create(&file, "", &more).refused();
        }
        let owner = app.owner_token().await;
        let clients = app.all_items(&owner, "/api/v1/scim-clients").await;
        assert_eq!(clients.len(), 2, "{clients:?}");
        let told = app.all_items(&owner, "/api/v1/audit?action=scim_client.created").await;
        assert!(told.len() == 2 && told.iter().all(|entry| entry["actor"]["kind"] == "cli"), "{told:?}");
    }

    /// Break-glass: what is held is seen and let through from the command line, and the log names the operator.
    async fn a_hold_is_shown_and_approved(database: Database) {
        let app = TestApp::on(database).await;
        let people = [app.provision("ana").await, app.provision("bo").await];
        // Newcomers don't count.
        app.sql("UPDATE users SET created_at = 1 WHERE source = 'scim'").await;
        let owner = app.owner_token().await;
        let limits = json!({"deprovision_hold_count": 1, "deprovision_hold_percent": 0});
        app.set_policy(&owner, limits).await.expect(200);
        let cli = app.home.cli();
        let hold = |arguments: &[&str]| {
            cli.run(&[&["scim-hold"][..], arguments, &["--workspace", "acme", "--output", "json"]].concat())
        };
        let before = hold(&["show"]).succeeded().json();
        assert_eq!((&before["held"], &before["limit"]), (&json!(false), &json!(1)), "{before}");
        app.set_active(&people[0].id, false).await.expect(200);
        app.set_active(&people[1].id, false).await.expect_scim_error(429);
        let held = hold(&["show"]).succeeded().json();
        assert_eq!((&held["held"], &held["held_requests"], &held["recent_users"]), (&json!(true), &json!(1), &json!(1)));
        let table = cli.run(&["scim-hold", "show", "--workspace", "acme"]).succeeded();
        assert!(table.stdout.contains("Held since"), "{table:?}");
        hold(&["approve", "--users", "0"]).refused();
        let approved = hold(&["approve", "--users", "1"]).succeeded().json();
        assert_eq!((&approved["held"], &approved["approved_users_left"]), (&json!(false), &json!(1)), "{approved}");
        assert!(approved["approved_until"].is_string(), "{approved}");
        app.set_active(&people[1].id, false).await.expect(200);
        assert_eq!(hold(&["show"]).succeeded().json()["approved_users_left"], 0);
        assert_eq!(hold(&["approve"]).succeeded().json()["approved_users_left"], json!(null));
        let told = app.all_items(&owner, "/api/v1/audit?action=scim.hold_approved").await;
        assert!(told.len() == 2 && told.iter().all(|entry| entry["actor"]["kind"] == "cli"), "{told:?}");
    }
}
