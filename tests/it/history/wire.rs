//! HTTP/1.1 over one kept connection, written and read by hand: a million questions must cost little, and a connection that
//! breaks is an outcome here, not a failure.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// One connection to a replica, made when it is needed.
pub struct Wire {
    port: u16,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// Every line of that header; `name` in lower case, as the server writes it.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

impl Wire {
    pub fn to(port: u16) -> Self {
        Self { port, stream: None, received: Vec::new() }
    }

    /// Asks, and gives the whole answer; `None`: there was none in time, or the connection broke.
    pub async fn ask(&mut self, request: &[u8], patience: Duration) -> Option<Answer> {
        match timeout(patience, self.exchange(request)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(_)) | Err(_) => {
                self.stream = None;
                None
            }
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().expect("it is there now");
        self.received.clear();
        stream.write_all(request).await?;
        let body = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            more(stream, &mut self.received).await?;
        };
        let head = String::from_utf8_lossy(&self.received[..body]).into_owned();
        let answer = Answer { status: status(&head)?, head, body: String::new() };
        let length = answer.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        while self.received.len() < body + length {
            more(stream, &mut self.received).await?;
        }
        if answer.header("connection") == Some("close") {
            self.stream = None;
        }
        Ok(Answer { body: String::from_utf8_lossy(&self.received[body..]).into_owned(), ..answer })
    }
}

async fn more(stream: &mut TcpStream, received: &mut Vec<u8>) -> std::io::Result<()> {
    match stream.read_buf(received).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn status(head: &str) -> std::io::Result<u16> {
    let number = head.split(' ').nth(1).and_then(|text| text.parse().ok());
    number.ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

/// One request over a connection of its own.
pub async fn once(port: u16, request: &[u8], patience: Duration) -> Option<Answer> {
    Wire::to(port).ask(request, patience).await
}

/// A request without a body. `more`: header lines, each with its end.
pub fn plain(method: &str, path: &str, token: &str, more: &str) -> Vec<u8> {
    let bearer = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let length = if method == "GET" { "" } else { "content-length: 0\r\n" };
    format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{bearer}{length}{more}\r\n").into_bytes()
}

/// A request with a body.
pub fn with_body(method: &str, path: &str, token: &str, kind: &str, body: &str) -> Vec<u8> {
    let bearer = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{bearer}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A request with a JSON body.
pub fn json(method: &str, path: &str, token: &str, body: &Value) -> Vec<u8> {
    with_body(method, path, token, "application/json", &body.to_string())
}
