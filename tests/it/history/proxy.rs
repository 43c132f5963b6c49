//! A replica's way to the database, through this process, where it can be cut: refused, or black-holed in either direction
//! while the connections stay open, as a firewall that forgot them would. Bytes that were lost once leave a hole: when the way
//! is whole again such a connection is broken off.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// What gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// New connections, and those that are there.
    pub open: bool,
    pub to_database: bool,
    pub from_database: bool,
    /// What the database says on the connection that listens for hints.
    pub hints: bool,
}

/// Everything.
pub const THROUGH: Way = Way { open: true, to_database: true, from_database: true, hints: true };
/// Nothing, and nobody is told.
pub const BLACK_HOLE: Way = Way { to_database: false, from_database: false, ..THROUGH };

pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

struct Shared {
    target: AtomicU16,
    way: Mutex<Way>,
    links: Mutex<HashMap<u64, Link>>,
    next: AtomicU64,
    /// Something was asked on a connection that leases depend on.
    asked: Notify,
}

struct Link {
    marks: Arc<Marks>,
    task: AbortHandle,
}

/// What is known of a connection.
#[derive(Default)]
struct Marks {
    lost: AtomicBool,
    /// Leases depend on it: its application name says so.
    leases: AtomicBool,
    /// Hints come on it, perhaps.
    changes: AtomicBool,
    listens: AtomicBool,
}

impl Proxy {
    /// To a database server on that port of 127.0.0.1.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared {
            target: AtomicU16::new(target),
            way: Mutex::new(THROUGH),
            links: Mutex::default(),
            next: AtomicU64::new(0),
            asked: Notify::new(),
        });
        let accepting = tokio::spawn(accept(shared.clone(), listener)).abort_handle();
        Self { port, shared, accepting }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what gets through.
    pub fn set(&self, way: Way) {
        *held(&self.shared.way) = way;
        if !way.open {
            self.shared.break_off(|_| true);
        } else if way == THROUGH {
            self.shared.break_off(|marks| marks.lost.load(Ordering::SeqCst));
        }
    }

    /// Leads to another server from now on; what led to the one before is broken off.
    pub fn point_at(&self, target: u16) {
        self.shared.target.store(target, Ordering::SeqCst);
        self.shared.break_off(|_| true);
    }

    /// Breaks off the connection that listens for hints.
    pub fn break_off_listening(&self) {
        self.shared.break_off(|marks| marks.listens.load(Ordering::SeqCst));
    }

    /// Returns when something was asked on a connection that leases depend on: a renewal, most likely.
    pub async fn asked(&self) {
        self.shared.asked.notified().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.break_off(|_| true);
    }
}

impl Shared {
    fn way(&self) -> Way {
        *held(&self.way)
    }

    fn break_off(&self, which: impl Fn(&Marks) -> bool) {
        held(&self.links).retain(|_, link| {
            let breaks = which(&link.marks);
            if breaks {
                link.task.abort();
            }
            !breaks
        });
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    while let Ok((client, _)) = listener.accept().await {
        if !shared.way().open {
            continue;
        }
        let (number, marks) = (shared.next.fetch_add(1, Ordering::SeqCst), Arc::new(Marks::default()));
        let (ours, theirs) = (shared.clone(), marks.clone());
        // The lock keeps it from ending before it is known.
        let mut links = held(&shared.links);
        let carrying = tokio::spawn(async move {
            carry(&ours, client, &theirs).await;
            held(&ours.links).remove(&number);
        });
        links.insert(number, Link { marks, task: carrying.abort_handle() });
    }
}

async fn carry(shared: &Shared, client: TcpStream, marks: &Marks) {
    let target = shared.target.load(Ordering::SeqCst);
    let Ok(database) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    drop((client.set_nodelay(true), database.set_nodelay(true)));
    let (from_client, to_client) = client.into_split();
    let (from_database, to_database) = database.into_split();
    let up = pump(from_client, to_database, marks, |bytes| {
        recognise(bytes, marks);
        if marks.leases.load(Ordering::SeqCst) {
            shared.asked.notify_waiters();
        }
        shared.way().to_database
    });
    let down = pump(from_database, to_client, marks, |_| {
        let way = shared.way();
        way.from_database && (way.hints || !marks.listens.load(Ordering::SeqCst))
    });
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, marks: &Marks, passes: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 16 * 1024];
    let mut lost = false;
    loop {
        let count = from.read(&mut buffer).await.unwrap_or(0);
        if lost || !passes(&buffer[..count]) {
            lost = true;
            marks.lost.store(true, Ordering::SeqCst);
            if count == 0 {
                // The end is lost as well: the other side goes on waiting.
                std::future::pending::<()>().await;
            }
        } else if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

fn recognise(bytes: &[u8], marks: &Marks) {
    let says = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    // Only the start of a connection names its application.
    if says(b"application_name") {
        marks.leases.store(says(b"curfew leases"), Ordering::SeqCst);
        marks.changes.store(says(b"curfew changes"), Ordering::SeqCst);
    } else if marks.changes.load(Ordering::SeqCst) && says(b"LISTEN \"") {
        marks.listens.store(true, Ordering::SeqCst);
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
