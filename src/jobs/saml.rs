//! What is done for identity providers: their metadata is fetched, and certificates that end are announced.

use std::time::Duration;

use crate::app::App;
use crate::saml::{certificate_watch, metadata_refresh};

const EVERY: Duration = Duration::from_secs(60);
/// Certificates are looked at once in so many runs: what is announced days ahead needs no minute.
const WATCH_EVERY: u64 = 60;

/// Runs for ever. Beside the other jobs: a silent server of somebody else must not hold up the tidying.
pub async fn run(app: &App) {
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for count in 0_u64.. {
        timer.tick().await;
        if let Err(error) = metadata_refresh::refresh_due(app).await {
            tracing::warn!(error = %error, "SAML metadata could not be refreshed; it is tried again in a minute");
        }
        if count.is_multiple_of(WATCH_EVERY)
            && let Err(error) = certificate_watch::announce(app).await
        {
            tracing::warn!(error = %error, "SAML certificates could not be looked at; it is tried again in an hour");
        }
    }
}
