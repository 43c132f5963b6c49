//! Two replicas on a database of their own, for one scenario: the first revokes, the second is the one that may be wrong.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{Connection, Row};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use crate::history::checker::{Violation, judge};
use crate::history::node::Node;
use crate::history::orders;
use crate::history::proxy::{BLACK_HOLE, THROUGH};
use crate::history::record::{At, Cut, Outcome};
use crate::history::report;
use crate::history::set_up;
use crate::history::wire::Wire;
use crate::history::world::{BOSS, Live, World};
use crate::support::{Database, Home, postgres};

/// The one that may be wrong.
pub const DOUBTFUL: usize = 1;
/// How often a fault may be missed before the checker counts as blind.
const ROUNDS: usize = 4;
/// How often a watched session is asked about.
const EVERY: Duration = Duration::from_millis(25);

/// A fault, the promise that it breaks, and where both replicas are slow so that it does.
pub struct Case {
    pub mutant: &'static str,
    pub invariant: &'static str,
    pub pauses: [&'static str; 2],
}

pub struct Stage {
    pub world: World,
    pub nodes: Vec<Node>,
    database: Mutex<sqlx::PgConnection>,
    _home: Home,
}

/// Plays a scenario without the fault, which nothing may be said against, and with it, which must be noticed.
pub async fn notice(case: &Case, scenario: impl AsyncFn(&Stage)) {
    let (without, told) = play(case, false, &scenario).await;
    assert!(without.is_empty(), "without {} the product breaks a promise: {told}", case.mutant);
    for _ in 0..ROUNDS {
        let (found, _) = play(case, true, &scenario).await;
        if found.iter().any(|violation| violation.invariant == case.invariant) {
            return;
        }
    }
    panic!("{} was switched on {ROUNDS} times, and nobody noticed that it breaks {}", case.mutant, case.invariant);
}

async fn play(case: &Case, faulty: bool, scenario: &impl AsyncFn(&Stage)) -> (Vec<Violation>, String) {
    let stage = Stage::set(case, faulty).await;
    scenario(&stage).await;
    let history = std::mem::take(&mut *stage.world.recorder.history());
    let found = judge(&history);
    let told = report::tell(&history, &found);
    (found, told)
}

impl Stage {
    async fn set(case: &Case, faulty: bool) -> Self {
        let home = tokio::task::block_in_place(|| Home::new(Database::Postgres));
        let database = sqlx::PgConnection::connect(&home.url).await.expect("the server answers");
        let mut nodes = Vec::new();
        let prepared = set_up::nodes(&home, postgres::cluster().port(), case.pauses.len()).await;
        for (mut node, pauses) in prepared.into_iter().zip(case.pauses) {
            if faulty {
                node = node.with("CURFEW_MUTANT", case.mutant);
            }
            if !pauses.is_empty() {
                node = node.with("CURFEW_PAUSE_AT", pauses);
            }
            node.start().await;
            nodes.push(node);
        }
        let mut world = set_up::world(&home, &nodes);
        set_up::populate(&mut world, 0, 1).await;
        Self { world, nodes, database: Mutex::new(database), _home: home }
    }

    pub fn doubtful(&self) -> &Node {
        &self.nodes[DOUBTFUL]
    }

    /// A new session of the owner, made at that replica.
    pub async fn owner(&self, replica: usize) -> Live {
        self.world.sign_in(replica, BOSS).await.expect("the owner signs in")
    }

    /// Makes the doubtful replica remember a session, if it will.
    pub async fn prime(&self, live: &Live) {
        let mut wire = Wire::to(self.doubtful().port());
        for _ in 0..2 {
            self.world.check(&mut wire, DOUBTFUL, live).await;
        }
    }

    /// Asks the doubtful replica again and again, without waiting for the answers.
    pub async fn watch(&self, live: &Live, during: Duration) {
        let began = Instant::now();
        let count = u32::try_from(during.as_millis() / EVERY.as_millis()).expect("a short while");
        let ask = |number: u32| async move {
            sleep_until(began + EVERY * number).await;
            self.world.check(&mut Wire::to(self.doubtful().port()), DOUBTFUL, live).await
        };
        join_all((0..count).map(ask)).await;
    }

    /// An owner ends a session at that replica.
    pub async fn end(&self, replica: usize, caller: &Live, target: &Live) -> Outcome {
        let order = orders::end_session(caller, target);
        let (outcome, answer) = self.world.revoke(replica, &order).await;
        assert_ne!(outcome, Outcome::Refused, "a revocation was refused: {answer:?}");
        outcome
    }

    /// Cuts the doubtful replica off, unseen.
    pub fn cut(&self) -> At {
        self.doubtful().proxy.set(BLACK_HOLE);
        self.world.recorder.now()
    }

    /// Ends what `cut` began.
    pub fn heal(&self, from: At) {
        let until = self.world.recorder.now();
        self.doubtful().proxy.set(THROUGH);
        self.world.recorder.history().cuts.push(Cut { replica: DOUBTFUL, from, until });
    }

    /// Waits for the moment at which the doubtful replica has renewed its lease.
    pub async fn renewed(&self) {
        const SQL: &str = "SELECT COALESCE(max(renewed_at), 0) FROM replica WHERE name = 'replica-1'";
        let before = self.number(SQL).await;
        self.until("the second replica renews its lease", async || self.number(SQL).await != before).await;
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let began = Instant::now();
        while !is_so().await {
            assert!(began.elapsed() < Duration::from_secs(10), "in vain: until {what}. {}", self.doubtful().said());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The one number that a statement gives.
    pub async fn number(&self, sql: &'static str) -> i64 {
        let mut database = self.database.lock().await;
        sqlx::query(sql).fetch_one(&mut *database).await.expect("a statement that can be carried out").get(0)
    }

    /// Changes the database behind the replicas' backs, with a session's id and token as `$1` and `$2`.
    pub async fn change(&self, sql: &'static str, id: &str, token: &str) {
        let mut database = self.database.lock().await;
        let done = sqlx::query(sql).bind(id).bind(token).execute(&mut *database).await;
        let done = done.expect("a statement that can be carried out");
        assert_eq!(done.rows_affected(), 1, "{sql}");
    }
}

/// Waits until so long after `began`.
pub async fn at(began: Instant, milliseconds: u64) {
    sleep_until(began + Duration::from_millis(milliseconds)).await;
}
