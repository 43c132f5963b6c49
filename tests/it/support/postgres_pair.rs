//! A primary with a synchronous standby: what is committed on the one is on the other. The standby can take its place, and
//! gets a standby of its own then.

use std::time::{Duration, Instant};

use super::postgres::Cluster;

/// How long a standby may take to follow.
const FOLLOW: Duration = Duration::from_secs(60);

pub struct Pair {
    name: String,
    made: usize,
    primary: Cluster,
    standby: Option<Cluster>,
}

impl Pair {
    /// Starts both. `name` tells pairs of one run apart.
    pub fn start(name: &str) -> Self {
        let primary = Cluster::start(&folder(name, 1));
        let mut pair = Self { name: name.to_owned(), made: 1, primary, standby: None };
        pair.follow();
        pair
    }

    /// The server that takes writes.
    pub fn primary(&self) -> &Cluster {
        &self.primary
    }

    /// Makes a new standby if there is none. From then on commits wait for it. Until then the promise is that of a single
    /// server (docs/operations.md): whoever wants a failover that loses nothing calls this first.
    pub fn follow(&mut self) {
        if self.standby.is_some() {
            return;
        }
        self.made += 1;
        self.standby = Some(self.primary.standby(&folder(&self.name, self.made)));
        self.wait_for("state = 'streaming'");
        self.primary.configure("synchronous_standby_names = '*'\n");
        self.primary.reload();
        self.wait_for("sync_state = 'sync'");
    }

    /// Makes the standby the primary, and gives the old one, whatever it does at that moment. The new one waits for nobody:
    /// it has no standby yet, and would never answer a commit.
    pub fn promote(&mut self) -> Cluster {
        let standby = self.standby.take().expect("there is a standby to promote: call follow first");
        standby.promote();
        std::mem::replace(&mut self.primary, standby)
    }

    fn wait_for(&self, condition: &str) {
        let begun = Instant::now();
        let sql = format!("SELECT count(*) FROM pg_stat_replication WHERE {condition}");
        while self.primary.query("postgres", &sql) != "1" {
            assert!(begun.elapsed() < FOLLOW, "the standby does not follow: {condition} is not so");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // The watchdog would end them, too, but only with the run. After a failure one of them may be gone already.
        for server in self.standby.iter().chain([&self.primary]) {
            server.end_quietly();
        }
    }
}

fn folder(name: &str, number: usize) -> String {
    format!("postgres-{name}-{number}")
}
