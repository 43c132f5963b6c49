//! The rules of the house (docs/architecture.md), read from the sources: which file may use what, and which folder may know
//! which. They are rules about `use` lines and `crate::` paths, not about taste.

mod rules;
mod source;

use rules::{enders, violations};
use source::Source;

use crate::support::programs;

#[test]
fn the_house_keeps_its_rules() {
    let sources = Source::read_all(&programs::project("src"));
    assert!(sources.len() > 50, "only {} sources were found", sources.len());
    assert!(sources.iter().filter(|source| source.pure).count() > 10, "hardly a file calls itself pure");
    let found = enders(&sources);
    assert!(
        found.len() >= 3,
        "a session, a user's and everybody's are ended by {found:?}: the rule has lost its subject"
    );
    let broken = violations(&sources);
    assert!(broken.is_empty(), "{} rules are broken:\n{}", broken.len(), broken.join("\n"));
}

/// A store that ends sessions, and the door that may call it.
const STORE: &str = "use super::model::Session;\nuse crate::args;\nuse crate::db::Write;\n\
    pub async fn end_one(tx: &mut Write) { tx.execute(\"UPDATE session SET ended_at = $2, \\\n end_cause = $3 WHERE id = $1\", args![]).await }\n\
    pub async fn lock(tx: &mut Write) { tx.execute(\"UPDATE users SET epoch = epoch WHERE id = $1\", args![]).await }";
const DOOR: &str =
    "use super::store;\nuse crate::app::App;\npub async fn revoke(app: &App) { store::end_one(app).await }";

fn judged(path: &str, text: &str) -> Vec<String> {
    let sources = [
        Source::parse("sessions/store.rs", STORE),
        Source::parse("sessions/revoke.rs", DOOR),
        Source::parse("sessions/model.rs", "//! Types.\npub struct Session;"),
        Source::parse("users/model.rs", "//! Types."),
        Source::parse("policy/rules.rs", "//! Pure: decisions."),
        Source::parse(path, text),
    ];
    violations(&sources)
}

/// Each rule must be able to fail, or the test above says nothing.
#[test]
fn every_rule_can_fail() {
    for (path, text, expected) in [
        ("policy/read.rs", "use crate::sessions::check;", "imports a higher rung"),
        ("base/text.rs", "use crate::config::Config;", "imports a higher rung"),
        ("audit/read.rs", "fn f() { crate::users::manage::create() }", "imports a higher rung"),
        ("users/manage.rs", "use crate::{base::ids::UserId, console::{sessions, Page}};", "imports a higher rung"),
        ("users/manage.rs", "use super::super::web::server::Server;", "imports a higher rung"),
        ("db/append.rs", "use crate::app::App;", "imports the hub"),
        ("novelty/mod.rs", "pub fn f() {}", "has no rung"),
        ("policy/store.rs", "use crate::app::App;", "a store uses"),
        ("policy/store.rs", "use super::change;", "a store uses"),
        ("users/store.rs", "use crate::sessions::revoke;", "a store uses"),
        ("policy/store.rs", "use sqlx::Row;", "uses sqlx"),
        ("policy/store.rs", "use rusqlite::Row;", "uses rusqlite"),
        ("users/manage.rs", "async fn f() { sqlx::query(\"SELECT 1\") }", "uses sqlx"),
        ("users/manage.rs", "use poem::Request;", "uses poem"),
        ("users/manage.rs", "use poem_openapi::Object;", "uses poem"),
        ("users/http.rs", "use super::store;", "a handler uses a store"),
        ("console/users.rs", "use crate::users::store::{find, list};", "a handler uses a store"),
        ("console/users.rs", "use sqlx::Row;", "uses sqlx"),
        ("saml/time.rs", "//! Pure: times.\nasync fn f() {}", "is pure and uses async"),
        ("saml/time.rs", "//! Pure: times.\nuse crate::db::Read;", "is pure and uses crate::db"),
        ("saml/time.rs", "//! Pure: times.\nuse crate::app::App;", "is pure and uses crate::app"),
        ("users/model.rs", "//! Types.\nuse crate::db::Row;", "is pure and uses crate::db"),
        ("policy/rules.rs", "fn f() { poem::get() }", "is pure and uses poem"),
        ("users/manage.rs", "use crate::sessions::store;\nasync fn f() { store::end_one(tx).await }", "only the door"),
        ("sessions/check.rs", "use super::store::end_one;\nasync fn f() { end_one(tx).await }", "only the door"),
    ] {
        let broken = judged(path, text);
        assert!(
            broken.iter().any(|line| line.contains(expected)),
            "{path}: {text:?} is not {expected:?}, but {broken:?}"
        );
    }
    let cycle =
        [Source::parse("login/a.rs", "use crate::saml::b;"), Source::parse("saml/b.rs", "use crate::login::a;")];
    assert!(violations(&cycle).iter().any(|line| line.contains("know each other")));
}

/// And what is allowed must pass, or the rules would be bent to please the test.
#[test]
fn what_is_allowed_passes() {
    for (path, text) in [
        ("users/manage.rs", "use crate::app::App;\nuse crate::sessions::revoke;\nuse super::store;"),
        ("users/http.rs", "use poem::Request;\nuse crate::web::json::Answer;\nuse super::manage;"),
        (
            "users/store.rs",
            "use crate::policy::rules::x;\nuse super::model::User;\nuse crate::{args, base::ids::UserId, error::Result};",
        ),
        (
            "saml/time.rs",
            "//! Pure: never async, sqlx or poem.\n// use crate::db;\nconst TEXT: &str = \"async crate::app sqlx\";\nuse crate::base::clock;",
        ),
        ("saml/time.rs", "//! Pure: times.\n#[cfg(test)]\nmod tests { use crate::app::App; async fn f() {} }"),
        ("cli/serve.rs", "use crate::web::server::Server;"),
        ("web/routes.rs", "use crate::console;\nuse poem::Route;"),
        ("console/users.rs", "use crate::web::authenticate::Caller;\nuse crate::users::manage;"),
        ("db/mod.rs", "use sqlx::Row;"),
    ] {
        let broken = judged(path, text);
        assert!(broken.is_empty(), "{path}: {text:?} is refused: {broken:?}");
    }
}
