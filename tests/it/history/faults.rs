//! What goes wrong in a history, one thing after another, in the order of the seed. After each the replicas are made whole
//! again, and must agree.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::agreement;
use super::dice::Dice;
use super::node::Node;
use super::proxy::{BLACK_HOLE, THROUGH, Way};
use super::record::{At, Cut, SECOND, Trouble};
use super::world::World;
use crate::support::Home;
use crate::support::postgres_pair::Pair;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Kill,
    /// Killed, and started again as one that is slow at a delicate moment.
    KillAndDawdle,
    /// Stopped for longer than a lease.
    Freeze,
    /// Stopped right after it asked for a renewal, which is carried out meanwhile.
    FreezeInRenewal,
    /// The answer to a renewal is lost, and everything after it.
    LoseRenewal,
    Refuse,
    Cut,
    CutToDatabase,
    CutFromDatabase,
    ClockAhead,
    ClockBehind,
    ListeningBrokenOff,
    HintsLost,
    Failover,
    /// The old primary goes on answering, and one replica goes on asking it.
    FailoverBesideZombie,
}

/// Each but the failovers. What needs switches in the program is left out of a program without them.
pub fn single_faults() -> Vec<Fault> {
    use Fault::{
        ClockAhead, ClockBehind, Cut, CutFromDatabase, CutToDatabase, Freeze, FreezeInRenewal, HintsLost, Kill,
        KillAndDawdle, ListeningBrokenOff, LoseRenewal, Refuse,
    };
    let mut faults = vec![
        Kill,
        Freeze,
        FreezeInRenewal,
        LoseRenewal,
        Refuse,
        Cut,
        CutToDatabase,
        CutFromDatabase,
        ListeningBrokenOff,
        HintsLost,
    ];
    if cfg!(feature = "mutants") {
        faults.extend([KillAndDawdle, ClockAhead, ClockBehind]);
    }
    faults
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "killed",
            Self::KillAndDawdle => "killed, then slow",
            Self::Freeze => "stopped",
            Self::FreezeInRenewal => "stopped in a renewal",
            Self::LoseRenewal => "a renewal's answer lost",
            Self::Refuse => "database refused",
            Self::Cut => "cut both ways",
            Self::CutToDatabase => "cut towards the database",
            Self::CutFromDatabase => "cut from the database",
            Self::ClockAhead => "clock ahead",
            Self::ClockBehind => "clock behind",
            Self::ListeningBrokenOff => "listening broken off",
            Self::HintsLost => "hints lost",
            Self::Failover => "failover",
            Self::FailoverBesideZombie => "failover beside a zombie",
        }
    }
}

/// Everything that faults happen to.
pub struct Fleet {
    pub world: Arc<World>,
    pub nodes: Vec<Node>,
    pub pair: Pair,
    pub home: Home,
    pub dice: Dice,
    /// Of moments at which they didn't agree.
    pub logs: Vec<String>,
}

fn said(nodes: &[Node]) -> String {
    nodes.iter().map(Node::said).collect::<Vec<_>>().join("\n")
}

const HOUR_MS: i64 = 3_600_000;

impl Fleet {
    /// Makes one thing go wrong and right again; then all must agree.
    pub async fn suffer(&mut self, fault: Fault) {
        let from = self.now();
        let replica = match fault {
            Fault::Failover => self.fail_over(None).await,
            Fault::FailoverBesideZombie => {
                let straggler = self.dice.below(self.nodes.len());
                self.fail_over(Some(straggler)).await
            }
            _ => {
                let replica = self.dice.below(self.nodes.len());
                self.one(fault, replica).await;
                Some(replica)
            }
        };
        let until = self.now();
        self.world.recorder.history().troubles.push(Trouble { kind: fault.name(), replica, from, until });
        // A failover has seen to it itself.
        if !matches!(fault, Fault::Failover | Fault::FailoverBesideZombie) {
            self.agree().await;
        }
    }

    /// Waits until all replicas agree; if they don't, keeps what they logged until then. Much happens before the end.
    pub async fn agree(&mut self) -> bool {
        let agreed = agreement::reached(&self.world).await;
        if !agreed {
            let database = self.pair.primary().said();
            self.logs.push(format!("after {} s:\n{}\nPostgreSQL:\n{database}", self.now() / SECOND, said(&self.nodes)));
        }
        agreed
    }

