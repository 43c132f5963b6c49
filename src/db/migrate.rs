//! Brings a database to the schema this program knows. Each step is one transaction; a newer database is refused.

use super::{Db, Write};
use crate::args;
use crate::error::{Error, Result, UNPROCESSABLE};

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const MIGRATIONS: &[Migration] = migrations![
    1 "0001_first",
    2 "0002_replicas",
    3 "0003_selections",
    4 "0004_counting",
    5 "0005_scim_queries",
    6 "0006_scim_options",
    7 "0007_scim_schemas",
    8 "0008_scim_meaning",
    9 "0009_scim_access",
    10 "0010_saml_encryption",
    11 "0011_saml_providers",
    12 "0012_saml_signing",
    13 "0013_saml_logout",
    14 "0014_saml_attempts",
    15 "0015_domains",
    16 "0016_saml_setup_links",
    17 "0017_role_given_by",
    18 "0018_counting_covered",
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version \
     (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";

/// The schema version of this program.
pub fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// The schema version of a database; 0 for an empty one. It only reads: probes ask every moment.
pub async fn current(db: &Db) -> Result<i64> {
    let mut read = db.read().await?;
    let is_prepared = match db.is_postgres() {
        true => "SELECT 1 WHERE to_regclass('schema_version') IS NOT NULL",
        false => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
    };
    if read.optional(is_prepared, args![]).await?.is_none() {
        return Ok(0);
    }
    read.one("SELECT COALESCE(MAX(version), 0) AS newest FROM schema_version", args![]).await?.int("newest")
}

/// Makes the table of versions.
async fn prepare(db: &Db) -> Result<()> {
    let mut transaction = db.begin().await?;
    lock(&mut transaction).await?;
    transaction.script(TABLE).await?;
    transaction.commit().await
}

/// Applies what is missing and returns how many steps that were.
///
/// # Errors
/// A database that is newer than the program, with both versions named.
pub async fn migrate(db: &Db) -> Result<usize> {
    let found = current(db).await?;
    refuse_newer(found)?;
    if found == 0 {
        prepare(db).await?;
    }
    let mut applied = 0;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        applied += usize::from(apply(db, migration).await?);
    }
    Ok(applied)
}

/// # Errors
/// If the database's schema is newer than this program.
pub fn refuse_newer(found: i64) -> Result<()> {
    if found > latest() {
        let text = format!(
            "the database has schema version {found}, this program knows {}: use the program version that wrote it, or a newer one",
            latest()
        );
        return Err(Error::new(UNPROCESSABLE, text).with_field("database_url"));
    }
    Ok(())
}

/// Two replicas that start together take turns. An embedded database is locked by whoever begins.
async fn lock(transaction: &mut Write) -> Result<()> {
    if transaction.is_postgres() {
        // Connections limit statements and their waiting for the sake of requests; a step over millions of rows takes what it takes.
        transaction.script("SET LOCAL statement_timeout = 0").await?;
        transaction.script("SET LOCAL lock_timeout = 0").await?;
        transaction.script("SELECT pg_advisory_xact_lock(4120202611)").await?;
    }
    Ok(())
}

async fn apply(db: &Db, migration: &Migration) -> Result<bool> {
    const RECORD: &str = "INSERT INTO schema_version (version, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let mut transaction = db.begin().await?;
    lock(&mut transaction).await?;
    if transaction.execute(RECORD, args![migration.version, migration.name]).await? == 0 {
        return Ok(false);
    }
    let steps = if db.is_postgres() { migration.postgres } else { migration.sqlite };
    transaction.script(steps).await?;
    transaction.commit().await?;
    Ok(true)
}
