//! A real reverse proxy that asks curfew about every request. Its configuration is the shipped one (`deploy/`) but for
//! addresses and TLS; what that means for each is in a file of its own.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::application::Application;
use super::child::Owned;
use super::{caddy, haproxy, nginx, programs, run};

/// The proxies that tests can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    HaProxy,
}

/// A port of 127.0.0.1 that nobody else gets until a proxy starts on it.
pub struct Reserved(TcpListener);

impl Reserved {
    pub fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    /// Where the proxy will be: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("a bound socket has an address"))
    }

    fn port(&self) -> u16 {
        self.0.local_addr().expect("a bound socket has an address").port()
    }
}

/// What a configuration is adjusted to.
pub struct Place<'a> {
    pub folder: &'a Path,
    pub port: u16,
    /// `127.0.0.1:port` of curfew.
    pub authority: &'a str,
    /// Port of the application.
    pub application: u16,
}

impl Place<'_> {
    /// A shipped file with other words in it; fails if one of them isn't there any more.
    pub fn shipped(&self, path: &str, changes: &[(&str, String)]) -> String {
        let mut text = std::fs::read_to_string(programs::project(path)).expect("it is shipped");
        for (from, to) in changes {
            assert!(text.contains(*from), "{path} has no {from:?} any more");
            text = text.replace(*from, to);
        }
        text
    }

    /// Writes the file that the proxy reads.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.join(name);
        std::fs::write(&file, text).expect("our own folder");
        file
    }
}

pub struct Proxy {
    url: String,
    _process: Owned,
    _folder: TempDir,
}

impl Proxy {
    /// In front of `application`, asking the server at `authority` (`http://127.0.0.1:port`).
    pub async fn start(kind: Kind, reserved: Reserved, authority: &str, application: &Application) -> Self {
        let (url, port) = (reserved.url(), reserved.port());
        let folder = run::temporary("proxy-");
        let authority = authority.trim_start_matches("http://");
        let place = Place { folder: folder.path(), port, authority, application: application.port };
        let mut command = command(kind, &place);
        let log = folder.path().join("output.log");
        let output = File::create(&log).expect("our own folder");
        command.stdout(output.try_clone().expect("a file can be shared")).stderr(output);
        drop(reserved);
        let mut process = Owned::start(&mut command);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(
                process.ended().is_none() && begun.elapsed() < Duration::from_secs(20),
                "{kind:?} does not start: {}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { url, _process: process, _folder: folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

fn command(kind: Kind, place: &Place<'_>) -> Command {
    match kind {
        Kind::Nginx => nginx::command(place),
        Kind::Caddy => caddy::command(place),
        Kind::HaProxy => haproxy::command(place),
    }
}
