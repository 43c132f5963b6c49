//! The audit log: who did what, to whom, when, from where, why and how many; in a chain that shows where somebody touched it.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};

use crate::support::{Database, Home, OTHER_OWNER, OWNER, PASSWORD, TestApp, instant, send, true_now};

const PATH: &str = "/api/v1/audit";

/// Runs a statement on a test's database, past the product, as somebody with the file or a database account could.
pub async fn tamper(home: &Home, sql: &str) -> u64 {
    match home.database {
        Database::Sqlite => {
            let file = home.url.strip_prefix("sqlite://").expect("an embedded database is a file");
            let connection = rusqlite::Connection::open(file).expect("the file opens");
            connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            connection.changes()
        }
        Database::Postgres => {
            let mut connection = sqlx::PgConnection::connect(&home.url).await.expect("the server answers");
            let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
            let rows = done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected();
            connection.close().await.expect("the server answers");
            rows
        }
    }
}

/// The first bad entry of `acme`, as the operator is told with exit status 1.
fn first_bad(home: &Home) -> i64 {
    let verdict = home.cli().run(&["audit", "verify", "--workspace", "acme", "--output", "json"]).refused().json();
    assert_eq!(verdict["intact"], false, "{verdict}");
    verdict["first_bad"].as_i64().unwrap_or_else(|| panic!("no entry is named: {verdict}"))
}

/// A few different entries; gives the owner's token and the receipt of a log-out with the reason `marker`.
async fn some_history(app: &TestApp) -> (String, Value) {
    let person = app.provision("ada").await;
    let owner = app.owner_token().await;
    app.sign_in(&person.email).await;
    let receipt = app.log_all_users_out(&owner, "marker of this test").await;
    app.set_active(&person.id, false).await.expect_any(&[200, 204]);
    (owner, receipt)
}

