//! The question the product answers: is this session still valid, for a client at this address?
//!
//! The lease is judged first: whoever has none may be behind, and refuses. Then the state is read, from memory or else from
//! the database. The other order would let a renewal between the two bless what was read before it.

use std::net::IpAddr;
use std::sync::Arc;

use tracing::info;

use super::cache::{Known, touch_interval};
use super::follow::{self, unavailable};
use super::model::{Facts, Use};
use super::principal::Principal;
use super::rules::{self, Refusal};
use super::store;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::base::secret::{self, SecretHash, SecretKind};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::feed::lease_clock;
use crate::mutant;

/// Whether a session was accepted, and for whom it speaks.
pub enum Verdict {
    Valid(Principal),
    Refused(Refusal),
}

/// A verdict from the database, with all that it rests on.
pub enum Judged {
    Valid(Arc<Facts>),
    /// Why not, and whose it was.
    Refused(Refusal, Option<Arc<Facts>>),
}

/// Judges a presented token.
///
/// # Errors
/// 503 if this replica has no lease and gets none: a replica that can't know refuses.
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
    let verdict = match answer(app, token, address).await {
        Ok(Verdict::Valid(principal)) if workspace.is_some_and(|workspace| workspace != principal.workspace_id()) => {
            Ok(Verdict::Refused(Refusal::Unknown))
        }
        other => other,
    };
    app.metrics.check(match &verdict {
        Ok(Verdict::Valid(_)) => "valid",
        Ok(Verdict::Refused(refusal)) => refusal.as_str(),
        Err(_) => "unavailable",
    });
    verdict
}

/// As `check`, where nothing has to be waited for: this process holds a lease, memory knows the session, and it is valid.
/// `None` for everything else, of which nothing was noted: ask `check`.
pub fn check_at_once(app: &App, token: &str, address: Option<IpAddr>) -> Option<Principal> {
    let principal = valid_in_memory(app, token, address);
    if principal.is_some() {
        app.metrics.check("valid");
    }
    principal
}

fn valid_in_memory(app: &App, token: &str, address: Option<IpAddr>) -> Option<Principal> {
    if mutant::any() {
        return None;
    }
    // Memory knows whole tokens only: a checksum would say no more.
    let hash = secret::hash_presented(SecretKind::Session, token)?;
    if !app.feed.holds_lease(app.clock.as_ref()) {
        return None;
    }
    match from_memory(app, &hash, address)? {
        Verdict::Valid(principal) => Some(principal),
        Verdict::Refused(_) => None,
    }
}

async fn answer(app: &App, token: &str, address: Option<IpAddr>) -> Result<Verdict> {
    if let Some(principal) = valid_in_memory(app, token, address) {
        return Ok(Verdict::Valid(principal));
    }
    let Some(hash) = secret::recognise(SecretKind::Session, token) else {
        return Ok(Verdict::Refused(Refusal::Unknown));
    };
    if mutant::on("lease-last") {
        return answer_wrongly(app, &hash, address).await;
    }
    if !app.feed.holds_lease(app.clock.as_ref()) {
        follow::ensure_lease(app).await?;
    }
    mutant::pause("after-lease-judged").await;
    match from_memory(app, &hash, address) {
        Some(verdict) => Ok(verdict),
        None => from_database(app, &hash, address).await,
    }
}

// The known fault: the state is read before the lease is judged.
async fn answer_wrongly(app: &App, hash: &SecretHash, address: Option<IpAddr>) -> Result<Verdict> {
    let read = from_memory(app, hash, address);
    mutant::pause("after-state-read").await;
    follow::ensure_lease(app).await?;
    match read {
        Some(verdict) => Ok(verdict),
        None => from_database(app, hash, address).await,
    }
}

fn from_memory(app: &App, hash: &SecretHash, address: Option<IpAddr>) -> Option<Verdict> {
    let now = app.clock.now();
    match app.cache.look_up(hash, address, now) {
        Known::Nothing => None,
        Known::Refused(refusal) => Some(Verdict::Refused(refusal)),
        Known::Valid { principal, reported, touched } => {
            if reported {
                report(principal.workspace_slug(), address);
            }
            if touched {
                let (workspace, session) = (principal.workspace_id().clone(), principal.session_id());
                app.uses.note(Use { workspace, session, at: now, address });
            }
            Some(Verdict::Valid(principal))
        }
    }
}

async fn from_database(app: &App, hash: &SecretHash, address: Option<IpAddr>) -> Result<Verdict> {
    let asked = *hash;
    let find = |db: Db| async move { store::find_current(&mut db.read().await?, &asked).await };
    let (head, found) = read(app, find).await?;
    let Some((facts, groups)) = found else {
        app.cache.forget(hash);
        return Ok(Verdict::Refused(Refusal::Unknown));
    };
    let facts = Arc::new(facts);
    match judge(app, hash, facts.clone(), address) {
        Judged::Refused(refusal, _) => {
            if refusal != Refusal::Address {
                app.cache.forget(hash);
            }
            before_refusing(app, head).await?;
            Ok(Verdict::Refused(refusal))
        }
        Judged::Valid(_) => {
            mutant::pause("before-learning").await;
            let principal = app.cache.learn(hash, &facts, &groups, head);
            let principal = principal.ok_or_else(|| Error::internal("a session or user has an id that is no UUID"))?;
            require_lease(app)?;
            Ok(Verdict::Valid(principal))
        }
    }
}

