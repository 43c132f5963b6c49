//! This process as a replica: it registers, renews its lease, and applies every change in its order.
//!
//! docs/revocation-protocol.md numbers the rules. One task renews, and goes through with it; a request that finds the lease run
//! out wakes that task and waits. If requests did it themselves, each would break off at the end of its own patience what the next
//! begins anew, and a database that is slow for a moment would be slow for as long as anybody asks.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::revoke;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::db::{Db, Listener};
use crate::error::{Error, Result, UNAVAILABLE};
use crate::feed::replica_store as replicas;
use crate::feed::{Event, EventScope, Registration, lease, lease_clock, promise, store, stream_follow, witness};
use crate::{mutant, transact};

/// How long one question to the database may take before its connection is given up.
const PATIENCE: Duration = Duration::from_millis(900);
/// How long it may take until our row is there, by a new connection perhaps. No lease counts from before it.
const ENROLMENT_PATIENCE: Duration = Duration::from_secs(2);
/// The least time between two attempts of which the first failed, however many ask.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
/// The least time between a renewal and the next one for the sake of unknown tokens: each is a durable commit.
const BETWEEN_DOUBTS: Duration = Duration::from_millis(50);
/// How long a request waits for a lease.
const REQUEST_PATIENCE: Duration = Duration::from_millis(500);
/// How long a request with an unknown token waits: for two renewals, perhaps, and for what is between them.
const DOUBT_PATIENCE: Duration = Duration::from_secs(1);
/// Changes read at once.
const BATCH: i64 = 1_000;
/// How far this process may lag before it forgets everything instead of catching up.
const LONGEST_LAG: i64 = 50_000;

/// Makes sure that this process may answer at this moment.
///
/// # Errors
/// 503 `session-authority-unavailable` if no lease is to be had in time: it refuses rather than guesses.
pub async fn ensure_lease(app: &App) -> Result<()> {
    let held = || app.feed.holds_lease(app.clock.as_ref());
    if held() {
        return Ok(());
    }
    renewed(app, held).await?;
    if held() { Ok(()) } else { Err(unavailable("the lease ran out while it was renewed")) }
}

/// Has the lease renewed, and so everything applied that had happened before, unless it is `enough` sooner.
///
/// # Errors
/// 503 if that can't be done within the time of a request.
pub async fn renewed(app: &App, enough: impl Fn() -> bool) -> Result<()> {
    renewed_by(app, app.feed.nudge(), REQUEST_PATIENCE, enough).await
}

/// Makes sure that the database which grants leases is still the one that it was at `began`, on the clock of the leases: a
/// renewal that was asked for since has succeeded. However many want to know, it is renewed now and then only.
///
/// # Errors
/// 503 if that can't be done within the time of a request.
pub async fn ensure_asked_since(app: &App, began: Duration) -> Result<()> {
    let since = || app.feed.asked_since(began);
    if since() {
        return Ok(());
    }
    renewed_by(app, app.feed.doubts(), DOUBT_PATIENCE, since).await?;
    if since() { Ok(()) } else { Err(unavailable("the lease could not be renewed since the question")) }
}

async fn renewed_by(app: &App, wake: &Notify, patience: Duration, enough: impl Fn() -> bool) -> Result<()> {
    let mut outcomes = app.feed.outcomes();
    let asked = async {
        // An attempt that is under way may fail by what is over now, or ask before what we want to know: the next one counts.
        for _ in 0..2 {
            wake.notify_one();
            outcomes.changed().await.map_err(Error::internal)?;
            if enough() {
                return Ok(());
            }
        }
        match outcomes.borrow().as_deref() {
            None => Ok(()),
            Some(error) => Err(unavailable(error)),
        }
    };
    match timeout(patience, asked).await {
        Ok(outcome) => outcome,
        Err(_) => Err(unavailable("no lease within the time of a request")),
    }
}

/// The refusal of a replica that can't know; `log` says why.
pub(super) fn unavailable(log: &str) -> Error {
    Error::new(UNAVAILABLE, "this replica can't know at the moment which sessions are valid; try again")
        .with_retry_after(Duration::from_secs(1))
        .with_log(log.to_owned())
}

