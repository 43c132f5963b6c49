//! Fills a database, a few thousand rows a statement, with the indexes put aside meanwhile: a million rows in well under a
//! minute. Everything else about a workspace is made by the product's own operations.

use curfew::actor::Actor;
use curfew::app::App;
use curfew::args;
use curfew::base::ip_key::ip_key;
use curfew::base::text::hex;
use curfew::error::Result;
use curfew::policy::ip_allowlist::{IpAllowlist, Mode};
use curfew::transact;
use curfew::workspaces::{NewWorkspace, create};
use sqlx::Connection;

use super::people::{Crowd, Seen};
use super::place::{self, Kind, Place};

const BATCH: u64 = 5_000;
const USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// A workspace with a policy and a thousand networks that are enforced, and who is to be in it: ten sessions a user.
pub async fn workspace(app: &App, slug: &str, series: u64, sessions: u64) -> Crowd {
    made(app, slug, series, sessions).await.expect("a workspace can be made")
}

async fn made(app: &App, slug: &str, series: u64, sessions: u64) -> Result<Crowd> {
    let owner = format!("founder@{slug}.test");
    let new = NewWorkspace { slug, name: slug, owner_email: &owner, password_hash: None };
    let workspace = create(app, &Actor::cli(0), &new).await?.workspace.id;
    let list = IpAllowlist { mode: Mode::Enforce, entries: place::networks().into(), version: 1 };
    let born = app.clock.now();
    transact!(app.db, |tx| { curfew::policy::store::update_allowlist(tx, &workspace, &list, born).await })?;
    let users = (sessions / 10).max(1);
    Ok(Crowd { workspace, slug: slug.to_owned(), series, people: series, sessions, users, seen: Seen::JustNow, born })
}

/// Puts people and sessions in.
pub async fn fill(app: &App, crowds: &[&Crowd]) {
    filled(app, crowds).await.expect("an empty database can be filled");
}

async fn filled(app: &App, crowds: &[&Crowd]) -> Result<()> {
    let indexes = without_indexes(app).await?;
    for crowd in crowds {
        // A crowd of another's people adds sessions only.
        let users = if crowd.people == crowd.series { crowd.users } else { 0 };
        for from in (0..users).step_by(BATCH as usize) {
            let rows = users_json(crowd, from..(from + BATCH).min(users));
            let sql = if app.db.is_postgres() { USERS_POSTGRES } else { USERS_SQLITE };
            transact!(app.db, |tx| { tx.execute(sql, args![&crowd.workspace, &rows, crowd.born]).await })?;
        }
        for from in (0..crowd.sessions).step_by(BATCH as usize) {
            let rows = sessions_json(crowd, from..(from + BATCH).min(crowd.sessions));
            let sql = if app.db.is_postgres() { SESSIONS_POSTGRES } else { SESSIONS_SQLITE };
            let arguments = || args![&crowd.workspace, &rows, crowd.last_seen_at(), USER_AGENT];
            transact!(app.db, |tx| { tx.execute(sql, arguments()).await })?;
        }
    }
    transact!(app.db, |tx| {
        // The product's own patience is for requests.
        if tx.is_postgres() {
            tx.execute("SET LOCAL statement_timeout = 0", args![]).await?;
        }
        for index in &indexes {
            tx.execute(index, args![]).await?;
        }
        Ok(())
    })
}

/// Drops the indexes that rows of random tokens make slow, and gives the statements that make them again as they were.
async fn without_indexes(app: &App) -> Result<Vec<&'static str>> {
    let sql = if app.db.is_postgres() {
        "SELECT CAST(indexname AS TEXT) AS name, indexdef AS made FROM pg_indexes \
         WHERE tablename = 'session' AND indexname NOT LIKE '%_pkey'"
    } else {
        "SELECT name, sql AS made FROM sqlite_master WHERE type = 'index' AND tbl_name = 'session' AND sql IS NOT NULL"
    };
    let rows = app.db.read().await?.all(sql, args![]).await?;
    // A handful of statements, for as long as the bench runs.
    let kept = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let mut made = Vec::new();
    for row in &rows {
        made.push(kept(row.text("made")?));
        let drop = kept(format!("DROP INDEX {}", row.text("name")?));
        transact!(app.db, |tx| { tx.execute(drop, args![]).await })?;
    }
    assert!(!made.is_empty(), "the session table has no index: the seed no longer knows the schema");
    Ok(made)
}

