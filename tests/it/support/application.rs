//! The application behind a reverse proxy, which remembers what reached it.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An application that says yes to everybody: it trusts its proxy.
#[derive(Clone)]
pub struct Application {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request that got through.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Request line and headers, as they arrived.
    pub head: String,
    pub body: Vec<u8>,
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

    /// Each request that got through, in their order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no holder of this lock can panic").clone()
    }
}

async fn answer(mut stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>) {
    let Some(request) = read(&mut stream).await else { return };
    seen.lock().expect("no holder of this lock can panic").push(request);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
}

/// A request with the body that its `Content-Length` announces. `None`: it broke off.
async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let announced = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while bytes.len() < end + announced.unwrap_or_default() {
        more(stream, &mut bytes).await?;
    }
    Some(Seen { head, body: bytes.split_off(end) })
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer).await {
        Ok(length) if length > 0 => {
            bytes.extend_from_slice(&buffer[..length]);
            Some(())
        }
        _ => None,
    }
}
