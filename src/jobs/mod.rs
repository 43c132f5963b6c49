//! What happens on a timer. Each job is a function without input that may run twice, or not for a while: nothing that decides
//! whether a session is valid waits for one.

mod saml;
mod tidy;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::feed::promise;
use crate::scim::requests;
use crate::signing;

const EVERY: Duration = Duration::from_secs(60);

/// Runs the jobs every minute, and writes what was asked over SCIM as it comes, until the handle is aborted.
pub fn start(app: Arc<App>) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::join!(every_minute(&app), requests::write_for_ever(app.clone()), saml::run(&app));
    })
}

async fn every_minute(app: &App) {
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        // Before what writes, and waits where a standby is missing.
        if app.db.is_postgres() {
            promise::watch(app).await;
        }
        match tidy::tidy(app).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "tidied"),
            Err(error) => tracing::warn!(error = %error, "tidying failed; it is tried again in a minute"),
        }
        if let Err(error) = signing::renew(app).await {
            tracing::warn!(error = %error, "the signing key could not be renewed; it is tried again in a minute");
        }
    }
}
