//! Slow clients are cut, and others don't notice them. The clients and the deadlines are real: this takes half a minute,
//! with both databases at once, because what it tests is the transport below them.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Database, TestApp};

const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(2);

/// What a slow client sends at once, and then a byte of this for every two seconds; nothing more if it is empty.
struct Slow {
    what: &'static str,
    first: &'static str,
    then: &'static str,
}

static SLOW: [Slow; 5] = [
    Slow { what: "half a head, then silence", first: "GET /api/v1/session HTTP/1.1\r\nhost: curf", then: "" },
    Slow { what: "nothing at all", first: "", then: "" },
    Slow {
        what: "a byte of the head every 2 s",
        first: "GET /api/v1/session HTTP/1.1\r\n",
        then: "x-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    },
    Slow {
        what: "a byte of the body every 2 s",
        first: "POST /api/v1/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 4000\r\n\r\n{",
        then: "\"workspace\":\"acme\",\"email\":\"owner@corp.test\",\"",
    },
    Slow {
        what: "a chunk every 2 s",
        first: "POST /scim/v2/Users HTTP/1.1\r\nhost: x\r\ncontent-type: application/scim+json\r\ntransfer-encoding: chunked\r\n\r\n",
        then: "1\r\n{\r\n1\r\n\"\r\n1\r\na\r\n1\r\n\"\r\n1\r\n:\r\n1\r\n1\r\n1\r\n,\r\n",
    },
];

/// How long the server bears with a client; longer than `LIMIT` if it still does then.
async fn until_cut(address: &str, slow: &Slow) -> Duration {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(slow.first.as_bytes()).await.expect("a new connection takes bytes");
    let mut rest = slow.then.bytes();
    let mut buffer = [0; 1024];
    while begun.elapsed() < LIMIT + PAUSE {
        match tokio::time::timeout(PAUSE, stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break,
            // An answer such as 408 may come first; what counts is that the connection ends.
            Ok(Ok(_)) => {}
            Err(_) => {
                if let Some(byte) = rest.next()
                    && stream.write_all(&[byte]).await.is_err()
                {
                    break;
                }
            }
        }
    }
    begun.elapsed()
}

/// Asks until told to stop; gives the longest wait for an answer.
async fn impatient(app: &TestApp, token: &str, until: Instant) -> Duration {
    let mut longest = Duration::ZERO;
    while Instant::now() < until {
        let asked = Instant::now();
        assert!(app.is_live(token).await);
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    longest
}

async fn bear_with_slow_clients(database: Database) {
    let app = TestApp::on(database).await;
    let token = app.owner_token().await;
    let address = app.base.trim_start_matches("http://").to_owned();
    let slow: Vec<(&Slow, _)> = SLOW.iter().map(|slow| (slow, until_cut(&address, slow))).collect();
    let (names, cuts): (Vec<&Slow>, Vec<_>) = slow.into_iter().unzip();
    let idle: Vec<TcpStream> = futures_util::future::join_all(
        (0..50).map(|_| async { TcpStream::connect(&address).await.expect("the server listens") }),
    )
    .await;
    let patience = Instant::now() + Duration::from_secs(12);
    let (cut, longest) = tokio::join!(futures_util::future::join_all(cuts), impatient(&app, &token, patience));
    for (slow, after) in names.into_iter().zip(cut) {
        assert!(after < LIMIT, "{}: still connected after {after:?} on {database:?}", slow.what);
    }
    assert!(longest < Duration::from_secs(2), "another client waited {longest:?} on {database:?}");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_and_delay_nobody() {
    tokio::join!(bear_with_slow_clients(Database::Sqlite), bear_with_slow_clients(Database::Postgres));
}
