//! Fills a workspace as an identity provider would, a few thousand rows a statement: users with their attributes, the keys by
//! which they are looked up, a large group and a small one.

use std::ops::Range;

use curfew::app::App;
use curfew::args;
use curfew::base::ids::GroupId;
use curfew::db::Value;
use curfew::error::Result;
use curfew::transact;
use curfew::users::groups::{model::Group, store as groups};
use curfew::users::search_key;
use serde::Serialize;
use serde_json::Map;

use super::people::Crowd;
use super::scim_people::{PAGE, Provisioned, body, external_id, kept};
use super::seed;

const BATCH: u64 = 5_000;
/// Tells their ids apart from everybody else's.
const SERIES: u64 = 7;
/// Members of the small group.
const FEW: u64 = 5;

/// A workspace with so many provisioned users, rounded down to whole pages; half of them are in the large group.
pub async fn people(app: &App, users: u64) -> Provisioned {
    let users = users / PAGE * PAGE;
    let crowd = Crowd { users, ..seed::workspace(app, "provisioned", SERIES, 0).await };
    filled(app, crowd).await.expect("an empty workspace can be filled")
}

async fn filled(app: &App, crowd: Crowd) -> Result<Provisioned> {
    for numbers in batches(0..crowd.users) {
        let users: Vec<_> = numbers.clone().map(|number| user(&crowd, number)).collect();
        let keys: Vec<_> = numbers.flat_map(|number| keys(&crowd, number)).collect();
        let (users, keys) = (text(&users), text(&keys));
        put(app, [USERS_SQLITE, USERS_POSTGRES], || args![&crowd.workspace, &users, crowd.born]).await?;
        put(app, [KEYS_SQLITE, KEYS_POSTGRES], || args![&crowd.workspace, &keys]).await?;
    }
    let members = crowd.users / 2;
    let many = group(app, &crowd, "everyone", 0..members).await?;
    let few = group(app, &crowd, "few", 0..FEW).await?;
    Ok(Provisioned { crowd, many, few, members })
}

fn user(crowd: &Crowd, number: u64) -> (String, String, String, String, String) {
    let name = crowd.user_name(number);
    let resource = text(&kept(&body(&name, number)));
    (crowd.user_id(number), name, format!("Person Number {number}"), external_id(number), resource)
}

/// Attribute, value and user of each key.
fn keys(crowd: &Crowd, number: u64) -> Vec<(&'static str, String, String)> {
    let resource = kept(&body(&crowd.user_name(number), number));
    let keys = search_key::all(&resource).into_iter();
    keys.map(|(attribute, value)| (attribute, value, crowd.user_id(number))).collect()
}

/// A group whose name is its key as well.
async fn group(app: &App, crowd: &Crowd, name: &str, members: Range<u64>) -> Result<GroupId> {
    let id = GroupId::generate(app.clock.now(), app.random.as_ref());
    let group = Group {
        id: id.clone(),
        workspace: crowd.workspace.clone(),
        display_name: name.to_owned(),
        external_id: None,
        resource: Map::new(),
        version: 1,
        created_at: crowd.born,
        updated_at: crowd.born,
    };
    transact!(app.db, |tx| { groups::insert(tx, &group, name).await })?;
    for numbers in batches(members) {
        let ids: Vec<_> = numbers.map(|number| (crowd.user_id(number),)).collect();
        let ids = text(&ids);
        put(app, [MEMBERS_SQLITE, MEMBERS_POSTGRES], || args![&crowd.workspace, &ids, &id]).await?;
    }
    Ok(id)
}

fn batches(numbers: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = numbers.end;
    numbers.step_by(BATCH as usize).map(move |from| from..(from + BATCH).min(end))
}

fn text(rows: &impl Serialize) -> String {
    serde_json::to_string(rows).expect("text")
}

/// Carries out a statement: the first for SQLite, the second for PostgreSQL.
async fn put(app: &App, both: [&'static str; 2], arguments: impl Fn() -> Vec<Value>) -> Result<()> {
    let sql = both[usize::from(app.db.is_postgres())];
    transact!(app.db, |tx| { tx.execute(sql, arguments()).await })?;
    Ok(())
}

macro_rules! from_sqlite {
    ($into:literal) => {
        concat!($into, " FROM json_each($2)")
    };
}

macro_rules! from_postgres {
    ($into:literal) => {
        concat!($into, " FROM jsonb_array_elements(CAST($2 AS jsonb)) AS found(value)")
    };
}

macro_rules! both {
    ($sqlite:ident, $postgres:ident, $into:literal) => {
        const $sqlite: &str = from_sqlite!($into);
        const $postgres: &str = from_postgres!($into);
    };
}

both!(
    USERS_SQLITE,
    USERS_POSTGRES,
    "INSERT INTO users (workspace_id, id, user_name, user_name_key, email, email_key, display_name, role, state, \
     provider_active, source, external_id, epoch, epoch_seq, resource, version, created_at, updated_at) \
     SELECT $1, value ->> 0, value ->> 1, value ->> 1, value ->> 1, value ->> 1, value ->> 2, 'member', 'active', 1, \
     'scim', value ->> 3, 0, 0, value ->> 4, 1, $3, $3"
);
both!(
    KEYS_SQLITE,
    KEYS_POSTGRES,
    "INSERT INTO user_search_key (workspace_id, attribute, value, user_id) \
     SELECT $1, value ->> 0, value ->> 1, value ->> 2"
);
both!(
    MEMBERS_SQLITE,
    MEMBERS_POSTGRES,
    "INSERT INTO group_member (workspace_id, group_id, user_id) SELECT $1, $3, value ->> 0"
);