/// Leaves the database as a running installation has it, and nothing for the machine to write later.
pub async fn settle(kind: Kind, place: &Place) {
    if kind == Kind::Postgres {
        let mut connection = sqlx::PgConnection::connect(&place.url).await.expect("the temporary cluster answers");
        for sql in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
            sqlx::raw_sql(sql).execute(&mut connection).await.expect("the cluster is ours");
        }
        connection.close().await.expect("the cluster is ours");
    }
    let _as_far_as_it_can = std::process::Command::new("sync").status();
}

fn users_json(crowd: &Crowd, numbers: std::ops::Range<u64>) -> String {
    let rows: Vec<_> = numbers
        .map(|user| (crowd.user_id(user), crowd.user_name(user), format!("Person {user}"), Crowd::role(user)))
        .collect();
    serde_json::to_string(&rows).expect("text and numbers")
}

fn sessions_json(crowd: &Crowd, numbers: std::ops::Range<u64>) -> String {
    let addresses: Vec<(String, String)> =
        place::addresses().iter().map(ToString::to_string).map(|ip| (ip.clone(), ip_key(&ip))).collect();
    let row = |number: u64| {
        let (ip, key) = &addresses[number as usize % addresses.len()];
        let user = crowd.user_id(crowd.user_of(number));
        (crowd.session_id(number), user, hex(&crowd.token(number).hash()), crowd.created_at(number), ip, key)
    };
    serde_json::to_string(&numbers.map(row).collect::<Vec<_>>()).expect("text and numbers")
}

const USERS_SQLITE: &str = "INSERT INTO users (workspace_id, id, user_name, user_name_key, email, email_key, display_name, \
    role, state, provider_active, source, epoch, epoch_seq, resource, version, created_at, updated_at) \
    SELECT $1, value ->> 0, value ->> 1, value ->> 1, value ->> 1, value ->> 1, value ->> 2, value ->> 3, 'active', 1, \
    'scim', 0, 0, '{}', 1, $3, $3 FROM json_each($2)";
const USERS_POSTGRES: &str = "INSERT INTO users (workspace_id, id, user_name, user_name_key, email, email_key, display_name, \
    role, state, provider_active, source, epoch, epoch_seq, resource, version, created_at, updated_at) \
    SELECT $1, value ->> 0, value ->> 1, value ->> 1, value ->> 1, value ->> 1, value ->> 2, value ->> 3, 'active', 1, \
    'scim', 0, 0, '{}', 1, $3, $3 FROM jsonb_array_elements(CAST($2 AS jsonb)) AS found(value)";
const SESSIONS_SQLITE: &str = "INSERT INTO session (workspace_id, id, user_id, token_hash, method, workspace_epoch, \
    user_epoch, created_at, signed_in_at, last_seen_at, ip, last_ip, user_agent, last_ip_key) \
    SELECT $1, value ->> 0, value ->> 1, unhex(value ->> 2), 'password', 0, 0, value ->> 3, value ->> 3, $3, \
    value ->> 4, value ->> 4, $4, value ->> 5 FROM json_each($2)";
const SESSIONS_POSTGRES: &str = "INSERT INTO session (workspace_id, id, user_id, token_hash, method, workspace_epoch, \
    user_epoch, created_at, signed_in_at, last_seen_at, ip, last_ip, user_agent, last_ip_key) \
    SELECT $1, value ->> 0, value ->> 1, decode(value ->> 2, 'hex'), 'password', 0, 0, CAST(value ->> 3 AS BIGINT), \
    CAST(value ->> 3 AS BIGINT), $3, value ->> 4, value ->> 4, $4, value ->> 5 \
    FROM jsonb_array_elements(CAST($2 AS jsonb)) AS found(value)";
