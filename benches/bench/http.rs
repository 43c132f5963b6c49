//! A client of HTTP/1.1 that does as little as one can: a request is written whole, an answer is read to its end.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    head: usize,
}

impl Connection {
    pub async fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 8 * 1024], filled: 0, head: 0 })
    }

    /// Asks and gives the answer's status; its `body` stands until the next question.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        (self.filled, self.head) = (0, 0);
        let mut whole = usize::MAX;
        while self.filled < whole {
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            if read == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
            }
            self.filled += read;
            if self.head == 0
                && let Some(end) = self.buffer[..self.filled].windows(4).position(|four| four == b"\r\n\r\n")
            {
                self.head = end + 4;
                whole = self.head + length(&self.buffer[..end]);
            }
        }
        let digits = self.buffer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| io::Error::other("this is no HTTP"))
    }

    /// Every value of a header of the last answer, in their order. `name` is in small letters, with a colon.
    pub fn header(&self, name: &str) -> Vec<String> {
        let head = String::from_utf8_lossy(&self.buffer[..self.head]);
        let lines = head.lines().filter(|line| line.to_ascii_lowercase().starts_with(name));
        lines.map(|line| line[name.len()..].trim().to_owned()).collect()
    }

    pub fn body(&self) -> &[u8] {
        &self.buffer[self.head..self.filled]
    }
}

/// Of the body: our servers always say it.
fn length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let found = head.windows(NAME.len()).position(|part| part.eq_ignore_ascii_case(NAME));
    let digits = found.map(|at| head[at + NAME.len()..].split(|byte| *byte == b'\r').next().unwrap_or_default());
    digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(0)
}

/// The question a reverse proxy asks, with what a browser sent.
pub fn write_check(request: &mut Vec<u8>, token: &[u8], address: &[u8]) {
    request.clear();
    request.extend_from_slice(b"GET /forward-auth/nginx HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-For: ");
    request.extend_from_slice(address);
    request.extend_from_slice(
        b"\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
          Safari/537.36\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.7\r\n\
          Cookie: theme=dark; curfew=",
    );
    request.extend_from_slice(token);
    request.extend_from_slice(b"\r\n\r\n");
}

pub fn check(token: &str, address: &str) -> Vec<u8> {
    let mut request = Vec::with_capacity(512);
    write_check(&mut request, token.as_bytes(), address.as_bytes());
    request
}

/// Any other request, with a bearer token if there is one.
pub fn request(method: &str, path: &str, bearer: &str, address: &str, kind: &str, body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-For: {address}\r\n");
    if !bearer.is_empty() {
        text.push_str(&format!("Authorization: Bearer {bearer}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}
