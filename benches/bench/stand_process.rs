//! The other side of `stand.rs`: the product's server as `curfew serve` starts it, and beside it, in the same process and
//! behind the same pipeline, one that answers a constant. It takes orders on its standard input.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use curfew::app::App;
use curfew::base::clock::SystemClock;
use curfew::base::random::SystemRandom;
use curfew::config::Config;
use curfew::sessions::check::{Judged, Verdict, check, check_in_database};
use curfew::web::server::Server;
use curfew::{forward_auth, jobs, telemetry};
use futures_util::{StreamExt, stream};
use poem::endpoint::{BoxEndpoint, make_sync};
use poem::http::HeaderValue;
use poem::{EndpointExt, Response};
use tokio::net::TcpListener;

use super::in_process::Contest;
use super::{allocations, people, place, scim_reference};

/// The argument that makes this program a stand.
pub const NAME: &str = "stand";

/// Checks under way at once while sessions are brought into memory.
const ABREAST: usize = 48;

struct Stand {
    app: Arc<App>,
    servers: Vec<Server>,
    contest: Option<Contest>,
    /// Processor time when weighing began.
    began: Duration,
}

pub fn run() -> ExitCode {
    // One worker: as many as the product has on the one processor that it will be given.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let mut stand = runtime.block_on(Stand::open());
    let ports: Vec<String> = stand.servers.iter().map(|server| server.address().port().to_string()).collect();
    say(&ports.join(" "));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("orders are text");
        let words: Vec<&str> = line.split(' ').collect();
        let number = |index: usize| words[index].parse::<u64>().expect("an order has numbers");
        let answer = match words[0] {
            "warm" => runtime.block_on(stand.warm(number(1), number(2)..number(3), Duration::from_secs(number(4)))),
            "read" => runtime.block_on(stand.read(number(1), number(2), number(3))),
            "contest" => runtime.block_on(stand.contest(number(1), number(2), number(3))),
            "commits" => runtime.block_on(scim_reference::commits(stand.app.clone(), Duration::from_millis(number(1)))),
            "rows" => runtime.block_on(scim_reference::rows(stand.app.clone(), words[1], number(2)..number(3))),
            "tidy" => runtime.block_on(scim_reference::tidy(&stand.app)),
            "weigh" => stand.weigh(),
            "weighed" => stand.weighed(),
            "remembered" => stand.app.cache.len().to_string(),
            _ => panic!("no such order: {line}"),
        };
        say(&answer);
    }
    runtime.block_on(stand.stop());
    ExitCode::SUCCESS
}

fn say(text: &str) {
    println!("{text}");
    std::io::stdout().flush().expect("somebody listens");
}

impl Stand {
    async fn open() -> Self {
        let settings = Config::load(None).expect("the settings are ours");
        telemetry::start(&settings.log).expect("the filter is the usual one");
        let app = App::open(settings, Arc::new(SystemClock::new()), Arc::new(SystemRandom)).await;
        let app = app.expect("our own database opens");
        // As `curfew serve` does: a bench without the work that runs beside checks would flatter.
        drop(jobs::start(app.clone()));
        let servers = vec![
            Server::start(app.clone(), listener().await),
            Server::start_endpoint(app.clone(), constant(), listener().await),
            Server::start_endpoint(app.clone(), dressed(), listener().await),
        ];
        Self { app, servers, contest: None, began: Duration::ZERO }
    }

    /// Checks each token of a series once, until the time is over: how many it came to, in how many seconds, how many were valid.
    async fn warm(&self, series: u64, numbers: std::ops::Range<u64>, at_most: Duration) -> String {
        let (begun, addresses) = (Instant::now(), place::addresses());
        let (app, addresses) = (&self.app, &addresses);
        let within = numbers.take_while(|_| begun.elapsed() < at_most);
        let checks = stream::iter(within).map(|number| async move {
            let token = people::token(series, number);
            let address = addresses[number as usize % addresses.len()];
            matches!(check(app, token.reveal(), Some(address)).await, Ok(Verdict::Valid(_)))
        });
        let (mut checked, mut valid) = (0_u64, 0_u64);
        let mut checks = checks.buffer_unordered(ABREAST);
        while let Some(one) = checks.next().await {
            checked += 1;
            valid += u64::from(one);
        }
        format!("{checked} {} {valid}", begun.elapsed().as_secs_f64())
    }

    /// Judges `count` of so many sessions by the database, here and there, and remembers none.
    async fn read(&self, series: u64, sessions: u64, count: u64) -> String {
        let address = place::addresses()[0];
        for number in 0..count {
            let token = people::token(series, number * 7_919 % sessions);
            let judged = check_in_database(&self.app, token.reveal(), Some(address)).await;
            assert!(matches!(judged, Ok(Judged::Valid(_))), "a live session is refused");
        }
        count.to_string()
    }

    async fn contest(&mut self, series: u64, sessions: u64, round: u64) -> String {
        let app = self.app.clone();
        let contest = self.contest.get_or_insert_with(|| Contest::prepare(series, sessions));
        contest.round(&app, round).await
    }

    /// From here on processor time and memory are counted.
    fn weigh(&mut self) -> String {
        allocations::count();
        self.began = processor_time();
        String::new()
    }

    /// Nanoseconds of a processor since, and the most bytes that were allocated at once beyond those of then.
    fn weighed(&self) -> String {
        let spent = processor_time() - self.began;
        format!("{} {}", spent.as_nanos(), allocations::counted())
    }

    async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
        self.app.db.close().await;
    }
}

/// Of this process, all threads.
fn processor_time() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(spent.tv_sec).unwrap_or_default(), u32::try_from(spent.tv_nsec).unwrap_or_default())
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// The least that can be answered: no router, no body, no header of its own.
fn constant() -> BoxEndpoint<'static, Response> {
    make_sync(|_| Response::default()).boxed()
}

/// A constant with as many bytes as the answer to a check.
fn dressed() -> BoxEndpoint<'static, Response> {
    make_sync(|_| {
        let mut response = Response::default();
        for name in forward_auth::verdict::HEADERS {
            let value = HeaderValue::from_static("0190aaaa-0000-7000-8000-0");
            response.headers_mut().insert(name, value);
        }
        response
    })
    .boxed()
}