async fn renew(app: &App, turn: &mut Option<Registration>) -> Result<()> {
    let Some(mine) = turn.clone() else { return register(app, turn).await };
    // 1. The clock is read before the question is asked.
    let asked = lease_clock(app.clock.as_ref());
    let (now, acknowledged) = (app.clock.now(), app.feed.acknowledged());
    // As it was before the question: what is pushed meanwhile may be newer than the answer.
    let applied = app.cache.applied();
    // 2. The head, and that we know it, in one durable statement.
    let question = |db| async move { replicas::renew(&db, &app.replica, mine.incarnation, acknowledged, now).await };
    let Some(granted) = app.feed.leases.ask(PATIENCE, question).await? else {
        tracing::warn!("this replica was fenced: it registers anew");
        return register(app, turn).await;
    };
    let behind_us = applied.is_some_and(|applied| granted.head < applied);
    if granted.timeline != mine.timeline || granted.known_timeline != granted.timeline || behind_us {
        tracing::warn!(
            head = granted.head,
            timeline = granted.timeline,
            "the database is another one, or an older state"
        );
        return register(app, turn).await;
    }
    if mutant::on("lease-before-apply") {
        app.feed.extend(asked);
        mutant::pause("before-apply").await;
    }
    // 3. Everything up to that head.
    catch_up(app, granted.head).await?;
    // 4. The lease, counted from the question.
    app.feed.extend(asked);
    if !app.db.is_postgres()
        && let Some(mine) = turn
    {
        acknowledge_embedded(app, mine).await;
    }
    Ok(())
}

async fn register(app: &App, turn: &mut Option<Registration>) -> Result<()> {
    // 1. No lease and no memory: from here on nothing old is believed.
    app.feed.drop_lease();
    app.feed.set_incarnation(0);
    let known = app.cache.applied().unwrap_or_default().max(app.feed.acknowledged()).max(witness::seen(&app.db).await);
    app.cache.close();
    *turn = None;
    // From here on nobody waits for what the applications of the old incarnation may believe.
    app.streams.run_out(app.clock.as_ref()).await;
    for _ in 0..3 {
        let early = match mutant::on("head-before-row") {
            true => Some(store::load_head(&mut app.feed.leases.db().read().await?).await?),
            false => None,
        };
        // 2. Our row, for every barrier to wait for.
        let incarnation = app.feed.leases.ask(ENROLMENT_PATIENCE, |db| enrol(app, db)).await?;
        mutant::pause("after-row").await;
        // 3. The head, as for every renewal, under which nothing is remembered yet.
        let asked = lease_clock(app.clock.as_ref());
        let now = app.clock.now();
        let question =
            |db| async move { replicas::renew(&db, &app.replica, incarnation, replicas::EVERYTHING, now).await };
        // A barrier that has waited for the incarnation before fences this one, too.
        let Some(granted) = app.feed.leases.ask(PATIENCE, question).await? else { continue };
        mutant::pause("before-open").await;
        // 4. A database that may have lost revocations.
        if granted.timeline != granted.known_timeline || granted.head < known {
            revoke::distrust(app, known).await?;
            continue;
        }
        let head = early.unwrap_or(granted.head);
        app.feed.begin_acknowledged(head);
        app.cache.open(head);
        app.streams.restart(head);
        witness::note(&app.db, head).await;
        app.feed.set_incarnation(incarnation);
        // On an embedded database a renewal says nothing of what is applied: the next look does.
        let acknowledged = if app.db.is_postgres() { head } else { 0 };
        *turn = Some(Registration { incarnation, timeline: granted.timeline, acknowledged });
        app.feed.extend(asked);
        tracing::info!(head, incarnation, "registered as a replica");
        mutant::pause("after-open").await;
        // What was pushed before memory was open is missing.
        app.feed.nudge().notify_one();
        return Ok(());
    }
    Err(unavailable("the database changes its identity, or this replica is fenced each time that it registers"))
}

