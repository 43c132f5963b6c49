//! The standby takes the primary's place. Everybody signs in again: the replicas see to that as soon as they meet the new one.

use std::time::Duration;

use tokio::time::sleep;

use super::faults::Fleet;
use super::record::{Outcome, Revocation, Scope};

impl Fleet {
    /// Replaces the primary, which is gone; or, with a straggler, goes on answering and is all that this replica sees for a
    /// while. Gives the straggler.
    pub async fn fail_over(&mut self, straggler: Option<usize>) -> Option<usize> {
        let invoked = self.now();
        if straggler.is_none() {
            tokio::task::block_in_place(|| self.pair.primary().stop_immediately());
        }
        let old = tokio::task::block_in_place(|| self.pair.promote());
        // From here on no commit returns on the old one: its standby is gone, and no lease is granted without a commit.
        let promoted = self.now();
        let new = self.pair.primary().port();
        for node in self.nodes.iter().filter(|node| straggler != Some(node.number)) {
            node.proxy.point_at(new);
        }
        if let Some(replica) = straggler {
            sleep(Duration::from_millis(self.dice.between(1_800, 3_200))).await;
            self.cut(replica, promoted, self.now());
            self.nodes[replica].proxy.point_at(new);
        }
        tokio::task::block_in_place(|| old.discard());
        let whole = self.agree().await;
        self.write_down(invoked, if whole { Outcome::Done } else { Outcome::Unknown });
        self.home.move_to(self.pair.primary());
        // Until this returns the new primary is a single server, and is not replaced.
        tokio::task::block_in_place(|| self.pair.follow());
        straggler
    }

    /// A failover is a revocation of everything: what was there before it must not be accepted after it, and what begins
    /// while it lasts may end with it.
    fn write_down(&self, invoked: u64, outcome: Outcome) {
        self.world.recorder.revoked(Revocation {
            kind: "a failover",
            replica: 0,
            scope: Scope::Everything,
            spared: None,
            ends_credentials_before: 0,
            invoked,
            returned: self.now(),
            outcome,
            request: None,
            entry: None,
        });
    }
}
