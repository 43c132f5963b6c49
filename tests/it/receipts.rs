//! Signed receipts: what they say, that nobody else can make one, and that keys come and go without breaking old ones.
//! Verified by `support/jose.rs`, which knows nothing of the product, and by `curfew receipt verify`.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::cli::Cli;
use crate::support::jose::{genuine, mutilated, signed_by_hmac, unsigned, verify, x};
use crate::support::pages::Visitor;
use crate::support::{Database, OWNER, TestApp, send};

const TYPE: &str = "curfew-receipt+jwt";
const PATH: &str = "/api/v1/security/log-all-users-out";
const DAY: u64 = 24 * 60 * 60;
/// Members of a receipt that its signature covers under the same name.
const SHARED: [&str; 12] = [
    "sequence",
    "epoch",
    "scope",
    "trigger",
    "reason",
    "sessions",
    "users",
    "more",
    "api_keys",
    "spared_session",
    "revoked_at",
    "duration_ms",
];

/// Logs everybody out as the owner, who signs in for it.
async fn receipt(app: &TestApp, reason: &str) -> Value {
    let owner = app.owner_token().await;
    app.log_all_users_out(&owner, reason).await
}

fn file(app: &TestApp, name: &str, text: &str) -> String {
    let path: PathBuf = app.home.data_dir().join(name);
    std::fs::write(&path, text).expect("the test's own folder");
    path.display().to_string()
}

/// Fails unless the command says, with exit status 1, that it isn't genuine.
#[track_caller]
fn refuses(cli: &Cli, jws: &str, why: &str) {
    let said = cli.run_with_input(&["receipt", "verify"], jws).refused();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("NOT GENUINE") && said.stdout.contains(why), "{why}: {said:?}");
}