async fn enrol(app: &App, db: Db) -> Result<i64> {
    let name = app.config.replica_name.as_str();
    transact!(db, |tx| {
        if !db.is_postgres() {
            let others = replicas::forget_others(tx, &app.replica).await?;
            if others > 0 {
                // It ended without taking leave, and so without waiting for its applications.
                app.streams.presume_leases(app.clock.as_ref());
            }
        }
        replicas::enrol(tx, &app.replica, name, app.clock.now()).await
    })
}

/// Applies everything up to `head`.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn catch_up(app: &App, head: i64) -> Result<()> {
    loop {
        let Some(applied) = app.cache.applied() else { return Err(unavailable("this replica is registering")) };
        if applied >= head {
            return Ok(());
        }
        if head - applied > LONGEST_LAG {
            skip(app, head);
            continue;
        }
        let read = |db: Db| async move { store::list_between(&mut db.read().await?, applied, head, BATCH).await };
        let events = app.feed.leases.ask(PATIENCE, read).await?;
        let whole = events.first().is_some_and(|first| first.sequence == applied + 1);
        if !whole || apply(app, &events) == Applying::Gap {
            skip(app, head);
        }
    }
}

// Changes that can't be read any more, or are too many: everything is read again when it is asked for.
fn skip(app: &App, head: i64) {
    tracing::warn!(head, "changes are missing or too many: memory is forgotten");
    app.streams.skip_to(head);
    app.cache.skip_to(head);
    app.feed.publish(Event {
        sequence: head,
        workspace: WorkspaceId::from_text(""),
        scope: EventScope::Everything,
        target: None,
        user: None,
        epoch: 0,
        spared_session: None,
        cause: "missed".to_owned(),
        at: app.clock.now(),
    });
}

/// How applying a list went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applying {
    Done,
    Gap,
}

/// Applies changes that came in whatever way, and tells who listens.
pub fn apply(app: &App, events: &[Event]) -> Applying {
    let told = |event: &Event| {
        app.streams.announce(event);
        app.feed.publish(event.clone());
    };
    match app.cache.apply(events, told) {
        super::cache::Progress::UpTo(_) | super::cache::Progress::Closed => Applying::Done,
        super::cache::Progress::Gap => Applying::Gap,
    }
}

/// Follows until the handle is aborted: renews, listens, acknowledges, notes uses.
pub fn start(app: Arc<App>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = vec![
        tokio::spawn(renew_for_ever(app.clone())),
        tokio::spawn(acknowledge_for_ever(app.clone())),
        tokio::spawn(super::seen::note_for_ever(app.clone())),
    ];
    if app.db.is_postgres() {
        tasks.push(tokio::spawn(listen_for_ever(app)));
    }
    tasks
}

/// Ends in good order: nobody need wait for this process.
pub async fn leave(app: &App) {
    let mut turn = app.feed.turn.lock().await;
    app.feed.drop_lease();
    app.cache.close();
    app.streams.run_out(app.clock.as_ref()).await;
    super::seen::note(app).await;
    // Who was about to register has a row, too.
    *turn = None;
    let left = timeout(PATIENCE, replicas::leave(&app.feed.leases.db(), &app.replica)).await;
    if !matches!(left, Ok(Ok(()))) {
        tracing::warn!("could not take leave: the next revocation waits for this replica's lease to run out");
    }
}

// Tells the one failure that looks like a fault of ours, and is mended at the database.
async fn explain(app: Arc<App>) {
    if let Some(why) = promise::stuck(&app.db).await {
        tracing::warn!("{why}");
    }
}

