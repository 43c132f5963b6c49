//! Removes rows that can't matter any more, a batch at a time, so that no revocation ever waits behind it for long.

use crate::app::App;
use crate::error::Result;
use crate::feed;
use crate::login::{store as login, throttle};
use crate::policy::model::MINUTE_MS;
use crate::saml::{attempts, logout_store, setup_links, store as saml};
use crate::scim::{own_schemas, requests};
use crate::security::{idempotency, oauth, store as security};
use crate::sessions::store as sessions;
use crate::signing;
use crate::transact;
use crate::users::manage;

/// Ended sessions stay for a week: the sign-in page can say why they ended.
const KEEP_SESSIONS_MS: i64 = 7 * 24 * 60 * MINUTE_MS;
/// Fenced replicas stay for a day: who looks for one that is missing finds it.
const KEEP_REPLICAS_MS: i64 = 24 * 60 * MINUTE_MS;
const BATCH: i64 = 1_000;

/// Tidies once and says how many rows went. What an upgrade left to do is done here, too.
pub async fn tidy(app: &App) -> Result<u64> {
    let now = app.clock.now();
    let mut removed = 0;
    loop {
        let batch = transact!(app.db, |tx| { sessions::tidy(tx, now - KEEP_SESSIONS_MS, BATCH).await })?;
        removed += batch;
        if batch == 0 {
            break;
        }
    }
    removed += transact!(app.db, |tx| {
        let flows = saml::tidy(tx, now).await?
            + logout_store::tidy_flows(tx, now).await?
            + logout_store::tidy_logged_out(tx, now).await?;
        let keys = security::tidy_keys(tx, now - idempotency::MEMORY_MS).await?;
        Ok(flows + keys + login::tidy(tx, now - throttle::MEMORY_MS).await?)
    })?;
    loop {
        let batch = transact!(app.db, |tx| { feed::store::tidy(tx, now - KEEP_SESSIONS_MS, BATCH).await })?;
        removed += batch;
        if batch == 0 {
            break;
        }
    }
    removed += transact!(app.db, |tx| { feed::replica_store::tidy(tx, now - KEEP_REPLICAS_MS).await })?;
    removed += transact!(app.db, |tx| { signing::store::tidy(tx, now - signing::KEEP_MS).await })?;
    loop {
        let filled = manage::fill_search_keys(app).await?;
        removed += filled;
        if filled == 0 {
            break;
        }
    }
    removed += own_schemas::finish_deletions(app).await?;
    removed += requests::tidy(app).await?;
    removed += oauth::tidy(app).await?;
    removed += attempts::tidy(app).await?;
    removed += setup_links::tidy(app).await?;
    app.cache.tidy();
    app.addresses.tidy();
    app.scim_limits.tidy();
    Ok(removed)
}
