//! One application's stream from its beginning to its end: what it missed, then every change as it is applied here, and leases
//! in between. Whether its key is still good is the caller's matter.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

use super::stream_rules::{HEARTBEAT, PATIENCE, Taken, reaches_back};
use super::streams::{Acknowledgement, Opened, Opening};
use super::{lease_clock, stream_event, stream_store};
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{Error, Result, UNAVAILABLE};

/// Changes read at once.
const PAGE: i64 = 200;
/// How long the last words may take to be read before the connection is cut.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A stream under way.
struct Following {
    app: Arc<App>,
    number: u64,
    workspace: WorkspaceId,
    wake: Arc<Notify>,
    heartbeat: Interval,
    first: Option<String>,
}

/// Begins a stream: what to send, piece by piece. It ends when `ended` resolves, or when its client doesn't read or acknowledge;
/// `cut` is notified when there was time for its last words.
///
/// # Errors
/// As `Streams::open`.
pub fn follow(
    app: &Arc<App>,
    opening: Opening,
    ended: impl Future<Output = ()> + Send + 'static,
    cut: Arc<Notify>,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + 'static> {
    let workspace = opening.workspace.clone();
    let opened = app.streams.open(opening)?;
    let silent = silence(app.clone(), opened.number);
    let following = Following::begin(app.clone(), workspace, opened);
    // What waits here is read next, or never: more of it would only hide that nobody reads.
    let (pieces, read) = mpsc::channel(1);
    tokio::spawn(async move {
        let ended = async move {
            tokio::select! {
                () = ended => {}
                () = silent => {}
            }
        };
        carry(following, pieces, ended).await;
        sleep(LAST_WORDS).await;
        cut.notify_one();
    });
    Ok(futures_util::stream::unfold(read, async |mut read: mpsc::Receiver<Bytes>| {
        read.recv().await.map(|piece| (Ok(piece), read))
    }))
}

async fn carry(mut following: Following, pieces: mpsc::Sender<Bytes>, ended: impl Future<Output = ()>) {
    let mut ended = pin!(ended);
    loop {
        let next = tokio::select! {
            next = following.next() => next,
            () = pieces.closed() => return,
            () = ended.as_mut() => return,
        };
        let piece = match next {
            Ok(Some(piece)) => Bytes::from(piece),
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(error = error.log(), "a stream ends: what it missed can't be read");
                return;
            }
        };
        tokio::select! {
            sent = timeout(PATIENCE, pieces.send(piece)) => if !matches!(sent, Ok(Ok(()))) { return },
            () = ended.as_mut() => return,
        }
    }
}

/// Resolves when a client has left something unacknowledged for too long, or its stream is gone.
async fn silence(app: Arc<App>, number: u64) {
    while !app.streams.is_silent(number, lease_clock(app.clock.as_ref())) {
        sleep(Duration::from_secs(1)).await;
    }
}

impl Following {
    fn begin(app: Arc<App>, workspace: WorkspaceId, opened: Opened) -> Self {
        let Opened { number, sequence, since, anew, wake } = opened;
        let mut first = stream_event::hello(&stream_id(&app, number), sequence, since);
        if anew {
            first.push_str(&stream_event::reset(sequence));
        }
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { app, number, workspace, wake, heartbeat, first: Some(first) }
    }

    /// The next piece to send; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>> {
        if self.first.is_some() {
            return Ok(self.first.take());
        }
        loop {
            match self.app.streams.take(self.number) {
                Taken::Ended => return Ok(None),
                Taken::Events(events) => {
                    return Ok(Some(events.iter().map(|event| stream_event::revocation(event)).collect()));
                }
                Taken::CatchUpFrom(position) => {
                    if let Some(missed) = self.catch_up(position).await? {
                        return Ok(Some(missed));
                    }
                    continue;
                }
                Taken::Nothing => {}
            }
            let due = tokio::select! {
                _ = self.heartbeat.tick() => true,
                () = self.wake.notified() => false,
            };
            // A client that has just acknowledged something need not wait for its next lease.
            match self.lease() {
                Some(lease) => return Ok(Some(lease)),
                None if due => return Ok(Some(stream_event::COMMENT.to_owned())),
                None => {}
            }
        }
    }

    // What it missed, a page of it; `None` if there was nothing.
    async fn catch_up(&self, position: i64) -> Result<Option<String>> {
        let floor = self.app.streams.head();
        let read = async {
            let mut db = self.app.db.read().await?;
            stream_store::list_since(&mut db, &self.workspace, position, PAGE).await
        };
        let missed = read.await?;
        if floor.is_none_or(|floor| missed.head < floor) {
            return Err(Error::new(UNAVAILABLE, "the database that answered is behind this replica"));
        }
        if !reaches_back(position, missed.oldest, missed.head) {
            self.app.streams.begin_anew(self.number, missed.head);
            return Ok(Some(stream_event::reset(missed.head)));
        }
        let newest = missed.events.last().map(|event| event.sequence);
        let whole = missed.events.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        let position = if whole { missed.head } else { newest.unwrap_or(position) };
        self.app.streams.caught_up(self.number, position, newest);
        let text: String = missed.events.iter().map(stream_event::revocation).collect();
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn lease(&self) -> Option<String> {
        // The lease is judged before what is applied, as in every check.
        let clock = self.app.clock.as_ref();
        let now = lease_clock(clock);
        let left = self.app.feed.lease_left(clock);
        self.app.streams.grant(self.number, now, left).map(|grant| stream_event::lease(&grant))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.app.streams.close(self.number);
    }
}

/// What a client calls its stream: the replica that has it, and its number there.
fn stream_id(app: &App, number: u64) -> String {
    format!("{}.{number}", app.replica)
}

/// Whether an acknowledgement was heard by the replica that has the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Here,
    /// Passed on to it; a hint that may be lost. Then the lease runs out instead.
    PassedOn,
}

/// A client has taken in what the stream `id` told it. Behind a load balancer its word may arrive at another replica than the
/// one that has the stream.
///
/// # Errors
/// As `Streams::acknowledge`.
pub async fn acknowledge(app: &App, id: &str, mut said: Acknowledgement) -> Result<Heard> {
    let unknown = || Error::not_found("stream");
    let (replica, number) = id.rsplit_once('.').ok_or_else(unknown)?;
    said.number = number.parse().map_err(|_| unknown())?;
    if replica == app.replica.as_str() {
        app.streams.acknowledge(&said, lease_clock(app.clock.as_ref()))?;
        app.feed.heard().notify_waiters();
        return Ok(Heard::Here);
    }
    if !app.db.is_postgres() || replica.len() > 64 {
        return Err(unknown());
    }
    let text = serde_json::to_string(&(replica, &said)).map_err(Error::internal)?;
    stream_store::relay(&app.db, &text).await?;
    Ok(Heard::PassedOn)
}

/// Takes in what another replica was told about a stream that may be ours.
pub fn take_relayed(app: &App, text: &str) {
    if let Ok((replica, said)) = serde_json::from_str::<(String, Acknowledgement)>(text)
        && replica == app.replica.as_str()
    {
        // A stream that has ended meanwhile needs no word.
        let _gone = app.streams.acknowledge(&said, lease_clock(app.clock.as_ref()));
        app.feed.heard().notify_waiters();
    }
}