    /// What the replicas logged: whenever they didn't agree, and now.
    pub fn said(&self) -> String {
        format!("{}\n\nat the end:\n{}", self.logs.join("\n\n"), said(&self.nodes))
    }

    async fn one(&mut self, fault: Fault, replica: usize) {
        match fault {
            Fault::Kill | Fault::KillAndDawdle => self.kill(fault, replica).await,
            Fault::Freeze => {
                self.nodes[replica].freeze();
                self.freeze_on(replica).await;
            }
            Fault::FreezeInRenewal => {
                self.wait_for_renewal(replica).await;
                self.nodes[replica].freeze();
                self.freeze_on(replica).await;
            }
            Fault::LoseRenewal => {
                self.wait_for_renewal(replica).await;
                self.way(replica, Way { from_database: false, ..THROUGH }).await;
            }
            Fault::Refuse => self.way(replica, Way { open: false, ..BLACK_HOLE }).await,
            Fault::Cut => self.way(replica, BLACK_HOLE).await,
            Fault::CutToDatabase => self.way(replica, Way { to_database: false, ..THROUGH }).await,
            Fault::CutFromDatabase => self.way(replica, Way { from_database: false, ..THROUGH }).await,
            Fault::HintsLost => self.way(replica, Way { hints: false, ..THROUGH }).await,
            Fault::ClockAhead => self.wrong_clock(replica, HOUR_MS).await,
            Fault::ClockBehind => self.wrong_clock(replica, -HOUR_MS).await,
            Fault::ListeningBrokenOff => {
                for _ in 0..5 {
                    self.nodes[replica].proxy.break_off_listening();
                    sleep(Duration::from_millis(300)).await;
                }
            }
            Fault::Failover | Fault::FailoverBesideZombie => unreachable!("they happen to all"),
        }
    }

    async fn kill(&mut self, fault: Fault, replica: usize) {
        self.nodes[replica].kill();
        sleep(Duration::from_millis(self.dice.between(0, 1_500))).await;
        if fault == Fault::KillAndDawdle {
            let pauses = self.dice.pick(&PAUSES);
            self.nodes[replica].start_with_pauses(pauses).await;
            sleep(Duration::from_millis(self.dice.between(1_500, 3_000))).await;
            self.nodes[replica].kill();
        }
        self.nodes[replica].start().await;
    }

    /// Longer than the lease, and than the head may be held.
    async fn freeze_on(&mut self, replica: usize) {
        sleep(Duration::from_millis(self.dice.between(1_900, 3_200))).await;
        self.nodes[replica].thaw();
    }

    /// For a while, only so much gets through.
    async fn way(&mut self, replica: usize, way: Way) {
        self.nodes[replica].proxy.set(way);
        let from = self.now();
        sleep(Duration::from_millis(self.dice.between(2_200, 3_500))).await;
        let until = self.now();
        self.nodes[replica].proxy.set(THROUGH);
        // Without an answer there is no lease, whichever half of the question was lost.
        if !way.open || !way.to_database || !way.from_database {
            self.cut(replica, from, until);
        }
    }

    pub fn cut(&self, replica: usize, from: At, until: At) {
        self.world.recorder.history().cuts.push(Cut { replica, from, until });
    }

    async fn wrong_clock(&mut self, replica: usize, offset_ms: i64) {
        self.nodes[replica].set_clock(offset_ms);
        sleep(Duration::from_millis(self.dice.between(2_000, 3_500))).await;
        self.nodes[replica].set_clock(0);
    }

    async fn wait_for_renewal(&self, replica: usize) {
        let asked = timeout(Duration::from_secs(5), self.nodes[replica].proxy.asked()).await;
        assert!(asked.is_ok(), "replica {replica} asks the database nothing: {}", self.nodes[replica].said());
    }

    pub fn now(&self) -> At {
        self.world.recorder.now()
    }
}

/// Where a replica may be slow, and how slow: less than what its transactions may take.
const PAUSES: [&str; 5] = [
    "after-row:500",
    "after-lease-judged:40,before-learning:60",
    "before-learning:200,before-issue:200",
    "after-commit-before-barrier:150,before-acknowledge:120",
    "before-noting:500,before-issue:400,after-row:300,before-open:400",
];
