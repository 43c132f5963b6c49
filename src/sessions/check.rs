//! The question the product answers: is this session still valid, for a client at this address?
//!
//! Every check reads the database, so that it sees each committed revocation. Expiry is decided here, at reading.

use std::net::IpAddr;
use std::sync::Arc;

use tracing::info;

use super::model::Facts;
use super::rules::{self, Refusal};
use super::store;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::base::secret::{self, SecretKind};
use crate::error::Result;
use crate::policy::model::MINUTE_MS;
use crate::transact;

/// A session that was accepted, or why it wasn't and whose it was.
pub enum Verdict {
    Valid(Arc<Facts>),
    Refused(Refusal, Option<Arc<Facts>>),
}

/// Judges a presented token.
///
/// # Errors
/// 503 if the database doesn't answer: a replica that can't know refuses.
pub async fn check(app: &App, token: &str, address: Option<IpAddr>) -> Result<Verdict> {
    check_within(app, None, token, address).await
}

/// Judges a presented token for somebody who may know of one workspace's sessions only: others are unknown.
///
/// # Errors
/// As `check`.
pub async fn check_within(
    app: &App,
    workspace: Option<&WorkspaceId>,
    token: &str,
    address: Option<IpAddr>,
) -> Result<Verdict> {
    let verdict = judge(app, workspace, token, address).await;
    app.metrics.check(match &verdict {
        Ok(Verdict::Valid(_)) => "valid",
        Ok(Verdict::Refused(refusal, _)) => refusal.as_str(),
        Err(_) => "unavailable",
    });
    verdict
}

async fn judge(app: &App, workspace: Option<&WorkspaceId>, token: &str, address: Option<IpAddr>) -> Result<Verdict> {
    let Some(hash) = secret::recognise(SecretKind::Session, token) else {
        return Ok(Verdict::Refused(Refusal::Unknown, None));
    };
    let now = app.clock.now();
    let Some(facts) = store::find_facts(&mut app.db.read().await?, &hash).await? else {
        return Ok(Verdict::Refused(Refusal::Unknown, None));
    };
    if workspace.is_some_and(|workspace| *workspace != facts.workspace.id) {
        return Ok(Verdict::Refused(Refusal::Unknown, None));
    }
    match rules::judge(&facts, address, now) {
        Err(refusal) => Ok(Verdict::Refused(refusal, Some(Arc::new(facts)))),
        Ok(reported) => {
            if reported {
                info!(workspace = %facts.workspace.slug, ip = ?address, "address would be refused by the allowlist");
            }
            touch(app, &facts, address).await;
            Ok(Verdict::Valid(Arc::new(facts)))
        }
    }
}

/// Notes the use of a session, at most once a minute (and often enough for a short idle timeout). A failure to note it is
/// no failure of the check.
async fn touch(app: &App, facts: &Facts, address: Option<IpAddr>) {
    let now = app.clock.now();
    let interval = MINUTE_MS.min(facts.policy.idle_ms / 10);
    if now - facts.session.last_seen_at < interval {
        return;
    }
    let ip = address.map(|ip| ip.to_string()).unwrap_or_default();
    let session = &facts.session;
    let noted = async { transact!(app.db, |tx| { store::touch(tx, session, now, &ip).await }) };
    let noted: Result<u64> = noted.await;
    if let Err(error) = noted {
        tracing::warn!(error = %error, "could not note that a session was seen");
    }
}
