//! A real nginx that asks curfew about every request, and the application behind it, which remembers what reached it.
//! Its configuration is the shipped one (`deploy/nginx/curfew.conf`) but for addresses and TLS.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::child::Owned;
use super::{programs, run};

/// An application that says yes to everybody: it trusts its proxy.
#[derive(Clone)]
pub struct Application {
    pub port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Application {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let application = Self { port, seen: Arc::default() };
        let seen = application.seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, seen.clone()));
            }
        });
        application
    }

    /// The head of each request that got through, as it arrived.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no holder of this lock can panic").clone()
    }
}

async fn answer(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(length) if length > 0 => head.extend_from_slice(&buffer[..length]),
            _ => return,
        }
    }
    seen.lock().expect("no holder of this lock can panic").push(String::from_utf8_lossy(&head).into_owned());
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
}

pub struct Nginx {
    pub port: u16,
    _process: Owned,
    _folder: TempDir,
}

impl Nginx {
    /// In front of `application`, asking the server at `authority` (`http://127.0.0.1:port`).
    pub async fn start(authority: &str, application: &Application) -> Self {
        let program = programs::need(&["nginx"], "nginx");
        let folder = run::temporary("nginx-");
        let port = programs::free_port();
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration(folder.path(), port, authority, application.port)).expect("our own folder");
        let mut command = Command::new(&program);
        command.arg("-p").arg(folder.path()).arg("-e").arg(folder.path().join("error.log")).arg("-c").arg(&file);
        let mut process = Owned::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let log = std::fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
            assert!(
                process.ended().is_none() && begun.elapsed() < Duration::from_secs(10),
                "nginx does not start: {log}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let version = programs::said(&programs::run(Command::new(&program).arg("-v")));
        programs::used(version.split_whitespace().next_back().unwrap_or("nginx"));
        Self { port, _process: process, _folder: folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// The shipped configuration with other addresses and without TLS, inside the frame that nginx needs around it.
fn configuration(folder: &Path, port: u16, authority: &str, application: u16) -> String {
    let mut shipped = std::fs::read_to_string(programs::project("deploy/nginx/curfew.conf")).expect("it is shipped");
    let authority = authority.trim_start_matches("http://");
    for (from, to) in [
        ("server 127.0.0.1:8080;", format!("server {authority};")),
        ("server 127.0.0.1:3000;", format!("server 127.0.0.1:{application};")),
        ("listen 443 ssl;", format!("listen 127.0.0.1:{port};")),
        ("server_name app.example.com;", "server_name _;".to_owned()),
    ] {
        assert!(shipped.contains(from), "deploy/nginx/curfew.conf has no line {from:?} any more");
        shipped = shipped.replace(from, &to);
    }
    let shipped: Vec<&str> = shipped.lines().filter(|line| !line.trim_start().starts_with("ssl_certificate")).collect();
    let (folder, shipped) = (folder.display(), shipped.join("\n"));
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log warn;\n\
         events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\nclient_body_temp_path {folder}/body;\n\
         proxy_temp_path {folder}/proxy;\nfastcgi_temp_path {folder}/fastcgi;\nuwsgi_temp_path {folder}/uwsgi;\n\
         scgi_temp_path {folder}/scgi;\n{shipped}\n}}\n"
    )
}
