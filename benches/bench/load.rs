//! Many checks over kept connections, in one thread of this process: how many were answered, and how long each took.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::http::{Connection, write_check};
use super::people::Crowd;
use super::place;

/// Connections at once, each with one question under way.
pub const CONNECTIONS: usize = 32;
/// At the start of a turn nothing is counted for so long.
const SETTLE: Duration = Duration::from_millis(150);

/// The tokens that are presented, ready to be sent.
pub struct Tokens {
    text: Vec<u8>,
    each: usize,
    addresses: Vec<String>,
    /// Each once, in turn; else at random.
    in_turn: Option<AtomicU64>,
}

impl Tokens {
    pub fn at_random(crowd: &Crowd, numbers: Range<u64>) -> Arc<Self> {
        Arc::new(Self::of(crowd, numbers, None))
    }

    pub fn each_once(crowd: &Crowd, numbers: Range<u64>) -> Arc<Self> {
        Arc::new(Self::of(crowd, numbers, Some(AtomicU64::new(0))))
    }

    fn of(crowd: &Crowd, numbers: Range<u64>, in_turn: Option<AtomicU64>) -> Self {
        let mut text = Vec::new();
        let each = crowd.token(0).reveal().len();
        for number in numbers {
            text.extend_from_slice(crowd.token(number).reveal().as_bytes());
        }
        Self { text, each, addresses: place::addresses().iter().map(ToString::to_string).collect(), in_turn }
    }

    /// `None` when each was sent.
    fn write(&self, random: &mut Random, request: &mut Vec<u8>) -> Option<()> {
        let count = self.text.len() / self.each;
        let number = match &self.in_turn {
            None => random.below(count),
            Some(next) => {
                usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().filter(|number| *number < count)?
            }
        };
        let token = &self.text[number * self.each..(number + 1) * self.each];
        let address = &self.addresses[random.below(self.addresses.len())];
        write_check(request, token, address.as_bytes());
        Some(())
    }
}

/// What a turn gave.
#[derive(Default)]
pub struct Turn {
    /// Within the turn; and all of them, from the first question on.
    pub answers: u64,
    pub all: u64,
    /// Answers that were not 200.
    pub others: u64,
    pub seconds: f64,
    /// Nanoseconds of each answer.
    pub latencies: Vec<u64>,
}

impl Turn {
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

/// How the questions come.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Each connection asks again when it has its answer: what the server can do.
    AsFastAsAnswered,
    /// So many a second, whatever the server does. Latency counts from when a question was due, not from when it could be
    /// sent: a server that stalls makes all wait that come meanwhile.
    EverySecond(f64),
}

/// Loads a port for a time, or until each token was sent, and runs something else beside it in the same thread.
pub fn turn<T: Send>(
    port: u16,
    tokens: &Arc<Tokens>,
    pace: Pace,
    length: Duration,
    beside: impl Future<Output = T> + Send,
) -> (Turn, T) {
    alone(async {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(port).await.expect("the server listens"));
        }
        let begun = Instant::now();
        let (from, until) = match tokens.in_turn {
            None => (begun + SETTLE, begun + SETTLE + length),
            Some(_) => (begun, begun + Duration::from_secs(3_600)),
        };
        let start = |(number, connection)| {
            tokio::spawn(Client { number, connection, tokens: tokens.clone(), pace, begun, from, until }.run())
        };
        let clients: Vec<_> = connections.into_iter().enumerate().map(start).collect();
        let together = async {
            let mut sum = Turn::default();
            for client in clients {
                let one = client.await.expect("a client does not panic");
                sum.answers += one.answers;
                sum.all += one.all;
                sum.others += one.others;
                sum.latencies.extend(one.latencies);
            }
            sum.seconds = Instant::now().min(until).duration_since(from).as_secs_f64();
            sum
        };
        tokio::join!(together, beside)
    })
}

/// Runs in a thread of its own, which does nothing else.
pub fn alone<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(work)
        });
        thread.join().expect("the load does not panic")
    })
}

struct Client {
    number: usize,
    connection: Connection,
    tokens: Arc<Tokens>,
    pace: Pace,
    begun: Instant,
    from: Instant,
    until: Instant,
}

impl Client {
    async fn run(mut self) -> Turn {
        let mut turn = Turn::default();
        let mut random = Random::new(self.number as u64);
        let mut request = Vec::with_capacity(1024);
        let mut asked = 0;
        while self.tokens.write(&mut random, &mut request).is_some() {
            let due = match self.pace {
                Pace::AsFastAsAnswered => Instant::now(),
                Pace::EverySecond(rate) => {
                    let place = (asked * CONNECTIONS + self.number) as f64;
                    let due = self.begun + Duration::from_secs_f64(place / rate);
                    // The runtime's timer is as coarse as what is measured.
                    while Instant::now() < due {
                        tokio::task::yield_now().await;
                    }
                    due
                }
            };
            asked += 1;
            let status = self.connection.ask(&request).await.expect("the server keeps the connection");
            let now = Instant::now();
            turn.all += 1;
            turn.others += u64::from(status != 200);
            if now >= self.until {
                break;
            }
            if now >= self.from {
                turn.answers += 1;
                turn.latencies.push(u64::try_from((now - due).as_nanos()).unwrap_or(u64::MAX));
            }
        }
        turn
    }
}

/// xorshift64*: the same choices in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        (usize::try_from(high).unwrap_or_default() * bound) >> 32
    }
}
