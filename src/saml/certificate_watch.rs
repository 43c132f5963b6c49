//! Certificates that end, and what else administrators should know of their identity providers: announced once in the audit log,
//! counted in the metrics, and shown as long as it is so.

use serde_json::json;

use super::metadata_store::{self as store, WatchedProvider};
use super::notice::{self, LastCertificate, Notice};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::{UnixMillis, rfc3339};
use crate::base::ids::WorkspaceId;
use crate::error::{Error, Result};
use crate::transact;

/// Providers that are looked at together.
const PAGE: i64 = 50;
/// Announcements are remembered for two years.
const KEEP_MS: i64 = 2 * 365 * 24 * 60 * 60 * 1000;

/// What administrators of a workspace should know now.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn notices(app: &App, workspace: &WorkspaceId) -> Result<Vec<Notice>> {
    let watched = store::list_watched_in(&mut app.db.read().await?, workspace).await?;
    let now = app.clock.now();
    let read = move || watched.iter().flat_map(|provider| of(provider, now)).collect();
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)
}

fn of(provider: &WatchedProvider, now: UnixMillis) -> Vec<Notice> {
    let (id, name) = (&provider.id, &provider.name);
    let last = notice::last_certificate(&provider.metadata);
    let note = provider.note.as_deref().zip(provider.noted_at);
    let found = [
        notice::of_metadata(id, name, &provider.metadata, now),
        last.and_then(|last| notice::of_certificate(id, name, &last, now)),
        notice::of_failure(id, name, provider.fetch_error.as_deref()),
        notice::of_change(id, name, note, now),
    ];
    found.into_iter().flatten().collect()
}

/// Looks at all providers that are switched on, and announces which last certificates end within 30 and within 7 days: each
/// once, whichever replica comes first. Says how many it announced.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn announce(app: &App) -> Result<u64> {
    let now = app.clock.now();
    let (mut announced, mut ending) = (0, [0_i64; 2]);
    let mut after = (String::new(), String::new());
    loop {
        let page = store::list_watched(&mut app.db.read().await?, (after.0.as_str(), after.1.as_str()), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (last.workspace.to_string(), last.id.clone());
        for (provider, certificate) in certificates(page).await? {
            let stages: Vec<i64> = notice::stages(certificate.not_after, now).collect();
            ending[0] += i64::from(stages.contains(&30));
            ending[1] += i64::from(stages.contains(&7));
            announced += u64::from(tell(app, &provider, &certificate, &stages, now).await?);
        }
    }
    app.metrics.certificates_ending(ending[0], ending[1]);
    transact!(app.db, |tx| { store::tidy(tx, now - KEEP_MS).await })?;
    Ok(announced)
}

/// Reads the metadata of a page of providers, away from the threads that serve.
async fn certificates(page: Vec<WatchedProvider>) -> Result<Vec<(WatchedProvider, LastCertificate)>> {
    let read = move || {
        let with_certificate =
            |provider: WatchedProvider| notice::last_certificate(&provider.metadata).map(|last| (provider, last));
        page.into_iter().filter_map(with_certificate).collect()
    };
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)
}

/// Whether there was something to announce that wasn't yet. A certificate that ends within a week is announced once, not twice.
async fn tell(
    app: &App,
    provider: &WatchedProvider,
    certificate: &LastCertificate,
    stages: &[i64],
    now: UnixMillis,
) -> Result<bool> {
    let Some(days) = stages.iter().min() else { return Ok(false) };
    let details = json!({
        "entity_id": provider.entity_id,
        "certificate": certificate.sha256,
        "not_after": rfc3339(certificate.not_after),
        "days": days,
    });
    transact!(app.db, |tx| {
        let mut news = false;
        for stage in stages {
            let inserted = store::insert_announcement(tx, provider, &certificate.sha256, *stage, now).await?;
            news |= inserted == 1 && stage == days;
        }
        if news {
            let target = Target::new("saml_provider", &provider.id, &provider.name);
            let entry = Entry::done("saml.certificate_expiring", target).with(details.clone());
            audit::append(tx, &provider.workspace, now, &Actor::system("saml-certificates"), &entry).await?;
        }
        Ok(news)
    })
}