async fn renew_for_ever(app: Arc<App>) {
    let every = if app.db.is_postgres() { lease::RENEW_EVERY } else { lease::LOOK_EVERY };
    let mut failing = false;
    loop {
        let outcome = renew(&app, &mut *app.feed.turn.lock().await).await;
        match &outcome {
            Ok(()) if failing => tracing::info!("the lease is renewed again"),
            Err(error) if !failing => {
                tracing::warn!(error = error.log(), "the lease could not be renewed");
                // Beside: the next attempt waits for no explanation.
                tokio::spawn(explain(app.clone()));
            }
            Err(error) => tracing::debug!(error = error.log(), "the lease could not be renewed"),
            Ok(()) => {}
        }
        failing = outcome.is_err();
        app.feed.tell(outcome.err().map(|error| error.log().to_owned()));
        app.metrics.lease(app.feed.staleness(app.clock.as_ref()), app.feed.holds_lease(app.clock.as_ref()));
        let pause = if failing { Duration::from_millis(100) } else { every };
        if failing {
            tokio::time::sleep(AFTER_FAILURE).await;
        }
        // Woken early when a change is missing, or somebody waits for the lease.
        let doubted = async {
            tokio::time::sleep(BETWEEN_DOUBTS).await;
            app.feed.doubts().notified().await;
        };
        let _either = timeout(pause, select(pin!(app.feed.nudge().notified()), pin!(doubted))).await;
    }
}

// Tells others that a change is applied here, as soon as it is, and as soon as those who listen have taken it in.
async fn acknowledge_for_ever(app: Arc<App>) {
    let mut events = app.feed.subscribe();
    // In their order, but none waits for the listeners of the one before.
    let mut settling = FuturesOrdered::new();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => settling.push_back(settled(&app, event.sequence)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            Some(mut newest) = settling.next() => {
                while let Some(Some(next)) = settling.next().now_or_never() {
                    newest = next;
                }
                acknowledge(&app, newest).await;
            }
        }
    }
}

async fn settled(app: &App, sequence: i64) -> i64 {
    app.streams.settled(app.clock.as_ref(), sequence).await;
    sequence
}

async fn acknowledge(app: &App, sequence: i64) {
    mutant::pause("before-acknowledge").await;
    app.feed.set_acknowledged(sequence);
    let (db, incarnation) = (app.feed.changes.db(), app.feed.incarnation());
    let Some(incarnation) = incarnation.filter(|_| db.is_postgres()) else { return };
    let said = timeout(PATIENCE, replicas::acknowledge(&db, &app.replica, incarnation, sequence)).await;
    if !matches!(said, Ok(Ok(()))) {
        tracing::debug!(sequence, "could not acknowledge at once; the next renewal does");
    }
}

// Beside an embedded database only the command line waits for this process, and for its own changes: they are seen at a look, and
// said to be applied at the next. Saying so at once would be a second durable commit for each revocation of our own.
async fn acknowledge_embedded(app: &App, mine: &mut Registration) {
    let newest = app.feed.acknowledged();
    // Applications of the server before this one may hold leases from it.
    if newest <= mine.acknowledged || app.streams.is_held_up(newest, app.clock.as_ref()) {
        return;
    }
    let db = app.feed.leases.db();
    match timeout(PATIENCE, replicas::acknowledge(&db, &app.replica, mine.incarnation, newest)).await {
        Ok(Ok(())) => mine.acknowledged = newest,
        _ => tracing::debug!(newest, "could not acknowledge; the next look does"),
    }
}

async fn listen_for_ever(app: Arc<App>) {
    loop {
        let db = app.feed.changes.db();
        match Listener::open(&db, &["curfew_revocation", "curfew_ack", "curfew_stream"]).await {
            Ok(Some(mut listener)) => {
                // What came before we listened.
                app.feed.nudge().notify_one();
                while let Ok(Some((channel, text))) = listener.receive().await {
                    take(&app, &channel, &text);
                }
            }
            Ok(None) => return,
            Err(error) => tracing::debug!(error = error.log(), "can't listen for changes; they are asked for"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn take(app: &App, channel: &str, text: &str) {
    if channel == "curfew_ack" {
        let mut parts = text.split(' ');
        if let (Some(replica), Some(Ok(incarnation)), Some(Ok(sequence))) =
            (parts.next(), parts.next().map(str::parse), parts.next().map(str::parse))
        {
            app.feed.hear(replica, incarnation, sequence);
        }
        return;
    }
    if channel == "curfew_stream" {
        stream_follow::take_relayed(app, text);
        return;
    }
    let applied = serde_json::from_str::<Event>(text).map(|event| apply(app, &[event]));
    if !matches!(applied, Ok(Applying::Done)) {
        app.feed.nudge().notify_one();
    }
}