on_both_databases! {
    /// The receipt says it all again, signed, and names who issued it and for whom.
    async fn a_receipt_is_signed(app: TestApp) {
        let owner = app.owner_token().await;
        app.owner_token().await;
        let receipt = app.log_all_users_out(&owner, "Laptop \"stolen\"\non the train").await;
        let signed = genuine(&receipt["jws"], TYPE, &app.jwks().await);
        for member in SHARED {
            assert_eq!(signed.claims[member], receipt[member], "{member}");
        }
        for member in ["applied", "fenced"] {
            assert_eq!(signed.claims[member], receipt["replicas"][member], "{member}");
        }
        let own = app.get(&owner, "/api/v1/session").await.expect(200).json();
        assert_eq!(signed.claims["iss"], app.base);
        assert_eq!(signed.claims["jti"], receipt["sequence"].to_string());
        assert_eq!(signed.claims["workspace"], own["workspace"]["id"]);
        assert_eq!(signed.claims["workspace_slug"], "acme");
        assert!(signed.claims["iat"].is_i64(), "{signed:?}");
        assert_eq!(signed.claims["sessions"], 1);
    }

    /// One other character anywhere, and it is worth nothing.
    async fn a_changed_byte_shows(app: TestApp) {
        let receipt = receipt(&app, "To be tampered with").await;
        let jwks = app.jwks().await;
        let jws = receipt["jws"].as_str().expect("signed");
        assert!(verify(jws, &jwks).is_some());
        for changed in mutilated(jws) {
            assert_eq!(verify(&changed, &jwks), None, "{changed}");
        }
    }

    /// One person's sessions, and one session: the receipt says whose and which.
    async fn every_revocation_has_one(app: TestApp) {
        let person = app.provision("person").await;
        let (owner, token) = (app.owner_token().await, app.sign_in(&person.email).await);
        let session = app.session_id(&token).await;
        let one = app.delete(&owner, &format!("/api/v1/sessions/{session}")).await.expect(200).json();
        app.sign_in(&person.email).await;
        let path = format!("/api/v1/users/{}/log-out", person.id);
        let all = app.post(&owner, &path, json!({"reason": "A lost telephone"})).await.expect(200).json();
        let jwks = app.jwks().await;
        let (one, all) = (genuine(&one["jws"], TYPE, &jwks).claims, genuine(&all["jws"], TYPE, &jwks).claims);
        assert_eq!((&one["scope"], &one["session"], &one["user"]), (&json!("session"), &json!(session), &json!(person.id)));
        assert_eq!((&all["scope"], &all["session"], &all["user"]), (&json!("user"), &Value::Null, &json!(person.id)));
        assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(1), "one process needs one key: {jwks}");
    }

    /// A retry gets the same deed, signed again; how long it took only the first answer says.
    async fn a_retry_is_signed_as_well(app: TestApp) {
        let owner = app.owner_token().await;
        let ask = async || {
            let request = app.request(Method::POST, PATH).bearer_auth(&owner).header("idempotency-key", "once");
            send(request.json(&json!({"reason": "Pressed twice"}))).await.expect(200)
        };
        let (first, second) = (ask().await, ask().await);
        assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), (None, Some("true")));
        let jwks = app.jwks().await;
        let (first, second) = (first.json(), second.json());
        let signed = genuine(&second["jws"], TYPE, &jwks).claims;
        let before = genuine(&first["jws"], TYPE, &jwks).claims;
        for member in SHARED.into_iter().filter(|member| *member != "duration_ms") {
            assert_eq!((&signed[member], &second[member]), (&before[member], &before[member]), "{member}");
        }
        for member in ["workspace", "workspace_slug", "jti", "iss"] {
            assert_eq!(signed[member], before[member], "{member}");
        }
        assert!(signed["duration_ms"].is_null() && second["duration_ms"].is_null(), "{second}");
        assert_eq!(signed["applied"], second["replicas"]["applied"]);
    }

    /// A key signs for a day; what it signed can be verified for 400 days more.
    async fn keys_change_and_old_receipts_stay_good(app: TestApp) {
        let first = receipt(&app, "With the first key").await;
        app.advance(DAY - 60);
        let same = receipt(&app, "Still with the first key").await;
        app.advance(60);
        let second = receipt(&app, "With the second key").await;
        let jwks = app.jwks().await;
        let kid = |receipt: &Value| genuine(&receipt["jws"], TYPE, &jwks).header["kid"].clone();
        assert_eq!(kid(&first), kid(&same));
        assert_ne!(kid(&first), kid(&second));
        assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(2), "{jwks}");
        assert_eq!(jwks["keys"][0]["kid"], kid(&second), "the newest comes first");
        app.advance(399 * DAY);
        assert_eq!(app.jwks().await["keys"].as_array().map(Vec::len), Some(2));
        app.advance(2 * DAY);
        let third = receipt(&app, "Much later").await;
        let jwks = app.jwks().await;
        assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(1), "{jwks}");
        genuine(&third["jws"], TYPE, &jwks);
    }

    /// In the steady state a signature costs no statement. Where a new key can't be written, a revocation is answered all the
    /// same, unsigned; and signed again as soon as it can.
    async fn without_a_key_it_is_done_unsigned(app: TestApp) {
        assert!(receipt(&app, "The key is new").await["jws"].is_string());
        app.sql("ALTER TABLE signing_key RENAME TO signing_key_away").await;
        app.advance(60 * 60);
        assert!(receipt(&app, "The key is known").await["jws"].is_string(), "a statement for each signature");
        app.advance(60 * 60);
        let unsigned = receipt(&app, "The key has to be extended").await;
        assert!(unsigned["jws"].is_null() && unsigned["sequence"].is_i64(), "{unsigned}");
        app.sql("ALTER TABLE signing_key_away RENAME TO signing_key").await;
        let signed = receipt(&app, "The table is back").await;
        genuine(&signed["jws"], TYPE, &app.jwks().await);
    }

    /// Two processes, two keys, one set: what either signed is verified alike.
    async fn every_process_signs_with_its_own_key(app: TestApp) {
        let by_the_server = receipt(&app, "By the server").await;
        let arguments = ["sessions", "log-all-users-out", "--workspace", "acme", "--reason", "By hand", "--yes", "--output", "json"];
        let by_hand = app.home.cli().run(&arguments).succeeded().json();
        let jwks = app.jwks().await;
        let (one, other) = (genuine(&by_the_server["jws"], TYPE, &jwks), genuine(&by_hand["jws"], TYPE, &jwks));
        assert_ne!(one.header["kid"], other.header["kid"]);
        assert_eq!((&one.claims["reason"], &other.claims["reason"]), (&json!("By the server"), &json!("By hand")));
        assert_eq!(other.claims["spared_session"], Value::Null);
    }

    /// The page that shows a receipt has it signed, too, for as long as anybody remembers the barrier.
    async fn the_page_has_it(app: TestApp) {
        let receipt = receipt(&app, "Shown on a page").await;
        let visitor = Visitor::signed_in(&app, OWNER).await;
        let page = visitor.visit(&format!("/console/security/log-all-users-out/{}", receipt["sequence"])).await;
        page.says("Signed receipt");
        let area = page.reply.text.split("id=\"signed-receipt\"").nth(1).expect("a text area");
        let text = area.split('>').nth(1).and_then(|rest| rest.split('<').next()).expect("its text");
        let signed = genuine(&json!(text), TYPE, &app.jwks().await).claims;
        for member in SHARED.into_iter().filter(|member| *member != "duration_ms") {
            assert_eq!(signed[member], receipt[member], "{member}");
        }
    }

    /// The command takes what the API answered, or the bare text, with the database's keys or with a file of them.
    async fn the_command_line_verifies(app: TestApp) {
        let receipt = receipt(&app, "For the command line").await;
        let cli = app.home.cli();
        let jws = receipt["jws"].as_str().expect("signed");
        let answer = file(&app, "receipt.json", &receipt.to_string());
        let keys = file(&app, "jwks.json", &app.jwks().await.to_string());
        let table = cli.run(&["receipt", "verify", &answer]).succeeded().stdout;
        assert!(table.contains("Genuine") && table.contains("For the command line"), "{table}");
        for (arguments, input) in [
            (vec!["receipt", "verify", "--output", "json"], jws),
            (vec!["receipt", "verify", "-", "--output", "json", "--jwks", &keys], jws),
            (vec!["receipt", "verify", &answer, "--output", "json", "--issuer", &app.base], ""),
        ] {
            let said = cli.run_with_input(&arguments, input).succeeded().json();
            assert_eq!((&said["genuine"], &said["claims"]["sequence"]), (&json!(true), &receipt["sequence"]));
        }
        let nowhere = Cli::new("sqlite:///nonexistent/curfew.db", app.home.data_dir());
        nowhere.run(&["receipt", "verify", &answer, "--jwks", &keys]).succeeded();
        let helpless = nowhere.run(&["receipt", "verify", &answer]).refused();
        assert!(helpless.code == Some(2) && helpless.stderr.contains("--jwks"), "{helpless:?}");
        assert_eq!(cli.run(&["receipt", "verify", "/nonexistent/receipt.json"]).refused().code, Some(2));
        assert_eq!(cli.run(&["receipt", "verify", &answer, "--jwks", &answer]).refused().code, Some(2));
    }

    /// What the command that logs everybody out has printed can be kept and verified as it is.
    async fn what_was_printed_is_verified(app: TestApp) {
        app.owner_token().await;
        let cli = app.home.cli();
        let arguments = ["sessions", "log-all-users-out", "--workspace", "acme", "--reason", "Kept as text", "--yes"];
        let printed = cli.run(&arguments).succeeded().stdout;
        let kept = file(&app, "printed.txt", &printed);
        let said = cli.run(&["receipt", "verify", &kept, "--output", "json"]).succeeded().json();
        assert_eq!(said["claims"]["reason"], "Kept as text");
        refuses(&cli, &printed.replace("logged out: ", "logged out: 9"), "around");
        let twice = cli.run_with_input(&["receipt", "verify"], &format!("{printed}{printed}")).refused();
        assert!(twice.code == Some(2) && twice.stderr.contains("several"), "{twice:?}");
        let foreign = cli.run(&["receipt", "verify", &kept, "--issuer", "https://elsewhere.test"]).refused();
        let both = "it was issued by http://127.0.0.1:8080, not by https://elsewhere.test";
        assert!(foreign.code == Some(1) && foreign.stdout.contains(both), "{foreign:?}");
    }

    /// A forger has the public key, and no luck.
    async fn the_command_line_refuses_forgeries(app: TestApp) {
        let receipt = receipt(&app, "To be forged").await;
        let (cli, jwks) = (app.home.cli(), app.jwks().await);
        let jws = receipt["jws"].as_str().expect("signed");
        let (key, kid) = (x(&jwks["keys"][0]), jwks["keys"][0]["kid"].clone());
        let header = |alg: &str| json!({"alg": alg, "typ": TYPE, "kid": kid});
        refuses(&cli, &unsigned(&header("none"), jws), "EdDSA");
        refuses(&cli, &unsigned(&header("EdDSA"), jws), "signature");
        refuses(&cli, &signed_by_hmac(&header("HS256"), jws, &key), "EdDSA");
        let text = jwks["keys"][0]["x"].as_str().expect("x");
        refuses(&cli, &signed_by_hmac(&header("HS256"), jws, text.as_bytes()), "EdDSA");
        for index in [0, jws.len() / 3, jws.len() / 2, jws.len() - 30, jws.len() - 1] {
            let changed = mutilated(jws).nth(index).expect("within the text");
            assert_eq!(cli.run_with_input(&["receipt", "verify"], &changed).refused().code, Some(1), "{changed}");
        }
        refuses(&cli, "a.b.c", "JWS");
        for nonsense in ["", "..", "Dear customer. Hello. World.", "{}", "{\"jws\": null}", "{\"jws\": \"x\"}", "{oops", "[]"] {
            let said = cli.run_with_input(&["receipt", "verify"], nonsense).refused();
            assert_eq!(said.code, Some(2), "{nonsense}: {said:?}");
            assert!(said.stderr.contains("this is no receipt") && !said.stdout.contains("GENUINE"), "{nonsense}: {said:?}");
        }
        // A genuine signature does not vouch for what somebody wrote beside it.
        let mut altered = receipt.clone();
        altered["sessions"] = json!(250);
        refuses(&cli, &altered.to_string(), "around");
        let other = file(&app, "other.json", &json!({"keys": []}).to_string());
        let said = cli.run_with_input(&["receipt", "verify", "--jwks", &other, "--output", "json"], jws).refused();
        assert_eq!((said.code, &said.json()["genuine"]), (Some(1), &json!(false)));
        cli.run_with_input(&["receipt", "verify", "--issuer", "https://elsewhere.test"], jws).refused();
        // Something else that the same key signed is no receipt.
        let owner = app.owner_token().await;
        let assertion = app.post(&owner, "/api/v1/session/assertion", json!({"audience": "x"})).await.expect(200).json();
        refuses(&cli, assertion["assertion"].as_str().expect("a text"), "type");
    }
}

/// Replicas sign what they do themselves; each of them publishes the keys of all.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_publish_each_others_keys() {
    let app = TestApp::on(Database::Postgres).await;
    let second = app.beside().await;
    let owner = app.owner_token().await;
    let client = crate::support::http::client();
    let request = client.post(format!("{}{PATH}", second.base)).bearer_auth(&owner);
    let by_second = send(request.json(&json!({"reason": "By the second"}))).await.expect(200).json();
    let by_first = app.log_all_users_out(&owner, "By the first").await;
    let jwks = app.jwks().await;
    let seen = send(client.get(format!("{}/.well-known/jwks.json", second.base))).await.expect(200).json();
    assert_eq!(jwks, seen);
    assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(2), "{jwks}");
    let (one, other) = (genuine(&by_first["jws"], TYPE, &jwks), genuine(&by_second["jws"], TYPE, &jwks));
    assert_ne!(one.header["kid"], other.header["kid"]);
    assert_eq!(one.claims["applied"].as_array().map(Vec::len), Some(2), "{one:?}");
    second.stop().await;
}
