//! What is generated and committed must be what the code says: the OpenAPI document, and the twin migrations.
//! `UPDATE_SCHEMAS=1 cargo test --test it schemas` writes the document anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use curfew::db::{Db, Read};

use crate::support::{Database, Home, programs};

#[test]
fn the_openapi_document_is_the_committed_one() {
    let path: PathBuf = programs::project("schemas/openapi.json");
    let text = serde_json::to_string_pretty(&curfew::web::openapi::export()).expect("JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).expect("schemas/ is writable");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "schemas/openapi.json is not what the code says: UPDATE_SCHEMAS=1 writes it anew");
}

#[test]
fn every_operation_has_an_id_a_summary_and_a_problem() {
    let document = curfew::web::openapi::export();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 15, "only {} paths", paths.len());
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            assert!(operation["operationId"].is_string(), "{method} {path} has no operationId");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(operation["responses"]["default"].is_object(), "{method} {path} has no problem answer");
        }
    }
}

type Tables = BTreeMap<String, Vec<(String, String, bool)>>;

/// Table by table: names, kinds and nullability of the columns, in their order.
#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_tables() {
    let sqlite = Home::new(Database::Sqlite);
    let postgres = Home::new(Database::Postgres);
    let left = tables(&sqlite, "SELECT m.name AS table_name, c.name AS column_name, c.type AS kind, \
        CASE WHEN c.\"notnull\" = 1 THEN 0 ELSE 1 END AS nullable FROM sqlite_master m JOIN pragma_table_info(m.name) c \
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid").await;
    let right = tables(&postgres, "SELECT CAST(table_name AS TEXT) AS table_name, CAST(column_name AS TEXT) AS column_name, \
        CAST(data_type AS TEXT) AS kind, CAST(CASE WHEN is_nullable = 'YES' THEN 1 ELSE 0 END AS BIGINT) AS nullable \
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name COLLATE \"C\", ordinal_position").await;
    assert!(left.len() > 15, "only {} tables were found", left.len());
    assert_eq!(left, right);
}

async fn tables(home: &Home, sql: &'static str) -> Tables {
    let db = Db::open(&home.url).await.expect("the database opens");
    let mut read: Read = db.read().await.expect("a connection");
    let mut tables = Tables::new();
    for row in read.all(sql, Vec::new()).await.expect("the catalogue") {
        let text = |column| row.text(column).expect("text");
        let kind = match text("kind").to_lowercase().as_str() {
            "blob" | "bytea" => "bytes".to_owned(),
            other => other.to_owned(),
        };
        let nullable = row.int("nullable").expect("a flag") == 1;
        tables.entry(text("table_name")).or_default().push((text("column_name"), kind, nullable));
    }
    drop(read);
    db.close().await;
    tables
}
