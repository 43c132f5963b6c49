//! Things that nothing may touch: a server that nobody may connect to, and a file that nobody may open.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::programs;

/// Linux's O_NONBLOCK: opening a FIFO for writing fails at once while nobody reads it.
const NONBLOCK: i32 = 0o4000;

/// A server and a FIFO that count their visitors, until they are dropped.
pub struct Canary {
    pub url: String,
    pub file: PathBuf,
    visits: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    watchers: Vec<JoinHandle<()>>,
}

impl Canary {
    /// `file` is where the FIFO is made.
    pub fn start(file: &Path) -> Self {
        programs::run(Command::new(programs::need(&["mkfifo"], "coreutils")).arg(file));
        let (visits, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket of ours");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let server = watch(visits.clone(), over.clone(), move || listener.accept().is_ok());
        let fifo = file.to_owned();
        // A reader waits until somebody writes: this is who it meets.
        let opened = move || OpenOptions::new().write(true).custom_flags(NONBLOCK).open(&fifo).is_ok();
        let reader = watch(visits.clone(), over.clone(), opened);
        Self { url, file: file.to_owned(), visits, over, watchers: vec![server, reader] }
    }

    /// How often something was touched.
    pub fn visits(&self) -> usize {
        // Who came in this moment is counted in the next.
        std::thread::sleep(Duration::from_millis(50));
        self.visits.load(Ordering::SeqCst)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for watcher in self.watchers.drain(..) {
            let _ = watcher.join();
        }
    }
}

fn watch(
    visits: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    visited: impl Fn() -> bool + Send + 'static,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            if visited() {
                visits.fetch_add(1, Ordering::SeqCst);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    })
}

/// They notice what they are there for.
#[test]
fn a_canary_notices_visitors() {
    let folder = super::run::temporary("canary-");
    let canary = Canary::start(&folder.path().join("fifo"));
    assert_eq!(canary.visits(), 0);
    let address = canary.url.strip_prefix("http://").expect("a URL").to_owned();
    drop(std::net::TcpStream::connect(address).expect("it listens"));
    assert_eq!(canary.visits(), 1);
    drop(std::fs::File::open(&canary.file).expect("somebody writes to it"));
    assert!(canary.visits() >= 2);
}