/// What the database says, with the head of its snapshot, under a lease that still lasts. `None` is certain: a primary that was
/// replaced goes on answering, and doesn't know who signed in on the new one. It commits nothing more, so a renewal that was asked
/// for since shows that it was the primary still, or leads to the new one, whose head no snapshot of the old one reaches.
async fn read<T, F>(app: &App, find: impl Fn(Db) -> F) -> Result<(i64, Option<T>)>
where
    F: Future<Output = Result<(i64, Option<T>)>>,
{
    let began = lease_clock(app.clock.as_ref());
    let known = floor(app)?;
    let (head, found) = find(app.db.clone()).await?;
    require_current(head, known)?;
    if found.is_some() || !app.db.is_postgres() {
        if app.feed.holds_lease(app.clock.as_ref()) {
            return Ok((head, found));
        }
        // The database took longer than the lease.
        follow::ensure_lease(app).await?;
    } else {
        follow::ensure_asked_since(app, began).await?;
        if head >= floor(app)? {
            return Ok((head, None));
        }
        // It is the old one's, or something was changed meanwhile.
    }
    let known = floor(app)?;
    let (head, found) = find(app.db.clone()).await?;
    require_current(head, known)?;
    require_lease(app)?;
    Ok((head, found))
}

// The newest change that was applied when the lease was judged.
fn floor(app: &App) -> Result<i64> {
    app.cache.applied().ok_or_else(|| unavailable("this replica is registering"))
}

// A snapshot that is older than what is known here comes from a database that was replaced.
fn require_current(head: i64, floor: i64) -> Result<()> {
    if head >= floor { Ok(()) } else { Err(unavailable("the database that answered is behind this replica")) }
}

// The database may have taken longer than the lease: a replica that is cut off says "valid" no longer than that.
fn require_lease(app: &App) -> Result<()> {
    match app.feed.holds_lease(app.clock.as_ref()) {
        true => Ok(()),
        false => Err(unavailable("the lease ended while the database was asked")),
    }
}

// What one check refuses no later one may accept: memory learns what the refusal rests on first.
async fn before_refusing(app: &App, head: i64) -> Result<()> {
    if app.cache.applied().is_some_and(|applied| applied < head) {
        follow::catch_up(app, head).await?;
    }
    Ok(())
}

/// Judges a presented token by the database alone, for whoever needs more than a principal, or the reason of a refusal.
///
/// # Errors
/// 503 as `check`: what a database says that was replaced meanwhile is worth nothing without a lease.
pub async fn check_in_database(app: &App, token: &str, address: Option<IpAddr>) -> Result<Judged> {
    let Some(hash) = secret::recognise(SecretKind::Session, token) else {
        return Ok(Judged::Refused(Refusal::Unknown, None));
    };
    follow::ensure_lease(app).await?;
    let find = |db: Db| async move { store::find_facts(&mut db.read().await?, &hash).await };
    let (head, found) = read(app, find).await?;
    let judged = match found {
        None => Judged::Refused(Refusal::Unknown, None),
        Some(facts) => judge(app, &hash, Arc::new(facts), address),
    };
    if matches!(judged, Judged::Refused(..)) {
        before_refusing(app, head).await?;
    }
    app.metrics.check(match &judged {
        Judged::Valid(_) => "valid",
        Judged::Refused(refusal, _) => refusal.as_str(),
    });
    Ok(judged)
}

fn judge(app: &App, hash: &SecretHash, facts: Arc<Facts>, address: Option<IpAddr>) -> Judged {
    let now = app.clock.now();
    let mut facts = facts;
    // A use that is on its way to the database counts already.
    let noted = app.uses.waiting(&facts.session.id).max(app.cache.last_seen(hash)).unwrap_or_default();
    if noted > facts.session.last_seen_at {
        Arc::make_mut(&mut facts).session.last_seen_at = noted;
    }
    match rules::judge(&facts, address, now) {
        Err(refusal) => Judged::Refused(refusal, Some(facts)),
        Ok(reported) => {
            if reported {
                report(&facts.workspace.slug, address);
            }
            if now - facts.session.last_seen_at >= touch_interval(facts.policy.idle_ms) {
                let (workspace, session) = (facts.workspace.id.clone(), facts.session.id.clone());
                app.uses.note(Use { workspace, session, at: now, address });
            }
            Judged::Valid(facts)
        }
    }
}

fn report(workspace: &str, address: Option<IpAddr>) {
    info!(workspace, ip = ?address, "address would be refused by the allowlist");
}
