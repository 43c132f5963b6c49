//! What a thief of the database finds: hashes, and nothing that opens a door.

use reqwest::Method;
use serde_json::json;

use crate::support::{Database, OWNER, PASSWORD, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_files_of_the_database() {
    let app = TestApp::on(Database::Sqlite).await;
    let owner = app.owner_token().await;
    let person = app.provision("ana").await;
    let session = app.sign_in(&person.email).await;
    let created = app.post(&owner, "/api/v1/scim-tokens", json!({"name": "second"})).await.expect(201).json();
    let key = json!({"name": "application", "scopes": ["sessions:check"]});
    let key = app.post(&owner, "/api/v1/api-keys", key).await.expect(201).json();
    let invited = json!({"email": "new@corp.test"});
    let invited = app.post(&owner, "/api/v1/users", invited).await.expect(201).json();
    let link = invited["setup_link"].as_str().expect("a link").rsplit('/').next().expect("a secret").to_owned();
    let setup = app.post(&owner, "/api/v1/security/saml/setup-links", json!({"name": "IT"})).await.expect(201).json();
    let text = |value: &serde_json::Value| value.as_str().expect("a token").to_owned();
    let secrets = [
        owner,
        session,
        text(&created["token"]),
        text(&key["token"]),
        text(&setup["code"]),
        link,
        app.home.scim_token.clone(),
        PASSWORD.to_owned(),
    ];
    app.scim(Method::GET, "/Users", None).await.expect(200);
    let home = app.stop().await;
    let mut found_something = false;
    for entry in std::fs::read_dir(home.data_dir()).expect("the data folder") {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("a file");
        found_something |= contains(&bytes, OWNER);
        for secret in &secrets {
            assert!(!contains(&bytes, secret), "{} is in the database", &secret[..6]);
        }
    }
    assert!(found_something, "the search finds nothing at all");
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