async fn entry_of(app: &TestApp, owner: &str, reason: &str) -> Value {
    let found: Vec<Value> =
        app.all_items(owner, PATH).await.into_iter().filter(|entry| entry["reason"] == reason).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

on_both_databases! {
    /// One entry says everything that an auditor asks about a log-out.
    async fn a_log_out_is_told_completely(app: TestApp) {
        let (owner, receipt) = some_history(&app).await;
        let own = app.get(&owner, "/api/v1/session").await.expect(200).json();
        let entry = entry_of(&app, &owner, "marker of this test").await;
        assert_eq!(entry["action"], "session.log_all_users_out");
        assert_eq!((&entry["actor"]["kind"], &entry["actor"]["id"]), (&json!("user"), &own["user"]["id"]));
        assert!(entry["actor"]["label"].as_str().is_some_and(|label| label.contains(OWNER)), "{entry}");
        assert_eq!((&entry["target"]["kind"], &entry["target"]["id"]), (&json!("workspace"), &own["workspace"]["id"]));
        assert_eq!((&entry["outcome"], &entry["ip"]), (&json!("done"), &json!("127.0.0.1")));
        for member in ["sessions", "users", "sequence", "epoch", "trigger", "spared_session"] {
            assert_eq!(entry["details"][member], receipt[member], "{member} in {entry}");
        }
        assert_eq!(entry["details"]["sessions"], 1);
        assert!((instant(&entry["at"]) - true_now()).abs() < 600_000);
        assert!(entry["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        assert!(entry["hash"].as_str().is_some_and(|hash| hash.len() == 64));
    }

    /// LOG-01: each change is there once; what changed nothing is not told as a change.
    async fn each_change_is_told_once(app: TestApp) {
        let owner = app.owner_token().await;
        let count = async |action: &str| app.all_items(&owner, &format!("{PATH}?action={action}")).await.len();
        let (before_keys, before_policy) = (count("api_key.created").await, count("security.policy_changed").await);
        app.api_key(&owner).await;
        app.set_policy(&owner, json!({"idle_timeout_seconds": 1200})).await.expect(200);
        app.set_policy(&owner, json!({"idle_timeout_seconds": -1})).await.expect_any(&[400, 422]);
        app.post(&owner, "/api/v1/api-keys", json!({"name": "", "scopes": ["everything"]}))
            .await
            .expect_any(&[400, 422]);
        assert_eq!(count("api_key.created").await, before_keys + 1);
        assert_eq!(count("security.policy_changed").await, before_policy + 1);
        app.try_sign_in("acme", OWNER, "not-the-Passw0rd-at-all").await.expect(401);
        let failed = app.all_items(&owner, &format!("{PATH}?action=login.failed")).await;
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["outcome"], "refused");
    }

    /// Filters and pages: newest first, each entry once; nonsense is named.
    async fn the_list_is_filtered_and_paged(app: TestApp) {
        let (owner, _) = some_history(&app).await;
        let all = app.all_items(&owner, PATH).await;
        let numbers: Vec<i64> = all.iter().map(|entry| entry["sequence"].as_i64().expect("a number")).collect();
        let newest = numbers[0];
        assert_eq!(numbers, (1..=newest).rev().collect::<Vec<i64>>(), "the log has gaps or is out of order");
        let paged = app.all_items(&owner, &format!("{PATH}?limit=2")).await;
        assert_eq!(paged.len(), all.len());
        let by_action = app.all_items(&owner, &format!("{PATH}?action=session")).await;
        assert!(!by_action.is_empty());
        assert!(
            by_action.iter().all(|entry| entry["action"].as_str().is_some_and(|action| action.starts_with("session.")))
        );
        assert_eq!(app.all_items(&owner, &format!("{PATH}?until=2020-01-01T00:00:00Z")).await.len(), 0);
        assert_eq!(app.all_items(&owner, &format!("{PATH}?since=2020-01-01T00:00:00Z")).await.len(), all.len());
        for (query, field) in
            [("since=yesterday", "since"), ("until=soon", "until"), ("limit=0", "limit"), ("after=!!", "after")]
        {
            app.get(&owner, &format!("{PATH}?{query}")).await.expect_field(field);
        }
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let theirs = app.all_items(&stranger, PATH).await;
        assert!(!json!(theirs).to_string().contains("marker of this test"), "another workspace reads ours");
    }

    /// Two exports: one to verify by machine, one for spreadsheets, in which no cell is a formula. Neither has a secret.
    async fn an_export_is_complete_and_harmless(app: TestApp) {
        let (owner, _) = some_history(&app).await;
        app.log_all_users_out(&owner, "=HYPERLINK(\"https://evil.example\",\"click\")").await;
        app.log_all_users_out(&owner, "line\nbreak, \"quotes\" and \u{202e}direction").await;
        let lines = app.get(&owner, &format!("{PATH}/export?format=jsonl")).await.expect(200);
        let newest = app.all_items(&owner, PATH).await[0]["sequence"].as_i64().expect("a number");
        let exported: Vec<Value> =
            lines.text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        assert!(exported.len() as i64 >= newest - 1, "{} of {newest} entries", exported.len());
        let table = app.get(&owner, &format!("{PATH}/export?format=csv")).await.expect(200);
        assert!(table.header("content-disposition").is_some_and(|header| header.contains("attachment")));
        for start in ["\"=", ",=", "\n=", "\"+", "\"@"] {
            assert!(!table.text.contains(start), "a cell begins with {start:?}: {}", table.text);
        }
        assert!(table.text.contains("HYPERLINK") && table.text.contains("\"\"quotes\"\""));
        for secret in [owner.as_str(), app.home.scim_token.as_str(), PASSWORD] {
            assert!(!lines.text.contains(secret) && !table.text.contains(secret), "an export has a secret");
        }
        app.get(&owner, &format!("{PATH}/export?format=pdf")).await.expect_field("format");
        assert_eq!(app.all_items(&owner, &format!("{PATH}?action=audit.exported")).await.len(), 2);
    }

    /// LOG-03: what a client calls itself can't forge a line or a second entry.
    async fn a_user_agent_cannot_forge_an_entry(app: TestApp) {
        let owner = app.owner_token().await;
        let agent = "x\",\"action\":\"forged\",\"y\":\"\t<script>alert(1)</script>";
        let request = app.request(Method::POST, "/api/v1/security/log-all-users-out").bearer_auth(&owner);
        send(request.header("user-agent", agent).json(&json!({"reason": "with an odd agent"}))).await.expect(200);
        let entry = entry_of(&app, &owner, "with an odd agent").await;
        assert_eq!(entry["action"], "session.log_all_users_out");
        assert!(entry["user_agent"].as_str().is_some_and(|text| text.contains("forged")), "{entry}");
        assert_eq!(app.get(&owner, &format!("{PATH}/verify")).await.expect(200).json()["intact"], true);
    }

    /// LOG-04: a changed reason is found, at its place, by the operator and by the API; other chains still hold.
    async fn a_changed_entry_is_named(app: TestApp) {
        let (owner, _) = some_history(&app).await;
        let entry = entry_of(&app, &owner, "marker of this test").await;
        let (sequence, workspace) =
            (entry["sequence"].as_i64().expect("a number"), entry["target"]["id"].as_str().expect("an id"));
        let intact = app.get(&owner, &format!("{PATH}/verify")).await.expect(200).json();
        assert_eq!((&intact["intact"], &intact["first_bad"]), (&json!(true), &Value::Null));
        let home = app.stop().await;
        home.cli().run(&["audit", "verify", "--workspace", "acme"]).succeeded();
        let sql = format!(
            "UPDATE audit SET entry = REPLACE(entry, 'marker of this test', 'nothing to see here') \
             WHERE workspace_id = '{workspace}' AND sequence = {sequence}"
        );
        assert_eq!(tamper(&home, &sql).await, 1);
        assert_eq!(first_bad(&home), sequence);
        let words = home.cli().run(&["audit", "verify", "--workspace", "acme"]).refused();
        assert!(words.stdout.contains(&format!("entry {sequence}")), "{words:?}");
        home.cli().run(&["audit", "verify", "--workspace", "globex"]).succeeded();
        let app = TestApp::reopen(home).await;
        let broken = app.get(&app.owner_token().await, &format!("{PATH}/verify")).await.expect(200).json();
        assert_eq!((&broken["intact"], &broken["first_bad"]), (&json!(false), &json!(sequence)));
    }

    /// Removing, renumbering, re-dating or cutting off entries shows, each at its first bad place.
    async fn no_way_to_edit_the_log_goes_unseen(database: Database) {
        for (what, set) in [
            ("removed", "DELETE FROM audit WHERE workspace_id = '{w}' AND sequence = {s}"),
            ("cut off at the end", "DELETE FROM audit WHERE workspace_id = '{w}' AND sequence >= {s}"),
            (
                "hash changed",
                "UPDATE audit SET hash = (SELECT hash FROM audit WHERE workspace_id = '{w}' AND sequence = 1) WHERE workspace_id = '{w}' AND sequence = {s}",
            ),
            (
                "another action to filter by",
                "UPDATE audit SET action = 'login.succeeded' WHERE workspace_id = '{w}' AND sequence = {s}",
            ),
            ("another date", "UPDATE audit SET at = at - 86400000 WHERE workspace_id = '{w}' AND sequence = {s}"),
            (
                "last one renumbered",
                "UPDATE audit SET sequence = sequence + 1000 WHERE workspace_id = '{w}' AND sequence = {s}",
            ),
        ] {
            let app = TestApp::on(database).await;
            let (owner, _) = some_history(&app).await;
            let entry = entry_of(&app, &owner, "marker of this test").await;
            let sequence = entry["sequence"].as_i64().expect("a number");
            let sql = set
                .replace("{w}", entry["target"]["id"].as_str().expect("an id"))
                .replace("{s}", &sequence.to_string());
            let home = app.stop().await;
            assert!(tamper(&home, &sql).await >= 1, "{what}: {sql}");
            assert_eq!(first_bad(&home), sequence, "{what}");
        }
    }
}
